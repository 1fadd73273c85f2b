//! The multiplayer API itself: its state, and the round that a poll is.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

use mesh_core::{ConnectionStatus, Incarnation, Instant, MultiplayerPeer, PeerId};

use self::auth::Pending;
use crate::backlog::Backlog;
use crate::early::Early;
use crate::{ApiConfig, ApiEvent, ApiStats, Generation, IgnoredReason};

mod admission;
mod auth;
mod input;
mod relay;
mod send;

/// Godot's multiplayer API over a network peer that is lent to every call (Godot: `SceneMultiplayer`, `MultiplayerAPI`).
///
/// **All events of the network peer go through [`poll`](Self::poll)**: what is taken from it directly is not told here,
/// and its packets are lost. A network peer that was closed and set up anew, or another one in its place, begins a new
/// story: whoever counted before is forgotten, with what follows of the end of the old one (4.x: `ServerDisconnected`).
///
/// Everything it keeps is bounded: by the number of connected peers, by [`ApiConfig::max_relayed_peers`] and by
/// [`ApiConfig::backlog_bytes`].
#[doc(alias = "SceneMultiplayer")]
#[doc(alias = "MultiplayerAPI")]
#[derive(Debug)]
pub struct MultiplayerApi {
    config: ApiConfig,
    stats: ApiStats,
    /// As far as it has been told; the network peer's own may be ahead of its events.
    status: ConnectionStatus,
    /// The network peer's, of whom all below is told.
    incarnation: Option<Incarnation>,
    admitted: BTreeMap<PeerId, Admitted>,
    pending: BTreeMap<PeerId, Pending>,
    /// Whom we have sent away and whose end has not been told yet: they count no more.
    leaving: BTreeSet<PeerId>,
    early: Early,
    backlog: Backlog,
    events: VecDeque<ApiEvent>,
    round: Round,
}

/// How a peer that counts is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admitted {
    Directly,
    ThroughServer,
}

/// How far a poll is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Over,
    /// The network peer may have more events.
    Taking,
    /// It has none; what followed of them is still to be told.
    Telling,
}

impl MultiplayerApi {
    /// An API that has met nobody.
    #[doc(alias = "clear")]
    #[doc(alias = "create_default_interface")]
    #[doc(alias = "get_default_interface")]
    #[doc(alias = "set_default_interface")]
    #[must_use]
    pub const fn new(config: ApiConfig) -> Self {
        Self {
            config,
            stats: ApiStats {
                scene_commands: 0,
                ignored: 0,
                relayed: 0,
                relay_dropped: 0,
                overrun_peers: 0,
            },
            status: ConnectionStatus::Disconnected,
            incarnation: None,
            admitted: BTreeMap::new(),
            pending: BTreeMap::new(),
            leaving: BTreeSet::new(),
            early: Early::new(),
            backlog: Backlog::new(),
            events: VecDeque::new(),
            round: Round::Over,
        }
    }

    /// The next event; `None` when there is none until the next frame.
    ///
    /// The first call of a frame takes in what has happened ([`MultiplayerPeer::pump`]), so call it until it gives `None`,
    /// once a frame. Between the calls the network peer is free:
    ///
    /// ```
    /// # use multiplayer_api::{ApiEvent, MultiplayerApi, MultiplayerPeer};
    /// # fn frame(api: &mut MultiplayerApi, network: &mut dyn MultiplayerPeer) -> Result<(), multiplayer_api::SendBytesError> {
    /// while let Some(event) = api.poll(network) {
    ///     if let ApiEvent::PeerPacket { from, mode, data, .. } = event {
    ///         api.send_bytes(network, from, mode, &data)?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "network_peer")]
    #[doc(alias = "has_network_peer")]
    #[doc(alias = "multiplayer_peer")]
    #[doc(alias = "has_multiplayer_peer")]
    pub fn poll(&mut self, network: &mut dyn MultiplayerPeer) -> Option<ApiEvent> {
        self.begin_anew(network);
        if self.round == Round::Over {
            network.pump();
            self.backlog.flush(network);
            self.tell_losses();
            self.round = Round::Taking;
        }
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.round == Round::Telling {
                self.round = Round::Over;
                return None;
            }
            match network.take_event() {
                Some(event) => self.handle(network, event),
                None => {
                    self.finish(network);
                    self.round = Round::Telling;
                }
            }
        }
    }

    /// When a poll is due at the latest, on the network peer's clock; for those that do not poll once a frame.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let pending = self.pending.values().filter_map(|peer| peer.deadline);
        pending.chain(self.early.deadline()).min()
    }

    /// Sends a peer away (Godot: `disconnect_peer`). Its end is not told here; a server tells the others. `false` if we
    /// are not connected to it ourselves.
    pub fn disconnect_peer(&mut self, network: &mut dyn MultiplayerPeer, peer: PeerId) -> bool {
        self.begin_anew(network);
        if !network.disconnect_peer(peer, false) {
            return false;
        }
        let pending = self.pending.remove(&peer).is_some();
        if self.withdraw(network, peer) || pending {
            self.leaving.insert(peer);
        }
        true
    }

    /// Closes the network peer and forgets everybody. Without events: we asked for it.
    pub fn close(&mut self, network: &mut dyn MultiplayerPeer) {
        network.close();
        self.reset();
        self.events.clear();
    }

    /// The peers that count, ascending, those behind a server included (Godot: `get_peers`).
    #[doc(alias = "get_peers")]
    #[doc(alias = "get_network_connected_peers")]
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.admitted.keys().copied()
    }

    /// Whether a peer counts.
    #[must_use]
    pub fn has_peer(&self, peer: PeerId) -> bool {
        self.admitted.contains_key(&peer)
    }

    /// The peers that have to authenticate, ascending (Godot: `get_authenticating_peers`).
    #[doc(alias = "get_authenticating_peers")]
    pub fn authenticating_peers(&self) -> impl Iterator<Item = PeerId> {
        self.pending.keys().copied()
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &ApiConfig {
        &self.config
    }

    /// The counters.
    #[must_use]
    pub const fn stats(&self) -> ApiStats {
        self.stats
    }

    /// Forgets everybody if the network peer is not the one it was. Before each event and each call that means somebody: the game
    /// may set it up anew at any time. What follows of it is told by the next poll.
    fn begin_anew(&mut self, network: &dyn MultiplayerPeer) {
        let incarnation = network.incarnation();
        if self.incarnation.is_some_and(|known| known != incarnation) {
            self.end();
        }
        self.incarnation = Some(incarnation);
    }

    /// What follows of the time and of the state that all events led to.
    fn finish(&mut self, network: &mut dyn MultiplayerPeer) {
        let now = network.now();
        self.expire_pending(network, now);
        while let Some(from) = self.early.expired(now) {
            self.ignore(from, IgnoredReason::Unannounced);
        }
        match network.connection_status() {
            ConnectionStatus::Disconnected => self.end(),
            status @ (ConnectionStatus::Connecting | ConnectionStatus::Connected) => {
                self.status = status;
            }
        }
    }

    /// The network peer is out of use, which 4.x calls a lost server whoever we were. Told once.
    fn end(&mut self) {
        if self.config.generation == Generation::Godot4 {
            self.events.extend(match self.status {
                ConnectionStatus::Connecting => Some(ApiEvent::ConnectionFailed(None)),
                ConnectionStatus::Connected => Some(ApiEvent::ServerDisconnected),
                ConnectionStatus::Disconnected => None,
            });
        }
        self.reset();
    }

    /// Forgets everybody, without a word.
    fn reset(&mut self) {
        self.status = ConnectionStatus::Disconnected;
        self.admitted.clear();
        self.pending.clear();
        self.leaving.clear();
        self.early = Early::new();
        self.backlog.clear();
        self.tell_losses();
    }

    fn ignore(&mut self, from: PeerId, why: IgnoredReason) {
        self.stats.ignored = self.stats.ignored.saturating_add(1);
        self.events.push_back(ApiEvent::Ignored { from, why });
    }

    /// Whether peers reach each other through the server alone, and packets are to be passed on.
    fn relays(&self, network: &dyn MultiplayerPeer) -> bool {
        self.config.generation == Generation::Godot4
            && self.config.server_relay
            && network.is_server_relay_supported()
    }

    /// Whether we are a client of a star.
    fn is_client(network: &dyn MultiplayerPeer) -> bool {
        network.is_server_relay_supported() && !network.is_server()
    }
}

impl Default for MultiplayerApi {
    fn default() -> Self {
        Self::new(ApiConfig::default())
    }
}
