//! A mesh that makes itself: a [`Multiplayer`] that listens to a [`Signaling`].

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use self::retry::Retry;
use crate::{
    Backend, ChannelIndex, ConnectFailure, ConnectionStatus, Event, Instant, Multiplayer, Payload,
    PeerId, PeerInfo, SendError, Sent, Signal, Signaling, SignalingError, Target, Topology,
    TransferMode,
};

mod config;
mod leaving;
mod meeting;
mod retry;
#[cfg(test)]
mod tests;

pub use config::SessionConfig;
pub use leaving::Leaving;

/// Signals that wait for a signaling whose queue is full; a handshake has a few dozen.
const WAITING_SIGNALS: usize = 1024;

/// Events taken from the signaling in one poll.
const SIGNALS_PER_POLL: usize = 256;

/// How long to wait for a signaling whose queue is full: its contract has no word for room again.
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// A [`Multiplayer`] that is told by a [`Signaling`] who is there, and connects itself to everybody.
///
/// It adds what Godot leaves to the game's scripts: connections are made as members come, the one with the higher id
/// offers (as in Godot's official 4.x demo), candidates trickle in the right order, and who cannot be connected is given
/// up with a reason.
///
/// The signaling is for meeting only: its loss is told and touches no connected peer.
#[derive(Debug)]
pub struct Session<B, S> {
    // Before the backend, which may own the runtime that the signaling's goodbye needs.
    signaling: S,
    multiplayer: Multiplayer<B>,
    config: SessionConfig,
    topology: Topology,
    /// Who the signaling says is in the lobby.
    present: BTreeSet<PeerId>,
    /// Whom to try again, and when.
    retries: BTreeMap<PeerId, Retry>,
    waiting: VecDeque<(PeerId, Signal)>,
    news: VecDeque<Event>,
    open: bool,
    /// Whether [`poll`](Self::poll) is giving the events of what it took in.
    polling: bool,
}

impl<B: Backend, S: Signaling> Session<B, S> {
    /// A session that will join as soon as the signaling has.
    #[must_use]
    pub fn new(backend: B, signaling: S, config: SessionConfig) -> Self {
        Self {
            multiplayer: Multiplayer::new(backend, config.mesh.clone()),
            signaling,
            config,
            topology: Topology::Mesh,
            present: BTreeSet::new(),
            retries: BTreeMap::new(),
            waiting: VecDeque::new(),
            news: VecDeque::new(),
            open: true,
            polling: false,
        }
    }

    /// See [`Multiplayer::send`].
    ///
    /// # Errors
    ///
    /// As there.
    #[doc(alias = "put_packet")]
    pub fn send(
        &mut self,
        target: impl Into<Target>,
        mode: TransferMode,
        payload: impl Into<Payload>,
    ) -> Result<Sent, SendError> {
        self.multiplayer.send(target, mode, payload)
    }

    /// See [`Multiplayer::send_on`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_on(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError> {
        self.multiplayer.send_on(target, channel, payload)
    }

    /// See [`Multiplayer::disconnect_peer`]; the peer may come back if the signaling brings it back.
    pub fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
        self.retries.remove(&peer);
        self.multiplayer.disconnect_peer(peer, force)
    }

    /// See [`Mesh::refuses_new_connections`](crate::Mesh::refuses_new_connections).
    #[doc(alias = "is_refusing_new_connections")]
    #[must_use]
    pub const fn refuses_new_connections(&self) -> bool {
        self.multiplayer.refuses_new_connections()
    }

    /// Lets no member of the lobby connect to us, or lets them again (Godot: `refuse_new_connections`).
    ///
    /// Those who were refused are called when they may come again, if the call is ours; else they call at their next try.
    #[doc(alias = "refuse_new_connections")]
    #[doc(alias = "refuse_new_network_connections")]
    pub fn set_refuse_new_connections(&mut self, refuse: bool) {
        self.multiplayer.set_refuse_new_connections(refuse);
        if !refuse {
            self.meet_all();
        }
    }

    /// See [`Multiplayer::remove_peer`]; the peer may come back if the signaling brings it back.
    pub fn remove_peer(&mut self, peer: PeerId) -> bool {
        self.retries.remove(&peer);
        self.multiplayer.remove_peer(peer)
    }

    /// See [`Multiplayer::close_channel`].
    #[doc(alias = "close")]
    pub fn close_channel(&mut self, peer: PeerId, channel: ChannelIndex) -> bool {
        self.multiplayer.close_channel(peer, channel)
    }

    /// See [`Multiplayer::request_stats`].
    pub fn request_stats(&mut self, peer: PeerId) -> bool {
        self.multiplayer.request_stats(peer)
    }

    /// Gives the events of a frame one by one, then `None`.
    ///
    /// The first call of a frame takes in what has happened; the calls after it only give events, so that a peer that
    /// never stops sending cannot keep a frame from ending. Call it until `None` once a frame:
    /// `while let Some(event) = session.poll()`. Events that a loop leaves behind stay for the next one. It never blocks.
    pub fn poll(&mut self) -> Option<Event> {
        if !core::mem::replace(&mut self.polling, true) {
            self.pump(&mut Context::from_waker(Waker::noop()));
        }
        let event = self.take_event();
        self.polling = event.is_some();
        event
    }

    /// Waits for the next event; for tools and servers. Cancel-safe.
    pub async fn next_event(&mut self) -> Event {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next event, or a wake-up when there may be one.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if let Some(event) = self.take_event() {
            return Poll::Ready(event);
        }
        self.pump(cx);
        self.take_event().map_or(Poll::Pending, Poll::Ready)
    }

    /// Leaves: closes the signaling and every connection, at the call. What reliable channels have accepted is still sent,
    /// for at most [`SessionConfig::leave_linger`].
    ///
    /// The future that it returns waits until the closes have gone out. A game that does not wait need only keep the
    /// session alive as long; a dropped native backend with its own thread waits for them, too.
    pub fn leave(&mut self) -> Leaving<'_, B, S> {
        let deadline = self.depart();
        Leaving {
            session: self,
            deadline,
        }
    }

    /// A leave without the waiting; gives the moment until which to wait at most.
    pub(crate) fn depart(&mut self) -> Instant {
        let linger = self.config.leave_linger;
        self.open = false;
        self.signaling.close();
        self.multiplayer.close_lingering(linger);
        self.present.clear();
        self.retries.clear();
        self.waiting.clear();
        self.news.clear();
        // A backend that never reports a close must not hold a leave for ever.
        self.multiplayer.backend().now() + linger + Duration::from_millis(500)
    }

    /// See [`Multiplayer::unique_id`].
    #[doc(alias = "get_unique_id")]
    #[doc(alias = "get_network_unique_id")]
    #[must_use]
    pub const fn unique_id(&self) -> Option<PeerId> {
        self.multiplayer.unique_id()
    }

    /// See [`Multiplayer::is_server`].
    #[doc(alias = "is_network_server")]
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.multiplayer.is_server()
    }

    /// See [`Multiplayer::connection_status`].
    #[doc(alias = "get_connection_status")]
    #[must_use]
    pub const fn connection_status(&self) -> ConnectionStatus {
        self.multiplayer.connection_status()
    }

    /// Whether there is such a peer, connected or not (Godot: `has_peer`).
    #[must_use]
    pub fn has_peer(&self, peer: PeerId) -> bool {
        self.multiplayer.has_peer(peer)
    }

    /// Whether the lobby is a star, in which only the server reaches everybody; `false` before we have joined.
    #[must_use]
    pub const fn is_server_relay_supported(&self) -> bool {
        self.multiplayer.is_server_relay_supported()
    }

    /// See [`Multiplayer::peer`].
    #[doc(alias = "get_peer")]
    #[must_use]
    pub fn peer(&self, peer: PeerId) -> Option<PeerInfo> {
        self.multiplayer.peer(peer)
    }

    /// See [`Multiplayer::peers`].
    #[doc(alias = "get_peers")]
    pub fn peers(&self) -> impl Iterator<Item = PeerInfo> {
        self.multiplayer.peers()
    }

    /// See [`Multiplayer::buffered_amount`].
    #[doc(alias = "get_buffered_amount")]
    #[must_use]
    pub fn buffered_amount(&self, peer: PeerId, channel: ChannelIndex) -> usize {
        self.multiplayer.buffered_amount(peer, channel)
    }

    /// The mesh and its backend, to look at.
    #[must_use]
    pub const fn multiplayer(&self) -> &Multiplayer<B> {
        &self.multiplayer
    }

    /// The mesh and its backend, for what a session does not offer itself.
    pub const fn multiplayer_mut(&mut self) -> &mut Multiplayer<B> {
        &mut self.multiplayer
    }

    /// The signaling, for what only this one has.
    pub const fn signaling_mut(&mut self) -> &mut S {
        &mut self.signaling
    }

    pub(crate) fn pump(&mut self, cx: &mut Context<'_>) {
        let now = self.multiplayer.backend().now();
        let mut events = self.multiplayer.mesh().config().events_per_poll.max(1);
        // Before the signaling: who has connected and left the lobby since has not left during its handshake.
        let _ = self.multiplayer.take_in(&mut events, now, cx);
        let mut budget = SIGNALS_PER_POLL;
        while self.open {
            if budget == 0 || self.news.len() >= SIGNALS_PER_POLL {
                cx.waker().wake_by_ref();
                break;
            }
            budget -= 1;
            match self.signaling.poll_event(now, cx) {
                Poll::Ready(event) => self.signaled(event),
                Poll::Pending => break,
            }
        }
        self.retry(now);
        // And after it: what it has set going need not wait for the next poll.
        if self.multiplayer.take_in(&mut events, now, cx) {
            self.multiplayer.pass(now);
        }
        self.forward_signals(now);
        let deadlines = [
            self.multiplayer.mesh().poll_timeout(),
            self.signaling.poll_timeout().filter(|_| self.open),
            self.retries.values().filter_map(|retry| retry.due).min(),
            (!self.waiting.is_empty()).then(|| now + FULL_PAUSE),
        ];
        self.multiplayer
            .set_alarm(deadlines.into_iter().flatten().min());
    }

    pub(crate) fn take_event(&mut self) -> Option<Event> {
        if let Some(event) = self.news.pop_front() {
            return Some(event);
        }
        // Descriptions and candidates that came up since the pump stay in the mesh for the next one.
        let event = self.multiplayer.take_mesh_event()?;
        self.observe(&event);
        Some(event)
    }

    /// Hands descriptions and candidates to the signaling, in order; what it cannot take yet waits.
    fn forward_signals(&mut self, now: Instant) {
        while let Some(signal) = self.multiplayer.take_signal() {
            if self.waiting.len() < WAITING_SIGNALS {
                self.waiting.push_back(signal);
            }
        }
        while let Some((peer, signal)) = self.waiting.pop_front() {
            match self.signaling.send(now, peer, signal.clone()) {
                Ok(()) => {}
                Err(SignalingError::Full) => {
                    self.waiting.push_front((peer, signal));
                    break;
                }
                Err(SignalingError::NotConnected) => {
                    // Nobody will ever hear of it; the peer is given up at its deadline at the latest.
                }
                Err(SignalingError::Unsendable(why)) => {
                    // A late candidate for a peer that is connected and has left the lobby is no fault.
                    if !self.was_connected(peer) {
                        let cause = if self.present.contains(&peer) {
                            ConnectFailure::Platform(why)
                        } else {
                            ConnectFailure::Left
                        };
                        self.give_up(peer, cause);
                    }
                }
            }
        }
    }
}
