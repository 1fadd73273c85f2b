//! Faults by chance, the same ones for the same seed.

use std::time::Duration;

use crate::Fate;

/// Seeded faults.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    state: u64,
    loss: f64,
    delay: Duration,
    jitter: Duration,
    late: f64,
    late_by: Duration,
}

impl Chance {
    /// No faults yet.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self {
            state: seed,
            loss: 0.0,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            late: 0.0,
            late_by: Duration::ZERO,
        }
    }

    /// This part of all datagrams is lost, 0 to 1.
    #[must_use]
    pub const fn loss(mut self, part: f64) -> Self {
        self.loss = part;
        self
    }

    /// Every datagram takes so long, and at most `jitter` longer. Jitter reorders.
    #[must_use]
    pub const fn delay(mut self, delay: Duration, jitter: Duration) -> Self {
        self.delay = delay;
        self.jitter = jitter;
        self
    }

    /// This part of all datagrams, 0 to 1, comes so much later than the others.
    #[must_use]
    pub const fn late(mut self, part: f64, by: Duration) -> Self {
        self.late = part;
        self.late_by = by;
        self
    }

    /// The fate of the next datagram.
    pub(crate) fn judge(&mut self) -> Fate {
        // Always as many draws, so that one setting does not change what another does.
        let (loss, jitter, late) = (self.part(), self.part(), self.part());
        if loss < self.loss {
            return Fate::Lose;
        }
        let mut delay = self.delay + self.jitter.mul_f64(jitter);
        if late < self.late {
            delay += self.late_by;
        }
        if delay.is_zero() {
            Fate::Deliver
        } else {
            Fate::Delay(delay)
        }
    }

    /// One with a seed of its own.
    pub(crate) const fn fork(&mut self) -> Self {
        let mut fork = *self;
        fork.state = self.draw();
        fork
    }

    /// 0 to 1.
    fn part(&mut self) -> f64 {
        f64::from(u32::try_from(self.draw() >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    const fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(chance: &mut Chance) -> Vec<Fate> {
        (0..10_000).map(|_| chance.judge()).collect()
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_same_seed_gives_the_same_fates() {
        let with = |seed| {
            Chance::seeded(seed)
                .loss(0.1)
                .delay(20 * MS, 5 * MS)
                .late(0.1, 50 * MS)
        };
        assert_eq!(fates(&mut with(7)), fates(&mut with(7)));
        assert_ne!(fates(&mut with(7)), fates(&mut with(8)));
        let (mut one, mut other) = (with(7), with(7));
        let (fork, same) = (&mut one.fork(), &mut other.fork());
        assert_eq!(fates(fork), fates(same));
        assert_ne!(fates(&mut one.fork()), fates(&mut other));
    }

    #[test]
    fn a_part_is_lost() {
        let lost = |part| {
            let fates = fates(&mut Chance::seeded(1).loss(part));
            fates.iter().filter(|fate| **fate == Fate::Lose).count()
        };
        assert_eq!(lost(0.0), 0);
        assert!((900..1100).contains(&lost(0.1)), "{}", lost(0.1));
        assert_eq!(lost(1.1), 10_000);
    }

    #[test]
    fn delay_and_jitter_are_bounds() {
        let mut chance = Chance::seeded(1).delay(20 * MS, 10 * MS);
        for fate in fates(&mut chance) {
            assert!(
                matches!(fate, Fate::Delay(span) if (20 * MS..=30 * MS).contains(&span)),
                "{fate:?}"
            );
        }
    }

    #[test]
    fn a_part_is_late() {
        let fates = fates(&mut Chance::seeded(1).late(0.1, 50 * MS));
        let late = fates
            .iter()
            .filter(|fate| **fate == Fate::Delay(50 * MS))
            .count();
        let others = fates.iter().filter(|fate| **fate == Fate::Deliver).count();
        assert!((900..1100).contains(&late), "{late}");
        assert_eq!(late + others, fates.len());
    }

    #[test]
    fn one_setting_does_not_change_what_another_does() {
        let lost = |chance: Chance| -> Vec<bool> {
            let mut chance = chance;
            fates(&mut chance)
                .iter()
                .map(|fate| *fate == Fate::Lose)
                .collect()
        };
        let loss = Chance::seeded(3).loss(0.2);
        assert_eq!(lost(loss), lost(loss.delay(MS, MS).late(0.5, MS)));
    }
}
