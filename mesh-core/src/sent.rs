//! What became of a send.

use alloc::vec::Vec;

use crate::PeerId;

/// What became of a send, by peer: every target that is not in `refused` was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a refused message is not sent again by itself"]
pub struct Sent {
    /// How many peers' channels took it. On a reliable channel it arrives unless the link ends.
    pub accepted: usize,
    /// Who did not get it, and why. Empty, and without allocation, when all is well.
    pub refused: Vec<Refused>,
}

impl Sent {
    /// Whether nobody was left out.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.refused.is_empty()
    }
}

/// One peer that did not get a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who.
    pub peer: PeerId,
    /// Why.
    pub reason: RefusedReason,
}

/// Why a peer did not get a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusedReason {
    /// The channel's send buffer is at its high-water mark; [`Event::BufferedAmountLow`](crate::Event::BufferedAmountLow)
    /// says when to try again.
    Full,
    /// The peer is not connected yet, or is going.
    NotConnected,
    /// The peer was added when there was no such custom channel.
    NoSuchChannel,
}
