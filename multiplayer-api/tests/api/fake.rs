//! A network peer whose every word is the test's.

use std::collections::{BTreeSet, VecDeque};

use mesh_core::{
    ChannelIndex, ConnectionStatus, DisconnectReason, Duration, Event, Incarnation, Instant,
    MultiplayerPeer, Packet, Payload, PeerId, Refused, RefusedReason, SendError, Sent, Target,
    TransferMode,
};
use multiplayer_api::{ApiConfig, ApiEvent, MultiplayerApi};

/// What an API asked of its network peer, and what that answers.
pub(crate) struct Fake {
    pub(crate) id: Option<PeerId>,
    incarnation: Incarnation,
    pub(crate) status: ConnectionStatus,
    pub(crate) star: bool,
    pub(crate) now: Instant,
    pub(crate) peers: BTreeSet<PeerId>,
    /// Whose channels take nothing.
    pub(crate) full: BTreeSet<PeerId>,
    /// Nothing larger is taken.
    pub(crate) limit: usize,
    pub(crate) sent: Vec<(Target, ChannelIndex, Vec<u8>)>,
    pub(crate) disconnected: Vec<PeerId>,
    pub(crate) pumps: usize,
    events: VecDeque<Event>,
}

impl Fake {
    fn new(id: PeerId, status: ConnectionStatus, star: bool) -> Self {
        Self {
            id: Some(id),
            incarnation: Incarnation::begin(),
            status,
            star,
            now: Instant::from_micros(7_000_000),
            peers: BTreeSet::new(),
            full: BTreeSet::new(),
            limit: 262_144,
            sent: Vec::new(),
            disconnected: Vec::new(),
            pumps: 0,
            events: VecDeque::new(),
        }
    }

    pub(crate) fn mesh(own: u32) -> Self {
        Self::new(id(own), ConnectionStatus::Connected, false)
    }

    pub(crate) fn server() -> Self {
        Self::new(PeerId::SERVER, ConnectionStatus::Connected, true)
    }

    /// A client that its server has not been seen of yet.
    pub(crate) fn client(own: u32) -> Self {
        Self::new(id(own), ConnectionStatus::Connecting, true)
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(crate) fn connect(&mut self, peer: u32) {
        self.status = ConnectionStatus::Connected;
        self.peers.insert(id(peer));
        self.tell(Event::PeerConnected(id(peer)));
    }

    pub(crate) fn lose(&mut self, peer: u32) {
        self.peers.remove(&id(peer));
        if self.star && peer == 1 {
            self.status = ConnectionStatus::Disconnected;
        }
        self.tell(Event::PeerDisconnected {
            peer: id(peer),
            reason: DisconnectReason::Lost,
        });
    }

    pub(crate) fn receive(&mut self, from: u32, packet: &[u8]) {
        self.receive_on(from, TransferMode::Reliable, packet);
    }

    pub(crate) fn receive_on(&mut self, from: u32, mode: TransferMode, packet: &[u8]) {
        self.tell(Event::Packet(Packet {
            from: id(from),
            mode,
            channel: mode.channel(),
            payload: Payload::from(packet),
        }));
    }

    /// Closes it and sets it up as it was.
    pub(crate) fn restart(&mut self) {
        let id = self.id;
        self.close();
        self.id = id;
        self.status = match (self.star, id) {
            (true, Some(id)) if !id.is_server() => ConnectionStatus::Connecting,
            (true | false, Some(_)) => ConnectionStatus::Connected,
            (true | false, None) => ConnectionStatus::Disconnected,
        };
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        self.now += span;
    }

    /// Takes what was sent, as receiver and bytes. All of it on the reliable channel, or the test is wrong.
    pub(crate) fn take_reliable(&mut self) -> Vec<(u32, Vec<u8>)> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter()
            .map(|(target, channel, bytes)| {
                assert_eq!(channel, TransferMode::Reliable.channel());
                let Target::One(peer) = target else {
                    panic!("sent to {target:?}");
                };
                (peer.get(), bytes)
            })
            .collect()
    }
}

impl MultiplayerPeer for Fake {
    fn pump(&mut self) {
        self.pumps += 1;
    }

    fn take_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn send_on(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError> {
        if self.status == ConnectionStatus::Disconnected {
            return Err(SendError::NotInitialized);
        }
        if let Target::One(peer) = target
            && !self.peers.contains(&peer)
        {
            return Err(SendError::UnknownPeer { peer });
        }
        if usize::from(channel.0) >= self.channel_modes().len() {
            return Err(SendError::UnknownChannel { channel: channel.0 });
        }
        let (size, limit) = (payload.len(), self.limit);
        if size > limit {
            let peer = PeerId::SERVER;
            return Err(SendError::TooLarge { size, limit, peer });
        }
        if let Target::One(peer) = target
            && self.full.contains(&peer)
        {
            let reason = RefusedReason::Full;
            return Ok(Sent {
                accepted: 0,
                refused: vec![Refused { peer, reason }],
            });
        }
        let bytes = payload.into_bytes().to_vec();
        self.sent.push((target, channel, bytes));
        Ok(Sent {
            accepted: 1,
            refused: Vec::new(),
        })
    }

    fn channel_modes(&self) -> &[TransferMode] {
        &[
            TransferMode::Reliable,
            TransferMode::UnreliableOrdered,
            TransferMode::Unreliable,
            TransferMode::Reliable,
        ]
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn unique_id(&self) -> Option<PeerId> {
        self.id
    }

    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    fn connection_status(&self) -> ConnectionStatus {
        self.status
    }

    fn is_server_relay_supported(&self) -> bool {
        self.star
    }

    fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
        if !self.peers.remove(&peer) {
            return false;
        }
        self.disconnected.push(peer);
        if self.star && peer.is_server() {
            self.status = ConnectionStatus::Disconnected;
        }
        if !force {
            let reason = DisconnectReason::Removed;
            self.tell(Event::PeerDisconnected { peer, reason });
        }
        true
    }

    fn refuses_new_connections(&self) -> bool {
        false
    }

    fn set_refuse_new_connections(&mut self, _refuse: bool) {}

    fn close(&mut self) {
        self.id = None;
        self.incarnation = Incarnation::begin();
        self.status = ConnectionStatus::Disconnected;
        self.peers.clear();
        self.events.clear();
    }
}

pub(crate) fn id(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}

pub(crate) fn api() -> MultiplayerApi {
    MultiplayerApi::new(ApiConfig::default())
}

/// One frame.
pub(crate) fn poll(api: &mut MultiplayerApi, network: &mut dyn MultiplayerPeer) -> Vec<ApiEvent> {
    std::iter::from_fn(|| api.poll(network)).collect()
}

/// A reliable packet of the game.
pub(crate) fn packet(from: u32, data: &'static [u8]) -> ApiEvent {
    packet_on(from, TransferMode::Reliable, data)
}

pub(crate) fn packet_on(from: u32, mode: TransferMode, data: &'static [u8]) -> ApiEvent {
    ApiEvent::PeerPacket {
        from: id(from),
        mode,
        channel: mode.channel(),
        data: data.into(),
    }
}

pub(crate) fn connected(peer: u32) -> ApiEvent {
    ApiEvent::PeerConnected(id(peer))
}

pub(crate) fn lost(peer: u32) -> ApiEvent {
    ApiEvent::PeerDisconnected {
        peer: id(peer),
        reason: Some(DisconnectReason::Lost),
    }
}

/// A server that has let clients 2, 3 and so on in, all told and nothing unread.
pub(crate) fn server_of(clients: u32) -> (MultiplayerApi, Fake) {
    let (mut api, mut network) = (api(), Fake::server());
    for client in 2..2 + clients {
        network.connect(client);
    }
    poll(&mut api, &mut network);
    network.sent.clear();
    (api, network)
}

/// Client 2, which its server has let in and told of clients 3, 4 and so on.
pub(crate) fn client_among(others: u32) -> (MultiplayerApi, Fake) {
    let (mut api, mut network) = (api(), Fake::client(2));
    network.connect(1);
    for other in 3..3 + others {
        network.receive(1, &add(other));
    }
    poll(&mut api, &mut network);
    (api, network)
}

/// `07 01 id`, written by hand.
pub(crate) fn add(peer: u32) -> [u8; 6] {
    let [a, b, c, d] = peer.to_le_bytes();
    [7, 1, a, b, c, d]
}

/// `07 02 id`, written by hand.
pub(crate) fn del(peer: u32) -> [u8; 6] {
    let [a, b, c, d] = peer.to_le_bytes();
    [7, 2, a, b, c, d]
}

/// `07 03 peer inner`, written by hand.
pub(crate) fn relay(peer: i32, inner: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = peer.to_le_bytes();
    let mut packet = vec![7, 3, a, b, c, d];
    packet.extend_from_slice(inner);
    packet
}
