//! The lobby service: who is in which lobby, who is told of it, and what is on its way between it and its clients.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::task::Waker;

use super::lobby_entry::MockLobby;
use super::world::{Action, World};
use crate::{Duration, LostReason, PeerId, Signal, SignalingError, SignalingEvent, Topology};

/// How long a message between a client and the service takes.
const LATENCY: Duration = Duration::from_millis(5);
/// How long a sealed lobby exists, as on Godot's Node server.
const SEALED_FOR: Duration = Duration::from_secs(10);
/// How much may be on its way to a client or not taken by it, for another one to send it a signal.
const MAX_PENDING: usize = 1024;

/// Every lobby and every client.
#[derive(Debug, Default)]
pub(super) struct Service {
    pub(super) clients: BTreeMap<u64, Client>,
    pub(super) lobbies: BTreeMap<String, Lobby>,
    pub(super) is_down: bool,
    /// What arrives while the service is interrupted waits here until it is back. `None` while it is not interrupted.
    held: Option<Vec<Letter>>,
}

#[derive(Debug)]
pub(super) struct Lobby {
    pub(super) name: String,
    /// What it was made with; the host may have changed some of it since.
    pub(super) rules: MockLobby,
    /// Which group it is filled for, if it is for one: the name that was asked for, the size and the topology.
    pub(super) group: Option<(String, u32, Topology)>,
    /// Who has the rights of the host.
    pub(super) host: PeerId,
    pub(super) sealed: bool,
    pub(super) locked: bool,
    pub(super) data: String,
    pub(super) member_data: BTreeMap<PeerId, String>,
    pub(super) members: BTreeMap<PeerId, u64>,
    /// The members in the order of their coming. May name some that have left.
    pub(super) arrivals: Vec<PeerId>,
}

#[derive(Debug)]
pub(super) struct Client {
    /// The lobby it asks for or is in. An empty name asks for a lobby with a name of its own.
    pub(super) lobby: String,
    /// What the lobby is to be, if the client makes it.
    pub(super) rules: MockLobby,
    /// Its id, which it keeps when it comes back.
    pub(super) id: Option<PeerId>,
    phase: Phase,
    /// The members it was told of.
    known: BTreeSet<PeerId>,
    events: VecDeque<SignalingEvent>,
    waker: Option<Waker>,
}

/// What a client has been told of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Joining,
    In,
    Out,
    /// Out because the service could not be reached, so that it joins again when it can.
    Waiting,
}

/// Something on its way.
#[derive(Debug)]
pub(super) enum Letter {
    /// A client asks to join.
    Join(u64),
    /// A client is told something.
    Tell(u64, SignalingEvent),
    /// The time of a sealed lobby is over.
    SealIsOver(String),
}

impl Service {
    pub(super) const fn is_interrupted(&self) -> bool {
        self.held.is_some()
    }

    /// How much waits for the end of an interruption.
    pub(super) fn held(&self) -> usize {
        self.held.as_ref().map_or(0, Vec::len)
    }

    /// The lobby that a client is in as the service sees it, and its id there.
    pub(super) fn seat(&mut self, key: u64) -> Option<(&mut Lobby, PeerId)> {
        let client = self.clients.get(&key)?;
        let (lobby, id) = (self.lobbies.get_mut(&client.lobby)?, client.id?);
        (lobby.members.get(&id) == Some(&key)).then_some((lobby, id))
    }

    /// A client that was told that it is in a lobby.
    pub(super) fn member(&self, key: u64) -> Result<&Client, SignalingError> {
        let client = self.clients.get(&key);
        let client = client.filter(|client| client.phase == Phase::In);
        client.ok_or(SignalingError::NotConnected)
    }
}

/// What clients do. The service hears of it at once, and others hear of it after the time of two messages.
impl World {
    pub(super) fn add_client(&mut self, lobby: &str, rules: MockLobby) -> u64 {
        let key = self.clock.unique();
        let client = Client {
            lobby: lobby.to_string(),
            rules,
            id: None,
            phase: Phase::Joining,
            known: BTreeSet::new(),
            events: VecDeque::new(),
            waker: None,
        };
        self.service.clients.insert(key, client);
        self.mail(LATENCY, Letter::Join(key));
        key
    }

    pub(super) fn send_signal(
        &mut self,
        key: u64,
        to: PeerId,
        signal: Signal,
    ) -> Result<(), SignalingError> {
        let is_known = self.service.member(key)?.known.contains(&to);
        let seat = self.service.seat(key);
        let (lobby, from) = seat.ok_or(SignalingError::NotConnected)?;
        if !is_known {
            return Err(SignalingError::Unsendable(format!("there is no peer {to}")));
        }
        let Some(&addressee) = lobby.members.get(&to) else {
            // It has left, and `PeerLeft` is on its way.
            return Ok(());
        };
        let actions = self.clock.actions.values();
        let scheduled = actions.filter_map(|action| {
            let Action::Deliver(letter) = action else {
                return None;
            };
            Some(letter)
        });
        let on_their_way = scheduled
            .chain(self.service.held.iter().flatten())
            .filter(|letter| matches!(letter, Letter::Tell(to, _) if *to == addressee));
        let waiting = self.service.clients.get(&addressee);
        let waiting = waiting.map_or(0, |client| client.events.len());
        if on_their_way.count() + waiting >= MAX_PENDING {
            return Err(SignalingError::Full);
        }
        self.tell_client(2, addressee, SignalingEvent::Signal { from, signal });
        Ok(())
    }

    pub(super) fn seal_lobby(&mut self, key: u64) -> Result<(), SignalingError> {
        self.service.member(key)?;
        let seat = self.service.seat(key);
        let (lobby, id) = seat.ok_or(SignalingError::NotConnected)?;
        if id != lobby.host {
            let problem = "only the host can seal the lobby".to_string();
            return Err(SignalingError::Unsendable(problem));
        }
        let name = lobby.name.clone();
        self.seal(&name);
        Ok(())
    }

    pub(super) fn seal(&mut self, name: &str) {
        let lobby = self.service.lobbies.get_mut(name);
        let Some(lobby) = lobby.filter(|lobby| !lobby.sealed) else {
            return;
        };
        lobby.sealed = true;
        let members: Vec<u64> = lobby.members.values().copied().collect();
        for member in members {
            self.tell_client(2, member, SignalingEvent::Sealed);
        }
        self.mail(SEALED_FOR, Letter::SealIsOver(name.to_string()));
    }

    /// The next event of a client, or a wake-up when there is one.
    pub(super) fn poll_signaling(&mut self, key: u64, waker: &Waker) -> Option<SignalingEvent> {
        let clients = &mut self.service.clients;
        let client = clients.get_mut(&key)?;
        let Some(event) = client.events.pop_front() else {
            self.old_wakers.extend(client.waker.replace(waker.clone()));
            return None;
        };
        if client.events.len() + 1 == MAX_PENDING {
            // Those who were told that there is no room may try again.
            let clients = clients.values_mut();
            self.wakes
                .extend(clients.filter_map(|client| client.waker.take()));
        }
        Some(event)
    }

    /// Leaves for good.
    pub(super) fn remove_client(&mut self, key: u64) {
        self.leave(key);
        if let Some(client) = self.service.clients.remove(&key) {
            self.old_wakers.extend(client.waker);
        }
    }

    /// Ends a client's connection. What is on its way to it does not arrive.
    pub(super) fn lose_client(&mut self, key: u64, reason: LostReason) {
        self.leave(key);
        let client = self.service.clients.get_mut(&key);
        let is_there = |client: &&mut Client| matches!(client.phase, Phase::Joining | Phase::In);
        let Some(client) = client.filter(is_there) else {
            return;
        };
        let may_return = matches!(reason, LostReason::Unreachable(_));
        client.phase = if may_return {
            Phase::Waiting
        } else {
            Phase::Out
        };
        client.known.clear();
        client.events.push_back(SignalingEvent::Lost { reason });
        self.wakes.extend(client.waker.take());
    }

    /// The service is out of reach, and its members keep their seats. Who asks to join is told that it is down.
    pub(super) fn interrupt_service(&mut self) {
        if core::mem::replace(&mut self.service.is_down, true) {
            return;
        }
        self.service.held = Some(Vec::new());
        let clients: Vec<u64> = self.service.clients.keys().copied().collect();
        for key in clients {
            let Some(client) = self.service.clients.get_mut(&key) else {
                continue;
            };
            match client.phase {
                Phase::In => {
                    let reason = is_down();
                    client
                        .events
                        .push_back(SignalingEvent::Interrupted { reason });
                    self.wakes.extend(client.waker.take());
                }
                Phase::Joining => self.lose_client(key, is_down()),
                Phase::Out | Phase::Waiting => {}
            }
        }
    }

    pub(super) fn stop_service(&mut self) {
        self.service.is_down = true;
        self.service.held = None;
        self.service.lobbies.clear();
        self.recall(|letter| matches!(letter, Letter::SealIsOver(_)));
        let clients: Vec<u64> = self.service.clients.keys().copied().collect();
        for client in clients {
            self.lose_client(client, is_down());
        }
    }

    pub(super) fn start_service(&mut self) {
        self.service.is_down = false;
        if let Some(held) = self.service.held.take() {
            self.resume_service(held);
        }
        let clients = self.service.clients.iter_mut();
        let waiting = clients.filter(|(_, client)| client.phase == Phase::Waiting);
        let waiting: Vec<u64> = waiting
            .map(|(key, client)| {
                client.phase = Phase::Joining;
                *key
            })
            .collect();
        for client in waiting {
            self.mail(LATENCY, Letter::Join(client));
        }
    }

    /// The members hear that the service is back, and then what has waited for that.
    fn resume_service(&mut self, held: Vec<Letter>) {
        for client in self.service.clients.values_mut() {
            if client.phase == Phase::In {
                client.events.push_back(SignalingEvent::Resumed);
                self.wakes.extend(client.waker.take());
            }
        }
        for letter in held {
            self.mail(Duration::ZERO, letter);
        }
    }

    /// Removes a member, tells the others, and takes back what is on its way to it. The end of a host ends its lobby.
    fn leave(&mut self, key: u64) {
        self.recall(
            |letter| matches!(letter, Letter::Tell(to, _) | Letter::Join(to) if *to == key),
        );
        let Some((lobby, id)) = self.service.seat(key) else {
            return;
        };
        lobby.members.remove(&id);
        lobby.member_data.remove(&id);
        let was_host = id == lobby.host;
        if was_host && !lobby.goes_on() || lobby.members.is_empty() {
            let name = lobby.name.clone();
            return self.end_lobby(&name, &LostReason::HostLeft);
        }
        let name = lobby.name.clone();
        for (_, client) in lobby.linked_with(id) {
            self.tell_client(2, client, SignalingEvent::PeerLeft(id));
        }
        if was_host {
            self.move_host(&name);
        }
    }
}

/// What the service does.
impl World {
    fn mail(&mut self, latency: Duration, letter: Letter) {
        let due = self.clock.now + latency;
        self.clock.schedule(due, Action::Deliver(letter));
    }

    /// Tells a client something after the time of so many messages.
    pub(super) fn tell_client(&mut self, messages: u32, client: u64, event: SignalingEvent) {
        self.mail(LATENCY * messages, Letter::Tell(client, event));
    }

    /// Takes back what is on its way.
    fn recall(&mut self, concerns: impl Fn(&Letter) -> bool) {
        if let Some(held) = &mut self.service.held {
            held.retain(|letter| !concerns(letter));
        }
        self.clock
            .actions
            .retain(|_, action| !matches!(action, Action::Deliver(letter) if concerns(letter)));
    }

    /// Something has arrived, at the service or at a client.
    pub(super) fn deliver(&mut self, letter: Letter) {
        let may_wait = match letter {
            Letter::Join(_) => false,
            // A client that is no member has no seat to keep. It is told at once that the service is down.
            Letter::Tell(client, _) => self.service.member(client).is_ok(),
            Letter::SealIsOver(_) => true,
        };
        if let Some(held) = self.service.held.as_mut().filter(|_| may_wait) {
            return held.push(letter);
        }
        match letter {
            Letter::Join(client) => self.admit(client),
            Letter::Tell(client, event) => self.told(client, event),
            Letter::SealIsOver(lobby) => self.end_lobby(&lobby, &LostReason::SealComplete),
        }
    }

    fn told(&mut self, key: u64, event: SignalingEvent) {
        let Some(client) = self.service.clients.get_mut(&key) else {
            return;
        };
        match event {
            SignalingEvent::Lost { reason } => return self.lose_client(key, reason),
            SignalingEvent::Joined { .. } => client.phase = Phase::In,
            SignalingEvent::PeerJoined(peer) => _ = client.known.insert(peer),
            SignalingEvent::PeerLeft(peer) => _ = client.known.remove(&peer),
            SignalingEvent::Signal { .. }
            | SignalingEvent::Sealed
            | SignalingEvent::Lobby(_)
            | SignalingEvent::Interrupted { .. }
            | SignalingEvent::Resumed => {}
        }
        client.events.push_back(event);
        self.wakes.extend(client.waker.take());
    }

    fn end_lobby(&mut self, name: &str, reason: &LostReason) {
        self.recall(|letter| matches!(letter, Letter::SealIsOver(lobby) if lobby == name));
        let lobby = self.service.lobbies.remove(name);
        let members = lobby.map(|lobby| lobby.members).unwrap_or_default();
        for key in members.into_values() {
            let reason = reason.clone();
            self.tell_client(2, key, SignalingEvent::Lost { reason });
        }
    }
}

impl Lobby {
    /// The members that are to be connected with this one, and their clients.
    pub(super) fn linked_with(&self, id: PeerId) -> Vec<(PeerId, u64)> {
        let members = self.members.iter().map(|(other, client)| (*other, *client));
        let linked = members.filter(|(other, _)| self.rules.topology.links(id, *other));
        linked.collect()
    }
}

pub(super) fn is_down() -> LostReason {
    LostReason::Unreachable("the server is down".to_string())
}
