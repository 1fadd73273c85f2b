//! What pulses measure: round trip, jitter and loss.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::wire::Ping;
use crate::Instant;

/// How many pings may wait for their answers. At the highest pace these are six seconds of them.
const OPEN: usize = 32;

/// An answer that takes longer says that the far side stood still, and nothing of the path.
const LONGEST: Duration = Duration::from_secs(5);

/// How many numbers of the far side's pings are remembered. At the usual pace these are half a minute of them, a minute while
/// messages come, and five minutes in quiet.
const WINDOW: u32 = u64::BITS;

/// How many pings must have been sent for a loss to be told.
const ENOUGH: u32 = 8;

/// Our pings and their answers.
#[derive(Debug, Default)]
pub(super) struct Answers {
    next: u16,
    open: VecDeque<(u16, Instant)>,
    /// Smoothed as TCP does it (RFC 6298).
    pub(super) round_trip: Option<Duration>,
}

impl Answers {
    /// The number of the ping that is sent now.
    pub(super) fn ask(&mut self, now: Instant) -> u16 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        if self.open.len() >= OPEN {
            self.open.pop_front();
        }
        self.open.push_back((number, now));
        number
    }

    /// A ping is answered. Whether it was one of ours that had no answer.
    pub(super) fn take(&mut self, now: Instant, number: u16) -> bool {
        let is_it = |(open, _): &(u16, Instant)| *open == number;
        let Some((_, sent)) = self
            .open
            .iter()
            .position(is_it)
            .and_then(|at| self.open.remove(at))
        else {
            return false;
        };
        let took = now - sent;
        if took <= LONGEST {
            self.round_trip = Some(match self.round_trip {
                Some(before) => before * 7 / 8 + took / 8,
                None => took,
            });
        }
        true
    }
}

/// The far side's pings.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// The highest number, and which of the ones before it have come: the lowest bit stands for the number itself.
    highest: Option<(u16, u64)>,
    /// How many numbers there have been, up to [`WINDOW`].
    counted: u32,
    /// When the last one came and was sent.
    last: Option<(Instant, u32)>,
    /// Of arrivals (RFC 3550, section 6.4.1).
    pub(super) jitter: Option<Duration>,
    /// How many percent of ours the far side misses.
    pub(super) loss_sent: Option<u8>,
}

impl Arrivals {
    pub(super) fn take(&mut self, now: Instant, ping: Ping) {
        self.loss_sent = ping.loss;
        let Some((highest, seen)) = self.highest else {
            self.highest = Some((ping.number, 1));
            self.counted = 1;
            self.last = Some((now, ping.sent));
            return;
        };
        let ahead = ping.number.wrapping_sub(highest);
        if ahead < 1 << 15 {
            let seen = seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.highest = Some((ping.number, seen));
            self.counted = (self.counted + u32::from(ahead)).min(WINDOW);
        } else {
            let behind = u32::from(highest.wrapping_sub(ping.number));
            let bit = 1_u64.checked_shl(behind).unwrap_or(0);
            self.highest = Some((highest, seen | bit));
        }
        if let Some((came, sent)) = self.last.replace((now, ping.sent)) {
            let differs = differently_long(now - came, ping.sent.wrapping_sub(sent));
            let before = self.jitter.unwrap_or_default();
            if differs <= LONGEST {
                self.jitter = Some(before * 15 / 16 + differs / 16);
            }
        }
    }

    /// How many percent of the far side's last pings did not come.
    pub(super) fn loss(&self) -> Option<u8> {
        let (_, seen) = self.highest.filter(|_| self.counted >= ENOUGH)?;
        // One from before the first that is counted may have come late.
        let missing = self.counted.saturating_sub(seen.count_ones());
        u8::try_from(missing * 100 / self.counted).ok()
    }
}

/// How differently long two pings travelled that came this far apart. `sent` is how much later the second one was sent, in
/// microseconds modulo 2³²; one that was overtaken was sent earlier.
fn differently_long(came: Duration, sent: u32) -> Duration {
    let came = i64::try_from(came.as_micros()).unwrap_or(i64::MAX);
    let differs = came.saturating_sub(i64::from(sent.cast_signed()));
    Duration::from_micros(differs.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    fn ping(number: u16, millis: u32) -> Ping {
        Ping {
            number,
            sent: millis.wrapping_mul(1000),
            loss: None,
        }
    }

    #[test]
    fn the_round_trip_is_smoothed_and_a_late_answer_is_none() {
        let mut answers = Answers::default();
        for number in 0..3 {
            assert_eq!(answers.ask(at(0)), number);
        }
        assert!(answers.take(at(80), 0));
        assert_eq!(answers.round_trip, Some(Duration::from_millis(80)));
        assert!(answers.take(at(160), 1));
        assert_eq!(answers.round_trip, Some(Duration::from_millis(90)));
        assert!(answers.take(at(5001), 2), "the far side stood still");
        assert_eq!(answers.round_trip, Some(Duration::from_millis(90)));
        assert!(!answers.take(at(5001), 2), "twice");
        assert!(!answers.take(at(5001), 999), "nobody asked");
    }

    #[test]
    fn what_has_no_answer_is_forgotten() {
        let mut answers = Answers::default();
        for _ in 0..1000 {
            answers.ask(at(0));
        }
        assert_eq!(answers.open.len(), OPEN);
        assert!(answers.take(at(1), 999) && !answers.take(at(1), 900));
    }

    #[test]
    fn jitter_is_how_differently_long_they_travel() {
        let mut arrivals = Arrivals::default();
        // Sent at different times and always 20 ms on the way.
        for (number, sent) in [(0, 0), (1, 500), (2, 1700)] {
            arrivals.take(at(u64::from(sent) + 20), ping(number, sent));
        }
        assert_eq!(arrivals.jitter, Some(Duration::ZERO));
        arrivals.take(at(2036), ping(3, 2000));
        assert_eq!(arrivals.jitter, Some(Duration::from_millis(1)));
        // Ours stood still meanwhile.
        arrivals.take(at(9036), ping(4, 2500));
        assert_eq!(arrivals.jitter, Some(Duration::from_millis(1)));
    }

    #[test]
    fn one_that_was_overtaken_was_sent_earlier() {
        let mut arrivals = Arrivals::default();
        for (came, number, sent) in [(20, 0, 0), (1020, 2, 1000), (1036, 1, 500)] {
            arrivals.take(at(came), ping(number, sent));
        }
        // 516 ms more than the one before.
        assert_eq!(arrivals.jitter, Some(Duration::from_micros(516_000 / 16)));
    }

    #[test]
    fn a_clock_that_goes_round_is_no_jitter() {
        let mut arrivals = Arrivals::default();
        let sent = u32::MAX - 100;
        for (number, later) in [(0, 0), (1, 500_000)] {
            let now = Instant::from_micros(u64::from(later) + 7);
            let sent = sent.wrapping_add(later);
            arrivals.take(
                now,
                Ping {
                    number,
                    sent,
                    loss: None,
                },
            );
        }
        assert_eq!(arrivals.jitter, Some(Duration::ZERO));
    }

    #[test]
    fn loss_is_what_is_missing_in_the_window() {
        let mut arrivals = Arrivals::default();
        for number in 0..7 {
            arrivals.take(at(0), ping(number, 0));
            assert_eq!(arrivals.loss(), None, "too few");
        }
        arrivals.take(at(0), ping(9, 0));
        assert_eq!(arrivals.loss(), Some(20));
        // Late, and twice.
        for number in [8, 7, 7, 9] {
            arrivals.take(at(0), ping(number, 0));
        }
        assert_eq!(arrivals.loss(), Some(0));
        arrivals.take(at(0), ping(9 + 64, 0));
        assert_eq!(arrivals.loss(), Some(98), "one of 64");
        for number in 74..200 {
            arrivals.take(at(0), ping(number, 0));
        }
        assert_eq!(arrivals.loss(), Some(0), "what was long ago is forgotten");
    }

    #[test]
    fn numbers_go_round() {
        let mut arrivals = Arrivals::default();
        for number in 0..100 {
            arrivals.take(at(0), ping(65_500_u16.wrapping_add(number), 0));
        }
        assert_eq!(arrivals.loss(), Some(0));
        assert_eq!(arrivals.highest.map(|(highest, _)| highest), Some(63));
    }

    #[test]
    fn half_the_way_round_is_behind() {
        let mut arrivals = Arrivals::default();
        for number in [5, 5 + (1 << 15)] {
            arrivals.take(at(0), ping(number, 0));
        }
        assert_eq!(arrivals.highest, Some((5, 1)));
    }

    #[test]
    fn nonsense_does_no_harm() {
        let mut arrivals = Arrivals::default();
        for number in [0, 40_000, 3, 65_535, 32_768, 0, 1] {
            arrivals.take(at(1), ping(number, number.into()));
            assert!(arrivals.loss().is_none_or(|percent| percent <= 100));
            assert!(arrivals.jitter.is_none_or(|jitter| jitter <= LONGEST));
        }
    }
}
