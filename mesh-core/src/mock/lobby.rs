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
/// How many signals of one peer to another may be on their way or not taken yet.
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
    /// Counts its connections. What was on its way to an earlier one does not arrive.
    connection: u32,
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

/// Something on its way between a client and the service.
#[derive(Debug)]
pub(super) enum Letter {
    Join {
        client: u64,
        connection: u32,
    },
    Send {
        lobby: String,
        from: PeerId,
        to: PeerId,
        signal: Signal,
    },
    Seal {
        lobby: String,
    },
    SealIsOver {
        lobby: String,
        serial: u64,
    },
    Leave {
        lobby: String,
        id: PeerId,
    },
    Tell {
        client: u64,
        connection: u32,
        event: SignalingEvent,
    },
}

impl Service {
    /// Whether a letter still has an effect.
    pub(super) fn wants(&self, letter: &Letter) -> bool {
        let Letter::SealIsOver { lobby, serial } = letter else {
            return true;
        };
        let lobby = self.lobbies.get(lobby);
        lobby.is_some_and(|lobby| lobby.serial == *serial)
    }

    fn member(&self, lobby: &str, id: PeerId) -> Option<u64> {
        self.lobbies.get(lobby)?.members.get(&id).copied()
    }

    /// The lobby and the id of a client that was told of them.
    fn place(&self, client: u64) -> Result<(String, PeerId), SignalingError> {
        let client = self.clients.get(&client);
        let client = client.filter(|client| client.phase == Phase::In);
        client
            .and_then(|client| Some((client.lobby.clone()?, client.id?)))
            .ok_or(SignalingError::NotConnected)
    }
}

/// What clients do.
impl World {
    pub(super) fn add_client(&mut self, wanted: &str, topology: Topology) -> u64 {
        let key = self.clock.unique();
        let client = Client {
            wanted: wanted.to_string(),
            topology,
            id: None,
            lobby: None,
            connection: 0,
            phase: Phase::Joining,
            known: BTreeSet::new(),
            events: VecDeque::new(),
            waker: None,
        };
        self.service.clients.insert(key, client);
        self.join(key);
        key
    }

    fn join(&mut self, key: u64) {
        if let Some(client) = self.service.clients.get_mut(&key) {
            client.phase = Phase::Joining;
            let connection = client.connection;
            let client = key;
            self.mail(LATENCY, Letter::Join { client, connection });
        }
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
        let addressee = self.service.member(&lobby, to);
        let is_ours = |event: &SignalingEvent| matches!(event, SignalingEvent::Signal { from: sender, .. } if *sender == from);
        let is_on_its_way = |action: &&Action| match action {
            Action::Deliver(Letter::Send {
                lobby: place,
                from: sender,
                to: other,
                ..
            }) => *place == lobby && (*sender, *other) == (from, to),
            Action::Deliver(Letter::Tell { client, event, .. }) => {
                Some(*client) == addressee && is_ours(event)
            }
            _ => false,
        };
        let on_their_way = self.clock.actions.values().filter(is_on_its_way).count();
        let addressee = addressee.and_then(|key| self.service.clients.get(&key));
        let events = addressee.into_iter().flat_map(|client| &client.events);
        if on_their_way + events.filter(|event| is_ours(event)).count() >= MAX_PENDING {
            return Err(SignalingError::Full);
        }
        let letter = Letter::Send {
            lobby,
            from,
            to,
            signal,
        };
        self.mail(LATENCY, letter);
        Ok(())
    }

    pub(super) fn seal_lobby(&mut self, key: u64) -> Result<(), SignalingError> {
        let (lobby, id) = self.service.place(key)?;
        if !id.is_server() {
            let problem = "only the host, peer 1, can seal the lobby".to_string();
            return Err(SignalingError::Unsendable(problem));
        }
        self.mail(LATENCY, Letter::Seal { lobby });
        Ok(())
    }

    /// The next event of a client, or a wake-up when there is one.
    pub(super) fn poll_signaling(&mut self, key: u64, waker: &Waker) -> Option<SignalingEvent> {
        let client = self.service.clients.get_mut(&key)?;
        let Some(event) = client.events.pop_front() else {
            self.old_wakers.extend(client.waker.replace(waker.clone()));
            return None;
        };
        if client.events.len() + 1 >= MAX_PENDING {
            // Those who were told that there is no room may try again.
            let clients = self.service.clients.values_mut();
            self.wakes
                .extend(clients.filter_map(|client| client.waker.take()));
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

    fn leave(&mut self, lobby: Option<String>, id: Option<PeerId>) {
        if let (Some(lobby), Some(id)) = (lobby, id) {
            self.mail(LATENCY, Letter::Leave { lobby, id });
        }
    }

    /// Ends a client's connection. Nothing that was on its way to it arrives.
    pub(super) fn lose_client(&mut self, key: u64, reason: LostReason) {
        let Some(client) = self.service.clients.get_mut(&key) else {
            return;
        };
        if matches!(client.phase, Phase::Out | Phase::Waiting) {
            return;
        }
        client.phase = match reason {
            LostReason::Unreachable(_) => Phase::Waiting,
            _ => Phase::Out,
        };
        client.connection += 1;
        client.known.clear();
        client.events.push_back(SignalingEvent::Lost { reason });
        self.wakes.extend(client.waker.take());
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
        let clients = self.service.clients.iter();
        let waiting = clients.filter(|(_, client)| client.phase == Phase::Waiting);
        let waiting: Vec<u64> = waiting.map(|(key, _)| *key).collect();
        for client in waiting {
            self.join(client);
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
        if let Some(known) = self.service.clients.get(&client) {
            let connection = known.connection;
            let letter = Letter::Tell {
                client,
                connection,
                event,
            };
            self.mail(LATENCY, letter);
        }
    }

    /// Something has arrived, at the service or at a client.
    pub(super) fn deliver(&mut self, letter: Letter) {
        match letter {
            Letter::Join { client, connection } => self.admit(client, connection),
            Letter::Send {
                lobby,
                from,
                to,
                signal,
            } => {
                // One that has no addressee is of no use any more: `PeerLeft` is on its way.
                if let Some(client) = self.service.member(&lobby, to) {
                    self.tell_client(client, SignalingEvent::Signal { from, signal });
                }
            }
            Letter::Seal { lobby } => self.seal(lobby),
            Letter::SealIsOver { lobby, .. } => self.end_lobby(&lobby, &LostReason::SealComplete),
            Letter::Leave { lobby, id } => self.has_left(&lobby, id),
            Letter::Tell {
                client,
                connection,
                event,
            } => self.told(client, connection, event),
        }
    }

    fn told(&mut self, key: u64, connection: u32, event: SignalingEvent) {
        let client = self.service.clients.get_mut(&key);
        let Some(client) = client.filter(|client| client.connection == connection) else {
            return;
        };
        match &event {
            SignalingEvent::Lost { reason } => {
                let reason = reason.clone();
                return self.lose_client(key, reason);
            }
            SignalingEvent::Joined { .. } => client.phase = Phase::In,
            SignalingEvent::PeerJoined(peer) => _ = client.known.insert(*peer),
            SignalingEvent::PeerLeft(peer) => _ = client.known.remove(peer),
            SignalingEvent::Signal { .. } | SignalingEvent::Sealed => {}
        }
        client.events.push_back(event);
        self.wakes.extend(client.waker.take());
    }

    fn admit(&mut self, key: u64, connection: u32) {
        let Service {
            clients,
            lobbies,
            is_down: down,
        } = &mut self.service;
        let client = clients.get_mut(&key);
        let Some(client) = client.filter(|client| client.connection == connection) else {
            return;
        };
        if *down {
            let reason = is_down();
            return self.tell_client(key, SignalingEvent::Lost { reason });
        }
        if client.wanted.is_empty() {
            client.wanted = format!("{:016x}", self.rng.next());
        }
        let name = client.wanted.clone();
        let lobby = lobbies.entry(name.clone()).or_insert_with(|| Lobby {
            serial: self.clock.unique(),
            topology: client.topology,
            sealed: false,
            members: BTreeMap::new(),
        });
        let is_taken = |id: PeerId| lobby.members.contains_key(&id);
        if lobby.sealed || client.id.is_some_and(is_taken) {
            let words = if lobby.sealed {
                "Lobby is sealed"
            } else {
                "The id is taken"
            };
            let reason = refused(words);
            return self.tell_client(key, SignalingEvent::Lost { reason });
        }
        let id = client.id.unwrap_or_else(|| {
            if lobby.members.is_empty() {
                return PeerId::SERVER;
            }
            loop {
                let entropy = u32::try_from(self.rng.next() >> 32).unwrap_or(0);
                let id = PeerId::generate_unique(entropy);
                if !is_taken(id) {
                    return id;
                }
            }
        });
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

    fn seal(&mut self, name: String) {
        let Some(lobby) = self.service.lobbies.get_mut(&name) else {
            return;
        };
        if core::mem::replace(&mut lobby.sealed, true) {
            return;
        }
        let serial = lobby.serial;
        let members: Vec<u64> = lobby.members.values().copied().collect();
        for member in members {
            self.tell_client(member, SignalingEvent::Sealed);
        }
        let lobby = name;
        self.mail(SEALED_FOR, Letter::SealIsOver { lobby, serial });
    }

    /// Removes a member whose connection ended, and tells the others. The end of a host ends its lobby.
    fn has_left(&mut self, name: &str, id: PeerId) {
        let Some(lobby) = self.service.lobbies.get_mut(name) else {
            return;
        };
        lobby.members.remove(&id);
        if id.is_server() || lobby.members.is_empty() {
            self.end_lobby(name, &LostReason::HostLeft);
            return;
        }
        for (_, client) in lobby.linked_with(id) {
            self.tell_client(client, SignalingEvent::PeerLeft(id));
        }
    }

    fn end_lobby(&mut self, name: &str, reason: &LostReason) {
        let lobby = self.service.lobbies.remove(name);
        for key in lobby
            .into_iter()
            .flat_map(|lobby| lobby.members.into_values())
        {
            if let Some(client) = self.service.clients.get_mut(&key) {
                client.lobby = None;
            }
            let reason = reason.clone();
            self.tell_client(key, SignalingEvent::Lost { reason });
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
