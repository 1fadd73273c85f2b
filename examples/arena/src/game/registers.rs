//! What everybody has to agree upon: who is "it", and which round it is.

use serde::{Deserialize, Serialize};

use super::Id;

/// How long a round takes, in seconds.
pub(crate) const ROUND: f32 = 30.0;
/// Clocks of the same round may differ by so many seconds before one follows the other.
const APART: f32 = 0.25;
/// How many tags one message may be ahead of what we know. An honest peer is ahead by the tags of a split of the mesh.
const MOST_AHEAD: u32 = 10_000;

/// Who is "it". The one with the greater number is newer; of two with one number everybody takes the greater id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Tag {
    /// Counts up with each tag.
    pub(crate) number: u32,
    /// Who is "it"; 0 is nobody.
    pub(crate) who: Id,
}

impl Tag {
    /// The next one.
    pub(crate) const fn passed_to(self, who: Id) -> Self {
        Self {
            number: self.number.saturating_add(1),
            who,
        }
    }

    /// Takes a newer one; whether this was one.
    pub(crate) fn merge(&mut self, other: Self) -> bool {
        let is_newer = other > *self && other.number - self.number <= MOST_AHEAD;
        if is_newer {
            *self = other;
        }
        is_newer
    }
}

/// Which round it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Round {
    /// Counts up with each round.
    pub(crate) number: u32,
    /// Seconds until its end.
    pub(crate) left: f32,
}

impl Default for Round {
    fn default() -> Self {
        Self {
            number: 1,
            left: ROUND,
        }
    }
}

impl Round {
    /// Lets time pass; whether a new round has begun.
    pub(crate) fn pass(&mut self, seconds: f32) -> bool {
        self.left -= seconds;
        if self.left > 0.0 {
            return false;
        }
        // A machine that has slept begins one round, not all that it has missed.
        self.left = ROUND - (-self.left % ROUND);
        self.number = self.number.wrapping_add(1);
        true
    }

    /// Hears of another one's round, which counts if it is a later one, or if that player `leads` (has the lower id) and the
    /// clocks are apart. Whether a new round has begun.
    pub(crate) fn merge(&mut self, other: Self, leads: bool) -> bool {
        let left = other.left.clamp(0.0, ROUND);
        // Numbers wrap, so that a peer cannot end the counting.
        let ahead = other.number.wrapping_sub(self.number);
        let is_later = ahead != 0 && ahead < u32::MAX / 2;
        let follows = ahead == 0 && leads && (left - self.left).abs() > APART;
        if is_later || follows {
            self.left = left;
            self.number = other.number;
        }
        is_later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_to_the_same_end_in_any_order() {
        let first = Tag::default().passed_to(5);
        let tags = [first, first.passed_to(9), first.passed_to(7), first];
        let merged = |order: [usize; 4]| {
            let mut tag = Tag::default();
            for at in order {
                tag.merge(tags[at]);
            }
            tag
        };
        let end = Tag { number: 2, who: 9 };
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
            assert_eq!(merged(order), end);
        }
    }

    #[test]
    fn one_message_cannot_end_the_tags() {
        let mut tag = Tag { number: 3, who: 5 };
        let last = Tag {
            number: u32::MAX,
            who: 9,
        };
        assert!(!tag.merge(last));
        assert_eq!(tag.passed_to(7).number, 4);
    }

    #[test]
    fn a_round_ends_after_its_time() {
        let mut round = Round::default();
        assert!(!round.pass(29.9));
        assert!(round.pass(0.2));
        assert_eq!(round.number, 2);
        assert!((round.left - 29.9).abs() < 0.01, "{round:?}");
        assert!(round.pass(1000.0), "the machine has slept");
        assert_eq!(round.number, 3);
        assert!(round.left > 0.0 && round.left <= ROUND);
    }

    #[test]
    fn a_later_round_counts_and_of_the_same_one_the_clock_that_leads() {
        let mut round = Round {
            number: 4,
            left: 10.0,
        };
        let of = |number, left| Round { number, left };
        assert!(!round.merge(of(3, 20.0), true));
        assert!(!round.merge(of(4, 20.0), false));
        assert_eq!(round, of(4, 10.0));
        assert!(!round.merge(of(4, 20.0), true));
        assert_eq!(round, of(4, 20.0));
        assert!(round.merge(of(6, 1e9), false));
        assert_eq!(round, of(6, ROUND));
        round.number = u32::MAX;
        assert!(round.pass(ROUND), "the count wraps");
    }
}
