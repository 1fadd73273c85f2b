//! Which introductions have been used: each is good once.

use std::collections::BTreeSet;

/// How many are remembered. Two minutes of some hundred a second.
const MAX: usize = 65_536;

/// Introductions that have been used, as long as they could be used again.
///
/// Only other instances can write one, so it is they who fill it. When there are too many the oldest are forgotten, and what is not
/// younger than those is refused: a busy instance takes no introduction twice either.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// When each was issued, in milliseconds since 1970, and its nonce.
    used: BTreeSet<(u64, u64)>,
    /// What was issued then or before is not taken any more.
    floor: u64,
}

impl Seen {
    /// Whether an introduction is used for the first time. Those that were issued before `valid_from` are not good any more.
    pub(super) fn is_first(&mut self, valid_from: u64, issued: u64, nonce: u64) -> bool {
        // A clock that is set back makes earlier ones good again, so their time is remembered.
        self.floor = self.floor.max(valid_from.saturating_sub(1));
        self.used = self.used.split_off(&(self.floor.saturating_add(1), 0));
        if issued <= self.floor || !self.used.insert((issued, nonce)) {
            return false;
        }
        if self.used.len() > MAX
            && let Some((oldest, _)) = self.used.pop_first()
        {
            self.floor = oldest;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_good_once() {
        let mut seen = Seen::default();
        assert!(seen.is_first(1000, 1500, 7));
        assert!(!seen.is_first(1000, 1500, 7));
        assert!(seen.is_first(1000, 1500, 8) && seen.is_first(1000, 1501, 7));
        // Also when the clock is set back after it was forgotten.
        assert!(seen.is_first(2000, 2500, 9));
        assert_eq!(seen.used.len(), 1);
        assert!(!seen.is_first(1000, 1500, 7));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Seen::default();
        let first = 1_000_000;
        for number in (0..=MAX).map(|number| number as u64) {
            assert!(seen.is_first(first, first + number, 0));
        }
        assert_eq!(seen.used.len(), MAX);
        assert!(!seen.is_first(first, first, 0), "it was forgotten");
        assert!(
            !seen.is_first(first, first, 1),
            "it is as old as one that was forgotten"
        );
        assert!(!seen.is_first(first, first + 1, 0));
        assert!(seen.is_first(first, first + 1, 1));
    }
}
