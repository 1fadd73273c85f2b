//! Batches on one link: what both sides do with them. The bytes are [`platform::batch`](crate::platform::batch)'s.

use alloc::string::String;

use crate::Payload;
use crate::platform::batch::{self, Direction, Read};

/// What is agreed with one peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batches {
    own: Direction,
    /// `None` if the far side knows no batches, and until it has described itself.
    far: Option<Direction>,
}

impl Batches {
    /// Of a link on which this side sends batches if the far side takes them, or never.
    pub(super) const fn new(sends: bool) -> Self {
        Self {
            own: Direction::of(sends),
            far: None,
        }
    }

    /// What our description says.
    pub(super) fn announce(self, sdp: &str) -> String {
        self.own.announce(sdp)
    }

    pub(super) fn described(&mut self, sdp: &str) {
        self.far = Direction::read(sdp);
    }

    /// Whether our messages may leave in batches.
    pub(super) const fn are_sent(self) -> bool {
        self.own.sends() && self.far.is_some()
    }

    /// The largest size that any message may have, of the largest that the link takes.
    pub(super) const fn least_limit(self, limit: usize) -> usize {
        if self.are_sent() {
            limit.saturating_sub(batch::OVERHEAD)
        } else {
            limit
        }
    }

    /// The largest size that this message may have, of the largest that the link takes.
    pub(super) fn limit(self, payload: &Payload, limit: usize) -> usize {
        if self.are_sent() {
            limit.saturating_sub(batch::overhead(payload))
        } else {
            limit
        }
    }

    /// What has come. Only a far side that sends batches means one by what looks like one.
    pub(super) fn read(self, payload: Payload) -> Result<Read, &'static str> {
        if self.far.is_some_and(Direction::sends) {
            batch::read(payload)
        } else {
            Ok(Read::Message(payload))
        }
    }
}
