//! How fast somebody may go: a token bucket.

use std::time::Duration;

use mesh_core::Instant;

/// Tokens are kept in millionths, so that refilling by microseconds is exact.
const MICRO: i64 = 1_000_000;

/// Holds `burst` tokens, gains `per_second`.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    per_second: i64,
    burst: i64,
    /// Below zero is what has been taken and was not there.
    micro_tokens: i64,
    filled: Instant,
}

impl Bucket {
    pub(crate) fn new(now: Instant, per_second: u32, burst: u32) -> Self {
        let burst = i64::from(burst) * MICRO;
        Self {
            per_second: per_second.into(),
            burst,
            micro_tokens: burst,
            filled: now,
        }
    }

    /// Takes so many tokens, or none if there are fewer.
    pub(crate) fn take(&mut self, now: Instant, tokens: u64) -> bool {
        self.refill(now);
        let tokens = i64::try_from(tokens)
            .unwrap_or(i64::MAX)
            .saturating_mul(MICRO);
        if self.micro_tokens < tokens {
            return false;
        }
        self.micro_tokens -= tokens;
        true
    }

    /// Takes so many tokens, whether or not they are there; how long it takes until what is missing is there.
    pub(crate) fn owe(&mut self, now: Instant, tokens: u64) -> Duration {
        self.refill(now);
        let tokens = i64::try_from(tokens)
            .unwrap_or(i64::MAX)
            .saturating_mul(MICRO);
        self.micro_tokens = self.micro_tokens.saturating_sub(tokens);
        let missing = self.micro_tokens.min(0).unsigned_abs();
        match missing.checked_div(self.per_second.unsigned_abs()) {
            Some(micros) => Duration::from_micros(micros),
            None if missing == 0 => Duration::ZERO,
            None => Duration::MAX,
        }
    }

    /// Whether it holds as much as it can.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.micro_tokens == self.burst
    }

    fn refill(&mut self, now: Instant) {
        let micros = now.as_micros().saturating_sub(self.filled.as_micros());
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        let gained = micros.saturating_mul(self.per_second);
        self.micro_tokens = self.micro_tokens.saturating_add(gained).min(self.burst);
        self.filled = self.filled.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let mut now = Instant::from_micros(5);
        let mut bucket = Bucket::new(now, 2, 3);
        assert!(bucket.take(now, 3));
        assert!(!bucket.take(now, 1));
        now += Duration::from_micros(499_999);
        assert!(!bucket.take(now, 1));
        now += Duration::from_micros(1);
        assert!(bucket.take(now, 1));
        assert!(!bucket.take(now, 1));
        now += Duration::from_secs(3600);
        assert!(!bucket.take(now, 4));
        assert!(bucket.take(now, 3));
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing() {
        let mut bucket = Bucket::new(Instant::from_micros(2_000_000), 1, 1);
        assert!(bucket.take(Instant::from_micros(2_000_000), 1));
        assert!(!bucket.take(Instant::from_micros(0), 1));
        assert!(!bucket.take(Instant::from_micros(2_500_000), 1));
        assert!(bucket.take(Instant::from_micros(3_000_000), 1));
    }

    #[test]
    fn what_is_owed_is_waited_for() {
        let start = Instant::from_micros(5);
        let mut bucket = Bucket::new(start, 2, 3);
        assert_eq!(bucket.owe(start, 3), Duration::ZERO);
        assert_eq!(bucket.owe(start, 1), Duration::from_millis(500));
        assert!(!bucket.take(start + Duration::from_millis(500), 1));
        assert_eq!(
            bucket.owe(start + Duration::from_secs(5), 3),
            Duration::ZERO
        );
        let mut dry = Bucket::new(start, 0, 1);
        assert_eq!(dry.owe(start, 1), Duration::ZERO);
        assert_eq!(dry.owe(start, u64::MAX), Duration::MAX);
    }

    #[test]
    fn it_is_full_when_all_that_was_taken_has_come_back() {
        let start = Instant::from_micros(5);
        let mut bucket = Bucket::new(start, 2, 3);
        assert!(bucket.is_full(start));
        assert!(bucket.take(start, 1));
        assert!(!bucket.is_full(start + Duration::from_micros(499_999)));
        assert!(bucket.is_full(start + Duration::from_micros(500_000)));
        assert!(bucket.is_full(start + Duration::from_secs(9)));
    }
}
