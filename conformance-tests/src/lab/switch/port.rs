//! A cable's end: what goes out there one after the other, and what is on its way.

use std::cmp::{Ordering, Reverse};
use std::time::Duration;

use tokio::time::Instant;

/// How long a frame may wait for a slow cable.
pub(super) const QUEUE: Duration = Duration::from_millis(300);

/// When a cable is free again.
#[derive(Debug, Default)]
pub(super) struct Port {
    free: Option<Instant>,
}

impl Port {
    /// When a frame of so many bytes has gone out at so many bits a second, 0 being no limit; `None` where it waits too long.
    pub(super) fn leave(&mut self, now: Instant, bytes: usize, bandwidth: u64) -> Option<Instant> {
        if bandwidth == 0 {
            return Some(now);
        }
        let begins = self.free.map_or(now, |free| free.max(now));
        if begins.duration_since(now) > QUEUE {
            return None;
        }
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
        let span = Duration::from_nanos(bits.saturating_mul(1_000_000_000) / bandwidth);
        self.free = Some(begins + span);
        self.free
    }
}

/// A frame on its way; the greatest is the one that is due first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) due: Instant,
    pub(super) number: u64,
    pub(super) port: usize,
    pub(super) frame: Box<[u8]>,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |waiting: &Self| Reverse((waiting.due, waiting.number));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_cable_takes_one_after_the_other_and_loses_what_waits_too_long() {
        let mut port = Port::default();
        let now = Instant::now();
        // 1000 bytes at 80 kbit/s take 100 ms.
        let left: Vec<_> = (0..6)
            .map(|_| port.leave(now, 1000, 80_000).map(|left| left - now))
            .collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(left, [ms(100), ms(200), ms(300), ms(400), None, None]);
        assert_eq!(port.leave(now, 1000, 0), Some(now));
    }

    #[test]
    fn what_is_due_first_is_the_greatest() {
        let now = Instant::now();
        let waiting = |after, number| Waiting {
            due: now + Duration::from_millis(after),
            number,
            port: 0,
            frame: [].into(),
        };
        assert!(waiting(1, 9) > waiting(2, 1));
        assert!(waiting(1, 1) > waiting(1, 2));
    }
}
