//! One mesh over one backend: the class a Godot user knows.

use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use crate::{
    Backend, ChannelIndex, ConnectionStatus, Event, Instant, Mesh, MeshConfig, Payload, PeerId,
    PeerInfo, Rejected, SendError, Sent, Signal, Target, TransferMode, Transmit,
};

mod connections;
mod setup;
mod transfers;

/// Drives a [`Mesh`] over a [`Backend`] (Godot: `WebRTCMultiplayer`, `WebRTCMultiplayerPeer`).
///
/// Full manual control, with any signaling: make a connection, [`add_peer`](Self::add_peer) it while it is new, exchange
/// descriptions and candidates, and call [`poll`](Self::poll) once a frame. [`Session`](crate::Session) does all of that
/// but the last.
///
/// Dropping it closes every connection, also those never added.
#[doc(alias = "WebRTCMultiplayer")]
#[doc(alias = "WebRTCMultiplayerPeer")]
#[derive(Debug)]
pub struct Multiplayer<B> {
    mesh: Mesh,
    backend: B,
    /// Whether [`poll`](Self::poll) is giving the events of what it took in.
    polling: bool,
    /// When this layer or a `Session` above it has something to do.
    own_alarm: Option<Instant>,
    /// When a layer above, such as a multiplayer API, has something to do.
    upper_alarm: Option<Instant>,
    /// When events were last taken in.
    pumped: Instant,
    /// Whether a message may wait to be sent. Never `false` when one does.
    backed_up: bool,
}

impl<B: Backend> Multiplayer<B> {
    /// A mesh without an id and without peers.
    #[must_use]
    pub fn new(backend: B, config: MeshConfig) -> Self {
        Self {
            mesh: Mesh::new(config, backend.capabilities()),
            pumped: backend.now(),
            backend,
            polling: false,
            own_alarm: None,
            upper_alarm: None,
            backed_up: false,
        }
    }

    /// Sends a message on the built-in channel of a mode (Godot: `put_packet`). It leaves at once where it can.
    ///
    /// What cannot be sent yet waits, within the limits of the channel: [`MeshConfig::send_limits`]. A reliable channel at
    /// its limit refuses more, and names the peer in [`Sent::refused`]. An unreliable one takes the message and drops the
    /// oldest that waits, which [`ChannelInfo::messages_dropped`](crate::ChannelInfo::messages_dropped) counts.
    ///
    /// A Godot peer that runs in a browser loses messages above 65530 bytes, whatever its limit says.
    ///
    /// # Errors
    ///
    /// [`SendError`], where the caller is at fault: unknown target, larger than this side can send, not initialized. Nobody
    /// gets the message then. A limit of one of several peers is no fault of the caller: that peer is in [`Sent::refused`].
    #[doc(alias = "put_packet")]
    pub fn send(
        &mut self,
        target: impl Into<Target>,
        mode: TransferMode,
        payload: impl Into<Payload>,
    ) -> Result<Sent, SendError> {
        self.send_on(target.into(), mode.channel(), payload.into())
    }

    /// Sends a message on any channel, a custom one too, as [`send`](Self::send) does on a built-in one.
    /// [`ChannelIndex::for_transfer`] finds the channel of Godot's `transfer_channel`.
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
        // A message that passes has no age, and reading the clock costs more than all the rest of a send.
        let now = if self.backed_up {
            self.backend.now()
        } else {
            self.pumped
        };
        let mut sent = self.mesh.send(now, target, channel, payload)?;
        self.hand_over(now, &mut sent);
        Ok(sent)
    }

    /// Hands over to the network what can go now, without waiting for the next [`poll`](Self::poll).
    ///
    /// A message that can go leaves within its `send`, so this helps messages that had to wait, in a frame that takes long. In a
    /// browser small messages of one task of the page share a packet ([`MeshConfig::coalesce`](crate::MeshConfig::coalesce)): they leave when
    /// the task ends, which is when the game's callback returns or its future waits, or here. Natively nothing waits for that: what is
    /// sent faster than the network thread takes it shares a packet.
    pub fn flush(&mut self) {
        self.mesh.flush();
        self.hand_over_waiting(self.backend.now());
        self.backend.flush();
    }

    /// Gives the events of a frame one by one, then `None`.
    ///
    /// The first call of a frame takes in what has happened; the calls after it only give events, so that a peer that
    /// never stops sending cannot keep a frame from ending. Call it until `None` once a frame:
    /// `while let Some(event) = multiplayer.poll()`. Events that a loop leaves behind stay for the next one. It never
    /// blocks.
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

    /// Takes in what has happened without giving events. Wakes `cx` when there is more.
    pub(crate) fn pump(&mut self, cx: &mut Context<'_>) {
        let now = self.backend.now();
        // A mesh that takes in nothing would never hear of its peers.
        let mut budget = self.mesh.config().events_per_poll.max(1);
        let is_all = self.take_in(&mut budget, now, cx);
        self.pass(now, is_all);
        self.wake_at(self.mesh.poll_timeout());
    }

    /// The first half: the backend's events, at most as many as `budget` says. Whether all were taken.
    pub(crate) fn take_in(
        &mut self,
        budget: &mut usize,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> bool {
        loop {
            if *budget == 0 || self.mesh.is_full() {
                cx.waker().wake_by_ref();
                return false;
            }
            match self.backend.poll_event(cx) {
                Poll::Ready(event) => {
                    *budget -= 1;
                    self.mesh.handle_event(now, event);
                    self.carry_out();
                }
                Poll::Pending => return true,
            }
        }
    }

    /// The second half, after the events: lets time pass, and hands over what has found room.
    ///
    /// What has arrived in time must not count as late because the game was slow. So if not all events were taken, no more
    /// time has passed than until the pump before this one: what is still to be taken has come since, or nearly so. Time
    /// passes in any case, or a backlog that never empties would keep every deadline from coming.
    pub(crate) fn pass(&mut self, now: Instant, is_all: bool) {
        let before = core::mem::replace(&mut self.pumped, now);
        self.mesh.handle_timeout(if is_all { now } else { before });
        self.carry_out();
        self.hand_over_waiting(now);
    }

    fn hand_over_waiting(&mut self, now: Instant) {
        if !self.backed_up && !self.mesh.has_turns() {
            return;
        }
        // What has waited is never refused.
        self.hand_over(now, &mut Sent::default());
        self.backed_up = self.mesh.is_backed_up();
    }

    /// Gives the backend what may go. Of the message just sent, `sent` tells what became.
    fn hand_over(&mut self, now: Instant, sent: &mut Sent) {
        while let Some(transmit) = self.mesh.poll_transmit(now) {
            let Transmit { link, channel, .. } = transmit;
            let sending = self.backend.send(link, channel, transmit.payload);
            let Err(Rejected { payload, reason }) = sending else {
                continue;
            };
            self.backed_up = true;
            let transmit = Transmit {
                payload,
                ..transmit
            };
            // Not the time at which the game last polled: this message may have to wait.
            let now = self.backend.now();
            if let Some(refused) = self.mesh.handle_rejected(now, transmit, reason) {
                sent.accepted = sent.accepted.saturating_sub(1);
                sent.refused.push(refused);
            }
        }
    }

    pub(crate) fn take_event(&mut self) -> Option<Event> {
        if let Some((connection, signal)) = self.mesh.poll_signal() {
            return Some(match signal {
                Signal::Description(description) => Event::Description {
                    connection,
                    description,
                },
                Signal::Candidate(candidate) => Event::Candidate {
                    connection,
                    candidate,
                },
            });
        }
        self.take_mesh_event()
    }

    pub(crate) fn take_mesh_event(&mut self) -> Option<Event> {
        self.mesh.poll_event()
    }

    /// Says when this layer or a `Session` above it has something to do.
    pub(crate) fn wake_at(&mut self, deadline: Option<Instant>) {
        self.own_alarm = deadline;
        // The layer above has been woken for it, if that layer is still there.
        self.upper_alarm = self.upper_alarm.filter(|due| *due > self.backend.now());
        self.arm();
    }

    /// Says when a layer above has something to do.
    pub(crate) fn set_alarm(&mut self, deadline: Option<Instant>) {
        if self.upper_alarm != deadline {
            self.upper_alarm = deadline;
            self.arm();
        }
    }

    fn arm(&mut self) {
        let deadlines = [self.own_alarm, self.upper_alarm];
        self.backend
            .set_alarm(deadlines.into_iter().flatten().min());
    }

    /// Our own id; `None` before the mesh is set up and after [`close`](Self::close).
    #[doc(alias = "get_unique_id")]
    #[doc(alias = "get_network_unique_id")]
    #[must_use]
    pub const fn unique_id(&self) -> Option<PeerId> {
        self.mesh.unique_id()
    }

    /// Whether the mesh is in use (Godot: `get_connection_status`).
    #[doc(alias = "get_connection_status")]
    #[must_use]
    pub const fn connection_status(&self) -> ConnectionStatus {
        self.mesh.connection_status()
    }

    /// Whether there is such a peer, connected or not.
    #[must_use]
    pub fn has_peer(&self, peer: PeerId) -> bool {
        self.mesh.has_peer(peer)
    }

    /// One peer, connected or not (Godot: `get_peer`).
    #[doc(alias = "get_peer")]
    #[must_use]
    pub fn peer(&self, peer: PeerId) -> Option<PeerInfo> {
        self.mesh.peer(peer).map(|info| self.with_buffers(info))
    }

    /// The peers that can be sent to, ascending. Allocates nothing.
    pub fn connected_peers(&self) -> impl Iterator<Item = PeerId> {
        self.mesh.connected_peers()
    }

    /// All peers, connected or not, ascending (Godot: `get_peers`).
    ///
    /// Each item describes the channels of a peer in a `Vec`. [`connected_peers`](Self::connected_peers) gives only ids and
    /// allocates nothing.
    #[doc(alias = "get_peers")]
    pub fn peers(&self) -> impl Iterator<Item = PeerInfo> {
        self.mesh.peers().map(|info| self.with_buffers(info))
    }

    fn with_buffers(&self, mut info: PeerInfo) -> PeerInfo {
        for (index, channel) in (0..).map(ChannelIndex).zip(&mut info.channels) {
            channel.buffered_amount += self.backend.buffered_amount(info.connection, index);
        }
        info
    }

    /// Bytes that a peer's channel has accepted and not handed to the network yet, in the mesh and in the backend; 0 for an
    /// unknown one.
    #[doc(alias = "get_buffered_amount")]
    #[must_use]
    pub fn buffered_amount(&self, peer: PeerId, channel: ChannelIndex) -> usize {
        let waiting = self.mesh.waiting_bytes(peer, channel);
        let link = self.mesh.connection(peer);
        waiting + link.map_or(0, |link| self.backend.buffered_amount(link, channel))
    }

    /// The mesh, to look at: everything that is known of peers and connections.
    #[must_use]
    pub const fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// The backend.
    #[must_use]
    pub const fn backend(&self) -> &B {
        &self.backend
    }

    /// The backend, for what only this platform has.
    pub const fn backend_mut(&mut self) -> &mut B {
        &mut self.backend
    }

    /// Does something to the mesh and has the backend carry out what follows.
    pub(crate) fn after<T>(&mut self, verb: impl FnOnce(&mut Mesh, Instant) -> T) -> T {
        let result = verb(&mut self.mesh, self.backend.now());
        self.carry_out();
        result
    }

    fn carry_out(&mut self) {
        while let Some(command) = self.mesh.poll_command() {
            self.backend.execute(command);
        }
    }
}
