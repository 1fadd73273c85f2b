//! How much computing a link may ask for: what its datagrams are worth, and a reserve that comes back slowly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What every poll of a driver may take: timers, and events of the application.
const POLL: Duration = Duration::from_millis(5);

/// What a datagram may take, per KiB begun. An honest one takes about 10 µs, and 100 µs in a program that is not optimised.
const DATAGRAM: Duration = Duration::from_micros(250);

/// How far a link may exceed that before it is ended. A handshake takes a tenth of it in a program that is not optimised, on a
/// machine that is busy.
const RESERVE: Duration = Duration::from_secs(1);

/// The reserve comes back at a twentieth of the time that passes.
const RECOVERY: u32 = 20;

/// How long one poll may go on reading datagrams.
const READING: Duration = Duration::from_millis(50);

/// What a connection does in one poll of its driver. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Workload(Arc<Work>);

#[derive(Debug)]
struct Work {
    /// What is read and sent, in datagrams of 1 KiB.
    datagrams: AtomicUsize,
    epoch: Instant,
    /// When the poll began, in microseconds since then.
    began: AtomicU64,
}

impl Workload {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Work {
            datagrams: AtomicUsize::new(0),
            epoch: Instant::now(),
            began: AtomicU64::new(0),
        }))
    }

    /// A poll begins.
    pub(super) fn begin(&self, now: Instant) {
        self.0.began.store(self.since(now), Ordering::Relaxed);
    }

    /// Whether the driver must let others go first, and be measured, before it reads on.
    pub(crate) fn is_overdue(&self) -> bool {
        let began = self.0.began.load(Ordering::Relaxed);
        let took = self.since(Instant::now()).saturating_sub(began);
        // Nobody measures a driver that is not guarded.
        began > 0 && u128::from(took) > READING.as_micros()
    }

    fn since(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.0.epoch);
        u64::try_from(passed.as_micros()).unwrap_or(u64::MAX)
    }

    /// A datagram, or several in one.
    pub(crate) fn add(&self, bytes: usize) {
        let datagrams = 1 + bytes / 1024;
        self.0.datagrams.fetch_add(datagrams, Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> usize {
        self.0.datagrams.swap(0, Ordering::Relaxed)
    }
}

/// What so many datagrams may take in one poll.
pub(super) fn allowance(datagrams: usize) -> Duration {
    POLL + DATAGRAM * u32::try_from(datagrams).unwrap_or(u32::MAX)
}

/// What a link has taken beyond its allowance, as far as that is not forgotten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    debt: Duration,
    at: Instant,
}

impl Budget {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            debt: Duration::ZERO,
            at: now,
        }
    }

    /// Whether the link has taken more than it should have.
    pub(super) const fn is_in_debt(&self) -> bool {
        !self.debt.is_zero()
    }

    /// Takes a poll into account. Returns whether the reserve is used up.
    pub(super) fn spend(&mut self, taken: Duration, datagrams: usize, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at);
        self.at = now;
        self.debt = self.debt.saturating_sub(passed / RECOVERY);
        self.debt += taken.saturating_sub(allowance(datagrams));
        self.debt > RESERVE
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Budget;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_poll_that_is_far_too_long_uses_up_the_reserve() {
        let now = Instant::now();
        assert!(Budget::new(now).spend(Duration::from_millis(1100), 1, now));
    }

    #[test]
    fn polls_that_are_a_little_too_long_add_up() {
        let mut now = Instant::now();
        let mut budget = Budget::new(now);
        let outcomes = (0..200).map(|_| {
            now += Duration::from_millis(20);
            budget.spend(Duration::from_millis(15), 1, now)
        });
        assert_eq!(outcomes.filter(|is_over| *is_over).count(), 200 - 114);
    }

    #[test]
    fn many_datagrams_may_take_long() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        assert!(!budget.spend(SECOND, 4000, now));
        assert!(!budget.is_in_debt());
    }

    #[test]
    fn what_is_rare_is_forgotten() {
        let mut now = Instant::now();
        let mut budget = Budget::new(now);
        for _ in 0..100 {
            now += 5 * SECOND;
            assert!(!budget.spend(Duration::from_millis(200), 1, now));
        }
    }
}
