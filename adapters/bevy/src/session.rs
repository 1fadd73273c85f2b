//! Any session of the mesh, whatever its backend and its signaling are.

use webrtc_multiplayer::mesh_core::{Backend, PeerStats, Session};
use webrtc_multiplayer::{
    ChannelIndex, Duration, Event, GivenReason, Instant, LobbyCommand, Payload, PeerId, Roster,
    SendError, Sent, Signaling, SignalingError, Target,
};

/// How long a session lives on after its end at most, beside what its settings say: closes that nobody acknowledges.
const GRACE: Duration = Duration::from_millis(500);

/// A session as the plugin drives it, and as [`MeshCommands::with_session`](crate::MeshCommands::with_session) lends it.
///
/// Every `Session` is one: that of the platform, one on the network in memory, one with a signaling of your own.
pub trait MeshSession {
    /// See `Session::poll`. The plugin calls it; whoever calls it, too, takes events away from the game.
    fn poll(&mut self) -> Option<Event>;

    /// See `Session::send_on`.
    ///
    /// # Errors
    ///
    /// [`SendError`], where the caller is at fault; nobody gets the message then.
    fn send_on(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError>;

    /// Our own id; `None` before we have joined.
    fn unique_id(&self) -> Option<PeerId>;

    /// Who is in the lobby.
    fn roster(&self) -> &Roster;

    /// The latest figures of a peer.
    fn stats(&self, peer: PeerId) -> Option<PeerStats>;

    /// See `Session::seal`.
    ///
    /// # Errors
    ///
    /// [`SignalingError`], as the signaling has it.
    fn seal(&mut self) -> Result<(), SignalingError>;

    /// What the host, or everybody, may ask of the lobby: kick, ban, lock, list, data.
    ///
    /// # Errors
    ///
    /// [`SignalingError`], as the signaling has it.
    fn control(&mut self, command: LobbyCommand) -> Result<(), SignalingError>;

    /// See `Session::kick_with_reason`.
    fn kick(&mut self, peer: PeerId, reason: GivenReason) -> bool;

    /// Leaves. The session must be polled until the moment that this gives, so that its last messages go out.
    fn leave(&mut self, reason: Option<GivenReason>) -> Instant;

    /// The time on the clock of the session.
    fn now(&self) -> Instant;
}

impl<B: Backend, S: Signaling> MeshSession for Session<B, S> {
    fn poll(&mut self) -> Option<Event> {
        self.poll()
    }

    fn send_on(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError> {
        self.send_on(target, channel, payload)
    }

    fn unique_id(&self) -> Option<PeerId> {
        self.unique_id()
    }

    fn roster(&self) -> &Roster {
        self.roster()
    }

    fn stats(&self, peer: PeerId) -> Option<PeerStats> {
        self.stats(peer)
    }

    fn seal(&mut self) -> Result<(), SignalingError> {
        self.seal()
    }

    fn control(&mut self, command: LobbyCommand) -> Result<(), SignalingError> {
        let now = MeshSession::now(self);
        self.signaling_mut().control(now, command)
    }

    fn kick(&mut self, peer: PeerId, reason: GivenReason) -> bool {
        self.kick_with_reason(peer, reason)
    }

    fn leave(&mut self, reason: Option<GivenReason>) -> Instant {
        let linger = self.roster().config().leave_linger;
        match reason {
            Some(reason) => _ = self.leave_with_reason(reason),
            None => _ = self.leave(),
        }
        MeshSession::now(self) + linger + GRACE
    }

    fn now(&self) -> Instant {
        self.multiplayer().backend().now()
    }
}
