//! Connections and the peers they lead to: made, negotiated by hand, and ended.

use core::time::Duration;

use super::Multiplayer;
use crate::{
    AddPeerError, Backend, ChannelIndex, ConnectionError, ConnectionId, GivenReason, IceCandidate,
    LinkConfig, PeerId, PeerStats, SessionDescription,
};

impl<B: Backend> Multiplayer<B> {
    /// Makes a connection that is new and belongs to nobody yet (Godot: a new `WebRTCPeerConnection`).
    #[doc(alias = "WebRTCPeerConnection")]
    #[doc(alias = "initialize")]
    pub fn create_connection(&mut self, config: LinkConfig) -> ConnectionId {
        self.after(|mesh, _| mesh.create_connection(config))
    }

    /// Makes a new connection the one to `peer`, with its channels (Godot: `add_peer`). `unreliable_lifetime` is in
    /// milliseconds; `None` takes [`MeshConfig::unreliable`](crate::MeshConfig::unreliable).
    ///
    /// # Errors
    ///
    /// [`AddPeerError`]; nothing has changed then.
    pub fn add_peer(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        unreliable_lifetime: Option<u16>,
    ) -> Result<(), AddPeerError> {
        self.after(|mesh, now| mesh.add_peer(now, connection, peer, unreliable_lifetime))
    }

    /// Has the connection make an offer, which comes as [`Event::Description`](crate::Event::Description).
    ///
    /// # Errors
    ///
    /// [`ConnectionError`]; nothing has changed then.
    pub fn create_offer(&mut self, connection: ConnectionId) -> Result<(), ConnectionError> {
        self.after(|mesh, _| mesh.create_offer(connection))
    }

    /// Gives the connection its far side's description; an offer is answered by itself, as in Godot.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`]; nothing has changed then.
    pub fn set_remote_description(
        &mut self,
        connection: ConnectionId,
        description: SessionDescription,
    ) -> Result<(), ConnectionError> {
        self.after(|mesh, _| mesh.set_remote_description(connection, description))
    }

    /// Gives the connection a candidate of its far side; one that comes before the description waits for it.
    ///
    /// # Errors
    ///
    /// [`ConnectionError`]; the candidate is dropped then.
    pub fn add_ice_candidate(
        &mut self,
        connection: ConnectionId,
        candidate: IceCandidate,
    ) -> Result<(), ConnectionError> {
        self.after(|mesh, _| mesh.add_ice_candidate(connection, candidate))
    }

    /// Closes a connection; a peer is removed with its connection. `false` if there is no such connection.
    #[doc(alias = "close")]
    pub fn close_connection(&mut self, connection: ConnectionId) -> bool {
        self.after(|mesh, _| mesh.close_connection(connection))
    }

    /// Closes one channel of a peer (Godot: `WebRTCDataChannel.close`). If it is one of the plan, the peer is removed on
    /// both sides within 100 ms. `false` if there is no such channel, or it is closed already.
    #[doc(alias = "close")]
    pub fn close_channel(&mut self, peer: PeerId, channel: ChannelIndex) -> bool {
        self.after(|mesh, now| mesh.close_channel(now, peer, channel))
    }

    /// Removes a peer (Godot: `remove_peer`). One that was connected gives `PeerDisconnected` with `Removed`. `false` if
    /// there is no such peer.
    pub fn remove_peer(&mut self, peer: PeerId) -> bool {
        self.after(|mesh, _| mesh.remove_peer(peer))
    }

    /// Removes a peer as [`remove_peer`](Self::remove_peer) does, and tells it that it was kicked and why: it hears
    /// [`DisconnectReason::Kicked`](crate::DisconnectReason::Kicked). `false` if there is no such peer.
    ///
    /// The other peers hear [`Event::PeerKicked`](crate::Event::PeerKicked). A peer that does not use this library hears that the
    /// connection was closed, or nothing.
    pub fn kick(&mut self, peer: PeerId, reason: impl Into<GivenReason>) -> bool {
        self.after(|mesh, _| mesh.kick(peer, reason))
    }

    /// Removes a peer (Godot 4.x: `disconnect_peer`); with `force` at once and without an event. `false` if there is no
    /// such peer.
    pub fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
        self.after(|mesh, _| mesh.disconnect_peer(peer, force))
    }

    /// The latest figures of a peer: they are measured all the time and cost nothing to ask for. `None` for an unknown peer.
    #[must_use]
    pub fn stats(&self, peer: PeerId) -> Option<PeerStats> {
        let link = self.mesh.connection(peer)?;
        self.mesh.stats(peer, self.backend.stats(link))
    }

    /// Asks for a connected peer's figures, which come as [`Event::Stats`](crate::Event::Stats). `false` if there is no such
    /// peer, or it is not connected.
    pub fn request_stats(&mut self, peer: PeerId) -> bool {
        self.after(|mesh, _| mesh.request_stats(peer))
    }

    /// Refuses [`add_peer`](Self::add_peer), or no longer (Godot: `refuse_new_connections`). Peers already added go on.
    #[doc(alias = "refuse_new_connections")]
    #[doc(alias = "refuse_new_network_connections")]
    pub const fn set_refuse_new_connections(&mut self, refuse: bool) {
        self.mesh.set_refuse_new_connections(refuse);
    }

    /// Closes every connection at once and forgets the id, without events (Godot: `close`).
    pub fn close(&mut self) {
        self.close_lingering(Duration::ZERO);
    }

    /// Closes as [`close`](Self::close) does, but what reliable channels have accepted may hold each close up for `linger`.
    pub fn close_lingering(&mut self, linger: Duration) {
        self.after(|mesh, _| mesh.close(linger));
    }

    /// Closes as [`close_lingering`](Self::close_lingering) does, and tells every peer that we leave and why: it hears
    /// [`DisconnectReason::Left`](crate::DisconnectReason::Left).
    ///
    /// A peer that does not use this library hears that the connection was closed, and no reason.
    pub fn leave(&mut self, linger: Duration, reason: impl Into<GivenReason>) {
        self.after(|mesh, _| mesh.leave(linger, reason));
    }
}
