//! The lobby service: who is in which lobby, who is told of it, and what is on its way between it and its clients.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::task::Waker;

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
    clients: BTreeMap<u64, Client>,
    lobbies: BTreeMap<String, Lobby>,
    is_down: bool,
}

#[derive(Debug)]
struct Lobby {
    /// Distinguishes it from a later lobby of the same name.
    serial: u64,
    topology: Topology,
    sealed: bool,
    members: BTreeMap<PeerId, u64>,
}

#[derive(Debug)]
struct Client {
    /// The lobby it asked for. An empty name asks for a lobby with a name of its own.
    wanted: String,
    topology: Topology,
    /// Its id, which it keeps when it comes back.
    id: Option<PeerId>,
    /// The lobby it is in, as the service sees it.
    lobby: Option<String>,
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
    /// The time of a sealed lobby, by its name and serial, is over.
    SealIsOver(String, u64),
}

impl Service {
    /// Whether a letter still has an effect.
    pub(super) fn wants(&self, letter: &Letter) -> bool {
        match letter {
            Letter::Join(client) | Letter::Tell(client, _) => self.clients.contains_key(client),
            Letter::SealIsOver(name, serial) => {
                let lobby = self.lobbies.get(name);
                lobby.is_some_and(|lobby| lobby.serial == *serial)
            }
        }
    }

    /// The name of a client's lobby, and its id there, once it was told of them.
    fn place(&self, client: u64) -> Result<(String, PeerId), SignalingError> {
        let client = self.clients.get(&client);
        client
            .filter(|client| client.phase == Phase::In)
            .and_then(|client| Some((client.lobby.clone()?, client.id?)))
            .ok_or(SignalingError::NotConnected)
    }
}

/// What clients do. The service hears of it at once, and others hear of it after the time of two messages.
impl World {
    pub(super) fn add_client(&mut self, wanted: &str, topology: Topology) -> u64 {
        let key = self.clock.unique();
        let client = Client {
            wanted: wanted.to_string(),
            topology,
            id: None,
            lobby: None,
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
        let (lobby, from) = self.service.place(key)?;
        let client = self.service.clients.get(&key);
        if !client.is_some_and(|client| client.known.contains(&to)) {
            return Err(SignalingError::Unsendable(format!("there is no peer {to}")));
        }
        let lobby = self.service.lobbies.get(&lobby);
        let Some(&addressee) = lobby.and_then(|lobby| lobby.members.get(&to)) else {
            // It has left, and `PeerLeft` is on its way.
            return Ok(());
        };
        let actions = self.clock.actions.values();
        let on_their_way = actions.filter(
            |action| matches!(action, Action::Deliver(Letter::Tell(to, _)) if *to == addressee),
        );
        let waiting = self.service.clients.get(&addressee);
        let waiting = waiting.map_or(0, |client| client.events.len());
        if on_their_way.count() + waiting >= MAX_PENDING {
            return Err(SignalingError::Full);
        }
        self.tell_later(addressee, SignalingEvent::Signal { from, signal });
        Ok(())
    }

    pub(super) fn seal_lobby(&mut self, key: u64) -> Result<(), SignalingError> {
        let (name, id) = self.service.place(key)?;
        if !id.is_server() {
            let problem = "only the host, peer 1, can seal the lobby".to_string();
            return Err(SignalingError::Unsendable(problem));
        }
        let lobby = self.service.lobbies.get_mut(&name);
        if let Some(lobby) = lobby.filter(|lobby| !lobby.sealed) {
            lobby.sealed = true;
            let serial = lobby.serial;
            let members: Vec<u64> = lobby.members.values().copied().collect();
            for member in members {
                self.tell_later(member, SignalingEvent::Sealed);
            }
            self.mail(SEALED_FOR, Letter::SealIsOver(name, serial));
        }
        Ok(())
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
            let wakers = clients
                .values_mut()
                .filter_map(|client| client.waker.take());
            self.wakes.extend(wakers);
        }
        Some(event)
    }

    /// Leaves for good.
    pub(super) fn remove_client(&mut self, key: u64) {
        if let Some(client) = self.service.clients.remove(&key) {
            self.old_wakers.extend(client.waker);
            self.leave(client.lobby, client.id);
        }
    }

    /// Ends a client's connection. What is on its way to it does not arrive.
    pub(super) fn lose_client(&mut self, key: u64, reason: LostReason) {
        let client = self.service.clients.get_mut(&key);
        let is_lost = |client: &&mut Client| matches!(client.phase, Phase::Out | Phase::Waiting);
        let Some(client) = client.filter(|client| !is_lost(client)) else {
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
        self.clock.actions.retain(|_, action| {
            !matches!(action, Action::Deliver(Letter::Tell(to, _) | Letter::Join(to)) if *to == key)
        });
        let (lobby, id) = (client.lobby.take(), client.id);
        self.leave(lobby, id);
    }

    pub(super) fn stop_service(&mut self) {
        self.service.is_down = true;
        self.service.lobbies.clear();
        let clients: Vec<u64> = self.service.clients.keys().copied().collect();
        for client in clients {
            self.lose_client(client, is_down());
        }
    }

    pub(super) fn start_service(&mut self) {
        self.service.is_down = false;
        let mut waiting = Vec::new();
        for (key, client) in &mut self.service.clients {
            if client.phase == Phase::Waiting {
                client.phase = Phase::Joining;
                waiting.push(*key);
            }
        }
        for client in waiting {
            self.mail(LATENCY, Letter::Join(client));
        }
    }

    /// Removes a member and tells the others. The end of a host ends its lobby.
    fn leave(&mut self, lobby: Option<String>, id: Option<PeerId>) {
        let (Some(name), Some(id)) = (lobby, id) else {
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
        for (_, client) in lobby.linked_with(id) {
            self.tell_later(client, SignalingEvent::PeerLeft(id));
        }
    }
}

/// What the service does.
impl World {
    fn mail(&mut self, latency: Duration, letter: Letter) {
        let due = self.clock.now + latency;
        self.clock.schedule(due, Action::Deliver(letter));
    }

    fn tell_client(&mut self, client: u64, event: SignalingEvent) {
        self.mail(LATENCY, Letter::Tell(client, event));
    }

    fn tell_later(&mut self, client: u64, event: SignalingEvent) {
        self.mail(LATENCY * 2, Letter::Tell(client, event));
    }

    /// Something has arrived, at the service or at a client.
    pub(super) fn deliver(&mut self, letter: Letter) {
        match letter {
            Letter::Join(client) => self.admit(client),
            Letter::Tell(client, event) => self.told(client, event),
            Letter::SealIsOver(lobby, _) => self.end_lobby(&lobby, &LostReason::SealComplete),
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
            SignalingEvent::Signal { .. } | SignalingEvent::Sealed => {}
        }
        client.events.push_back(event);
        self.wakes.extend(client.waker.take());
    }

    fn admit(&mut self, key: u64) {
        let Some(client) = self.service.clients.get_mut(&key) else {
            return;
        };
        if self.service.is_down {
            let reason = is_down();
            return self.tell_client(key, SignalingEvent::Lost { reason });
        }
        if client.wanted.is_empty() {
            client.wanted = format!("{:016x}", self.rng.next());
        }
        let name = client.wanted.clone();
        let lobbies = &mut self.service.lobbies;
        let lobby = lobbies.entry(name.clone()).or_insert_with(|| Lobby {
            serial: self.clock.unique(),
            topology: client.topology,
            sealed: false,
            members: BTreeMap::new(),
        });
        let is_taken = |id: PeerId| lobby.members.contains_key(&id);
        let refusal = match client.id {
            _ if lobby.sealed => Some("Lobby is sealed"),
            Some(id) if is_taken(id) => Some("The id is taken"),
            _ => None,
        };
        if let Some(words) = refusal {
            let reason = refused(words);
            return self.tell_client(key, SignalingEvent::Lost { reason });
        }
        let mut id = client.id.unwrap_or(PeerId::SERVER);
        while client.id.is_none() && (is_taken(id) || !lobby.members.is_empty() && id.is_server()) {
            let entropy = u32::try_from(self.rng.next() >> 32).unwrap_or(0);
            id = PeerId::generate_unique(entropy);
        }
        client.id = Some(id);
        client.lobby = Some(name.clone());
        let topology = lobby.topology;
        let others = lobby.linked_with(id);
        lobby.members.insert(id, key);
        let joined = SignalingEvent::Joined {
            id,
            topology,
            lobby: name,
        };
        self.tell_client(key, joined);
        for (other, other_key) in others {
            self.tell_client(key, SignalingEvent::PeerJoined(other));
            self.tell_client(other_key, SignalingEvent::PeerJoined(id));
        }
    }

    fn end_lobby(&mut self, name: &str, reason: &LostReason) {
        let Some(lobby) = self.service.lobbies.remove(name) else {
            return;
        };
        for key in lobby.members.into_values() {
            if let Some(client) = self.service.clients.get_mut(&key) {
                client.lobby = None;
            }
            let reason = reason.clone();
            self.tell_later(key, SignalingEvent::Lost { reason });
        }
    }
}

impl Lobby {
    /// The members that are to be connected with this one, and their clients.
    fn linked_with(&self, id: PeerId) -> Vec<(PeerId, u64)> {
        let is_mesh = self.topology == Topology::Mesh;
        let are_linked = |other: PeerId| is_mesh || id.is_server() || other.is_server();
        let members = self.members.iter().map(|(other, client)| (*other, *client));
        members.filter(|(other, _)| are_linked(*other)).collect()
    }
}

fn is_down() -> LostReason {
    LostReason::Unreachable("the server is down".to_string())
}

/// A refusal, with the close code of Godot's servers.
fn refused(words: &str) -> LostReason {
    let reason = words.to_string();
    LostReason::Refused { code: 4000, reason }
}
