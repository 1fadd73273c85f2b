//! A successor that goes on with the life of the first link, and the line of a description that says so.

use alloc::format;
use alloc::string::String;

use super::life::Counts;
use crate::platform::control;
use crate::sdp::{Identity, with_session_line};

/// How a description names the life that its link is to go on with.
const ATTRIBUTE: &str = "a=webrtc-multiplayer-life:";

/// The version of our wire from which on a side counts what it takes.
const COUNTING: u16 = 2;

/// What a successor has agreed with its far side.
#[derive(Debug)]
pub(super) struct Continuation {
    /// The life it goes on with.
    pub(super) life: Identity,
    /// How many messages we have said that we have taken, once the link is complete here.
    pub(super) told: Option<Counts>,
    /// The same of the far side.
    pub(super) heard: Option<Counts>,
}

impl Continuation {
    pub(super) const fn of(life: Identity) -> Self {
        Self {
            life,
            told: None,
            heard: None,
        }
    }
}

/// A description whose link is to go on with a life.
pub(super) fn name_life(sdp: &str, life: Identity) -> String {
    with_session_line(sdp, &format!("{ATTRIBUTE}{:016x}", life.number()))
}

/// The life that a description names. `None` if it names none.
pub(super) fn named_life(sdp: &str) -> Option<Identity> {
    let name = sdp.lines().find_map(|line| line.strip_prefix(ATTRIBUTE))?;
    let name = name.trim_end();
    let is_name = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(name, 16).ok().filter(|_| is_name)?;
    Some(Identity::from_number(number))
}

/// Whether the side that a description is of counts what it takes.
pub(super) fn counts(sdp: &str) -> bool {
    control::announced(sdp).is_some_and(|version| version >= COUNTING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_named_in_a_line_of_the_session() {
        let sdp = "v=0\r\nm=application\r\n";
        assert_eq!(named_life(sdp), None);
        let life = Identity::from_number(0x00ab_cdef_0123_4567);
        let named = name_life(sdp, life);
        assert_eq!(
            named,
            "v=0\r\na=webrtc-multiplayer-life:00abcdef01234567\r\nm=application\r\n"
        );
        assert_eq!(named_life(&named), Some(life));
        for nonsense in [
            "",
            "00abcdef0123456",
            "00abcdef012345678",
            "+0abcdef01234567",
            "x",
        ] {
            let sdp = format!("v=0\r\n{ATTRIBUTE}{nonsense}\r\nm=application\r\n");
            assert_eq!(named_life(&sdp), None, "{nonsense}");
        }
    }

    #[test]
    fn a_side_of_the_first_version_does_not_count() {
        for (line, is_counting) in [("", false), ("1", false), ("2", true), ("3", true)] {
            let sdp = format!("v=0\r\na=webrtc-multiplayer:{line}\r\nm=application\r\n");
            assert_eq!(counts(&sdp), is_counting, "{line}");
        }
    }
}
