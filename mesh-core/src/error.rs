//! One small enum an operation; every one can be shown to a developer, most to a player.

use alloc::string::String;

use thiserror::Error;

use crate::{MAX_CUSTOM_CHANNELS, Payload, PeerId};

/// A number that is no peer id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{given} is no peer id: ids are 1..=2147483647")]
pub struct InvalidPeerId {
    /// The number.
    pub given: i64,
}

/// Why a mesh could not be initialized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InitializeError {
    /// It has an id already, and connections made under it; close it first.
    #[error("the mesh has been initialized already as peer {id}; close it first")]
    AlreadyInitialized {
        /// The id it has.
        id: PeerId,
    },
    /// A client cannot be peer 1 (Godot: `ERR_INVALID_PARAMETER`).
    #[error("a client cannot be peer 1, the server")]
    ServerId,
    /// More custom channels than can be named.
    #[error("{given} custom channels are more than {MAX_CUSTOM_CHANNELS}")]
    TooManyChannels {
        /// How many were given.
        given: usize,
    },
}

/// Why a connection could not be added as a peer. Of several reasons the first of these is given, which is Godot's order.
///
/// Godot's checks for an id below 1 and a lifetime below 0 are the types of the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddPeerError {
    /// The mesh has no id yet (Godot: `ERR_UNCONFIGURED`).
    #[error("the mesh is not initialized")]
    NotInitialized,
    /// A client links with peer 1 alone (Godot: `ERR_INVALID_PARAMETER`).
    #[error("a client links with peer 1 alone, not with {id}")]
    NotTheServer {
        /// Which.
        id: PeerId,
    },
    /// The id is our own (Godot checks it of a server only).
    #[error("{id} is this peer's own id")]
    OwnId {
        /// Which.
        id: PeerId,
    },
    /// New peers are refused for now (Godot: `refuse_new_connections`, `ERR_UNAUTHORIZED`).
    #[error("new connections are refused")]
    Refused,
    /// No such connection, or it is closed.
    #[error("no such connection")]
    UnknownConnection,
    /// The connection has been offered, answered or added already (Godot: the state is not `STATE_NEW`).
    #[error("the connection is not new")]
    NotNew,
    /// The id is taken; Godot would replace the peer without a word. For a successor: the peer has one.
    #[error("peer {id} is there already")]
    Duplicate {
        /// Which.
        id: PeerId,
    },
    /// Only the link of a peer that has been connected can have a successor.
    #[error("peer {id} is not connected, so its link cannot have a successor")]
    NothingToSucceed {
        /// Which.
        id: PeerId,
    },
}

/// Why an operation on a connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// No such connection, or it is closed.
    #[error("no such connection")]
    UnknownConnection,
    /// It has no channels yet: add it as a peer before it is offered or answered.
    #[error("the connection belongs to no peer yet; add_peer comes first")]
    NotAdded,
    /// An offer has been made or taken already.
    #[error("the connection has been negotiated already")]
    AlreadyNegotiated,
    /// An answer came and no offer had been made.
    #[error("an answer without an offer")]
    UnexpectedAnswer,
    /// The candidate's ICE user name is not that of the far side's description: it belongs to another attempt.
    #[error("the candidate belongs to another description")]
    ForeignCandidate,
    /// More candidates arrived before the description than can be held back.
    #[error("more than {limit} candidates before the description")]
    TooManyCandidates {
        /// How many are held back at most.
        limit: usize,
    },
}

/// Why nothing was sent: a fault of the caller. What a single peer could not take is in [`Sent`](crate::Sent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The mesh has no id yet, is closed, or has lost the server it cannot do without (Godot: `ERR_UNCONFIGURED`).
    #[error("the mesh is not initialized, or has lost its server")]
    NotInitialized,
    /// There is no such peer (Godot: `ERR_INVALID_PARAMETER`).
    #[error("there is no peer {peer}")]
    UnknownPeer {
        /// Which.
        peer: PeerId,
    },
    /// There is no such channel (Godot: `ERR_INVALID_PARAMETER`).
    #[error("there is no channel {channel}")]
    UnknownChannel {
        /// Which.
        channel: u16,
    },
    /// The message is larger than this side can send or, where one peer is the target, than that peer takes. Of several
    /// targets, those that take less are in [`Sent::refused`](crate::Sent::refused) instead.
    #[doc(alias = "encode_buffer_max_size")]
    #[error("{size} bytes are more than the {limit} that can be sent")]
    TooLarge {
        /// The message's size in bytes.
        size: usize,
        /// The largest that can be sent.
        limit: usize,
    },
    /// A text that is not UTF-8.
    #[error("a text message must be UTF-8")]
    InvalidText,
}

/// A message that a backend did not take, given back: it may be sent later, and nobody had to copy it for that.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Rejected {
    /// The message.
    pub payload: Payload,
    /// Why it was not taken.
    pub reason: BackendSendError,
}

/// Why a backend did not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BackendSendError {
    /// The message does not fit below the high-water mark; a `BufferedAmountLow` follows.
    #[error("the send buffer is full")]
    Full,
    /// The channel is not open, or not any more.
    #[error("the channel is not open")]
    NotOpen,
}

/// Why a signal could not be handed to the signaling.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignalingError {
    /// It is not connected, or not joined yet.
    #[error("the signaling is not connected")]
    NotConnected,
    /// Its queue is full.
    #[error("the signaling's queue is full")]
    Full,
    /// The signal cannot be put on this wire.
    #[error("the signal cannot be sent: {0}")]
    Unsendable(String),
    /// The service cannot do this.
    #[error("the signaling service has no such thing")]
    Unsupported,
}
