//! Names of things: peers as players know them, links as a backend knows them.

use core::fmt;
use core::num::NonZeroU32;

use crate::InvalidPeerId;

/// A peer in a mesh: 1..=2147483647, 1 is the server (Godot: `peer_id`).
///
/// With the feature `serde` it can be a part of messages: it is written as its number, and read from a valid one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "u32", into = "u32"))]
pub struct PeerId(NonZeroU32);

impl PeerId {
    /// The server, or the host of a lobby (Godot: `TARGET_PEER_SERVER`).
    #[doc(alias = "TARGET_PEER_SERVER")]
    pub const SERVER: Self = Self(NonZeroU32::MIN);

    /// The largest id: Godot keeps ids in a signed 32-bit integer.
    pub const MAX: Self = match NonZeroU32::new(i32::MAX.unsigned_abs()) {
        Some(id) => Self(id),
        None => Self::SERVER,
    };

    /// Makes an id of a number.
    ///
    /// # Errors
    ///
    /// [`InvalidPeerId`] for 0 and for anything above 2147483647.
    pub const fn new(id: u32) -> Result<Self, InvalidPeerId> {
        match NonZeroU32::new(id) {
            Some(id) if id.get() <= Self::MAX.get() => Ok(Self(id)),
            _ => Err(InvalidPeerId { given: id as i64 }),
        }
    }

    /// The id as a number, 1..=2147483647.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Whether this is the server, id 1.
    #[must_use]
    pub const fn is_server(self) -> bool {
        self.get() == 1
    }

    /// An id in 2..=2147483647 of 32 random bits (Godot: `generate_unique_id`).
    ///
    /// The caller brings the randomness: this crate has none.
    #[doc(alias = "generate_unique_id")]
    #[must_use]
    pub const fn generate_unique(entropy: u32) -> Self {
        let span = Self::MAX.get() - 1;
        match Self::new(2 + entropy % span) {
            Ok(id) => id,
            Err(_) => Self::MAX,
        }
    }
}

impl TryFrom<u32> for PeerId {
    type Error = InvalidPeerId;

    fn try_from(given: u32) -> Result<Self, InvalidPeerId> {
        Self::new(given)
    }
}

impl From<PeerId> for u32 {
    fn from(id: PeerId) -> Self {
        id.get()
    }
}

impl TryFrom<i64> for PeerId {
    type Error = InvalidPeerId;

    fn try_from(given: i64) -> Result<Self, InvalidPeerId> {
        let id = u32::try_from(given).ok();
        let id = id.and_then(|id| Self::new(id).ok());
        id.ok_or(InvalidPeerId { given })
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// One peer connection on the seam: a slot and how often the slot was used before.
///
/// Never a [`PeerId`]: a late callback of a removed connection must not be taken for its successor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId {
    /// Index of the slot; small, so a backend may keep its links in an array.
    pub slot: u32,
    /// How many links had the slot before this one.
    pub generation: u32,
}

/// The name under which a user of [`Multiplayer`](crate::Multiplayer) knows a link.
pub type ConnectionId = LinkId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_godots() {
        assert_eq!(PeerId::new(0), Err(InvalidPeerId { given: 0 }));
        assert_eq!(PeerId::new(1), Ok(PeerId::SERVER));
        assert_eq!(PeerId::new(2_147_483_647), Ok(PeerId::MAX));
        assert_eq!(u32::from(PeerId::MAX), 2_147_483_647);
        assert!(PeerId::new(2_147_483_648).is_err());
        assert_eq!(PeerId::try_from(-5_i64), Err(InvalidPeerId { given: -5 }));
    }

    #[test]
    fn generated_ids_are_never_the_server() {
        for entropy in [0, 1, 2_147_483_645, 2_147_483_646, 2_147_483_647, u32::MAX] {
            let id = PeerId::generate_unique(entropy);
            assert!(id.get() >= 2 && id <= PeerId::MAX, "{entropy} gave {id}");
        }
    }

    #[test]
    fn what_is_drawn_is_an_id_of_a_client() {
        let drawn = |entropy| PeerId::generate_unique(entropy).get();
        assert_eq!(drawn(0), 2);
        assert_eq!(drawn(2_147_483_645), 2_147_483_647);
        assert_eq!(drawn(2_147_483_646), 2, "it goes round");
        assert_eq!(drawn(u32::MAX), 5);
    }
}
