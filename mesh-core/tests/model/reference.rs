//! A mesh as one would write it for a single poll a lifetime: everything in lists, looked through every time.

use mesh_core::{
    ChannelIndex, ConnectFailure, ConnectionState, ConnectionStatus, DisconnectReason, Event,
    Instant, MeshConfig, Missing, Packet, Payload, PeerId, TransferMode,
};

/// How the mesh is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    Mesh,
    Compatible,
    Client,
}

/// The naive mesh.
pub(crate) struct Reference {
    setup: Setup,
    config: MeshConfig,
    status: ConnectionStatus,
    /// In the order of their links' slots, which is the order in which they time out.
    peers: Vec<Naive>,
    gone: Vec<(Naive, DisconnectReason, ConnectionStatus)>,
    /// Complete peers in the order of completion.
    arrived: Vec<(u32, bool)>,
    slots: usize,
    /// The slot freed last is used first.
    free: Vec<usize>,
    notices: Vec<(u64, u32, Event)>,
    lives: u64,
}

#[derive(Clone)]
struct Naive {
    id: u32,
    life: u64,
    slot: usize,
    added: Instant,
    state: ConnectionState,
    /// 0 before it opened, 1 while it is open.
    channels: [i8; 3],
    opened: [bool; 3],
    /// When one that is not complete and has a closed channel is given up.
    given_up_at: Option<Instant>,
    complete: bool,
    announced: bool,
    lost_at: Option<Instant>,
    end_at: Option<Instant>,
    ends_by_us: bool,
    interrupted: bool,
    /// What the game was told of that.
    told_interrupted: bool,
    packets: Vec<(u16, u32)>,
}

/// A channel that this side closes.
const CLOSING: i8 = -2;
/// A channel that is closed.
const CLOSED: i8 = -1;

impl Naive {
    fn closing_reason(&self) -> DisconnectReason {
        if self.ends_by_us {
            DisconnectReason::Removed
        } else {
            DisconnectReason::Closed
        }
    }
}

/// The number a test message carries.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().unwrap())
}

impl Reference {
    pub(crate) fn new(setup: Setup, config: MeshConfig) -> Self {
        Self {
            setup,
            config,
            status: match setup {
                Setup::Mesh => ConnectionStatus::Connected,
                Setup::Compatible | Setup::Client => ConnectionStatus::Connecting,
            },
            peers: Vec::new(),
            gone: Vec::new(),
            arrived: Vec::new(),
            slots: 0,
            free: Vec::new(),
            notices: Vec::new(),
            lives: 0,
        }
    }

    pub(crate) fn status(&self) -> ConnectionStatus {
        self.status
    }

    pub(crate) fn add(&mut self, now: Instant, id: u32) -> bool {
        let is_client = self.setup == Setup::Client;
        if (is_client && id != 1) || self.peers.iter().any(|peer| peer.id == id) {
            return false;
        }
        self.lives += 1;
        // Timeouts are looked for in the order of links, and a refused `add` gives its slot back at once.
        let slot = self.free.pop().unwrap_or(self.slots);
        self.slots = self.slots.max(slot + 1);
        self.peers.push(Naive {
            id,
            life: self.lives,
            slot,
            added: now,
            state: ConnectionState::New,
            channels: [0; 3],
            opened: [false; 3],
            given_up_at: None,
            complete: false,
            announced: false,
            lost_at: None,
            end_at: None,
            ends_by_us: false,
            interrupted: false,
            told_interrupted: false,
            packets: Vec::new(),
        });
        true
    }

    pub(crate) fn remove(&mut self, id: u32) -> bool {
        let known = self.peers.iter().any(|peer| peer.id == id);
        self.end(id, DisconnectReason::Removed);
        known
    }

    pub(crate) fn force(&mut self, id: u32) -> bool {
        let Some(index) = self.peers.iter().position(|peer| peer.id == id) else {
            return false;
        };
        let peer = self.peers.remove(index);
        self.free.push(peer.slot);
        self.arrived.retain(|&(arrived, _)| arrived != id);
        if self.setup != Setup::Mesh && id == 1 {
            self.status = ConnectionStatus::Disconnected;
        }
        true
    }

    pub(crate) fn close_channel(&mut self, now: Instant, id: u32, channel: usize) -> bool {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) else {
            return false;
        };
        if peer.channels[channel] < 0 {
            return false;
        }
        peer.channels[channel] = CLOSING;
        if !peer.complete {
            self.end(id, DisconnectReason::Removed);
        } else if peer.end_at.is_none() {
            peer.end_at = Some(now + std::time::Duration::from_millis(100));
            peer.ends_by_us = true;
        }
        true
    }

    pub(crate) fn state(&mut self, now: Instant, id: u32, state: ConnectionState) {
        let window = self.config.resume_window;
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) else {
            return;
        };
        peer.state = state;
        let closing = peer.end_at.is_some();
        let complete = peer.complete;
        match state {
            ConnectionState::Failed if !complete => self.end(id, no_route()),
            ConnectionState::Failed if closing => {
                let reason = peer.closing_reason();
                self.end(id, reason);
            }
            ConnectionState::New | ConnectionState::Connecting if complete && !closing => {
                // It is heard again, so it has the whole window once more.
                if peer.interrupted {
                    peer.lost_at = None;
                }
                peer.lost_at = peer.lost_at.or(Some(now + window));
            }
            ConnectionState::Disconnected | ConnectionState::Failed if complete && !closing => {
                peer.lost_at = peer.lost_at.or(Some(now + window));
                if !std::mem::replace(&mut peer.interrupted, true) {
                    let event = Event::PeerInterrupted(self::peer(id));
                    self.notices.push((peer.life, id, event));
                }
            }
            ConnectionState::Connected if complete && !closing => {
                peer.lost_at = None;
                if std::mem::replace(&mut peer.interrupted, false) {
                    let event = Event::PeerResumed(self::peer(id));
                    self.notices.push((peer.life, id, event));
                }
            }
            _ => self.complete(id),
        }
    }

    pub(crate) fn opened(&mut self, id: u32, channel: usize) {
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id)
            && peer.channels[channel] == 0
        {
            peer.channels[channel] = 1;
            peer.opened[channel] = true;
            self.complete(id);
        }
    }

    pub(crate) fn channel_closed(&mut self, now: Instant, id: u32, channel: usize) {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) else {
            return;
        };
        peer.channels[channel] = CLOSED;
        if peer.channels == [CLOSED; 3] {
            let reason = if peer.complete {
                peer.closing_reason()
            } else {
                DisconnectReason::ConnectFailed(ConnectFailure::Closed)
            };
            self.end(id, reason);
        } else if !peer.complete {
            let grace = now + std::time::Duration::from_millis(100);
            peer.given_up_at = Some(peer.given_up_at.map_or(grace, |at| at.min(grace)));
        } else if peer.end_at.is_none() {
            peer.end_at = Some(now + std::time::Duration::from_millis(100));
        }
    }

    pub(crate) fn message(&mut self, id: u32, channel: u16, number: u32) {
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) {
            peer.packets.push((channel, number));
        }
    }

    pub(crate) fn gone(&mut self, id: u32, failed: bool) {
        let peer = self.peers.iter().find(|peer| peer.id == id);
        let complete = peer.is_some_and(|peer| peer.complete);
        let reason = match (complete, failed) {
            (true, true) => DisconnectReason::Lost,
            (true, false) => peer.map_or(DisconnectReason::Closed, Naive::closing_reason),
            (false, true) => no_route(),
            (false, false) => DisconnectReason::ConnectFailed(ConnectFailure::Closed),
        };
        self.end(id, reason);
    }

    pub(crate) fn pass(&mut self, now: Instant) {
        let mut due: Vec<(usize, u32, DisconnectReason)> = Vec::new();
        for peer in &self.peers {
            let given_up = peer.given_up_at.is_some_and(|at| now >= at);
            let overdue = now >= peer.added + self.config.connect_deadline;
            let reason = if !peer.complete && peer.given_up_at.is_some() {
                (given_up || overdue)
                    .then_some(DisconnectReason::ConnectFailed(ConnectFailure::Closed))
            } else if !peer.complete {
                (now >= peer.added + self.config.connect_deadline).then_some(
                    DisconnectReason::ConnectFailed(ConnectFailure::Deadline {
                        missing: Missing::Description,
                    }),
                )
            } else if let Some(end) = peer.end_at {
                (now >= end).then_some(peer.closing_reason())
            } else {
                peer.lost_at
                    .is_some_and(|at| now >= at)
                    .then_some(DisconnectReason::Lost)
            };
            due.extend(reason.map(|reason| (peer.slot, peer.id, reason)));
        }
        due.sort_by_key(|(slot, ..)| *slot);
        for (_, id, reason) in due {
            self.end(id, reason);
        }
    }

    /// Everything the game is told in one poll.
    pub(crate) fn listen(&mut self) -> Vec<Event> {
        let mut told = Vec::new();
        for (leaver, reason, status) in std::mem::take(&mut self.gone) {
            let id = peer(leaver.id);
            let is_server = self.setup != Setup::Mesh && id.is_server();
            let by_name = self.setup == Setup::Compatible && id.is_server();
            if !leaver.complete {
                told.push(Event::PeerFailed {
                    peer: id,
                    reason: reason.clone(),
                });
                if is_server && status == ConnectionStatus::Connecting {
                    told.push(Event::ConnectionFailed(reason));
                }
                continue;
            }
            if !leaver.announced {
                told.push(Event::PeerConnected(id));
                told.extend(by_name.then_some(Event::ConnectionSucceeded));
            }
            told.extend(leaver.packets.iter().map(|&p| packet(leaver.id, p)));
            told.push(Event::PeerDisconnected { peer: id, reason });
            told.extend(by_name.then_some(Event::ServerDisconnected));
        }
        for (id, again) in std::mem::take(&mut self.arrived) {
            if !self.may_announce(id) {
                continue;
            }
            let Some(arrival) = self.peers.iter_mut().find(|p| p.id == id && p.complete) else {
                continue;
            };
            if std::mem::replace(&mut arrival.announced, true) && !again {
                continue;
            }
            told.push(Event::PeerConnected(peer(id)));
            if arrival.interrupted && !arrival.told_interrupted {
                let event = Event::PeerInterrupted(peer(id));
                self.notices.push((arrival.life, id, event));
            }
            let by_name = self.setup == Setup::Compatible && id == 1;
            told.extend(by_name.then_some(Event::ConnectionSucceeded));
            told.extend(arrival.packets.drain(..).map(|p| packet(id, p)));
        }
        for (life, id, event) in std::mem::take(&mut self.notices) {
            let still = |p: &&mut Naive| p.id == id && p.life == life && p.announced;
            if let Some(peer) = self.peers.iter_mut().find(still) {
                let interrupted = matches!(event, Event::PeerInterrupted(_));
                let is_news = peer.told_interrupted != interrupted;
                peer.told_interrupted = interrupted;
                told.extend(is_news.then_some(event));
            }
        }
        let mut speakers: Vec<&mut Naive> = self
            .peers
            .iter_mut()
            .filter(|p| p.announced && !p.packets.is_empty())
            .collect();
        speakers.sort_by_key(|p| p.packets[0].1);
        let rounds = speakers.iter().map(|p| p.packets.len()).max().unwrap_or(0);
        for round in 0..rounds {
            let said = |p: &&mut Naive| p.packets.get(round).map(|&said| packet(p.id, said));
            told.extend(speakers.iter().filter_map(said));
        }
        speakers.into_iter().for_each(|p| p.packets.clear());
        told
    }

    fn complete(&mut self, id: u32) {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) else {
            return;
        };
        let all = peer.state == ConnectionState::Connected && peer.channels == [1; 3];
        if all && !peer.complete {
            self.arrive(id);
        }
    }

    fn arrive(&mut self, id: u32) {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) else {
            return;
        };
        peer.complete = true;
        if self.setup != Setup::Mesh && id == 1 {
            self.status = ConnectionStatus::Connected;
            self.arrived.push((1, false));
            let mut others: Vec<(u32, bool)> = self
                .peers
                .iter()
                .filter(|p| p.id != 1 && p.complete)
                .map(|p| (p.id, p.announced))
                .collect();
            others.sort_unstable();
            self.arrived
                .retain(|(arrived, _)| others.iter().all(|(id, _)| id != arrived));
            self.arrived.extend(others);
        } else if self.status == ConnectionStatus::Connected {
            self.arrived.push((id, false));
        }
    }

    fn end(&mut self, id: u32, reason: DisconnectReason) {
        let Some(index) = self.peers.iter().position(|peer| peer.id == id) else {
            return;
        };
        let peer = &self.peers[index];
        let was_there = !peer.complete
            && peer.opened == [true; 3]
            && reason == DisconnectReason::ConnectFailed(ConnectFailure::Closed);
        let reason = if was_there {
            self.arrive(id);
            DisconnectReason::Closed
        } else {
            reason
        };
        let heard_of = self.peers[index].announced || self.may_announce(id);
        let peer = self.peers.remove(index);
        self.free.push(peer.slot);
        self.arrived.retain(|&(arrived, _)| arrived != id);
        let status = self.status;
        if self.setup != Setup::Mesh && id == 1 && (!peer.complete || heard_of) {
            let by_us = !peer.complete && reason == DisconnectReason::Removed;
            if !by_us && (peer.complete || status == ConnectionStatus::Connecting) {
                self.status = ConnectionStatus::Disconnected;
            }
        }
        let silent = if peer.complete {
            !heard_of
        } else {
            reason == DisconnectReason::Removed
        };
        if !silent {
            self.gone.push((peer, reason, status));
        }
    }

    /// Server compatibility: nobody is told of before the server.
    fn may_announce(&self, id: u32) -> bool {
        let served = || self.peers.iter().any(|peer| peer.id == 1 && peer.announced);
        self.status == ConnectionStatus::Connected
            && (self.setup == Setup::Mesh || id == 1 || served())
    }
}

fn no_route() -> DisconnectReason {
    DisconnectReason::ConnectFailed(ConnectFailure::NoRoute)
}

fn peer(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

fn packet(from: u32, (channel, number): (u16, u32)) -> Event {
    Event::Packet(Packet {
        from: peer(from),
        mode: TransferMode::ALL[usize::from(channel)],
        channel: ChannelIndex(channel),
        payload: Payload::from(number.to_le_bytes().as_slice()),
    })
}
