//! Godot's multiplayer API, `SceneMultiplayer` of 4.x and `MultiplayerAPI` of 3.x, as far as it makes sense without scenes.
//!
//! A network peer moves bytes between those it is connected to. Above it Godot has one more layer, which frames every
//! packet, lets peers authenticate before they count, and, where peers reach each other only through a server, passes
//! packets on. A Rust game needs this crate to talk with a Godot game that uses `multiplayer.multiplayer_peer`, and may
//! want it for authentication and relay among its own.
//!
//! It cannot do I/O and has no clock of its own: everything goes through a [`MultiplayerPeer`], such as a `Session`, that
//! is lent to every call. [`MultiplayerApi`] is the whole of it:
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
//!     (MultiplayerApi::new(ApiConfig::default()), session)
//! };
//! let mut players: Vec<_> = (0..2).map(player).collect();
//!
//! let mut greeted = 0;
//! while greeted < 2 {
//!     network.advance(Duration::from_millis(16));
//!     for (api, session) in &mut players {
//!         while let Some(event) = api.poll(session) {
//!             match event {
//!                 ApiEvent::PeerConnected(peer) => {
//!                     api.send_bytes(session, peer, TransferMode::Reliable, b"hello")?;
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
//! # Which Godot
//!
//! The two generations frame the same bytes differently, and nothing on the wire tells them apart: say which one the game
//! speaks with [`ApiConfig::generation`]. 3.x has neither authentication nor relay.
//!
//! # What of a Godot game is heard
//!
//! What it sends with `send_bytes`, its authentication, and what its server tells of other peers. Remote calls, spawning
//! and synchronisation need a scene tree: they are counted ([`ApiStats::scene_commands`]) and left alone, which a Godot
//! peer does not mind.
//!
//! # Without bytes
//!
//! With the feature `typed`, a game sends its own types: `Typed` for one enum of messages, `Messages` for several types
//! with a handler each.
//!
//! # Intended differences from Godot
//!
//! - Packets that a server passes on before it has announced their sender wait for the announcement (at most 2 s, 256
//!   packets, 64 KiB); Godot gives them to the game as they come.
//! - Reliable packets that the server has to pass on to a peer whose channel is full wait, bounded by
//!   [`ApiConfig::backlog_bytes`]; over it packets of whoever has most waiting for that peer are lost, without the sender's or
//!   the receiver's knowledge, told to the server's application ([`IgnoredReason::BacklogFull`]). Godot's channels have no bound.
//! - What a server passes on for a peer after it has told its end is dropped, for 2 s or until it is announced again; Godot
//!   gives it to the game. So a new peer with the id of one that has just left loses packets that overtake its announcement.
//! - A client may not send to a peer that the server has not announced, nor to itself.
//! - What a peer should not have sent is an event, [`ApiEvent::Ignored`], not a line in a log.
#![no_std]

extern crate alloc;

mod api;
mod backlog;
mod config;
mod early;
mod error;
mod event;
mod stats;
#[cfg(feature = "typed")]
mod typed;
mod via;
mod wire;

pub use api::MultiplayerApi;
pub use config::{ApiConfig, Authentication, Generation};
pub use error::{AuthError, IgnoredReason, SendBytesError};
pub use event::{ApiEvent, AuthFailure};
pub use mesh_core::MultiplayerPeer;
pub use stats::ApiStats;
#[cfg(feature = "typed")]
pub use typed::{
    DecodeError, Message, Messages, MessagesEvent, RegisterError, SendMessageError, Typed,
    TypedEvent,
};
pub use via::Via;
