//! Writes and reads messages in postcard's format.

use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::SendBytesError;

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendMessageError {
    /// The message cannot be written: its type asks the format for something it does not have.
    #[error("the message cannot be written")]
    Unwritable,
    /// The message is larger than allowed.
    #[error("a message of {size} bytes is larger than the {limit} allowed")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It was not sent.
    #[error(transparent)]
    Send(#[from] SendBytesError),
}

/// Why a packet is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are no such message.
    #[error("the bytes are no such message")]
    Malformed,
    /// The message is followed by something.
    #[error("{bytes} bytes are left after the message")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// The packet is larger than a message may be.
    #[error("{size} bytes are more than the {limit} allowed")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// No handler is registered for such a message.
    #[error("nobody handles messages with the id {id}")]
    UnknownMessage {
        /// The id.
        id: u16,
    },
}

/// Appends a message to a packet, its id before it if it has one. The limit is on what is appended.
pub(super) fn write<M: Serialize>(
    packet: Vec<u8>,
    id: Option<u16>,
    message: &M,
    limit: usize,
) -> Result<Vec<u8>, SendMessageError> {
    let begin = packet.len();
    let packet = match id {
        Some(id) => postcard::to_extend(&(id, message), packet),
        None => postcard::to_extend(message, packet),
    };
    let mut packet = packet.map_err(|_| SendMessageError::Unwritable)?;
    // A message without content is a message all the same; a packet without content is none.
    if packet.len() == begin {
        packet.push(0);
    }
    let size = packet.len() - begin;
    if size > limit {
        return Err(SendMessageError::TooLarge { size, limit });
    }
    Ok(packet)
}

/// Reads what [`write`] has written without an id.
pub(super) fn read<M: DeserializeOwned>(data: &[u8], limit: usize) -> Result<M, DecodeError> {
    check_size(data, limit)?;
    match read_all(data) {
        // Only a type without content is read of nothing.
        Err(DecodeError::Trailing { bytes: 1 }) if data == [0] => read_all(&[]),
        result => result,
    }
}

/// Reads an id and gives what follows it.
pub(super) fn read_id(data: &[u8], limit: usize) -> Result<(u16, &[u8]), DecodeError> {
    check_size(data, limit)?;
    postcard::take_from_bytes(data).map_err(|_| DecodeError::Malformed)
}

/// Reads a message that must be all there is.
pub(super) fn read_all<M: DeserializeOwned>(data: &[u8]) -> Result<M, DecodeError> {
    let (message, rest) = postcard::take_from_bytes(data).map_err(|_| DecodeError::Malformed)?;
    if rest.is_empty() {
        Ok(message)
    } else {
        Err(DecodeError::Trailing { bytes: rest.len() })
    }
}

const fn check_size(data: &[u8], limit: usize) -> Result<(), DecodeError> {
    let size = data.len();
    if size > limit {
        return Err(DecodeError::TooLarge { size, limit });
    }
    Ok(())
}
