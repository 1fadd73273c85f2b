//! What the far side of a link has said that it has taken, until the core asks.

use alloc::vec::Vec;

/// The first and the last word of those that wait, so that a far side which says too much fills no queue. The first word on a new
/// link says where to go on, so it must not be overwritten. Later words only raise the counts, so the last one is enough.
#[derive(Debug, Default)]
pub struct Taken {
    first: Option<Vec<(u16, u64)>>,
    last: Option<Vec<(u16, u64)>>,
}

impl Taken {
    /// Keeps a word of the far side. Gives whether one more has to be asked for with [`pop`](Self::pop).
    #[must_use]
    pub fn push(&mut self, counts: Vec<(u16, u64)>) -> bool {
        if self.first.is_none() && self.last.is_none() {
            self.first = Some(counts);
            return true;
        }
        self.last.replace(counts).is_none()
    }

    /// The next word.
    pub fn pop(&mut self) -> Option<Vec<(u16, u64)>> {
        self.first.take().or_else(|| self.last.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_word_are_kept() {
        let mut taken = Taken::default();
        let mut asked = 0;
        for count in 0..100 {
            asked += usize::from(taken.push(alloc::vec![(1, count)]));
        }
        let words: Vec<_> = core::iter::from_fn(|| taken.pop()).collect();
        assert_eq!(words, [[(1, 0)], [(1, 99)]]);
        assert_eq!(asked, words.len());
    }

    #[test]
    fn words_that_are_asked_for_in_time_are_all_kept() {
        let mut taken = Taken::default();
        for count in 0..3 {
            assert!(taken.push(alloc::vec![(1, count)]));
            assert_eq!(taken.pop(), Some(alloc::vec![(1, count)]));
        }
        assert_eq!(taken.pop(), None);
    }
}
