//! To whom a packet goes.

use crate::{InvalidPeerId, PeerId};

/// The receivers of a packet (Godot: `set_target_peer`).
#[doc(alias = "set_target_peer")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Every connected peer (Godot: 0, `TARGET_PEER_BROADCAST`).
    #[doc(alias = "TARGET_PEER_BROADCAST")]
    All,
    /// One peer (Godot: its id).
    One(PeerId),
    /// Every connected peer but one (Godot: the negative id). An id nobody has excludes nobody.
    AllExcept(PeerId),
}

impl Target {
    /// Reads Godot's signed target.
    ///
    /// # Errors
    ///
    /// [`InvalidPeerId`] for `i32::MIN`, the one number that is nobody's negative.
    pub fn from_godot(target: i32) -> Result<Self, InvalidPeerId> {
        let id = PeerId::new(target.unsigned_abs());
        let id = id.map_err(|_| InvalidPeerId {
            given: target.into(),
        });
        match target {
            0 => Ok(Self::All),
            1.. => id.map(Self::One),
            ..0 => id.map(Self::AllExcept),
        }
    }
}

impl From<PeerId> for Target {
    fn from(peer: PeerId) -> Self {
        Self::One(peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_godots_signed_targets() {
        assert_eq!(Target::from_godot(0), Ok(Target::All));
        assert_eq!(Target::from_godot(1), Ok(Target::One(PeerId::SERVER)));
        assert_eq!(
            Target::from_godot(-1),
            Ok(Target::AllExcept(PeerId::SERVER))
        );
        assert_eq!(
            Target::from_godot(i32::MIN),
            Err(InvalidPeerId {
                given: i64::from(i32::MIN)
            })
        );
    }
}
