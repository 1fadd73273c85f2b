//! Connections and the peers they lead to: made, negotiated by hand, and ended.

use core::time::Duration;

use super::Multiplayer;
use crate::{
    AddPeerError, Backend, ChannelIndex, ConnectionError, ConnectionId, DisconnectReason,
    IceCandidate, LinkConfig, PeerId, SessionDescription,
};

impl<B: Backend> Multiplayer<B> {
    /// See [`Mesh::create_connection`](crate::Mesh::create_connection).
    #[doc(alias = "WebRTCPeerConnection")]
    #[doc(alias = "initialize")]
    pub fn create_connection(&mut self, config: LinkConfig) -> ConnectionId {
        self.after(|mesh, _| mesh.create_connection(config))
    }

    /// See [`Mesh::add_peer`](crate::Mesh::add_peer).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn add_peer(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        unreliable_lifetime: Option<u16>,
    ) -> Result<(), AddPeerError> {
        self.after(|mesh, now| mesh.add_peer(now, connection, peer, unreliable_lifetime))
    }

    /// See [`Mesh::create_offer`](crate::Mesh::create_offer); it comes as [`Event::Description`](crate::Event::Description).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn create_offer(&mut self, connection: ConnectionId) -> Result<(), ConnectionError> {
        self.after(|mesh, _| mesh.create_offer(connection))
    }

    /// See [`Mesh::set_remote_description`](crate::Mesh::set_remote_description).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_remote_description(
        &mut self,
        connection: ConnectionId,
        description: SessionDescription,
    ) -> Result<(), ConnectionError> {
        self.after(|mesh, _| mesh.set_remote_description(connection, description))
    }

    /// See [`Mesh::add_ice_candidate`](crate::Mesh::add_ice_candidate).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn add_ice_candidate(
        &mut self,
        connection: ConnectionId,
        candidate: IceCandidate,
    ) -> Result<(), ConnectionError> {
        self.after(|mesh, _| mesh.add_ice_candidate(connection, candidate))
    }

    /// See [`Mesh::close_connection`](crate::Mesh::close_connection).
    #[doc(alias = "close")]
    pub fn close_connection(&mut self, connection: ConnectionId) -> bool {
        self.after(|mesh, _| mesh.close_connection(connection))
    }

    /// See [`Mesh::close_channel`](crate::Mesh::close_channel).
    #[doc(alias = "close")]
    pub fn close_channel(&mut self, peer: PeerId, channel: ChannelIndex) -> bool {
        self.after(|mesh, now| mesh.close_channel(now, peer, channel))
    }

    /// See [`Mesh::remove_peer`](crate::Mesh::remove_peer).
    pub fn remove_peer(&mut self, peer: PeerId) -> bool {
        self.after(|mesh, _| mesh.remove_peer(peer))
    }

    /// See [`Mesh::disconnect_peer`](crate::Mesh::disconnect_peer).
    pub fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
        self.after(|mesh, _| mesh.disconnect_peer(peer, force))
    }

    /// See [`Mesh::end_peer`](crate::Mesh::end_peer).
    pub fn end_peer(&mut self, peer: PeerId, reason: DisconnectReason) -> bool {
        self.after(|mesh, _| mesh.end_peer(peer, reason))
    }

    /// See [`Mesh::request_stats`](crate::Mesh::request_stats).
    pub fn request_stats(&mut self, peer: PeerId) -> bool {
        self.after(|mesh, _| mesh.request_stats(peer))
    }

    /// See [`Mesh::refuses_new_connections`](crate::Mesh::refuses_new_connections).
    #[doc(alias = "is_refusing_new_connections")]
    #[must_use]
    pub const fn refuses_new_connections(&self) -> bool {
        self.mesh.refuses_new_connections()
    }

    /// See [`Mesh::set_refuse_new_connections`](crate::Mesh::set_refuse_new_connections).
    #[doc(alias = "refuse_new_connections")]
    #[doc(alias = "refuse_new_network_connections")]
    pub const fn set_refuse_new_connections(&mut self, refuse: bool) {
        self.mesh.set_refuse_new_connections(refuse);
    }

    /// See [`Mesh::close`](crate::Mesh::close); nothing holds the closes up.
    pub fn close(&mut self) {
        self.close_lingering(Duration::ZERO);
    }

    /// See [`Mesh::close`](crate::Mesh::close).
    pub fn close_lingering(&mut self, linger: Duration) {
        self.after(|mesh, _| mesh.close(linger));
    }
}
