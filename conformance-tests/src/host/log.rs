//! The unread part of a log; reading it twice is harmless, so a request that was given up loses nothing.

use std::collections::VecDeque;

/// Entries in one answer at most: an answer must fit a mailbox.
const ENTRIES: usize = 512;

#[derive(Debug)]
pub(super) struct Tail<T> {
    first: u64,
    items: VecDeque<T>,
}

impl<T> Default for Tail<T> {
    fn default() -> Self {
        Self {
            first: 0,
            items: VecDeque::new(),
        }
    }
}

impl<T: Clone> Tail<T> {
    pub(super) fn push(&mut self, item: T) {
        self.items.push_back(item);
    }

    /// Forgets what lies before `from`: the case has it.
    pub(super) fn forget(&mut self, from: u64) {
        while self.first < from && self.items.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// Forgets everything; positions go on counting.
    pub(super) fn clear(&mut self) {
        self.forget(u64::MAX);
    }

    /// What is there from `from` on; nothing to say unless there is something, or `even_if_empty`.
    pub(super) fn since(&self, from: u64, even_if_empty: bool) -> Option<(u64, Vec<T>)> {
        let skipped = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let items: Vec<T> = self
            .items
            .iter()
            .skip(skipped)
            .take(ENTRIES)
            .cloned()
            .collect();
        (even_if_empty || !items.is_empty()).then_some((from.max(self.first), items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_twice_gives_the_same_until_it_is_forgotten() {
        let mut tail = Tail::default();
        assert_eq!(tail.since(0, false), None);
        tail.push('a');
        tail.push('b');
        assert_eq!(tail.since(0, false), Some((0, vec!['a', 'b'])));
        assert_eq!(tail.since(0, false), Some((0, vec!['a', 'b'])));
        tail.forget(1);
        assert_eq!(tail.since(1, false), Some((1, vec!['b'])));
        tail.clear();
        assert_eq!(tail.since(0, true), Some((2, vec![])));
        tail.push('c');
        assert_eq!(tail.since(1, false), Some((2, vec!['c'])));
    }
}
