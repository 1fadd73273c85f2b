//! What members, and above all the host, do with their lobby.

use std::sync::Arc;

use mesh_core::{Instant, MAX_LOBBY_DATA_SIZE, MAX_MEMBER_DATA_SIZE, MAX_REASON_SIZE, PeerId};
use signaling::{Notice, check_data};

use super::lobby::{Lobby, Presence};
use super::{Action, Hall, MemberId, Ticket, Timer};
use crate::door::Control;
use crate::goodbye::{Goodbye, Removal};

impl Hall {
    /// Whether a member is in a lobby and speaks our extension.
    pub(crate) fn is_ours(&self, member: MemberId) -> bool {
        self.seats.get(&member).is_some_and(|ticket| {
            let lobby = self.lobbies.get(&ticket.lobby);
            let seat = lobby.and_then(|lobby| lobby.seat(ticket.id));
            seat.is_some_and(|seat| seat.is_ours)
        })
    }

    /// Does what a member wants with its lobby, if it may.
    pub(crate) fn control(
        &mut self,
        now: Instant,
        member: MemberId,
        control: Control,
    ) -> Result<(), Goodbye> {
        let Ticket {
            lobby: name, id, ..
        } = self.seats.get(&member).ok_or(Goodbye::NoLobby)?;
        let id = *id;
        if !self.is_host(name, id) && !matches!(control, Control::MemberData(_)) {
            return Err(Goodbye::HostOnly);
        }
        let name = Arc::clone(name);
        match control {
            Control::Remove {
                peer,
                is_banned,
                reason,
            } => self.remove_member(&name, peer, is_banned, reason),
            Control::Lock(is_locked) => {
                self.set_locked(now, &name, is_locked);
                Ok(())
            }
            Control::List(is_listed) => {
                self.set_listed(now, &name, is_listed);
                Ok(())
            }
            Control::Data(data) => {
                check(&data, MAX_LOBBY_DATA_SIZE)?;
                self.set_data(now, &name, data);
                Ok(())
            }
            Control::MemberData(data) => {
                check(&data, MAX_MEMBER_DATA_SIZE)?;
                self.change(now, &name, |lobby| {
                    if lobby.set_data(id, data) {
                        lobby.news.members.insert(id);
                    }
                });
                Ok(())
            }
        }
    }

    /// How many seats the lobby of a member has, those of members that are away included: what the member changes costs it more
    /// in a larger lobby.
    pub(crate) fn audience(&self, member: MemberId) -> usize {
        let ticket = self.seats.get(&member);
        let lobby = ticket.and_then(|ticket| self.lobbies.get(&ticket.lobby));
        lobby.map_or(0, Lobby::len)
    }

    /// Sends a member away and ends its seat. One that is not there may just have left.
    fn remove_member(
        &mut self,
        name: &Arc<str>,
        peer: u32,
        is_banned: bool,
        reason: String,
    ) -> Result<(), Goodbye> {
        if reason.len() > MAX_REASON_SIZE {
            let limit = MAX_REASON_SIZE;
            return Err(Goodbye::ReasonTooLong { limit });
        }
        let Some((lobby, peer)) = self.lobbies.get_mut(name).zip(PeerId::new(peer).ok()) else {
            return Ok(());
        };
        if peer == lobby.host {
            return Ok(());
        }
        let Some(seat) = lobby.seat(peer) else {
            // It may have a seat of the earlier server, and be on its way back.
            lobby.refuse_heir(peer);
            return Ok(());
        };
        let (presence, is_ours) = (seat.presence, seat.is_ours);
        if is_banned {
            lobby.ban(peer);
        }
        match presence {
            Presence::Here(member) => {
                self.forget(member);
                let reason = reason.clone();
                let goodbye = Goodbye::Removed(Removal {
                    is_banned,
                    reason,
                    is_ours,
                });
                self.actions.push_back(Action::Close { member, goodbye });
            }
            Presence::Away { until, .. } => {
                let timer = Timer::Seat(Arc::clone(name), peer);
                self.timers.remove(&(until, timer));
            }
        }
        let removed = Notice::PeerRemoved {
            peer,
            is_banned,
            reason,
        };
        if let Some(lobby) = self.lobbies.get_mut(name) {
            lobby.note_removal(peer, removed.clone());
            lobby.refuse_heir(peer);
        }
        self.unseat(name, peer, removed);
        Ok(())
    }

    fn set_data(&mut self, now: Instant, name: &Arc<str>, data: String) {
        let change = |lobby: &mut Lobby| {
            let has_changed = lobby.data != data;
            lobby.data = data;
            lobby.news.data |= has_changed;
        };
        self.change(now, name, change);
    }

    fn set_locked(&mut self, now: Instant, name: &Arc<str>, is_locked: bool) {
        let change = |lobby: &mut Lobby| {
            let has_changed = lobby.is_locked != is_locked;
            lobby.is_locked = is_locked;
            lobby.news.lock |= has_changed;
        };
        self.change(now, name, change);
    }
}

fn check(data: &str, limit: usize) -> Result<(), Goodbye> {
    check_data(data, limit).map_err(|why| Goodbye::BadData { why })
}
