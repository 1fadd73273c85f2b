//! When a channel takes no more to send.

use std::cell::Cell;

use mesh_core::{Payload, SendLimits};

use crate::config::MAX_MESSAGE_SIZE;

/// Where Chromium throws: a channel's buffered amount and the message together may not exceed it. Firefox takes anything.
const BROWSER_LIMIT: usize = 16 * 1024 * 1024;

/// The bounds of one channel's send buffer. The buffer itself is the browser's.
pub(crate) struct Outbox {
    high_water: usize,
    low_water: usize,
    /// What is buffered, at most: what it was when the browser was last asked, and what was sent since.
    at_most: Cell<usize>,
}

impl Outbox {
    pub(crate) fn new(limits: SendLimits) -> Self {
        let high_water = limits.high_water.clamp(1, BROWSER_LIMIT - MAX_MESSAGE_SIZE);
        Self {
            high_water,
            // Below the high-water mark in any case: a full buffer must cross it on its way down.
            low_water: limits.low_water.min(high_water - 1),
            at_most: Cell::new(0),
        }
    }

    /// The mark for the browser to tell when it is reached from above.
    pub(crate) fn low_water(&self) -> u32 {
        u32::try_from(self.low_water).unwrap_or(u32::MAX)
    }

    /// Whether a message may be sent now. The browser is asked (`read`) only where the answer is not known without: a call out
    /// of WebAssembly for each message would show.
    pub(crate) fn has_room(&self, read: impl FnOnce() -> usize) -> bool {
        if self.at_most.get() < self.high_water {
            return true;
        }
        self.at_most.set(read());
        self.at_most.get() < self.high_water
    }

    pub(crate) fn sent(&self, payload: &Payload) {
        self.at_most
            .set(self.at_most.get().saturating_add(payload.len()));
    }

    /// Whether the browser will tell that the buffer is low again, with so much in it.
    pub(crate) const fn is_above_low(&self, buffered: usize) -> bool {
        buffered > self.low_water
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(high_water: usize, low_water: usize) -> Outbox {
        Outbox::new(SendLimits {
            high_water,
            low_water,
        })
    }

    fn bytes(length: usize) -> Payload {
        Payload::from(vec![0; length])
    }

    #[test]
    fn the_browser_is_asked_at_the_mark_only() {
        let outbox = outbox(100, 40);
        for _ in 0..10 {
            assert!(outbox.has_room(|| panic!("known without")));
            outbox.sent(&bytes(10));
        }
        assert!(outbox.has_room(|| 90), "some of it has left");
        outbox.sent(&bytes(500));
        assert!(!outbox.has_room(|| 590));
        assert!(!outbox.has_room(|| 100));
        assert!(outbox.has_room(|| 99));
    }

    #[test]
    fn a_full_buffer_always_gets_low_again() {
        for (high, low) in [(100, 100), (0, 0), (1, 1), (usize::MAX, usize::MAX)] {
            let outbox = outbox(high, low);
            let mut buffered = 0;
            while outbox.has_room(|| buffered) {
                outbox.sent(&bytes(1 << 16));
                buffered += 1 << 16;
            }
            assert!(outbox.is_above_low(buffered), "{high} {low}");
            assert!(buffered <= BROWSER_LIMIT, "Chromium would have thrown");
        }
    }
}
