//! Godot's signaling protocol, and a client for it: wire messages and rules, no sockets.
//!
//! The wire is the JSON protocol of Godot's official 4.x demo, so Rust and Godot peers can share a lobby on any server of
//! either. Three layers:
//!
//! - [`decode`] and [`encode`]: one WebSocket text to one [`Message`] and back; [`Request`] and [`Notice`] are what a message
//!   means on its way to and from a server.
//!   [`decode_godot3`] and [`encode_godot3`] are the same for clients of Godot's 3.x demo.
//! - [`Transport`]: the few things a WebSocket must do; a backend brings it.
//! - [`Client`]: [`mesh_core::Signaling`] over any [`Transport`].
//!
//! ```
//! use signaling::{MAX_NOTICE_SIZE, Notice, decode};
//!
//! // As Godot writes it: whole numbers with a point, fields in any order.
//! let message = decode(r#"{"data":"","id":7.0,"type":2.0}"#, MAX_NOTICE_SIZE)?;
//! let (peer, is_ours) = (7_i64.try_into()?, false);
//! assert_eq!(Notice::try_from(message)?, Notice::PeerConnect { peer, is_ours });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here panics on what a server or a peer sends, and every queue is bounded.

mod client;
mod close;
mod codec;
mod data;
mod escape;
mod godot3;
mod hint;
mod list;
mod message;
mod notice;
mod request;
mod signal;
mod transport;

pub use client::{Client, JoinRequest, MAX_MEMBERS};
pub use close::{CLOSE_BANNED, CLOSE_KICKED, CLOSE_NO_SEAT, CLOSE_NOT_ADMITTED, CLOSE_REPLACED};
pub use codec::{DecodeError, MAX_MESSAGE_SIZE, MAX_NOTICE_SIZE, decode, encode};
pub use data::{DataError, check_data};
pub use escape::escape_control;
pub use godot3::{decode_godot3, encode_godot3, is_godot3};
pub use hint::check_hint;
pub use list::{
    ListedLobby, LobbyList, LobbyListError, LobbyQuery, LobbyQueryError, MAX_FILTER_SIZE, MAX_PAGE,
};
pub use message::{Extra, Message, MessageType};
pub use notice::{Notice, NoticeError};
pub use request::{Extension, Request, RequestError};
pub use signal::{SignalError, SignalNumber, SignalType, signal_data, signal_from_data};
pub use transport::{Transport, TransportError, TransportEvent, TransportOptions, TransportState};
