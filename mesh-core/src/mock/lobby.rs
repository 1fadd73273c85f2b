//! The lobby service: who is in which lobby, and who is told of it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::clock::Action;
use super::key::{Key, Table};
use super::member::{Content, Letter, Member, server_is_down};
use super::world::World;
use crate::{Duration, LostReason, PeerId, Signal, SignalingEvent, Topology};

/// How long a sealed lobby exists, as on Godot's Node server.
const SEALED_FOR: Duration = Duration::from_secs(10);
/// The close code of every refusal, as on Godot's servers.
const REFUSED: u16 = 4000;

#[derive(Debug)]
pub(super) struct Lobby {
    /// Distinguishes it from a later lobby of the same name.
    serial: u64,
    topology: Topology,
    sealed: bool,
    members: BTreeMap<PeerId, Key>,
}

/// Every lobby and every member.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) members: Table<Member>,
    pub(super) lobbies: BTreeMap<String, Lobby>,
    pub(super) mail: Table<Letter>,
    pub(super) latency: Duration,
    pub(super) up: bool,
}

impl Service {
    pub(super) const fn new() -> Self {
        Self {
            members: Table::new(),
            lobbies: BTreeMap::new(),
            mail: Table::new(),
            latency: Duration::from_millis(5),
            up: true,
        }
    }

    pub(super) fn mail_in_flight(&self) -> usize {
        self.mail.iter().count()
    }
}

impl World {
    pub(super) fn deliver_letter(&mut self, key: Key) {
        let Some(letter) = self.service.mail.remove(key) else {
            return;
        };
        let member = letter.member;
        let is_current = self
            .service
            .members
            .get(member)
            .is_some_and(|to| to.connection == letter.connection);
        match letter.content {
            Content::Gone => self.member_gone(member),
            Content::SealIsOver(name, serial) => self.seal_is_over(&name, serial),
            Content::Join if is_current => self.admit(member),
            Content::Seal if is_current => self.seal(member),
            Content::Send(to, signal) if is_current => self.relay(member, to, signal),
            Content::Tell(event, sender) if is_current => self.tell_member(member, event, sender),
            Content::Send(..) => self.signal_is_settled(member),
            Content::Tell(_, Some(sender)) => self.signal_is_settled(sender),
            Content::Join | Content::Seal | Content::Tell(_, None) => {}
        }
    }

    fn admit(&mut self, key: Key) {
        let Some(member) = self.service.members.get_mut(key) else {
            return;
        };
        if !self.service.up {
            member.waits_for_service = true;
            let reason = server_is_down();
            self.post_event(key, SignalingEvent::Lost { reason }, None);
            return;
        }
        if member.lobby.is_some() || member.closed {
            return;
        }
        if member.wanted.is_empty() {
            member.wanted = format!("{:016x}", self.rng.next());
        }
        let name = member.wanted.clone();
        let lobby = self
            .service
            .lobbies
            .entry(name.clone())
            .or_insert_with(|| Lobby {
                serial: self.clock.unique(),
                topology: member.topology,
                sealed: false,
                members: BTreeMap::new(),
            });
        let taken = |id: &PeerId| lobby.members.contains_key(id);
        let refusal = if lobby.sealed {
            Some("Lobby is sealed")
        } else if member.id.as_ref().is_some_and(taken) {
            Some("The id is taken")
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.send_away(key, refusal);
            return;
        }
        let id = match member.id {
            Some(id) => id,
            None if lobby.members.is_empty() => PeerId::SERVER,
            None => loop {
                let entropy = u32::try_from(self.rng.next() >> 32).unwrap_or(0);
                let id = PeerId::generate_unique(entropy);
                if !taken(&id) {
                    break id;
                }
            },
        };
        member.id = Some(id);
        member.lobby = Some(name.clone());
        let topology = lobby.topology;
        let others: Vec<(PeerId, Key)> = lobby
            .members
            .iter()
            .map(|(other, key)| (*other, *key))
            .filter(|(other, _)| are_linked(topology, id, *other))
            .collect();
        lobby.members.insert(id, key);
        let joined = SignalingEvent::Joined {
            id,
            topology,
            lobby: name,
        };
        self.post_event(key, joined, None);
        for (other, other_key) in others {
            self.post_event(key, SignalingEvent::PeerJoined(other), None);
            self.post_event(other_key, SignalingEvent::PeerJoined(id), None);
        }
    }

    fn relay(&mut self, from: Key, to: PeerId, signal: Signal) {
        let addressee = self.service.members.get(from).and_then(|member| {
            let lobby = self.service.lobbies.get(member.lobby.as_ref()?)?;
            Some((member.id?, *lobby.members.get(&to)?))
        });
        let Some((id, key)) = addressee else {
            // It has left, and `PeerLeft` is on its way.
            self.signal_is_settled(from);
            return;
        };
        let event = SignalingEvent::Signal { from: id, signal };
        self.post_event(key, event, Some(from));
    }

    fn seal(&mut self, key: Key) {
        let Some(name) = self.lobby_of(key) else {
            return;
        };
        let Some(lobby) = self.service.lobbies.get_mut(&name) else {
            return;
        };
        if core::mem::replace(&mut lobby.sealed, true) {
            return;
        }
        let serial = lobby.serial;
        let members: Vec<Key> = lobby.members.values().copied().collect();
        for member in members {
            self.post_event(member, SignalingEvent::Sealed, None);
        }
        let letter = Letter {
            member: key,
            connection: 0,
            content: Content::SealIsOver(name, serial),
        };
        let due = self.clock.now() + SEALED_FOR;
        let post = self.service.mail.insert(|_| letter);
        self.clock.schedule(due, Action::Lobby { post });
    }

    fn seal_is_over(&mut self, name: &str, serial: u64) {
        let lobby = self.service.lobbies.get(name);
        if lobby.is_some_and(|lobby| lobby.serial == serial) {
            self.end_lobby(name, &LostReason::SealComplete);
        }
    }

    /// Removes a member whose connection ended, and tells the others. The end of a host ends its lobby.
    fn member_gone(&mut self, key: Key) {
        let Some(member) = self.service.members.get_mut(key) else {
            return;
        };
        let (id, lobby) = (member.id, member.lobby.take());
        if member.closed {
            self.service.members.remove(key);
        }
        let (Some(id), Some(name)) = (id, lobby) else {
            return;
        };
        let Some(lobby) = self.service.lobbies.get_mut(&name) else {
            return;
        };
        lobby.members.remove(&id);
        if id.is_server() || lobby.members.is_empty() {
            self.end_lobby(&name, &LostReason::HostLeft);
            return;
        }
        let topology = lobby.topology;
        let others: Vec<(PeerId, Key)> = lobby
            .members
            .iter()
            .map(|(other, key)| (*other, *key))
            .collect();
        for (other, key) in others {
            if are_linked(topology, id, other) {
                self.post_event(key, SignalingEvent::PeerLeft(id), None);
            }
        }
    }

    fn end_lobby(&mut self, name: &str, reason: &LostReason) {
        let Some(lobby) = self.service.lobbies.remove(name) else {
            return;
        };
        for key in lobby.members.into_values() {
            if let Some(member) = self.service.members.get_mut(key) {
                member.lobby = None;
            }
            let reason = reason.clone();
            self.post_event(key, SignalingEvent::Lost { reason }, None);
        }
    }

    fn send_away(&mut self, key: Key, words: &str) {
        let reason = refused(words);
        self.post_event(key, SignalingEvent::Lost { reason }, None);
    }

    fn lobby_of(&self, key: Key) -> Option<String> {
        self.service.members.get(key)?.lobby.clone()
    }
}

fn are_linked(topology: Topology, a: PeerId, b: PeerId) -> bool {
    match topology {
        Topology::Mesh => true,
        Topology::ClientServer => a.is_server() || b.is_server(),
    }
}

fn refused(words: &str) -> LostReason {
    LostReason::Refused {
        code: REFUSED,
        reason: words.to_string(),
    }
}
