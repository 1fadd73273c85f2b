//! How long to wait before the next attempt to reach a server again.

use mesh_core::Duration;

/// The first pause is between half of this and all of it; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(250);

/// A pause is no longer than this, so that a server that is back is found soon: two whose path has broken meanwhile need it before they
/// are together again, which is to take no more than 5 s.
const LONGEST: Duration = Duration::from_secs(2);

/// Pauses that grow, each with a random part, so that the clients of a server that has restarted do not all come at once.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    next: Duration,
    /// The state of a small random generator. It needs no secret, only to differ between clients.
    random: u64,
}

impl Backoff {
    /// What is in `seed` should differ between clients.
    pub(super) fn new(seed: &[u8]) -> Self {
        // FNV-1a.
        let random = seed.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            next: FIRST,
            random,
        }
    }

    /// The next pause.
    pub(super) fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = LONGEST.min(whole.saturating_mul(2));
        let half = whole / 2;
        half + half.mul_f64(self.fraction())
    }

    /// A number in 0..1, by SplitMix64.
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let upper = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or_default();
        f64::from(upper) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_two_seconds_and_differ_between_clients() {
        let pauses = |seed: u8| {
            let mut backoff = Backoff::new(&[seed]);
            Vec::from_iter((0..8).map(|_| backoff.pause()))
        };
        let wholes = [250, 500, 1000, 2000, 2000, 2000, 2000, 2000].map(Duration::from_millis);
        for seed in 0..100 {
            for (pause, whole) in pauses(seed).into_iter().zip(wholes) {
                assert!(
                    whole / 2 <= pause && pause <= whole,
                    "{pause:?} of {whole:?}"
                );
            }
        }
        assert_ne!(pauses(1), pauses(2));
    }

    #[test]
    fn the_random_part_is_that_of_splitmix64() {
        let mut backoff = Backoff {
            next: FIRST,
            random: 1_234_567,
        };
        // The upper halves of the first numbers that its reference implementation gives for this seed.
        for number in [
            6_457_827_717_110_365_317_u64,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ] {
            let upper = u32::try_from(number >> 32).expect("the upper half");
            let expected = f64::from(upper) / 4_294_967_296.0;
            assert_eq!(backoff.fraction().to_bits(), expected.to_bits());
        }
    }
}
