//! The multiplayer API itself: its state, and what a poll does.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::future::poll_fn;
use core::mem;
use core::task::{Context, Poll, Waker};

use mesh_core::{ConnectionStatus, Instant, MultiplayerPeer, PeerId};

use self::auth::Pending;
use crate::backlog::Backlog;
use crate::unannounced::Unannounced;
use crate::{ApiConfig, ApiEvent, ApiStats, Generation, IgnoredReason};

mod admission;
mod auth;
mod input;
mod relay;
mod send;

/// Godot's multiplayer API over a network peer (Godot: `SceneMultiplayer`, `MultiplayerAPI`).
///
/// It owns the network peer: a `Session`, a `Multiplayer`, a `Box<dyn MultiplayerPeer>`, or a `&mut` of one of them.
/// [`peer_mut`](Self::peer_mut) reaches what only the network peer has.
///
/// Take all events with [`poll`](Self::poll) or [`next_event`](Self::next_event). Events that are taken from the network
/// peer directly are not told here, and their packets are lost.
///
/// If the network peer is closed and set up again, all peers of before are forgotten. The next poll tells what follows
/// from that, such as [`ApiEvent::ServerDisconnected`] with 4.x.
///
/// Everything that it keeps is bounded: by the number of connected peers, by [`ApiConfig::max_relayed_peers`] and by
/// [`ApiConfig::backlog_bytes`].
#[doc(alias = "SceneMultiplayer")]
#[doc(alias = "MultiplayerAPI")]
#[derive(Debug)]
pub struct MultiplayerApi<P> {
    peer: P,
    /// How often the network peer had been closed when it was last looked at.
    closes: u64,
    config: ApiConfig,
    stats: ApiStats,
    /// The status that the events taken so far lead to; the network peer's own may be ahead.
    status: ConnectionStatus,
    admitted: BTreeMap<PeerId, Admitted>,
    pending: BTreeMap<PeerId, Pending>,
    /// Peers that we have disconnected and whose end the network peer has not told yet.
    leaving: BTreeSet<PeerId>,
    unannounced: Unannounced,
    backlog: Backlog,
    events: VecDeque<ApiEvent>,
    round: Round,
}

/// How an admitted peer is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admitted {
    Directly,
    ThroughServer,
}

/// How far the API is with the events of one pump of the network peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// All of them have been told.
    Over,
    /// The network peer may have more events.
    Taking,
    /// The network peer has no more events; what follows from them and from the time is still to be told.
    Telling,
}

impl<P: MultiplayerPeer> MultiplayerApi<P> {
    /// An API over a network peer, without peers yet.
    #[doc(alias = "clear")]
    #[doc(alias = "create_default_interface")]
    #[doc(alias = "get_default_interface")]
    #[doc(alias = "set_default_interface")]
    #[must_use]
    pub fn new(peer: P, config: ApiConfig) -> Self {
        Self {
            closes: peer.closes(),
            peer,
            config,
            stats: ApiStats::default(),
            status: ConnectionStatus::Disconnected,
            admitted: BTreeMap::new(),
            pending: BTreeMap::new(),
            leaving: BTreeSet::new(),
            unannounced: Unannounced::new(),
            backlog: Backlog::new(),
            events: VecDeque::new(),
            round: Round::Over,
        }
    }

    /// Gives the events of a frame one by one, then `None`.
    ///
    /// The first call of a frame takes in what has happened; the calls after it only give events. Call it until `None`
    /// once a frame. It never blocks. Between the calls the game may send:
    ///
    /// ```
    /// # use multiplayer_api::{ApiEvent, MultiplayerApi, MultiplayerPeer, SendBytesError};
    /// # fn frame(api: &mut MultiplayerApi<impl MultiplayerPeer>) -> Result<(), SendBytesError> {
    /// while let Some(event) = api.poll() {
    ///     if let ApiEvent::PeerPacket { from, mode, data, .. } = event {
    ///         api.send_bytes(from, mode, &data)?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn poll(&mut self) -> Option<ApiEvent> {
        if self.round == Round::Over {
            self.take_in(&mut Context::from_waker(Waker::noop()));
        }
        self.take_event()
    }

    /// Waits for the next event; for servers and tools, which need not poll once a frame. Cancel-safe.
    pub async fn next_event(&mut self) -> ApiEvent {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next event, or a wake-up when there may be one: something has arrived, or a deadline of this layer or of the
    /// network peer is due.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<ApiEvent> {
        if let Some(event) = self.take_event() {
            return Poll::Ready(event);
        }
        self.take_in(cx);
        self.take_event().map_or(Poll::Pending, Poll::Ready)
    }

    /// Disconnects a peer (Godot: `disconnect_peer`). Its end is not told here; a server tells it to the other clients.
    /// `false` if the network peer does not know that peer. A [`Session`](mesh_core::Session) keeps it away until it leaves
    /// the lobby or is allowed again.
    pub fn disconnect_peer(&mut self, peer: PeerId) -> bool {
        self.notice_close();
        if !self.peer.disconnect_peer(peer, false) {
            return false;
        }
        let was_pending = self.pending.remove(&peer).is_some();
        if self.withdraw(peer) || was_pending {
            self.leaving.insert(peer);
        }
        true
    }

    /// Closes the network peer and forgets all peers, without events.
    pub fn close(&mut self) {
        self.peer.close();
        self.closes = self.peer.closes();
        self.reset();
        self.events.clear();
    }

    /// The network peer.
    #[doc(alias = "network_peer")]
    #[doc(alias = "has_network_peer")]
    #[doc(alias = "multiplayer_peer")]
    #[doc(alias = "has_multiplayer_peer")]
    #[must_use]
    pub const fn peer(&self) -> &P {
        &self.peer
    }

    /// The network peer, to set it up, to change its settings or to close it. Do not take its events, and put another one
    /// in its place only with [`set_peer`](Self::set_peer).
    pub const fn peer_mut(&mut self) -> &mut P {
        &mut self.peer
    }

    /// Puts another network peer in place and gives the old one back. All peers of the old one are forgotten, its events
    /// that have not been taken are lost; the next poll tells what follows, as after a close of the old one.
    pub fn set_peer(&mut self, peer: P) -> P {
        self.end();
        self.peer.set_alarm(None);
        self.round = Round::Over;
        self.closes = peer.closes();
        mem::replace(&mut self.peer, peer)
    }

    /// Gives the network peer back, connected as it is.
    #[must_use]
    pub fn into_inner(mut self) -> P {
        self.peer.set_alarm(None);
        self.peer
    }

    /// Our own id, while there is one.
    #[must_use]
    pub fn unique_id(&self) -> Option<PeerId> {
        self.peer.unique_id()
    }

    /// The admitted peers, ascending, those behind a server included (Godot: `get_peers`).
    #[doc(alias = "get_peers")]
    #[doc(alias = "get_network_connected_peers")]
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.admitted.keys().copied()
    }

    /// Whether a peer is admitted.
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

    /// Takes in what has happened, and has `cx` woken when there is more.
    fn take_in(&mut self, cx: &mut Context<'_>) {
        self.notice_close();
        self.peer.pump(cx);
        self.flush_backlog();
        self.round = Round::Taking;
    }

    /// The next event of what was taken in.
    fn take_event(&mut self) -> Option<ApiEvent> {
        self.notice_close();
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.round != Round::Taking {
                self.round = Round::Over;
                return None;
            }
            match self.peer.take_event() {
                Some(event) => self.handle(event),
                None => {
                    self.finish();
                    self.round = Round::Telling;
                }
            }
        }
    }

    /// Forgets all peers if the network peer has been closed behind our back. Called before each event and each method that
    /// means a peer, because the game may close it at any time. What follows is told by the next poll.
    fn notice_close(&mut self) {
        let closes = self.peer.closes();
        if mem::replace(&mut self.closes, closes) != closes {
            self.end();
        }
    }

    /// Does what is due by now, and follows the status that all events led to.
    fn finish(&mut self) {
        let now = self.peer.now();
        self.expire_pending(now);
        while let Some(from) = self.unannounced.expired(now) {
            self.ignore(from, IgnoredReason::Unannounced);
        }
        match self.peer.connection_status() {
            ConnectionStatus::Disconnected => self.end(),
            status @ (ConnectionStatus::Connecting | ConnectionStatus::Connected) => {
                self.status = status;
            }
        }
        let deadline = self.deadline();
        self.peer.set_alarm(deadline);
    }

    /// When this layer has something to do, whatever happens.
    fn deadline(&self) -> Option<Instant> {
        let pending = self.pending.values().filter_map(|peer| peer.deadline);
        pending.chain(self.unannounced.deadline()).min()
    }

    /// The network peer is out of use. 4.x tells that once, and calls it a lost server also where we were the server.
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

    /// Forgets all peers, without events of theirs.
    fn reset(&mut self) {
        self.status = ConnectionStatus::Disconnected;
        self.admitted.clear();
        self.pending.clear();
        self.leaving.clear();
        self.unannounced = Unannounced::new();
        self.backlog.clear();
        self.tell_losses();
    }

    fn ignore(&mut self, from: PeerId, why: IgnoredReason) {
        self.stats.ignored = self.stats.ignored.saturating_add(1);
        self.events.push_back(ApiEvent::Ignored { from, why });
    }

    /// Whether clients reach each other only through the server, and packets are passed on.
    fn relays(&self) -> bool {
        self.config.generation == Generation::Godot4
            && self.config.server_relay
            && self.peer.is_server_relay_supported()
    }

    /// Whether we are a client of a star.
    fn is_client(&self) -> bool {
        self.peer.is_server_relay_supported() && !self.peer.is_server()
    }
}
