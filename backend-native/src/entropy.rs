//! Randomness from the operating system, for peer ids.

use std::hash::{BuildHasher, RandomState};

/// 32 random bits: unpredictable enough that two peers do not take the same id; no secret.
#[must_use]
pub fn entropy() -> u32 {
    // The standard library seeds each process from the operating system, and each state anew.
    let bits = RandomState::new().hash_one(0_u8);
    u32::try_from(bits >> 32).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::entropy;

    #[test]
    fn draws_differ() {
        let draws: std::collections::BTreeSet<u32> = (0..64).map(|_| entropy()).collect();
        assert!(draws.len() > 60, "{draws:?}");
    }
}
