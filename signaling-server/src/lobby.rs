//! One lobby: its members, who sees whom, whether it is sealed.

use std::collections::BTreeMap;

use mesh_core::{Instant, PeerId, Topology};

use crate::socket_id::SocketId;

/// Members by the id they are shown under; the host has the id 1, so a signal for 1 finds it.
#[derive(Debug)]
pub(crate) struct Lobby {
    pub(crate) topology: Topology,
    /// Set once it is sealed: when its sockets are closed.
    pub(crate) ends: Option<Instant>,
    members: BTreeMap<PeerId, SocketId>,
}

impl Lobby {
    pub(crate) const fn new(topology: Topology) -> Self {
        Self {
            topology,
            ends: None,
            members: BTreeMap::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn is_taken(&self, id: PeerId) -> bool {
        self.members.contains_key(&id)
    }

    pub(crate) fn insert(&mut self, id: PeerId, socket: SocketId) {
        self.members.insert(id, socket);
    }

    pub(crate) fn remove(&mut self, id: PeerId) {
        self.members.remove(&id);
    }

    pub(crate) fn socket(&self, id: PeerId) -> Option<SocketId> {
        self.members.get(&id).copied()
    }

    /// Everybody, ascending by id.
    pub(crate) fn members(&self) -> impl Iterator<Item = (PeerId, SocketId)> {
        self.members.iter().map(|(id, socket)| (*id, *socket))
    }

    /// Those who are told of `id` and of whom it is told.
    ///
    /// Clients of a host need not know each other. Godot's Node server announces them all the same (`announce_all`); its
    /// clients then fail to add each other, which is harmless.
    pub(crate) fn seen_by(
        &self,
        id: PeerId,
        announce_all: bool,
    ) -> impl Iterator<Item = (PeerId, SocketId)> {
        let all = announce_all || self.topology == Topology::Mesh || id.is_server();
        self.members()
            .filter(move |(other, _)| *other != id && (all || other.is_server()))
    }
}
