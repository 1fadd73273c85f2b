//! Transfers: what is larger than a message, on its way between two peers.

use alloc::string::String;
use core::fmt;

use thiserror::Error;

use crate::{Payload, PeerId};

/// How many transfers to one peer may wait or be under way.
pub const MAX_TRANSFERS: usize = 64;

/// The longest name of a transfer, in bytes.
pub const MAX_TRANSFER_NAME: usize = 1024;

/// The number of a transfer between two peers. Each of the two numbers its own transfers, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub(crate) u32);

impl TransferId {
    /// The transfer of this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of a transfer of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferInfo {
    /// Its number.
    pub id: TransferId,
    /// Its name, as this side gave it.
    pub name: String,
    /// How many bytes the far side has, as far as it has said.
    pub bytes_sent: usize,
    /// How many there are.
    pub bytes: usize,
}

/// What has become of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferEvent {
    /// The peer begins one. Whoever does not want it [refuses](crate::Mesh::refuse_transfer) it.
    Begun {
        /// What the peer calls it: a file's name, or whatever the games agree upon. At most [`MAX_TRANSFER_NAME`] bytes. Nothing
        /// about it is safe: a name may contain slashes.
        name: String,
        /// How many bytes it will have, at most [`MeshConfig::max_transfer`](crate::MeshConfig::max_transfer).
        bytes: usize,
    },
    /// More of it has come. Once a poll at most.
    Progress {
        /// How many bytes are there.
        received: usize,
        /// How many it will have.
        bytes: usize,
    },
    /// All of it is there.
    Received(Payload),
    /// The peer has given it up.
    Cancelled,
    /// The peer has all of ours.
    Sent,
    /// The peer does not want ours.
    Refused,
}

/// Why a transfer was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// There is no such peer, or it is not connected.
    #[error("peer {peer} is not connected")]
    NotConnected {
        /// Which.
        peer: PeerId,
    },
    /// The peer takes no transfers: it does not use this library, or it has switched them off.
    #[error("peer {peer} takes no transfers")]
    Unsupported {
        /// Which.
        peer: PeerId,
    },
    /// It is larger than the peer takes, or than this side takes itself.
    #[error("{size} bytes are more than the {limit} that a transfer may have")]
    TooLarge {
        /// How many bytes it has.
        size: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Its name is too long.
    #[error("a name of {size} bytes is longer than {MAX_TRANSFER_NAME}")]
    NameTooLong {
        /// How many bytes it has.
        size: usize,
    },
    /// [`MAX_TRANSFERS`] are on their way to the peer already.
    #[error("{MAX_TRANSFERS} transfers are on their way to the peer already")]
    TooMany,
}
