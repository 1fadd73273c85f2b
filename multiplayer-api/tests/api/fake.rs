//! A network peer whose events and answers the test sets.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::Context;

use mesh_core::{
    ChannelIndex, ConnectionStatus, DisconnectReason, Duration, Event, Instant, MultiplayerPeer,
    Packet, Payload, PeerId, Refused, RefusedReason, SendError, Sent, Target, TransferMode,
};

use crate::kit::id;

/// What an API asked of its network peer, and what that answers.
pub(crate) struct Fake {
    pub(crate) id: Option<PeerId>,
    closes: u64,
    pub(crate) status: ConnectionStatus,
    pub(crate) star: bool,
    pub(crate) now: Instant,
    pub(crate) peers: BTreeSet<PeerId>,
    /// Whose channels take nothing.
    pub(crate) full: BTreeSet<PeerId>,
    /// The largest message that this side sends.
    pub(crate) limit: usize,
    /// Peers that take less.
    pub(crate) limits: BTreeMap<PeerId, usize>,
    pub(crate) sent: Vec<(Target, ChannelIndex, Vec<u8>)>,
    pub(crate) disconnected: Vec<PeerId>,
    pub(crate) pumps: usize,
    pub(crate) alarm: Option<Instant>,
    events: VecDeque<Event>,
}

impl Fake {
    fn new(id: PeerId, status: ConnectionStatus, star: bool) -> Self {
        Self {
            id: Some(id),
            closes: 0,
            status,
            star,
            now: Instant::from_micros(7_000_000),
            peers: BTreeSet::new(),
            full: BTreeSet::new(),
            limit: 262_144,
            limits: BTreeMap::new(),
            sent: Vec::new(),
            disconnected: Vec::new(),
            pumps: 0,
            alarm: None,
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

    fn limit_of(&self, peer: PeerId) -> usize {
        self.limits.get(&peer).map_or(self.limit, |limit| *limit)
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
    fn pump(&mut self, _cx: &mut Context<'_>) {
        self.pumps += 1;
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.alarm = deadline;
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
        let limit = match target {
            Target::One(peer) => self.limit_of(peer),
            Target::All | Target::AllExcept(_) => self.limit,
        };
        let size = payload.len();
        if size > limit {
            return Err(SendError::TooLarge { size, limit });
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

    fn closes(&self) -> u64 {
        self.closes
    }

    fn max_message_size(&self) -> usize {
        self.limit
    }

    fn max_message_size_of(&self, peer: PeerId) -> Option<usize> {
        self.peers.contains(&peer).then(|| self.limit_of(peer))
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
        self.closes += 1;
        self.status = ConnectionStatus::Disconnected;
        self.peers.clear();
        self.events.clear();
    }
}
