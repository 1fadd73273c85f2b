//! Godot's multiplayer API, `SceneMultiplayer` of 4.x and `MultiplayerAPI` of 3.x, as far as it makes sense without scenes.
//!
//! A network peer moves bytes between the peers that it is connected to. Godot has one more layer above it. That layer
//! frames every packet, lets peers authenticate before they are admitted, and passes packets on where peers reach each other
//! only through a server. A Rust game needs this crate to talk with a Godot game that uses `multiplayer.multiplayer_peer`,
//! and may want it for authentication and relay among Rust peers.
//!
//! The crate cannot do I/O and has no clock: everything goes through the [`MultiplayerPeer`] that a [`MultiplayerApi`] owns,
//! such as a `Session`. A game polls it once a frame:
//!
//! ```
//! use mesh_core::mock::Network;
//! use mesh_core::{Duration, PeerId, Session, SessionConfig, Target, TransferMode};
//! use multiplayer_api::{ApiConfig, ApiEvent, MultiplayerApi};
//!
//! let network = Network::new(1);
//! let player = |_| {
//!     let (backend, signaling) = (network.backend(), network.signaling("demo"));
//!     let session = Session::new(backend, signaling, SessionConfig::default());
//!     MultiplayerApi::new(session, ApiConfig::default())
//! };
//! let mut players: Vec<_> = (0..2).map(player).collect();
//!
//! let mut greeted = 0;
//! while greeted < 2 {
//!     network.advance(Duration::from_millis(16));
//!     for api in &mut players {
//!         while let Some(event) = api.poll() {
//!             match event {
//!                 ApiEvent::PeerConnected(peer) => {
//!                     api.send_bytes(peer, TransferMode::Reliable, b"hello")?;
//!                 }
//!                 ApiEvent::PeerPacket { data, .. } => {
//!                     assert_eq!(&data[..], b"hello");
//!                     greeted += 1;
//!                 }
//!                 _ => {}
//!             }
//!         }
//!     }
//! }
//! # Ok::<(), multiplayer_api::SendBytesError>(())
//! ```
//!
//! A server without frames sleeps in [`next_event`](MultiplayerApi::next_event) until something has arrived or a deadline is
//! due.
//!
//! # Which Godot
//!
//! The two generations frame the same data differently, and nothing on the wire tells them apart. [`ApiConfig::generation`]
//! says which one the game speaks with. 3.x has neither authentication nor relay.
//!
//! # What is taken from a Godot game
//!
//! What it sends with `send_bytes`, its authentication, and what its server announces of other peers. Remote calls, spawning
//! and synchronisation need a scene tree: they are counted ([`ApiStats::scene_commands`]) and have no effect. A Godot peer
//! expects no answer to them.
//!
//! # Types instead of bytes
//!
//! With the feature `typed`, a game sends its own types: `Typed` for one enum of messages, `Messages` for several types
//! with a handler for each.
//!
//! # Intended differences from Godot
//!
//! - Packets that a server passes on before it has announced their sender wait for the announcement (at most 2 s, 256
//!   packets, 64 KiB). Godot gives them to the game at once.
//! - Reliable packets that the server has to pass on to a peer whose channel is full wait, bounded by
//!   [`ApiConfig::backlog_bytes`]. Beyond it, packets of the sender that has most waiting are discarded. The server's
//!   application is told ([`IgnoredReason::BacklogFull`]), the sender and the receiver are not. Godot's channels have no bound.
//! - Packets that a server passes on for a peer whose end it has announced are dropped, for 2 s or until that id is announced
//!   again. Godot gives them to the game. So a new peer with the id of one that has just left loses packets that overtake its
//!   announcement.
//! - A client may not send to a peer that the server has not announced, nor to itself.
//! - A packet that a peer should not have sent is an event, [`ApiEvent::Ignored`], not a line in a log.
#![no_std]

extern crate alloc;

mod api;
mod backlog;
mod config;
mod error;
mod event;
mod stats;
#[cfg(feature = "typed")]
mod typed;
mod unannounced;
mod wire;

pub use api::MultiplayerApi;
pub use config::{ApiConfig, Authentication, Generation};
pub use error::{AuthError, IgnoredReason, SendBytesError};
pub use event::{ApiEvent, AuthFailure};
pub use mesh_core::MultiplayerPeer;
pub use stats::ApiStats;
#[cfg(feature = "typed")]
pub use typed::{
    DecodeError, Message, Messages, MessagesEvent, Outbox, RegisterError, SendMessageError, Typed,
    TypedEvent,
};
