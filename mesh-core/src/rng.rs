//! A seeded generator: the only source of chance in this crate.

use core::time::Duration;

use crate::Reliability;

/// How long it takes until what was lost is sent again; it doubles with each further loss.
pub(crate) const SENT_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How often that time doubles.
const MAX_DOUBLINGS: u32 = 4;
/// After so many losses in a row a reliable message arrives, so that a loss near 1.0 makes no endless loop.
const MAX_ROUNDS: u32 = 32;

/// SplitMix64: 64 bits of state, good enough for coin flips, and the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`, or 0 when there is none. The bias is below 2^-32 for every bound used here.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Whether something with this probability happens; NaN means "never". Draws no number for "never", so a perfect path
    /// costs nothing.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are enough")]
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        probability >= 1.0
            || probability > 0.0
                && (self.next() as f64) < probability * 18_446_744_073_709_551_616.0
    }

    /// How much longer a message of so many datagrams takes because of jitter and loss; `None` when the sender gives up.
    /// `waited` is how long it had to wait for its first transmission.
    pub(crate) fn delay(
        &mut self,
        jitter: Duration,
        loss: f64,
        mut datagrams: usize,
        reliability: Reliability,
        waited: Duration,
    ) -> Option<Duration> {
        let mut delay = Duration::ZERO;
        for round in 0..MAX_ROUNDS {
            datagrams = (0..datagrams).filter(|_| self.happens(loss)).count();
            if datagrams == 0 {
                break;
            }
            delay += SENT_AGAIN_AFTER * (1 << round.min(MAX_DOUBLINGS));
            let gives_up = match reliability {
                Reliability::Reliable => false,
                Reliability::Retransmits(limit) => round >= u32::from(limit),
                Reliability::Lifetime(ms) => waited + delay > Duration::from_millis(ms.into()),
            };
            if gives_up {
                return None;
            }
        }
        let jitter = u64::try_from(jitter.as_micros()).unwrap_or(u64::MAX);
        if jitter > 0 {
            delay += Duration::from_micros(self.below(jitter.saturating_add(1)));
        }
        Some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        assert!((0..1000).all(|_| a.next() == b.next()));
        assert_ne!(Rng::new(7).next(), Rng::new(8).next());
    }

    #[test]
    fn chances_are_kept() {
        let mut rng = Rng::new(3);
        let third = 0.3;
        let hits = (0..100_000).filter(|_| rng.happens(third)).count();
        assert!((29_000..31_000).contains(&hits), "{hits} of 100000");
        assert!((0..1000).all(|_| !rng.happens(0.0)));
        assert!((0..1000).all(|_| rng.happens(1.0)));
        assert!((0..1000).all(|_| !rng.happens(f64::NAN)));
        assert!((0..1000).all(|_| !rng.happens(-1.0)));
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let mut rng = Rng::new(5);
        assert!((0..1000).all(|_| rng.below(10) < 10));
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn the_numbers_are_those_of_split_mix_64() {
        let mut rng = Rng::new(0);
        let published = [
            0xe220_a839_7b1d_cdaf,
            0x6e78_9e6a_a1b9_65f4,
            0x06c4_5d18_8009_454f,
        ];
        assert_eq!([(); 3].map(|()| rng.next()), published);
    }

    #[test]
    fn a_perfect_path_draws_no_number() {
        let mut rng = Rng::new(7);
        let delay = rng.delay(
            Duration::ZERO,
            0.0,
            9,
            Reliability::Reliable,
            Duration::ZERO,
        );
        assert_eq!(delay, Some(Duration::ZERO));
        assert_eq!(rng.next(), Rng::new(7).next());
    }

    #[test]
    fn what_is_sent_again_arrives_up_to_the_end_of_its_lifetime() {
        let longest = |lifetime| {
            let arrive = (0..100).filter_map(|seed| {
                let reliability = Reliability::Lifetime(lifetime);
                Rng::new(seed).delay(Duration::ZERO, 0.5, 1, reliability, Duration::ZERO)
            });
            arrive.max()
        };
        assert_eq!(longest(200), Some(SENT_AGAIN_AFTER));
        assert_eq!(longest(199), Some(Duration::ZERO));
    }
}
