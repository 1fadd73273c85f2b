//! One lobby: its members, who sees whom, whether it is sealed.

use std::collections::BTreeMap;

use mesh_core::{Instant, PeerId, Topology};

use super::member::MemberId;
use crate::door::Network;

/// Members by the id they are shown under; the host has the id 1, so a signal for 1 finds it.
#[derive(Debug)]
pub(super) struct Lobby {
    pub(super) topology: Topology,
    /// Set once it is sealed: when its sockets are closed.
    pub(super) ends: Option<Instant>,
    /// The address that made it, if it is known.
    pub(super) made_by: Option<Network>,
    members: BTreeMap<PeerId, MemberId>,
}

impl Lobby {
    pub(super) const fn new(topology: Topology, made_by: Option<Network>) -> Self {
        Self {
            topology,
            ends: None,
            made_by,
            members: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn is_taken(&self, id: PeerId) -> bool {
        self.members.contains_key(&id)
    }

    pub(super) fn insert(&mut self, id: PeerId, member: MemberId) {
        self.members.insert(id, member);
    }

    pub(super) fn remove(&mut self, id: PeerId) {
        self.members.remove(&id);
    }

    pub(super) fn member(&self, id: PeerId) -> Option<MemberId> {
        self.members.get(&id).copied()
    }

    /// Everybody, ascending by id.
    pub(super) fn members(&self) -> impl Iterator<Item = (PeerId, MemberId)> {
        self.members.iter().map(|(id, member)| (*id, *member))
    }

    /// Those who are told of `id` and of whom it is told.
    ///
    /// Clients of a host need not know each other. Godot's Node server announces them all the same (`announce_all`); its
    /// clients then fail to add each other, which is harmless.
    pub(super) fn seen_by(
        &self,
        id: PeerId,
        announce_all: bool,
    ) -> impl Iterator<Item = (PeerId, MemberId)> {
        let all = announce_all || self.topology == Topology::Mesh || id.is_server();
        self.members()
            .filter(move |(other, _)| *other != id && (all || other.is_server()))
    }
}
