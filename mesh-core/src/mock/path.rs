//! The paths between backends: how long a datagram takes, and whether it arrives.

use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

use super::conditions::Conditions;
use crate::Reliability;
use crate::rng::{Chance, Rng};

/// Payload of one datagram, in bytes; larger messages are cut into several.
const DATAGRAM: usize = 1200;
/// How often the wait before a retransmission doubles.
const MAX_DOUBLINGS: u32 = 4;
/// After so many losses in a row a reliable message arrives, so that a loss near 1.0 makes no endless loop.
const MAX_ROUNDS: u32 = 64;

/// The longest delay; longer ones are cut, so that sums of them cannot overflow.
const LONGEST: Duration = Duration::from_secs(3600);

/// [`Conditions`] in the form in which they are used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    latency: Duration,
    jitter: u64,
    loss: Chance,
    reorder: Chance,
    bandwidth: Option<u64>,
    queue: Duration,
    retransmit: Duration,
}

impl Path {
    fn new(conditions: &Conditions) -> Self {
        Self {
            latency: conditions.latency.min(LONGEST),
            jitter: micros(conditions.jitter.min(LONGEST)),
            loss: Chance::new(conditions.loss),
            reorder: Chance::new(conditions.reorder),
            bandwidth: conditions.bandwidth,
            queue: conditions.queue.min(LONGEST),
            retransmit: conditions
                .retransmit
                .clamp(Duration::from_millis(1), LONGEST),
        }
    }

    pub(super) const fn latency(&self) -> Duration {
        self.latency
    }

    pub(super) const fn retransmit(&self) -> Duration {
        self.retransmit
    }

    /// How long a message of this size occupies the narrowest part of the path; `None` when the bandwidth is not limited.
    pub(super) fn occupies(&self, size: usize) -> Option<Duration> {
        let bandwidth = u128::from(self.bandwidth?.max(1));
        let micros = (size.max(1) as u128 * 1_000_000).div_ceil(bandwidth);
        Some(Duration::from_micros(
            u64::try_from(micros).unwrap_or(u64::MAX),
        ))
    }

    pub(super) const fn is_narrow(&self) -> bool {
        self.bandwidth.is_some()
    }

    /// How long a message may have to wait at the narrowest part of the path.
    pub(super) const fn queue(&self) -> Duration {
        self.queue
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
        let delay = self.retransmissions(rng, size, reliability, waited)?;
        let mut delay = delay + self.latency + Duration::from_micros(rng_up_to(rng, self.jitter));
        if rng.happens(self.reorder) {
            delay += self.late(rng);
        }
        Some(delay)
    }

    /// A delay that lets later datagrams overtake.
    fn late(&self, rng: &mut Rng) -> Duration {
        let span = micros(self.latency).saturating_add(self.jitter).max(1000);
        Duration::from_micros(1 + rng.below(span.saturating_mul(2)))
    }

    /// How long lost datagrams hold the message up; `None` when the sender gives up.
    fn retransmissions(
        &self,
        rng: &mut Rng,
        size: usize,
        reliability: Reliability,
        waited: Duration,
    ) -> Option<Duration> {
        let mut missing = 1 + size.saturating_sub(1) / DATAGRAM;
        let mut delay = Duration::ZERO;
        for round in 0..MAX_ROUNDS {
            missing = (0..missing).filter(|_| rng.happens(self.loss)).count();
            if missing == 0 {
                break;
            }
            delay += self.retransmit * (1 << round.min(MAX_DOUBLINGS));
            match reliability {
                Reliability::Reliable => {}
                Reliability::Retransmits(limit) if round < u32::from(limit) => {}
                Reliability::Lifetime(ms)
                    if waited + delay <= Duration::from_millis(u64::from(ms)) => {}
                Reliability::Retransmits(_) | Reliability::Lifetime(_) => return None,
            }
        }
        Some(delay)
    }
}

/// All paths. Each direction has its own.
#[derive(Debug)]
pub(super) struct Paths {
    default: Path,
    special: BTreeMap<(u32, u32), Path>,
    /// Pairs that cannot talk at all, the lower first.
    parted: BTreeSet<(u32, u32)>,
    /// Pairs that have no route to each other, the lower first.
    indirect: BTreeSet<(u32, u32)>,
}

impl Paths {
    pub(super) fn new() -> Self {
        Self {
            default: Path::new(&Conditions::default()),
            special: BTreeMap::new(),
            parted: BTreeSet::new(),
            indirect: BTreeSet::new(),
        }
    }

    pub(super) fn set_default(&mut self, conditions: &Conditions) {
        self.default = Path::new(conditions);
    }

    pub(super) fn set_one(&mut self, from: u32, to: u32, conditions: &Conditions) {
        self.special.insert((from, to), Path::new(conditions));
    }

    pub(super) fn part(&mut self, a: u32, b: u32) {
        self.parted.insert(pair(a, b));
    }

    pub(super) fn join(&mut self, a: u32, b: u32) {
        self.parted.remove(&pair(a, b));
    }

    pub(super) fn join_all(&mut self) {
        self.parted.clear();
    }

    pub(super) fn set_direct(&mut self, a: u32, b: u32, direct: bool) {
        if direct {
            self.indirect.remove(&pair(a, b));
        } else {
            self.indirect.insert(pair(a, b));
        }
    }

    pub(super) fn is_direct(&self, a: u32, b: u32) -> bool {
        !self.indirect.contains(&pair(a, b))
    }

    pub(super) fn path(&self, from: u32, to: u32) -> &Path {
        if self.special.is_empty() {
            return &self.default;
        }
        self.special.get(&(from, to)).unwrap_or(&self.default)
    }

    /// Whether the two can talk: they are not parted, and no direction loses everything.
    pub(super) fn is_up(&self, a: u32, b: u32) -> bool {
        !self.parted.contains(&pair(a, b))
            && !self.path(a, b).loss.is_certain()
            && !self.path(b, a).loss.is_certain()
    }

    pub(super) fn round_trip(&self, a: u32, b: u32) -> Duration {
        self.path(a, b).latency + self.path(b, a).latency
    }
}

const fn pair(a: u32, b: u32) -> (u32, u32) {
    if a < b { (a, b) } else { (b, a) }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn rng_up_to(rng: &mut Rng, most: u64) -> u64 {
    if most == 0 {
        return 0;
    }
    rng.below(most.saturating_add(1))
}
