//! Numbers that repeat with their seed.

/// A small generator (splitmix64): the same seed gives the same attacks.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A sequence that the seed decides.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, and 0 where that is 0.
    pub const fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            _ => (self.any() % end as u64) as usize,
        }
    }

    /// As many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.any().to_le_bytes()[0]).collect()
    }
}
