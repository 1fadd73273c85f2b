//! Which introductions have been used: each is good once.

use std::collections::BTreeSet;

/// How many are remembered. Two minutes of some hundred a second.
const MAX: usize = 65_536;

/// Introductions that have been used, as long as they could be used again.
///
/// Only other instances can write one, so it is they who fill it. When there are too many the oldest are forgotten, and what is not
/// younger than those is refused: a busy instance takes no introduction twice either.
///
/// A clock that is set back makes what was used good again, so the time of what is forgotten is remembered. One that is set back by more
/// than an introduction lasts is an exception, because else nobody could be forwarded until it shows again what it has shown: it takes
/// what is issued from then on.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// When each was issued, in milliseconds since 1970, and its nonce.
    used: BTreeSet<(u64, u64)>,
    /// What was issued then or before is not taken any more.
    floor: u64,
}

impl Seen {
    /// Whether an introduction is used for the first time. `now` and the other times are in milliseconds since 1970. Those that were
    /// issued before `valid_from` are not good any more.
    pub(super) fn is_first(&mut self, now: u64, valid_from: u64, issued: u64, nonce: u64) -> bool {
        let kept = self.used.split_off(&(valid_from, 0));
        if let Some((newest, _)) = std::mem::replace(&mut self.used, kept).pop_last() {
            self.floor = self.floor.max(newest);
        }
        // What is forgotten is older than now, unless the clock was set back.
        self.floor = self.floor.min(now);
        let is_old = issued < valid_from || issued <= self.floor;
        if is_old || !self.used.insert((issued, nonce)) {
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
        let mut is_first = |now, issued, nonce| seen.is_first(now, now - 1000, issued, nonce);
        assert!(is_first(2000, 1500, 7));
        assert!(!is_first(2000, 1500, 7));
        assert!(is_first(2000, 1500, 8) && is_first(2000, 1501, 7));
        // Also when the clock is set back after it was forgotten.
        assert!(is_first(3000, 2500, 9));
        assert!(!is_first(2000, 1500, 7));
        assert!(!is_first(3000, 1999, 10), "it is too old");
        assert_eq!(seen.used.len(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_by_an_hour_does_not_end_forwarding() {
        let mut seen = Seen::default();
        let mut is_first = |now, issued, nonce| seen.is_first(now, now - 1000, issued, nonce);
        assert!(is_first(3_600_000, 3_600_000, 1));
        assert!(is_first(3_602_000, 3_602_000, 2));
        // What was issued before the clock was set back may have been used.
        assert!(!is_first(10_000, 10_000, 3));
        assert!(is_first(10_001, 10_001, 3));
        assert!(!is_first(10_002, 10_001, 3));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Seen::default();
        let (first, now) = (1_000_000, 1_100_000);
        for number in (0..=MAX).map(|number| number as u64) {
            assert!(seen.is_first(now, first, first + number, 0));
        }
        assert_eq!(seen.used.len(), MAX);
        assert!(!seen.is_first(now, first, first, 0), "it was forgotten");
        assert!(
            !seen.is_first(now, first, first, 1),
            "it is as old as one that was forgotten"
        );
        assert!(!seen.is_first(now, first, first + 1, 0));
        assert!(seen.is_first(now, first, first + 1, 1));
    }
}
