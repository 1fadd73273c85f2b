//! How fast somebody may go: a token bucket.

use mesh_core::Instant;

/// Tokens are kept in millionths, so that refilling by microseconds is exact.
const MICRO: u64 = 1_000_000;

/// Holds `burst` tokens, gains `per_second`.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    per_second: u64,
    burst: u64,
    micro_tokens: u64,
    filled: Instant,
}

impl Bucket {
    pub(crate) fn new(now: Instant, per_second: u32, burst: u32) -> Self {
        let burst = u64::from(burst) * MICRO;
        Self {
            per_second: per_second.into(),
            burst,
            micro_tokens: burst,
            filled: now,
        }
    }

    /// Takes so many tokens, or none if there are fewer.
    pub(crate) fn take(&mut self, now: Instant, tokens: u64) -> bool {
        let micros = now.as_micros().saturating_sub(self.filled.as_micros());
        let gained = micros.saturating_mul(self.per_second);
        self.micro_tokens = self.micro_tokens.saturating_add(gained).min(self.burst);
        self.filled = self.filled.max(now);
        match self.micro_tokens.checked_sub(tokens.saturating_mul(MICRO)) {
            Some(left) => {
                self.micro_tokens = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
}
