//! The paths between backends: how long a datagram takes, and whether it arrives.

use alloc::collections::BTreeSet;
use core::time::Duration;

use super::conditions::Conditions;
use crate::Reliability;
use crate::rng::Rng;

/// Payload of one datagram, in bytes; larger messages are cut into several.
const DATAGRAM: usize = 1200;
/// The longest delay; longer ones are cut, so that sums of them cannot overflow.
const LONGEST: Duration = Duration::from_secs(3600);

impl Conditions {
    /// How long a message of this size occupies the narrowest part of the path; `None` when the bandwidth is not limited.
    pub(super) fn occupies(&self, size: usize) -> Option<Duration> {
        let bandwidth = u128::from(self.bandwidth?.max(1));
        let micros = (size.max(1) as u128 * 1_000_000).div_ceil(bandwidth);
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        Some(Duration::from_micros(micros))
    }

    /// How many percent of datagrams are lost.
    pub(super) fn loss_percent(&self) -> u8 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates"
        )]
        let percent = (self.loss * 100.0) as u8;
        percent.min(100)
    }

    /// How long something small takes that is sent until it arrives.
    pub(super) fn word(&self, rng: &mut Rng) -> Duration {
        self.transit(rng, 1, Reliability::Reliable, Duration::ZERO)
            .unwrap_or(LONGEST)
    }

    /// How long a message takes; `None` when it is lost for good. `waited` is how long it had to wait for its first
    /// transmission.
    pub(super) fn transit(
        &self,
        rng: &mut Rng,
        size: usize,
        reliability: Reliability,
        waited: Duration,
    ) -> Option<Duration> {
        let datagrams = 1 + size.saturating_sub(1) / DATAGRAM;
        let delay = rng.delay(self.jitter, self.loss, datagrams, reliability, waited)?;
        let mut delay = delay + self.latency;
        if rng.happens(self.reorder) {
            let span = (self.latency + self.jitter).max(Duration::from_millis(1));
            let span = u64::try_from(span.as_micros() * 2).unwrap_or(u64::MAX);
            delay += Duration::from_micros(1 + rng.below(span));
        }
        Some(delay)
    }
}

/// The paths between all backends.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) conditions: Conditions,
    /// Pairs that cannot talk at all, in both orders.
    pub(super) parted: BTreeSet<(u32, u32)>,
}

impl Paths {
    pub(super) fn set(&mut self, conditions: Conditions) {
        self.conditions = Conditions {
            latency: conditions.latency.min(LONGEST),
            jitter: conditions.jitter.min(LONGEST),
            queue: conditions.queue.min(LONGEST),
            ..conditions
        };
    }

    /// Whether two backends can talk: they are not parted, and not everything is lost.
    pub(super) fn is_up(&self, a: u32, b: u32) -> bool {
        !self.parted.contains(&(a, b)) && self.conditions.loss < 1.0
    }
}
