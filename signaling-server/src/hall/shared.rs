//! A hall whose lobbies are shared with other instances.

use std::sync::Arc;

use mesh_core::Instant;

use super::{Hall, Wish};
use crate::cluster::Key;
use crate::goodbye::Goodbye;
use crate::resume::{Claim, Vault};

impl Hall {
    /// What a token claims, if it is good.
    pub(crate) fn claim(&self, now: Instant, token: &str) -> Option<Claim> {
        let proved = self.vault.as_ref()?.read(now, token)?;
        Some(proved.claim)
    }

    /// Whether members may come back.
    pub(crate) const fn keeps_seats(&self) -> bool {
        self.vault.is_some()
    }

    /// Whether a lobby, or a group, is here.
    pub(crate) fn is_alive(&self, key: &Key) -> bool {
        match key {
            Key::Lobby(name) => self.lobbies.contains_key(name),
            Key::Group(group) => self.groups.has(group),
        }
    }

    /// Whether somebody has a seat in it that it could come back to.
    pub(crate) fn has_tokens(&self, key: &Key) -> bool {
        match key {
            Key::Lobby(name) => self.lobbies.get(name).is_some_and(super::Lobby::has_ours),
            Key::Group(_) => false,
        }
    }

    /// Whether a group has room for one more, so that no lobby has to be made.
    pub(crate) fn has_room(&self, wish: Wish<'_>, size: u32) -> bool {
        self.roomy(&wish.group(size), wish).is_some()
    }

    /// Another instance has it. Members come back there with their tokens.
    pub(crate) fn lose(&mut self, key: &Key) {
        match key {
            Key::Lobby(name) => self.close_lobby(name, &Goodbye::Moved),
            // Its lobbies have leases of their own.
            Key::Group(_) => {}
        }
    }

    /// Whether members of an earlier owner may still come back to a lobby.
    pub(super) fn has_heirs(&self, name: &Arc<str>) -> bool {
        let lobby = self.lobbies.get(name);
        lobby.is_some_and(|lobby| lobby.gone.is_some())
    }

    /// Whether there may be tokens of an earlier server.
    pub(super) fn inherits(&self, now: Instant) -> bool {
        let vault: Option<&Vault> = self.vault.as_ref();
        vault.is_some_and(|vault| vault.inherits_for(now).is_some())
    }

    /// Nobody comes back from a lobby's earlier owner any more.
    pub(super) fn end_heirs(&mut self, name: &Arc<str>) {
        if let Some(lobby) = self.lobbies.get_mut(name) {
            lobby.gone = None;
            lobby.heirs_until = None;
            lobby.left.clear();
        }
    }
}
