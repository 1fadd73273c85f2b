//! How much of a channel that gives way to others may be in the browser's buffer: little, because the browser sends what it has been
//! given in that order, whichever channel it is of.
//!
//! A far side of ours tells what has arrived, and then [`Flight`] decides. All that follows is for the others.
//!
//! A browser tells when its buffer has fallen to a mark, and a page may be busy then. If the buffer is empty by the time that the
//! page looks, the path could have taken more: the bound is doubled. If it took long to get there, the path is slow: the bound
//! is halved.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use mesh_core::{Duration, Instant, Payload};

use crate::flight::Flight;

/// The least: one part of a transfer.
const LEAST: usize = 16 * 1024;

/// The most: on any path that needs more, nothing waits for long.
const MOST: usize = 1024 * 1024;

/// How long what is in the buffer may take to leave it. Others wait as long.
const LONGEST: Duration = Duration::from_millis(20);

/// What waits for the browser's buffer, and how much may be there.
pub(crate) struct Pacer {
    waiting: RefCell<VecDeque<Payload>>,
    bytes: Cell<usize>,
    size: Cell<usize>,
    /// When the buffer was last filled.
    filled: Cell<Option<Instant>>,
    /// What is under way, where the far side tells what has arrived. It takes the place of the bound of the buffer.
    flight: RefCell<Flight>,
    /// Whether there has been more than the low mark since that was told.
    is_high: Cell<bool>,
}

impl Pacer {
    pub(crate) const fn new() -> Self {
        Self {
            waiting: RefCell::new(VecDeque::new()),
            bytes: Cell::new(0),
            size: Cell::new(LEAST),
            filled: Cell::new(None),
            flight: RefCell::new(Flight::new()),
            is_high: Cell::new(false),
        }
    }

    /// Bytes that wait.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// What is under way, where the far side tells what has arrived.
    pub(crate) const fn flight(&self) -> &RefCell<Flight> {
        &self.flight
    }

    /// There is more than the low mark.
    pub(crate) fn above_low(&self) {
        self.is_high.set(true);
    }

    /// There is less than that. Whether it is news.
    pub(crate) fn below_low(&self) -> bool {
        self.is_high.take()
    }

    pub(crate) fn push(&self, payload: Payload) {
        self.bytes.set(self.bytes.get() + cost(&payload));
        self.waiting.borrow_mut().push_back(payload);
    }

    /// Takes back what the browser has not taken.
    pub(crate) fn put_back(&self, payload: Payload) {
        self.bytes.set(self.bytes.get() + cost(&payload));
        self.waiting.borrow_mut().push_front(payload);
    }

    /// The next message, if the browser may have it beside what it has.
    pub(crate) fn next(&self, now: Instant, buffered: usize) -> Option<Payload> {
        if buffered >= self.size.get() {
            return None;
        }
        let next = self.take()?;
        self.filled.set(Some(now));
        Some(next)
    }

    /// The next message in any case.
    pub(crate) fn take(&self) -> Option<Payload> {
        let next = self.waiting.borrow_mut().pop_front()?;
        self.bytes.set(self.bytes.get() - cost(&next));
        Some(next)
    }

    /// The browser says that its buffer is low, and it holds so much now.
    pub(crate) fn low(&self, now: Instant, buffered: usize) {
        let Some(filled) = self.filled.take() else {
            return;
        };
        let size = self.size.get();
        let is_dry = buffered == 0 && self.bytes() > 0;
        if !is_dry && now - filled > LONGEST {
            self.size.set((size / 2).max(LEAST));
        } else if is_dry {
            self.size.set((size * 2).min(MOST));
        }
    }

    /// Where the browser is to tell that its buffer is low.
    pub(crate) fn mark(&self) -> u32 {
        u32::try_from(self.size.get() / 2).unwrap_or(u32::MAX)
    }
}

/// What a message counts for: an empty one, too.
fn cost(payload: &Payload) -> usize {
    payload.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(1 + millis * 1000)
    }

    fn pacer(parts: usize) -> Pacer {
        let pacer = Pacer::new();
        for _ in 0..parts {
            pacer.push(Payload::from(vec![0; LEAST]));
        }
        pacer
    }

    fn fill(pacer: &Pacer, now: Instant, mut buffered: usize) -> usize {
        while let Some(payload) = pacer.next(now, buffered) {
            buffered += payload.len();
        }
        buffered
    }

    #[test]
    fn one_part_at_first_and_more_where_the_buffer_runs_dry() {
        let pacer = pacer(1000);
        let mut sizes = Vec::new();
        for frame in 0..8 {
            sizes.push(fill(&pacer, at(frame * 16), 0));
            pacer.low(at(frame * 16 + 16), 0);
        }
        assert_eq!(sizes.first(), Some(&LEAST));
        assert!(
            sizes.is_sorted() && sizes.last() > Some(&(8 * LEAST)),
            "{sizes:?}"
        );
    }

    #[test]
    fn less_where_it_takes_long() {
        let pacer = pacer(100);
        pacer.size.set(8 * LEAST);
        assert_eq!(fill(&pacer, at(0), 0), 8 * LEAST);
        pacer.low(at(64), 4 * LEAST);
        assert_eq!(pacer.size.get(), 4 * LEAST);
        for round in 0..5 {
            fill(&pacer, at(100 * round), LEAST);
            pacer.low(at(100 * round + 50), LEAST);
        }
        assert_eq!(pacer.size.get(), LEAST);
        assert_eq!(usize::try_from(pacer.mark()).ok(), Some(LEAST / 2));
    }

    #[test]
    fn the_end_of_what_there_is_says_nothing_of_the_path() {
        let pacer = pacer(1);
        fill(&pacer, at(0), 0);
        pacer.low(at(1), 0);
        assert_eq!((pacer.size.get(), pacer.bytes()), (LEAST, 0));
    }
}
