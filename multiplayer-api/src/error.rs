//! One small enum for each operation, and one for what is wrong with a packet.

use mesh_core::{PeerId, RefusedReason, SendError};
use thiserror::Error;

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendBytesError {
    /// There is nothing to send (Godot: `ERR_INVALID_DATA`).
    #[error("a packet must have at least one byte")]
    Empty,
    /// The network peer is not connected (Godot: `ERR_UNCONFIGURED`).
    #[error("the network peer is not connected")]
    NotConnected,
    /// There is no such peer, or it is not admitted yet (Godot: `ERR_BUG`).
    #[error("there is no peer {peer}, or it is not admitted yet")]
    UnknownPeer {
        /// Which.
        peer: PeerId,
    },
    /// The network peer did not take it. The size and the limit in it are those of the caller's data.
    #[error(transparent)]
    Peer(#[from] SendError),
}

/// Why a step of an authentication was refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The network peer is not connected (Godot: `ERR_UNCONFIGURED`).
    #[error("the network peer is not connected")]
    NotConnected,
    /// There is no such peer, or it does not authenticate (Godot: `ERR_INVALID_PARAMETER`).
    #[error("peer {peer} is not authenticating")]
    NotAuthenticating {
        /// Which.
        peer: PeerId,
    },
    /// A packet without data would mean completion (Godot: `ERR_INVALID_PARAMETER`).
    #[error("authentication data must have at least one byte")]
    Empty,
    /// This side has completed its part already (Godot: `ERR_FILE_CANT_WRITE`).
    #[error("this side has completed the authentication")]
    Completed,
    /// The far side has completed its part and takes no more data (Godot: `ERR_FILE_CANT_WRITE`).
    #[error("the far side has completed the authentication")]
    CompletedByPeer,
    /// The peer's channel did not take it.
    #[error("the peer's channel did not take it: {0:?}")]
    Refused(RefusedReason),
    /// The network peer did not take it.
    #[error(transparent)]
    Peer(#[from] SendError),
}

/// What is wrong with a packet that was ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum IgnoredReason {
    /// It has no bytes.
    #[error("an empty packet")]
    Empty,
    /// It ends before its command does.
    #[error("a packet that ends too early")]
    TooShort,
    /// Its first byte is no command of this generation.
    #[error("no such command: {command}")]
    UnknownCommand {
        /// The byte.
        command: u8,
    },
    /// Its second byte is no system command.
    #[error("no such system command: {command}")]
    UnknownSystemCommand {
        /// The byte.
        command: u8,
    },
    /// A system command within a packet that was passed on.
    #[error("a system command within a relayed packet")]
    NestedSystemCommand,
    /// Its sender is not admitted.
    #[error("its sender is not admitted")]
    NotAdmitted,
    /// Its sender has to authenticate first.
    #[error("its sender has to authenticate first")]
    Authenticating,
    /// Authentication data from a peer that need not authenticate, or not any more.
    #[error("authentication data that nobody waits for")]
    UnexpectedAuth,
    /// Only the server may announce peers and pass packets on.
    #[error("only the server may do that")]
    NotTheServer,
    /// A relay command that was sent to the server, in a mesh, or while relaying is switched off.
    #[error("relaying is not in use here")]
    NoRelay,
    /// It names a peer that cannot be meant.
    #[error("{given} is no peer that can be meant")]
    BadPeer {
        /// The number, as it came.
        given: i32,
    },
    /// The server announces more peers than [`ApiConfig::max_relayed_peers`](crate::ApiConfig::max_relayed_peers).
    #[error("more peers than are allowed")]
    TooManyPeers,
    /// The server passed it on for a peer that it has not announced in time.
    #[error("its sender was never announced")]
    Unannounced,
    /// The server passed it on for a peer whose end it has just announced.
    #[error("its sender is gone")]
    Departed,
    /// A server was to pass it on reliably, and discarded it. The receiver is slow, [`ApiConfig::backlog_bytes`] of packets
    /// wait for it, and no other sender has more waiting there than this one. Neither the sender nor the receiver is told.
    ///
    /// [`ApiConfig::backlog_bytes`]: crate::ApiConfig::backlog_bytes
    #[error("too many packets of its sender wait for peer {to}")]
    BacklogFull {
        /// The receiver.
        to: PeerId,
    },
}
