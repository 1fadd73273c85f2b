#![doc = include_str!("../README.md")]
//!
//! # What is where
//!
//! - [`join`] and [`Lobby`]: a mesh that makes itself over a signaling server. The lobby may be on a
//!   [public list](Lobby::listed), be one of a [group of so many](Lobby::group_of), or [go on without its host](Lobby::host_migration).
//! - [`Session`]: what they return. [`poll`](mesh_core::Session::poll) it once a frame, or wait for
//!   [`next_event`](mesh_core::Session::next_event); [`send`](mesh_core::Session::send) messages, and
//!   [`send_transfer`](mesh_core::Session::send_transfer) what is larger; see who is there with
//!   [`connected_peers`](mesh_core::Session::connected_peers). Say who may be there with
//!   [`seal`](mesh_core::Session::seal), [`kick`](mesh_core::Session::kick), [`ban`](mesh_core::Session::ban),
//!   [`allow`](mesh_core::Session::allow) and [`set_accept`](mesh_core::Session::set_accept), or for the whole lobby with
//!   [`kick_from_lobby`](mesh_core::Session::kick_from_lobby), [`ban_from_lobby`](mesh_core::Session::ban_from_lobby) and
//!   [`set_lobby_locked`](mesh_core::Session::set_lobby_locked). Show it to everybody with
//!   [`set_lobby_listed`](mesh_core::Session::set_lobby_listed). Tell everybody something of the lobby or of yourself with
//!   [`set_lobby_data`](mesh_core::Session::set_lobby_data) and [`set_member_data`](mesh_core::Session::set_member_data);
//!   [`leave`](mesh_core::Session::leave) at the end. [`leave_with_reason`](mesh_core::Session::leave_with_reason) and
//!   [`kick_with_reason`](mesh_core::Session::kick_with_reason) tell the others why.
//! - [`Multiplayer`]: one layer down, with any signaling of your own.
//! - [`api`]: Godot's multiplayer API above any of them: authentication, relay through a server, and with the feature
//!   `typed` messages as Rust types.
//! - [`mesh_core`]: the rules and the seams, without I/O. Its feature `mock` tests a game without a network.
//! - [`migration`] and [`godot`]: for those who come from Godot. They put its signaling demo beside its Rust twin, and name the
//!   counterpart of each member of its classes. [`from_matchbox`]: the same for those who come from matchbox.
//! - [`by_example`]: every type of this crate in use, by what a game does.
//! - [`troubleshooting`]: every reason for a failure, what happened, and what to do.
//!
//! # Types instead of bytes
//!
//! With the feature `typed`, a game sends an enum:
//!
//! ```no_run
//! use serde::{Deserialize, Serialize};
//! use webrtc_multiplayer::api::{Typed, TypedEvent};
//! use webrtc_multiplayer::{Target, TransferMode, join};
//!
//! #[derive(Serialize, Deserialize)]
//! enum Message {
//!     Moved { x: f32, y: f32 },
//!     Said(String),
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut game = Typed::<Message, _>::new(join("ws://127.0.0.1:9080", "demo")?);
//! // Once a frame:
//! while let Some(event) = game.poll() {
//!     if let TypedEvent::Message { from, message: Message::Said(text), .. } = event {
//!         println!("{from}: {text}");
//!     }
//! }
//! game.send(Target::All, TransferMode::Unreliable, &Message::Moved { x: 1.0, y: 2.0 })?;
//! # Ok(())
//! # }
//! ```

cfg_if::cfg_if! {
    if #[cfg(target_arch = "wasm32")] {
        use backend_web as platform;
    } else {
        use backend_native as platform;
        pub use backend_native::{CertificateError, RootCertificates};
    }
}

#[cfg(doc)]
pub mod by_example;
#[cfg(doc)]
pub mod from_matchbox;
#[cfg(doc)]
pub mod godot;
mod lobby;
#[cfg(doc)]
pub mod migration;
#[cfg(doc)]
pub mod troubleshooting;

pub use lobby::{JoinError, Lobby, join};
pub use mesh_core;
pub use mesh_core::{
    AddPeerError, CandidateType, ChannelIndex, ChannelInfo, ChannelLimits, ChannelParameters,
    ChannelRole, ChannelState, Conditioned, ConnectFailure, ConnectionError, ConnectionId,
    ConnectionState, ConnectionStatus, DisconnectReason, Disturbance, Duration, Event,
    GatheringState, GivenReason, HintError, IceCandidate, IceServer, IceTransportPolicy,
    InitializeError, Instant, InvalidPeerId, Leaving, LinkConfig, LinkStats, LobbyCommand,
    LobbyEvent, LostReason, MAX_HINT_SIZE, MAX_LOBBY_DATA_SIZE, MAX_MEMBER_DATA_SIZE,
    MAX_REASON_SIZE, MAX_TRANSFER_NAME, MAX_TRANSFERS, MeshConfig, Missing, ModeLimits,
    ModeTraffic, MultiplayerPeer, Packet, PacketPeer, PathKind, Payload, PeerId, PeerInfo,
    PeerStats, ReconnectHint, Refused, RefusedReason, Reliability, Roster, SdpType, SendError,
    SendLimits, Sent, SessionConfig, SessionDescription, Signal, Signaling, SignalingError,
    SignalingEvent, SignalingState, Target, Topology, Traffic, TransferError, TransferEvent,
    TransferId, TransferInfo, TransferMode, TransportProtocol,
};
pub use multiplayer_api as api;
pub use platform::{PlatformBackend, PlatformConfig, WebSocketTransport};
pub use signaling;

/// The mesh of this platform, for any signaling (Godot: `WebRTCMultiplayer`).
///
/// ```no_run
/// use webrtc_multiplayer::{
///     Event, LinkConfig, MeshConfig, Multiplayer, PeerId, PlatformBackend, PlatformConfig, generate_unique_id,
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backend = PlatformBackend::new(PlatformConfig::default())?;
/// let mut mesh = Multiplayer::new(backend, MeshConfig::default());
/// mesh.create_mesh(generate_unique_id(), &[])?;
///
/// // For a peer that your signaling has told of. The one with the higher id makes the offer.
/// let connection = mesh.create_connection(LinkConfig::default());
/// mesh.add_peer(connection, PeerId::SERVER, None)?;
/// mesh.create_offer(connection)?;
/// while let Some(event) = mesh.poll() {
///     if let Event::Description { .. } = event {
///         // Carry it to the peer.
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub type Multiplayer = mesh_core::Multiplayer<PlatformBackend>;

/// The mesh of this platform that makes itself over a WebSocket signaling server.
pub type Session = mesh_core::Session<PlatformBackend, signaling::Client<WebSocketTransport>>;

/// A random id in 2..=2147483647, for a signaling of your own (Godot: `generate_unique_id`).
///
/// ```
/// let id = webrtc_multiplayer::generate_unique_id();
/// assert!(!id.is_server());
/// ```
#[must_use]
pub fn generate_unique_id() -> PeerId {
    PeerId::generate_unique(platform::entropy())
}

/// What nearly every user imports.
pub mod prelude {
    pub use crate::{Event, Lobby, Packet, PeerId, Session, Target, TransferMode, join};
}
