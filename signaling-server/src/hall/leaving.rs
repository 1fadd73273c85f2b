//! Losing a seat: by leaving, by staying away, with one's lobby.

use std::sync::Arc;

use mesh_core::{Instant, PeerId};
use signaling::Notice;

use super::lobby::{Lobby, Presence};
use super::{About, Action, Hall, MemberId, Ticket, Timer, decrease, text};
use crate::goodbye::Goodbye;

impl Hall {
    /// A member wants to go, or was sent away. Does nothing for one that is forgotten already.
    pub(crate) fn leave(&mut self, member: MemberId) {
        if let Some(Ticket { lobby, id, .. }) = self.forget(member) {
            self.vacate(&lobby, id);
        }
    }

    /// A member's socket is gone. One that can come back keeps its seat for a while. Does nothing for one that is forgotten
    /// already.
    pub(crate) fn disconnect(&mut self, now: Instant, member: MemberId) {
        let Some(Ticket {
            lobby: name, id, ..
        }) = self.forget(member)
        else {
            return;
        };
        let lobby = self.lobbies.get_mut(&name);
        let kept = lobby.and_then(|lobby| {
            let seat = lobby.seat(id)?;
            let (is_ours, network) = (seat.is_ours, seat.network);
            let has_room = self.away.has_room(&self.config, network);
            let vault = self.vault.as_ref().filter(|_| is_ours && has_room)?;
            let until = now + vault.term();
            lobby.set_away(id, until);
            Some((until, network))
        });
        match kept {
            Some((until, network)) => {
                self.away.count(network);
                self.timers.insert((until, Timer::Seat(name, id)));
            }
            None => self.vacate(&name, id),
        }
    }

    /// Sends everybody away.
    pub(crate) fn close_all(&mut self, goodbye: &Goodbye) {
        for name in Vec::from_iter(self.lobbies.keys().cloned()) {
            self.close_lobby(&name, goodbye);
        }
    }

    /// Nobody comes back from an earlier server any more, so what was remembered for that is forgotten.
    pub(super) fn end_inheritance(&mut self) {
        self.ended.clear();
        for lobby in self.lobbies.values_mut() {
            lobby.gone = None;
        }
    }

    /// Ends a seat. Its member has been forgotten already.
    pub(super) fn vacate(&mut self, name: &Arc<str>, id: PeerId) {
        self.unseat(name, id, Notice::PeerDisconnect(id));
    }

    /// Ends a seat, and tells those who speak our extension of it in these words. Its member has been forgotten already.
    pub(super) fn unseat(&mut self, name: &Arc<str>, id: PeerId, ours: Notice) {
        let Some(lobby) = self.lobbies.get_mut(name) else {
            return;
        };
        let Some(seat) = lobby.seat(id) else {
            return;
        };
        let since = match seat.presence {
            Presence::Here(_) => u64::MAX,
            Presence::Away { since, .. } => {
                self.away.discount(seat.network);
                since
            }
        };
        lobby.remove(id);
        if lobby.is_empty() {
            if lobby.migrates && lobby.ends.is_none() {
                // It goes on without its host: members of the earlier server may still come back.
                lobby.gone = None;
            }
            self.remove_lobby(name);
            return;
        }
        let strict = self.config.strict;
        let was_host = id == lobby.host;
        let goes_on = lobby.migrates && lobby.ends.is_none();
        if !was_host || goes_on {
            let seen_by = lobby.seen_by(id, strict);
            let witnesses = seen_by.filter(|other| other.knows(since));
            let (plain, ours) = (text(Notice::PeerDisconnect(id)), text(ours));
            let about = About::Left(id);
            self.actions.extend(witnesses.map(|other| Action::Tell {
                to: other.member,
                text: Arc::clone(if other.is_ours { &ours } else { &plain }),
                about,
            }));
            if was_host {
                self.move_host(name);
            }
        } else if lobby.ends.is_none() || strict {
            self.close_lobby(name, &Goodbye::HostLeft);
        }
        // Otherwise the seal has set the end, and those who are still shaking hands get their time. They are not told that
        // the host has gone: a Godot client would drop its connection to it.
    }

    pub(super) fn close_lobby(&mut self, name: &Arc<str>, goodbye: &Goodbye) {
        let Some(lobby) = self.remove_lobby(name) else {
            return;
        };
        for present in lobby.members() {
            let member = present.member;
            self.forget(member);
            let goodbye = goodbye.clone();
            self.actions.push_back(Action::Close { member, goodbye });
        }
    }

    /// Forgets a socket, but not its seat.
    pub(super) fn forget(&mut self, member: MemberId) -> Option<Ticket> {
        let ticket = self.seats.remove(&member)?;
        if let Some(renewal) = ticket.renewal {
            self.timers.remove(&(renewal, Timer::Renewal(member)));
        }
        Some(ticket)
    }

    fn remove_lobby(&mut self, name: &Arc<str>) -> Option<Lobby> {
        let lobby = self.lobbies.remove(name)?;
        if let Some(ends) = lobby.ends {
            self.timers.remove(&(ends, Timer::Seal(Arc::clone(name))));
        }
        self.listed.remove(&lobby.number);
        if let Some(group) = &lobby.group {
            self.groups.remove(group, name);
        }
        if let Some(due) = lobby.news.due() {
            self.timers.remove(&(due, Timer::News(Arc::clone(name))));
        }
        for (id, until, network) in lobby.away() {
            let timer = Timer::Seat(Arc::clone(name), id);
            self.timers.remove(&(until, timer));
            self.away.discount(network);
        }
        if let Some(until) = lobby.heirs_until {
            // The broker is told that it has ended.
            let timer = Timer::Heirs(Arc::clone(name));
            self.timers.remove(&(until, timer));
        } else if lobby.gone.is_some() {
            self.ended.insert(lobby.number);
        }
        if let Some(network) = lobby.made_by {
            decrease(&mut self.made, network);
        }
        Some(lobby)
    }
}
