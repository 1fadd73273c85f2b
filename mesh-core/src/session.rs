//! A mesh that makes itself: a [`Multiplayer`] that listens to a [`Signaling`]. The rules are in [`Roster`]; here they meet
//! the backend and the signaling.

use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use crate::{
    Backend, ChannelIndex, Event, GivenReason, Instant, Mesh, Multiplayer, Payload, PeerId,
    PeerInfo, PeerStats, SendError, Sent, Signaling, SignalingError, Target, TransferMode,
};

mod config;
mod leaving;
mod lobby;
mod roster;
#[cfg(test)]
mod tests;

pub use config::SessionConfig;
pub use leaving::Leaving;
pub use roster::Roster;

/// How long a leave waits until the signaling is told. One that is out of reach may never be.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// Events taken from the signaling in one poll.
const SIGNALS_PER_POLL: usize = 256;

/// A [`Multiplayer`] that is told by a [`Signaling`] who is there, and connects itself to everybody.
///
/// It adds what Godot leaves to the game's scripts: connections are made as members come, the one with the higher id
/// offers (as in Godot's official 4.x demo), candidates trickle in the right order, and an attempt that fails, or a connection
/// that ends, is told with its reason and made again as long as the member is in the lobby. A game that does not want
/// somebody [kicks](Self::kick), [bans](Self::ban) or does [not accept](Self::set_accept) that peer.
///
/// If the path to a peer stays broken for 1 s after [`Event::PeerInterrupted`], it makes another connection, and the peer goes on
/// over that one ([`Event::PeerResumed`]); for this the signaling is needed, and waited for.
///
/// The signaling is for meeting only: its interruption and its loss are told and touch no connected peer. Handshakes go on as
/// soon as it is back.
#[derive(Debug)]
pub struct Session<B, S> {
    // Before the backend, which may own the runtime that the signaling's goodbye needs.
    signaling: S,
    multiplayer: Multiplayer<B>,
    roster: Roster,
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
            roster: Roster::new(config),
            open: true,
            polling: false,
        }
    }

    /// Sends a message on the built-in channel of a mode, as [`Multiplayer::send`] describes.
    ///
    /// # Errors
    ///
    /// [`SendError`], where the caller is at fault; nobody gets the message then.
    #[doc(alias = "put_packet")]
    pub fn send(
        &mut self,
        target: impl Into<Target>,
        mode: TransferMode,
        payload: impl Into<Payload>,
    ) -> Result<Sent, SendError> {
        self.multiplayer.send(target, mode, payload)
    }

    /// Sends a message on any channel, a custom one too.
    ///
    /// # Errors
    ///
    /// [`SendError`], where the caller is at fault; nobody gets the message then.
    pub fn send_on(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError> {
        self.multiplayer.send_on(target, channel, payload)
    }

    /// Removes a peer and keeps it away until it is [allowed](Self::allow) again or has left the lobby. One that was
    /// connected gives `PeerDisconnected` with `Removed`. `false` if there is no such peer, connected or in the lobby.
    ///
    /// The other side hears [`DisconnectReason::Kicked`](crate::DisconnectReason::Kicked); its further calls are not answered.
    /// Whoever else we are connected to hears [`Event::PeerKicked`], and stays connected to the peer unless it does the same.
    #[doc(alias = "remove_peer")]
    pub fn kick(&mut self, peer: PeerId) -> bool {
        self.kick_with_reason(peer, GivenReason::default())
    }

    /// [Kicks](Self::kick) a peer and tells it why: a text, a code of the game's own, or both.
    ///
    /// ```no_run
    /// # use mesh_core::{Backend, PeerId, Session, Signaling};
    /// # fn example<B: Backend, S: Signaling>(session: &mut Session<B, S>, peer: PeerId) {
    /// session.kick_with_reason(peer, "idle for too long");
    /// session.kick_with_reason(peer, (7, "idle for too long"));
    /// # }
    /// ```
    pub fn kick_with_reason(&mut self, peer: PeerId, reason: impl Into<GivenReason>) -> bool {
        let reason = reason.into();
        self.instruct(|roster, mesh| roster.kick_with_reason(mesh, peer, false, reason))
    }

    /// Removes a peer, if it is there, and keeps it away until it is [allowed](Self::allow) again, also if it leaves the
    /// lobby and comes back under the same id.
    pub fn ban(&mut self, peer: PeerId) {
        self.instruct(|roster, mesh| roster.ban(mesh, peer));
    }

    /// Lets a peer come again that was kicked, removed or banned. `false` if it was not.
    ///
    /// If it is in the lobby it is called at once, or comes with its own next try, within a minute.
    pub fn allow(&mut self, peer: PeerId) -> bool {
        let was_away = self.roster.allow(self.multiplayer.backend().now(), peer);
        self.settle();
        was_away
    }

    /// Sets who may connect: `accept` is asked before each new connection, with the peer's id. Without it everybody may.
    ///
    /// A peer that it does not accept is asked about again at the next attempt to connect, after the usual pause. Peers that
    /// are connected or being connected go on.
    pub fn set_accept(&mut self, accept: impl FnMut(PeerId) -> bool + Send + Sync + 'static) {
        self.roster.set_accept(accept);
    }

    /// Removes a peer and keeps it away, as [`kick`](Self::kick) does (Godot 4.x: `disconnect_peer`). With `force` the
    /// connection closes as soon as the peer has been told, 200 ms later at most, and the game hears nothing more of it. `false` if
    /// there is no such peer.
    pub fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
        self.instruct(|roster, mesh| roster.kick(mesh, peer, force))
    }

    /// Lets no member of the lobby connect to us, or lets them again (Godot: `refuse_new_connections`).
    ///
    /// Those who were refused are called when they may come again, if the call is ours; else they come with their own next
    /// try, within a minute.
    #[doc(alias = "refuse_new_connections")]
    #[doc(alias = "refuse_new_network_connections")]
    pub fn set_refuse_new_connections(&mut self, refuse: bool) {
        self.multiplayer.set_refuse_new_connections(refuse);
        self.settle();
    }

    /// Sends what can leave now, without waiting for the next [`poll`](Self::poll): messages that wait for room, and in a browser small ones
    /// that wait for others to share a packet. See [`Multiplayer::flush`](crate::Multiplayer::flush).
    pub fn flush(&mut self) {
        self.multiplayer.flush();
    }

    /// Gives the events of a frame one by one, then `None`.
    ///
    /// The first call of a frame takes in what has happened; the calls after it only give events, so that a peer that
    /// never stops sending cannot keep a frame from ending. Call it until `None` once a frame:
    /// `while let Some(event) = session.poll()`. Events that a loop leaves behind stay for the next one, but nothing new is
    /// taken in before they are taken, and no deadline passes. It never blocks.
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
    /// The future that it returns waits until the closes have gone out, for half a second longer than that at most, and until the signaling
    /// has been told, for a second at most. A game that does not wait need only keep the session alive as long; a dropped native backend with
    /// its own threads waits for both, too, 250 ms at most, if it has made the socket of the signaling (`PlatformBackend::websocket`).
    ///
    /// The others hear [`DisconnectReason::Closed`](crate::DisconnectReason::Closed).
    pub fn leave(&mut self) -> Leaving<'_, B, S> {
        let deadline = self.depart(None);
        Leaving {
            told_by: self.multiplayer.backend().now() + TOLD_WITHIN,
            session: self,
            deadline,
        }
    }

    /// [Leaves](Self::leave) and tells the others why, with a text, a code of the game's own, or both: they hear
    /// [`DisconnectReason::Left`](crate::DisconnectReason::Left). A peer that does not use this library hears that the
    /// connection was closed.
    pub fn leave_with_reason(&mut self, reason: impl Into<GivenReason>) -> Leaving<'_, B, S> {
        let deadline = self.depart(Some(reason.into()));
        Leaving {
            told_by: self.multiplayer.backend().now() + TOLD_WITHIN,
            session: self,
            deadline,
        }
    }

    /// A leave without the waiting; gives the moment until which to wait at most.
    pub(crate) fn depart(&mut self, reason: Option<GivenReason>) -> Instant {
        let linger = self.roster.config().leave_linger;
        self.open = false;
        self.signaling.close();
        match reason {
            Some(reason) => self.multiplayer.leave(linger, reason),
            None => self.multiplayer.close_lingering(linger),
        }
        self.roster.clear();
        // A backend that never reports a close must not hold a leave for ever.
        self.multiplayer.backend().now() + linger + Duration::from_millis(500)
    }

    /// Our own id; `None` before we have joined, and after a leave.
    #[doc(alias = "get_unique_id")]
    #[doc(alias = "get_network_unique_id")]
    #[must_use]
    pub const fn unique_id(&self) -> Option<PeerId> {
        self.multiplayer.unique_id()
    }

    /// The peers that can be sent to, ascending. Allocates nothing.
    pub fn connected_peers(&self) -> impl Iterator<Item = PeerId> {
        self.multiplayer.connected_peers()
    }

    /// All peers, connected or not, ascending (Godot: `get_peers`).
    ///
    /// Each item describes the channels of a peer in a `Vec`. [`connected_peers`](Self::connected_peers) gives only ids and
    /// allocates nothing.
    #[doc(alias = "get_peers")]
    pub fn peers(&self) -> impl Iterator<Item = PeerInfo> {
        self.multiplayer.peers()
    }

    /// The latest figures of a peer: round trip, jitter, loss, what was sent and received, and whether its link is relayed. They
    /// are measured all the time and cost nothing to ask for. `None` for an unknown peer.
    #[must_use]
    pub fn stats(&self, peer: PeerId) -> Option<PeerStats> {
        self.multiplayer.stats(peer)
    }

    /// The mesh and its backend, to look at: the state of the mesh, what waits to be sent.
    #[must_use]
    pub const fn multiplayer(&self) -> &Multiplayer<B> {
        &self.multiplayer
    }

    /// Who is in the lobby, to look at.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The mesh and its backend, for what a session does not offer itself, such as the statistics of a link. Do not take its
    /// events: the session would miss them. A peer that is removed there is connected to again.
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
        self.take_signaling(now, cx);
        self.settle();
        // And after it: what it has set going need not wait for the next poll.
        let is_all = self.multiplayer.take_in(&mut events, now, cx);
        self.multiplayer.pass(now, is_all);
        self.send_signals(now);
        // At the end: what has ended in this poll is to be tried again.
        self.settle();
        let deadlines = [
            self.multiplayer.mesh().poll_timeout(),
            self.signaling.poll_timeout().filter(|_| self.open),
            self.roster.poll_timeout(),
        ];
        self.multiplayer
            .wake_at(deadlines.into_iter().flatten().min());
    }

    pub(crate) fn take_event(&mut self) -> Option<Event> {
        // Descriptions and candidates that came up since the pump stay in the mesh for the next one.
        self.roster
            .poll_event()
            .or_else(|| self.multiplayer.take_mesh_event())
    }

    fn take_signaling(&mut self, now: Instant, cx: &mut Context<'_>) {
        for _ in 0..SIGNALS_PER_POLL {
            if !self.open {
                return;
            }
            if self.roster.is_full() {
                break;
            }
            let Poll::Ready(event) = self.signaling.poll_event(now, cx) else {
                return;
            };
            self.instruct(|roster, mesh| roster.handle_signaling(now, mesh, event));
            if self.roster.is_over() {
                self.signaling.close();
                self.open = false;
            }
        }
        cx.waker().wake_by_ref();
    }

    /// Has the roster look at the time and at the mesh.
    fn settle(&mut self) {
        let now = self.multiplayer.backend().now();
        self.instruct(|roster, mesh| roster.handle_timeout(now, mesh));
        if self.roster.take_doubts() && self.open {
            self.signaling.doubt(now);
        }
    }

    /// Hands descriptions and candidates to the signaling, as far as it has room.
    fn send_signals(&mut self, now: Instant) {
        while let Some((peer, signal)) = self.instruct(|roster, mesh| roster.poll_signal(mesh)) {
            let result = self.signaling.send(now, peer, signal);
            let is_full = result == Err(SignalingError::Full);
            self.instruct(|roster, mesh| roster.handle_sent(mesh, result));
            if is_full {
                return;
            }
        }
    }

    /// Lets the roster work on the mesh, and the backend carry out what follows.
    fn instruct<T>(&mut self, work: impl FnOnce(&mut Roster, &mut Mesh) -> T) -> T {
        let roster = &mut self.roster;
        self.multiplayer.after(|mesh, _| work(roster, mesh))
    }
}
