//! The public list: the lobbies that may be shown to everybody.

use std::sync::Arc;

use mesh_core::Instant;
use signaling::ListedLobby;

use super::Hall;
use super::lobby::Lobby;

/// How many lobbies are looked at for one request. The rest is left to the next one, so that nobody holds the hall up.
const MAX_SEEN: usize = 256;

/// A part of the list, the newest lobby first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Those that take somebody new, each with its number.
    pub(crate) open: Vec<(u64, ListedLobby)>,
    /// The last number that was looked at, if the list goes on below it.
    pub(crate) rest: Option<u64>,
}

impl Hall {
    /// The lobbies that are on the list and older than the one of that number. Those that take nobody are left out.
    pub(crate) fn listing(&self, before: Option<u64>) -> Listing {
        let mut numbers = self.listed.range(..before.unwrap_or(u64::MAX)).rev();
        let mut listing = Listing::default();
        for (number, name) in numbers.by_ref().take(MAX_SEEN) {
            listing.rest = Some(*number);
            if let Some(lobby) = self.lobbies.get(name)
                && let Some(listed) = self.describe(name, lobby)
            {
                listing.open.push((*number, listed));
            }
        }
        if numbers.next().is_none() {
            listing.rest = None;
        }
        listing
    }

    /// What is told of a lobby to everybody; nothing of one that takes nobody.
    fn describe(&self, name: &str, lobby: &Lobby) -> Option<ListedLobby> {
        if self.closed(lobby).is_some() {
            return None;
        }
        let limit = lobby.capacity.min(self.config.max_lobby_peers);
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        let mut listed = ListedLobby::new(name, number(limit));
        listed.players = number(lobby.len());
        listed.data.clone_from(&lobby.data);
        Some(listed)
    }

    pub(super) fn set_listed(&mut self, now: Instant, name: &Arc<str>, is_listed: bool) {
        let Some(lobby) = self.lobbies.get(name) else {
            return;
        };
        match is_listed {
            true => _ = self.listed.insert(lobby.number, Arc::clone(name)),
            false => _ = self.listed.remove(&lobby.number),
        }
        self.change(now, name, |lobby| {
            lobby.news.list |= lobby.is_listed != is_listed;
            lobby.is_listed = is_listed;
        });
    }
}
