//! The state machine of a mesh: who is a peer, when it counts as connected, what goes to whom.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::time::Duration;

use self::agenda::Agenda;
use self::batches::Batches;
use self::connection::{Connection, Member, Phase};
use self::lane::Lane;
use self::plan::Plan;
use self::setup::Mode;
use self::transfer::Offer;
use self::transfers::Transfers;
use crate::platform::Inbox;
use crate::slots::Slots;
use crate::{
    AddPeerError, Capabilities, ChannelIndex, Command, ConnectionId, DisconnectReason, GivenReason,
    Goodbye, Instant, LinkConfig, LinkId, MeshConfig, PeerId, Reliability,
};

mod agenda;
mod agreement;
mod batches;
mod channels;
mod connection;
mod continuation;
mod ends;
mod events;
mod handshake;
mod input;
mod lane;
mod life;
mod outbox;
mod peers;
mod plan;
mod resume;
mod sending;
mod setup;
mod successor;
mod transfer;
mod transfers;

pub(crate) use crate::platform::LINGER;
pub use peers::{ChannelInfo, PeerInfo};
pub use sending::Transmit;

/// The rules of a mesh and nothing else: it is told what happened and says what to do.
///
/// Four families of methods:
///
/// - getters: [`unique_id`](Self::unique_id), [`connection_status`](Self::connection_status), [`peers`](Self::peers),
///   [`peer`](Self::peer), …
/// - verbs, which change what the mesh wants: [`initialize`](Self::initialize),
///   [`create_client`](Self::create_client), [`create_connection`](Self::create_connection), [`add_peer`](Self::add_peer), [`remove_peer`](Self::remove_peer),
///   [`send`](Self::send), [`close`](Self::close), …; those that can arm a timer take `now`;
/// - `handle_*`, for what happened: [`handle_event`](Self::handle_event), [`handle_rejected`](Self::handle_rejected),
///   [`handle_timeout`](Self::handle_timeout);
/// - `poll_*`, for what follows: [`poll_command`](Self::poll_command), [`poll_transmit`](Self::poll_transmit),
///   [`poll_event`](Self::poll_event), [`poll_signal`](Self::poll_signal), [`poll_timeout`](Self::poll_timeout).
///
/// **After every verb and every `handle_*`, drain `poll_command` and then `poll_transmit` before the next call**: a backend
/// must learn of a new connection before anything is sent over it. [`Multiplayer`](crate::Multiplayer) is that loop.
///
/// ```
/// use mesh_core::*;
///
/// let mut mesh = Mesh::new(MeshConfig::default(), Capabilities::default());
/// let now = Instant::from_micros(1);
/// mesh.initialize(PeerId::SERVER, false).unwrap();
/// let connection = mesh.create_connection(LinkConfig::default());
/// mesh.add_peer(now, connection, PeerId::new(7).unwrap(), None).unwrap();
///
/// let commands: Vec<_> = std::iter::from_fn(|| mesh.poll_command()).collect();
/// assert!(matches!(commands[0], Command::Open { .. }));
/// assert_eq!(commands.len(), 1 + 3 + 1, "one connection, its three channels, and the one for transfers");
/// assert_eq!(mesh.poll_timeout(), Some(now + MeshConfig::default().connect_deadline));
/// ```
#[derive(Debug)]
pub struct Mesh {
    config: MeshConfig,
    capabilities: Capabilities,
    unique_id: Option<PeerId>,
    closes: u64,
    mode: Mode,
    plan: Plan,
    status: ConnectionStatus,
    refuse_new_connections: bool,
    makes_replacements: bool,
    links: Slots<Connection>,
    peers: BTreeMap<PeerId, LinkId>,
    /// Second links of peers, which take over when they are complete.
    successors: BTreeMap<PeerId, LinkId>,
    closing: BTreeSet<LinkId>,
    commands: VecDeque<Command>,
    /// The newest message, for those whose channel is idle.
    lane: Lane,
    /// Links with messages that had to wait, each once: the round robin.
    outgoing: VecDeque<LinkId>,
    agenda: Agenda,
}

/// Godot: `MultiplayerPeer.ConnectionStatus`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConnectionStatus {
    /// Not initialized, closed, or the server is lost.
    #[default]
    #[doc(alias = "CONNECTION_DISCONNECTED")]
    Disconnected,
    /// A client, or server compatibility: peer 1 has not connected yet.
    #[doc(alias = "CONNECTION_CONNECTING")]
    Connecting,
    /// In use.
    #[doc(alias = "CONNECTION_CONNECTED")]
    Connected,
}

impl Mesh {
    /// An empty mesh on a platform that can do what `capabilities` says.
    #[must_use]
    pub fn new(config: MeshConfig, capabilities: Capabilities) -> Self {
        Self {
            config,
            capabilities,
            unique_id: None,
            closes: 0,
            mode: Mode::default(),
            plan: Plan::new(&[]),
            status: ConnectionStatus::Disconnected,
            refuse_new_connections: false,
            makes_replacements: false,
            links: Slots::new(),
            peers: BTreeMap::new(),
            successors: BTreeMap::new(),
            closing: BTreeSet::new(),
            commands: VecDeque::new(),
            lane: Lane::default(),
            outgoing: VecDeque::new(),
            agenda: Agenda::default(),
        }
    }

    /// Our own id; `None` before [`initialize`](Self::initialize) and after [`close`](Self::close). (Godot answers 1 there,
    /// and takes every such peer for the server.)
    #[doc(alias = "get_unique_id")]
    #[must_use]
    pub const fn unique_id(&self) -> Option<PeerId> {
        self.unique_id
    }

    /// How often [`close`](Self::close) has been called. A layer above compares it with the number that it saw last: if they
    /// differ, the peers that it knows are gone, even if the mesh has the same id again.
    #[must_use]
    pub const fn closes(&self) -> u64 {
        self.closes
    }

    /// The largest message in bytes that this side can send, to whichever peer.
    #[must_use]
    pub const fn max_message_size(&self) -> usize {
        self.capabilities.max_message_size
    }

    /// Whether the mesh is in use.
    #[doc(alias = "get_connection_status")]
    #[must_use]
    pub const fn connection_status(&self) -> ConnectionStatus {
        self.status
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &MeshConfig {
        &self.config
    }

    /// Whether [`add_peer`](Self::add_peer) is refused for now.
    #[must_use]
    pub const fn refuses_new_connections(&self) -> bool {
        self.refuse_new_connections
    }

    /// Whether a link that we closed has not been reported closed yet.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        !self.closing.is_empty()
    }

    /// Whether the game is so far behind with its events that no more should be fed in.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.agenda.is_full()
    }

    /// Refuses [`add_peer`](Self::add_peer), or no longer (Godot: `refuse_new_connections`). Peers already added go on.
    #[doc(alias = "refuse_new_connections")]
    pub const fn set_refuse_new_connections(&mut self, refuse: bool) {
        self.refuse_new_connections = refuse;
    }

    /// Makes a connection that is new and belongs to nobody yet (Godot: a new `WebRTCPeerConnection`).
    #[doc(alias = "WebRTCPeerConnection")]
    #[doc(alias = "initialize")]
    pub fn create_connection(&mut self, config: LinkConfig) -> ConnectionId {
        let link = self.links.insert(Connection::new);
        self.commands.push_back(Command::Open {
            link,
            config,
            inbox_bytes: self.config.inbox_bytes,
        });
        link
    }

    /// Makes a new connection the one to `peer`, with its channels (Godot: `add_peer`).
    ///
    /// `unreliable_lifetime` is in milliseconds, see [`Reliability::from_unreliable_lifetime`]; `None` takes the
    /// configured one. From now on the peer has [`MeshConfig::connect_deadline`] to connect.
    ///
    /// # Errors
    ///
    /// [`AddPeerError`], the first that applies in the order of its variants; nothing has changed then.
    pub fn add_peer(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        peer: PeerId,
        unreliable_lifetime: Option<u16>,
    ) -> Result<(), AddPeerError> {
        self.check_new_peer(connection, peer, self.refuse_new_connections)?;
        if self.peers.contains_key(&peer) {
            return Err(AddPeerError::Duplicate { id: peer });
        }
        self.peers.insert(peer, connection);
        self.attach(now, connection, peer, unreliable_lifetime)
    }

    /// Gives a new connection to a peer, with its channels and its deadline.
    fn attach(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        peer: PeerId,
        unreliable_lifetime: Option<u16>,
    ) -> Result<(), AddPeerError> {
        let max_message_size = self.max_message_size();
        let sends_batches = self.capabilities.coalesces && self.config.coalesce;
        let entry = self.links.get_mut(connection);
        let entry = entry.ok_or(AddPeerError::UnknownConnection)?;
        let lifetime = unreliable_lifetime.map(Reliability::from_unreliable_lifetime);
        let unreliable = lifetime.unwrap_or(self.config.unreliable);
        let channels = self.plan.channels(&self.config, unreliable);
        for (channel, planned) in (0..).map(ChannelIndex).zip(&channels) {
            self.commands.push_back(Command::CreateChannel {
                link: connection,
                channel,
                spec: planned.spec.clone(),
            });
        }
        let transfers = Transfers::new(channels.len(), Offer::of(&self.config));
        self.commands.extend(transfers.create(connection));
        entry.member = Some(Member {
            peer,
            transfers,
            phase: Phase::Connecting {
                deadline: now + self.config.connect_deadline,
            },
            announced: false,
            interrupted: false,
            resumed_at: None,
            interrupted_since: None,
            severed: false,
            may_be_left: false,
            unsettled: false,
            told_interrupted: false,
            inbox: Inbox::new(self.plan.modes(), self.config.inbox_bytes),
            in_round: false,
            in_outgoing: false,
            turn: 0,
            max_message_size,
            batches: Batches::new(sends_batches),
            life: None,
            replaces: false,
            continuation: None,
            channels,
        });
        let gone = entry.gone.take();
        if let Some(reason) = gone {
            self.end(connection, reason.into(), None);
        }
        Ok(())
    }

    /// Godot's checks in Godot's order, then its two omissions.
    fn check_new_peer(
        &self,
        connection: ConnectionId,
        peer: PeerId,
        refuse: bool,
    ) -> Result<(), AddPeerError> {
        let own = self.unique_id.ok_or(AddPeerError::NotInitialized)?;
        if self.mode == Mode::Client && !peer.is_server() {
            return Err(AddPeerError::NotTheServer { id: peer });
        }
        // A server's check for id 1 is this one, too.
        if peer == own {
            return Err(AddPeerError::OwnId { id: peer });
        }
        if refuse {
            return Err(AddPeerError::Refused);
        }
        let entry = self.links.get(connection);
        let entry = entry.ok_or(AddPeerError::UnknownConnection)?;
        if entry.member.is_some() || !entry.negotiation.is_new() {
            return Err(AddPeerError::NotNew);
        }
        Ok(())
    }

    /// Removes a peer (Godot: `remove_peer`). One that was connected gives `PeerDisconnected` with `Removed`; one that was
    /// not gives nothing, as in Godot. `false` if there is no such peer.
    pub fn remove_peer(&mut self, peer: PeerId) -> bool {
        let link = self.connection(peer);
        link.is_some_and(|link| self.close_connection(link))
    }

    /// Removes a peer as [`remove_peer`](Self::remove_peer) does, and tells it that it was kicked and why: it hears
    /// [`DisconnectReason::Kicked`]. The other peers hear [`Event::PeerKicked`](crate::Event::PeerKicked). `false` if there is no
    /// such peer.
    pub fn kick(&mut self, peer: PeerId, reason: impl Into<GivenReason>) -> bool {
        if !self.has_peer(peer) {
            return false;
        }
        self.announce_kick(peer, &reason.into());
        self.remove_peer(peer)
    }

    /// Tells a peer that it is kicked, when its links are closed. The caller closes them next.
    pub(crate) fn tell_kicked(&mut self, peer: PeerId, reason: &GivenReason) {
        let links = [self.peers.get(&peer), self.successors.get(&peer)];
        for link in links.into_iter().flatten() {
            if let Some(entry) = self.links.get_mut(*link) {
                entry.parting = Some(Goodbye::Kicked(reason.clone()));
            }
        }
    }

    /// Does the same, and tells the other peers at once.
    pub(crate) fn announce_kick(&mut self, peer: PeerId, reason: &GivenReason) {
        self.tell_kicked(peer, reason);
        for (other, link) in &self.peers {
            if *other != peer && self.is_connected(*other) {
                self.commands.push_back(Command::TellKick {
                    link: *link,
                    peer,
                    reason: reason.clone(),
                });
            }
        }
    }

    /// Ends a peer (Godot 4.x: `disconnect_peer`). Without `force` it is [`remove_peer`](Self::remove_peer). With it the
    /// link closes at once, the game hears nothing more of the peer, and a mesh that needs peer 1 is `Disconnected`
    /// without it. `false` if there is no such peer.
    pub fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
        if !force {
            return self.remove_peer(peer);
        }
        let Some(link) = self.peers.remove(&peer) else {
            return false;
        };
        self.drop_link(link, Some(Duration::ZERO));
        if let Some(successor) = self.successors.remove(&peer) {
            self.drop_link(successor, Some(Duration::ZERO));
        }
        if self.mode.needs_server() && peer.is_server() {
            self.status = ConnectionStatus::Disconnected;
            self.agenda.succeeded = false;
        }
        true
    }

    /// Ends a peer's connection at once, for a reason that lies outside the mesh. The game hears the reason, unless it is
    /// the end of a [successor](Self::add_successor), or that of a peer that was not connected and is `Removed`. `false`
    /// if there is no such connection or it belongs to no peer.
    pub fn end_connection(
        &mut self,
        connection: ConnectionId,
        reason: impl Into<DisconnectReason>,
    ) -> bool {
        let is_known = self.member(connection).is_some();
        if is_known {
            self.end_now(connection, reason);
        }
        is_known
    }

    /// Closes a connection; a peer is removed with its connection, a [successor](Self::add_successor) is not missed.
    /// `false` if there is no such connection.
    #[doc(alias = "close")]
    pub fn close_connection(&mut self, connection: ConnectionId) -> bool {
        if self.member(connection).is_none() {
            return self.drop_link(connection, Some(Duration::ZERO)).is_some();
        }
        self.end(connection, DisconnectReason::Removed, Some(LINGER));
        true
    }

    /// Asks for a connected peer's figures; they come as [`Event::Stats`](crate::Event::Stats), unless the peer goes before.
    /// `false` if there is no such peer, or it is not connected.
    pub fn request_stats(&mut self, peer: PeerId) -> bool {
        let link = self.connection(peer).filter(|_| self.is_connected(peer));
        let request = link.map(|link| Command::RequestStats { link });
        self.commands.extend(request);
        link.is_some()
    }

    /// Closes as [`close`](Self::close) does, and tells every peer that we leave and why: it hears [`DisconnectReason::Left`].
    pub fn leave(&mut self, linger: Duration, reason: impl Into<GivenReason>) {
        let goodbye = Goodbye::Left(reason.into());
        for link in self.links.ids() {
            if let Some(entry) = self.links.get_mut(link) {
                entry.parting = Some(goodbye.clone());
            }
        }
        self.close(linger);
    }

    /// Closes every connection and forgets the id, without events (Godot: `close`). What reliable channels have accepted
    /// may hold each close up for `linger`.
    pub fn close(&mut self, linger: Duration) {
        for link in self.links.ids() {
            self.drop_link(link, Some(linger));
        }
        self.peers.clear();
        self.successors.clear();
        self.agenda = Agenda::default();
        self.unique_id = None;
        self.closes = self.closes.wrapping_add(1);
        self.mode = Mode::default();
        self.plan = Plan::new(&[]);
        self.status = ConnectionStatus::Disconnected;
    }
}
