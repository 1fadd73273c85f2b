//! Putting those together who ask for the same: groups of so many, each in a lobby of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesh_core::{Instant, Topology};

use super::lobby::Lobby;
use super::{Hall, Wish};
use crate::cluster::Group;
use crate::goodbye::Goodbye;

/// The lobbies of each group that are not sealed, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<Group, Vec<Arc<str>>>);

impl Groups {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn add(&mut self, group: Group, lobby: &Arc<str>) {
        self.0.entry(group).or_default().push(Arc::clone(lobby));
    }

    pub(super) fn remove(&mut self, group: &Group, lobby: &Arc<str>) {
        if let Some(lobbies) = self.0.get_mut(group) {
            lobbies.retain(|name| name != lobby);
            if lobbies.is_empty() {
                self.0.remove(group);
            }
        }
    }

    fn lobbies(&self, group: &Group) -> impl Iterator<Item = &Arc<str>> {
        self.0.get(group).into_iter().flatten()
    }

    pub(super) fn has(&self, group: &Group) -> bool {
        self.0.contains_key(group)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Wish<'_> {
    /// The group of that size that it is for.
    pub(crate) fn group(&self, size: u32) -> Group {
        Group {
            name: self.name.into(),
            size,
            is_mesh: self.topology == Topology::Mesh,
        }
    }
}

impl Hall {
    /// The lobby of a group that has room for one more, or a new one.
    pub(super) fn group(
        &mut self,
        now: Instant,
        wish: Wish<'_>,
        size: u32,
    ) -> Result<(Arc<str>, Option<Lobby>), Goodbye> {
        let limit = self.config.max_lobby_peers;
        if usize::try_from(size).is_ok_and(|size| size > limit) {
            return Err(Goodbye::GroupTooLarge { limit });
        }
        if wish.name.chars().count() > self.config.max_lobby_name {
            let limit = self.config.max_lobby_name;
            return Err(Goodbye::LobbyNameTooLong { limit });
        }
        let group = wish.group(size);
        if let Some(name) = self.roomy(&group, wish) {
            return Ok((Arc::clone(name), None));
        }
        let (name, mut made) = self.enterable(
            now,
            Wish {
                name: "",
                max_players: Some(size),
                ..wish
            },
        )?;
        if let Some(lobby) = &mut made {
            lobby.group = Some(group);
        }
        Ok((name, made))
    }

    /// The oldest lobby of a group that takes one more.
    pub(super) fn roomy(&self, group: &Group, wish: Wish<'_>) -> Option<&Arc<str>> {
        self.groups.lobbies(group).find(|name| {
            let lobby = self.lobbies.get(&***name);
            lobby.is_some_and(|lobby| self.may_enter(lobby, wish).is_ok())
        })
    }

    /// Seals the lobby of a group once all are there. One that waits for a member to come back is sealed when it is back; if it
    /// stays away, somebody else gets its place.
    pub(super) fn seal_if_complete(&mut self, now: Instant, name: &Arc<str>) {
        if self.is_complete_group(name) {
            self.seal_lobby(now, name);
        }
    }

    /// Whether all members of a group are there.
    pub(super) fn is_complete_group(&self, name: &Arc<str>) -> bool {
        self.lobbies.get(name).is_some_and(|lobby| {
            let is_full = lobby.group.is_some() && lobby.len() >= lobby.capacity;
            is_full && lobby.away().next().is_none()
        })
    }
}
