//! What a multiplayer API tells the game.

use bytes::Bytes;
use mesh_core::{ChannelIndex, DisconnectReason, Event, PeerId, TransferMode};

use crate::IgnoredReason;

/// What happened, in the order of Godot's signals.
///
/// For each peer: `PeerAuthenticating` where authentication is required, then `PeerConnected`, then its packets, then
/// `PeerDisconnected`. 4.x tells `ConnectedToServer` before `PeerConnected(1)`, 3.x after it. When the server is lost,
/// `ServerDisconnected` follows its `PeerDisconnected`, and nothing more is told of the other peers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiEvent {
    /// A peer is admitted: it can be sent to from now on (Godot: `peer_connected`; 3.x: `network_peer_connected`).
    #[doc(alias = "peer_connected")]
    #[doc(alias = "network_peer_connected")]
    PeerConnected(PeerId),
    /// A peer that was admitted is gone (Godot: `peer_disconnected`; 3.x: `network_peer_disconnected`).
    #[doc(alias = "peer_disconnected")]
    #[doc(alias = "network_peer_disconnected")]
    PeerDisconnected {
        /// Who.
        peer: PeerId,
        /// Why. `None` for a peer behind a server, because the server does not say.
        reason: Option<DisconnectReason>,
    },
    /// The server, peer 1, is connected (Godot: `connected_to_server`). With 4.x also in a mesh that has a peer 1.
    #[doc(alias = "connected_to_server")]
    ConnectedToServer,
    /// The server could not be connected (Godot: `connection_failed`).
    #[doc(alias = "connection_failed")]
    ConnectionFailed(Option<DisconnectReason>),
    /// The server is lost; with 4.x also after a `close` of the network peer, whoever it was (Godot:
    /// `server_disconnected`).
    #[doc(alias = "server_disconnected")]
    ServerDisconnected,
    /// A peer is connected and has to authenticate (Godot: `peer_authenticating`).
    #[doc(alias = "peer_authenticating")]
    PeerAuthenticating(PeerId),
    /// What a peer sent to authenticate (Godot: the call of `auth_callback`).
    #[doc(alias = "auth_callback")]
    AuthData {
        /// Who.
        from: PeerId,
        /// What, never empty.
        data: Bytes,
    },
    /// A peer is gone before it was admitted (Godot: `peer_authentication_failed`).
    #[doc(alias = "peer_authentication_failed")]
    PeerAuthenticationFailed {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: AuthFailure,
    },
    /// A peer's packet (Godot: `peer_packet`; 3.x: `network_peer_packet`).
    #[doc(alias = "peer_packet")]
    #[doc(alias = "network_peer_packet")]
    PeerPacket {
        /// Who made it; a server may have passed it on.
        #[doc(alias = "get_rpc_sender_id")]
        #[doc(alias = "get_remote_sender_id")]
        from: PeerId,
        /// How it travelled.
        mode: TransferMode,
        /// On which channel.
        channel: ChannelIndex,
        /// What, never empty.
        data: Bytes,
    },
    /// A packet that should not have been sent, or not to us. Nothing has changed because of it.
    Ignored {
        /// Who sent it.
        from: PeerId,
        /// What is wrong with it.
        why: IgnoredReason,
    },
    /// Any other event of the network peer.
    Peer(Event),
}

/// Why a peer was not admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthFailure {
    /// It took longer than [`Authentication::Required`](crate::Authentication::Required) allows.
    TimedOut,
    /// Its connection ended.
    Disconnected(DisconnectReason),
}
