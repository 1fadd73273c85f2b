//! The rules of a WebRTC mesh for games, and the seams they stand between.
//!
//! This crate cannot do I/O: it is `no_std` + alloc, has no clock, no randomness, no sockets and no threads. What happens
//! comes in as plain values ([`LinkEvent`], [`SignalingEvent`]), what is to be done goes out as plain values
//! ([`Command`], [`Signal`]), so every decision can be recorded, replayed and compared.
//!
//! The layers, each usable alone:
//!
//! - [`Mesh`]: who is a peer, when it counts as connected, what goes to whom. Told everything, does nothing itself.
//! - [`Multiplayer`]: drives one [`Mesh`] over one [`Backend`]; Godot's class, with any signaling of your own.
//! - [`Session`]: [`Multiplayer`] plus a [`Signaling`]: five lines to a working mesh. Its rules are in [`Roster`].
//! - [`MultiplayerPeer`]: what a layer above needs of either of the last two; [`PacketPeer`] gives any of them Godot's habits.
//! - [`Backend`] and [`Signaling`]: the two seams, each with a numbered contract that the conformance suite checks. Module
//!   [`platform`] has what the author of a backend need not write again.
//! - [`Conditioned`]: any backend with a bad connection, to see how a game copes with it.
//!
//! Feature `mock` adds a network in memory with a virtual clock, to test games without sockets.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "mock"))]
extern crate std;

mod backend;
mod channel;
mod conditioned;
mod config;
mod error;
mod event;
mod goodbye;
mod id;
mod link;
mod lobby;
mod mesh;
#[cfg(any(test, feature = "mock"))]
pub mod mock;
mod multiplayer;
mod multiplayer_peer;
mod negotiation;
mod packet_peer;
mod payload;
pub mod platform;
mod rng;
mod sdp;
mod sent;
mod session;
mod signal;
mod signaling;
mod slots;
mod stats;
mod target;
mod time;
mod transfer;

pub use backend::Backend;
pub use channel::{
    BUILT_IN_CHANNELS, ChannelIndex, ChannelParameters, ChannelRole, ChannelSpec, ChannelState,
    MAX_CUSTOM_CHANNELS, Reliability, TransferMode,
};
pub use conditioned::{Conditioned, Disturbance};
pub use config::{
    ChannelLimits, IceServer, IceTransportPolicy, LinkConfig, MeshConfig, ModeLimits, SendLimits,
};
pub use error::{
    AddPeerError, BackendSendError, ConnectionError, InitializeError, InvalidPeerId, Rejected,
    SendError, SignalingError,
};
pub use event::{DisconnectReason, Event, Packet};
pub use goodbye::{GivenReason, Goodbye};
pub use id::{ConnectionId, LinkId, PeerId};
pub use link::{
    Capabilities, CloseReason, Command, ConnectFailure, ConnectionState, GatheringState, LinkEvent,
    Missing, SignalingState,
};
pub use lobby::{
    HintError, LobbyCommand, LobbyEvent, MAX_HINT_SIZE, MAX_LOBBY_DATA_SIZE, MAX_MEMBER_DATA_SIZE,
    MAX_REASON_SIZE, ReconnectHint,
};
pub use mesh::{ChannelInfo, ConnectionStatus, Mesh, PeerInfo, Transmit};
pub use multiplayer::Multiplayer;
pub use multiplayer_peer::MultiplayerPeer;
pub use negotiation::MIN_MESSAGE_SIZE;
pub use packet_peer::PacketPeer;
pub use payload::Payload;
pub use sent::{Refused, RefusedReason, Sent};
pub use session::{Leaving, Roster, Session, SessionConfig};
pub use signal::{IceCandidate, SdpType, SessionDescription, Signal};
pub use signaling::{LostReason, Signaling, SignalingEvent, Topology};
pub use stats::{
    CandidateType, LinkStats, ModeTraffic, PathKind, PeerStats, Traffic, TransportProtocol,
};
pub use target::Target;
pub use time::Instant;
pub use transfer::{
    MAX_TRANSFER_NAME, MAX_TRANSFERS, TransferError, TransferEvent, TransferId, TransferInfo,
};

/// The type of every span of time in this crate.
pub use core::time::Duration;
