//! What became of a send.

use alloc::vec::Vec;

use crate::PeerId;

/// What became of a send, by peer: every target that is not in `refused` was accepted.
///
/// It may be ignored, so it is not `must_use`. On an unreliable channel a game loses messages anyway, and the next one
/// replaces them. On a reliable channel a refusal concerns a game that sends faster than its peers take, or to peers that
/// may be leaving; such a game looks at `refused`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// For how many peers it was taken. On a reliable channel it arrives unless the link ends.
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
    /// As much waits on the reliable channel as its limit allows;
    /// [`Event::BufferedAmountLow`](crate::Event::BufferedAmountLow) says when to try again.
    Full,
    /// The peer takes no message of this size.
    TooLarge {
        /// The largest message it takes, in bytes.
        limit: usize,
    },
    /// The peer is not connected yet, or is going.
    NotConnected,
    /// The path to the peer is broken for now, and the channel is unreliable: what would arrive after the interruption would be
    /// stale. Reliable messages are taken as always. See [`Event::PeerInterrupted`](crate::Event::PeerInterrupted) and
    /// [`Event::PeerResumed`](crate::Event::PeerResumed).
    Interrupted,
    /// The peer was added when there was no such custom channel.
    NoSuchChannel,
}
