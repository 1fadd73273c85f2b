//! When a channel takes no more to send.

use std::cell::Cell;

use mesh_core::platform::MAX_MESSAGE_SIZE;
use mesh_core::{Duration, Payload, SendLimits};

/// Where Chromium throws: a channel's buffered amount and the message together may not exceed it. Firefox takes anything.
const BROWSER_LIMIT: usize = 16 * 1024 * 1024;

/// How many empty messages a channel takes in a [`PAUSE`]: as many as a browser sends in it.
const MAX_EMPTIES: u32 = 4096;

/// How long it takes until there is room for empty messages again. Browsers do not count those they hold, nor tell when they
/// have sent them, so that only time can bound them: by what is sent until a dead connection is noticed.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// The bounds of one channel's send buffer. The buffer itself is the browser's.
pub(crate) struct Outbox {
    limits: SendLimits,
    /// What is buffered, at most: what it was when the browser was last asked, and what was sent since.
    at_most: Cell<usize>,
    /// Empty messages since the pause began.
    empties: Cell<u32>,
    /// For want of room for empty messages.
    has_refused: Cell<bool>,
}

impl Outbox {
    pub(crate) fn new(limits: SendLimits) -> Self {
        let most = BROWSER_LIMIT - MAX_MESSAGE_SIZE;
        Self {
            limits: SendLimits {
                high_water: limits.high_water.min(most),
                ..limits
            },
            at_most: Cell::new(0),
            empties: Cell::new(0),
            has_refused: Cell::new(false),
        }
    }

    /// The mark for the browser to tell when it is reached from above.
    pub(crate) fn low_water(&self) -> u32 {
        u32::try_from(self.limits.low_mark()).unwrap_or(u32::MAX)
    }

    /// Whether a message of so many bytes may be sent now. The browser is asked (`read`) only where the answer is not known without: a call out
    /// of WebAssembly for each message would show.
    pub(crate) fn has_room(&self, bytes: usize, read: impl FnOnce() -> usize) -> bool {
        if self.empties.get() >= MAX_EMPTIES {
            self.has_refused.set(true);
            return false;
        }
        if self.limits.admits(self.at_most.get(), bytes) {
            return true;
        }
        self.at_most.set(read());
        self.limits.admits(self.at_most.get(), bytes)
    }

    /// The same where it is known how much is buffered.
    pub(crate) fn has_room_beside(&self, buffered: usize, bytes: usize) -> bool {
        self.at_most.set(buffered);
        self.has_room(bytes, || buffered)
    }

    /// A message was taken; whether that begins a pause, whose end is to be told.
    pub(crate) fn sent(&self, payload: &Payload) -> bool {
        if payload.is_empty() {
            return self.empties.replace(self.empties.get() + 1) == 0;
        }
        self.at_most
            .set(self.at_most.get().saturating_add(payload.len()));
        false
    }

    /// A message of so many bytes waits to be sent with others.
    pub(crate) fn waits(&self, bytes: usize) {
        self.at_most.set(self.at_most.get().saturating_add(bytes));
    }

    /// What waited of so many bytes is sent next.
    pub(crate) fn leaves(&self, bytes: usize) {
        self.at_most.set(self.at_most.get().saturating_sub(bytes));
    }

    /// A pause is over; whether somebody waits for it who will not hear of it from the browser.
    pub(crate) fn pause_over(&self, read: impl FnOnce() -> usize) -> bool {
        self.empties.set(0);
        self.has_refused.take() && !self.is_above_low(read())
    }

    /// Whether the browser will tell that the buffer is low again, with so much in it.
    pub(crate) const fn is_above_low(&self, buffered: usize) -> bool {
        buffered > self.limits.low_mark()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(high_water: usize, low_water: usize) -> Outbox {
        Outbox::new(SendLimits {
            high_water,
            low_water,
            ..SendLimits::default()
        })
    }

    fn bytes(length: usize) -> Payload {
        Payload::from(vec![0; length])
    }

    #[test]
    fn the_browser_is_asked_at_the_mark_only() {
        let outbox = outbox(100, 40);
        for _ in 0..10 {
            assert!(outbox.has_room(10, || panic!("known without")));
            outbox.sent(&bytes(10));
        }
        assert!(outbox.has_room(10, || 90), "some of it has left");
        outbox.sent(&bytes(10));
        assert!(!outbox.has_room(10, || 100));
        assert!(!outbox.has_room(500, || 41));
        assert!(outbox.has_room(500, || 40), "one larger message may pass");
    }

    #[test]
    fn empty_messages_are_bounded_by_time() {
        let outbox = outbox(100, 40);
        for number in 0..MAX_EMPTIES {
            assert!(outbox.has_room(0, || panic!("known without")));
            assert_eq!(outbox.sent(&bytes(0)), number == 0, "one pause");
        }
        assert!(
            !outbox.has_room(0, || 0),
            "also for others: they would overtake"
        );
        assert!(outbox.pause_over(|| 40));
        assert!(outbox.has_room(0, || panic!("known without")));
        assert!(outbox.sent(&bytes(0)), "another pause");
        assert!(!outbox.pause_over(|| 0), "nobody waits for it");
    }

    #[test]
    fn the_end_of_a_pause_is_told_once() {
        let outbox = outbox(100, 40);
        while outbox.has_room(0, || 0) {
            outbox.sent(&bytes(0));
        }
        assert!(!outbox.pause_over(|| 41), "the browser tells");
    }

    #[test]
    fn a_full_buffer_always_gets_low_again() {
        for (high, low) in [(100, 100), (0, 0), (1, 1), (usize::MAX, usize::MAX)] {
            let outbox = outbox(high, low);
            let mut buffered = 0;
            while outbox.has_room(1 << 16, || buffered) {
                outbox.sent(&bytes(1 << 16));
                buffered += 1 << 16;
            }
            assert!(outbox.is_above_low(buffered), "{high} {low}");
            assert!(buffered <= BROWSER_LIMIT, "Chromium would have thrown");
        }
    }
}
