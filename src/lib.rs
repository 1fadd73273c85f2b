#![doc = include_str!("../README.md")]
//!
//! # What is where
//!
//! - [`join`] and [`Lobby`]: a mesh that makes itself over a signaling server.
//! - [`Session`]: what they give: [`poll`](mesh_core::Session::poll) once a frame, [`send`](mesh_core::Session::send).
//! - [`Multiplayer`]: one layer down, with any signaling of your own.
//! - [`api`]: Godot's multiplayer API above any of them: authentication, relay through a server, and with the feature
//!   `typed` messages as Rust types.
//! - [`mesh_core`]: the rules and the seams, without I/O; its feature `mock` tests a game without a network.
//! - [`migration`] and [`godot`]: for those who come from Godot: its signaling demo beside its Rust twin, and what stands for
//!   each member of its classes.
//!
//! # Types in place of bytes
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
//! let mut session = join("ws://127.0.0.1:9080", "demo")?;
//! let mut game = Typed::<Message>::default();
//! // Once a frame:
//! while let Some(event) = game.poll(&mut session) {
//!     if let TypedEvent::Message { from, message: Message::Said(text), .. } = event {
//!         println!("{from}: {text}");
//!     }
//! }
//! game.send(&mut session, Target::All, TransferMode::Unreliable, &Message::Moved { x: 1.0, y: 2.0 })?;
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
pub mod godot;
mod lobby;
#[cfg(doc)]
pub mod migration;

pub use lobby::{JoinError, Lobby, join};
pub use mesh_core;
pub use mesh_core::{
    ChannelIndex, ConnectFailure, ConnectionStatus, DisconnectReason, Event, IceServer,
    IceTransportPolicy, LinkConfig, LostReason, MeshConfig, MultiplayerPeer, Packet, PacketPeer,
    Payload, PeerId, Reliability, SendError, Sent, SessionConfig, Target, Topology, TransferMode,
};
pub use multiplayer_api as api;
pub use platform::{PlatformBackend, PlatformConfig, WebSocketTransport};
pub use signaling;

/// The mesh of this platform, for any signaling (Godot: `WebRTCMultiplayer`).
pub type Multiplayer = mesh_core::Multiplayer<PlatformBackend>;

/// The self-made mesh of this platform over a WebSocket signaling server.
pub type Session = mesh_core::Session<PlatformBackend, signaling::Client<WebSocketTransport>>;

/// A random id in 2..=2147483647, for a signaling of your own (Godot: `generate_unique_id`).
#[must_use]
pub fn generate_unique_id() -> PeerId {
    PeerId::generate_unique(platform::entropy())
}

/// What nearly every user imports.
pub mod prelude {
    pub use crate::{Event, Lobby, Packet, PeerId, Session, Target, TransferMode, join};
}
