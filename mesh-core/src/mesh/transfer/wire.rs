//! What the transfer channel carries: strings, which are words about a transfer, and binary messages, which are its bytes.
//! `docs/wire.md` describes it.

use alloc::format;
use alloc::string::String;

use crate::sdp::with_session_line;
use crate::transfer::MAX_TRANSFER_NAME;
use crate::{MeshConfig, Payload};

/// How a description says that its side takes transfers: up to how many bytes, and how many of them may be under way.
const ATTRIBUTE: &str = "a=webrtc-multiplayer-transfers:";

/// What one side takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mesh) struct Offer {
    /// The largest transfer, in bytes.
    limit: usize,
    /// How many bytes it holds that its mesh has not taken.
    pub(in crate::mesh) window: usize,
}

/// The smallest window: two parts. A side says what it has taken when that is so much, and no more may be under way unsaid.
pub(in crate::mesh) const MIN_WINDOW: usize = 32 * 1024;

/// The largest window. Two games that poll 60 times a second refill it every other frame at worst: 120 MB a second.
pub(in crate::mesh) const MAX_WINDOW: usize = 4 * 1024 * 1024;

impl Offer {
    /// What a side with this configuration takes; `None` if it wants no transfers.
    pub(in crate::mesh) fn of(config: &MeshConfig) -> Option<Self> {
        // A quarter of the inbox, which also holds the messages of the game.
        let window = (config.inbox_bytes / 4).min(MAX_WINDOW);
        let limit = config.max_transfer.min(u32::MAX as usize);
        (limit > 0 && window >= MIN_WINDOW).then_some(Self { limit, window })
    }

    pub(in crate::mesh) const fn limit(self) -> usize {
        self.limit
    }

    pub(in crate::mesh) fn announce(self, sdp: &str) -> String {
        let Self { limit, window } = self;
        with_session_line(sdp, &format!("{ATTRIBUTE}{limit} {window}"))
    }

    /// What the side that a description is of takes.
    pub(in crate::mesh) fn read(sdp: &str) -> Option<Self> {
        let line = sdp.lines().find_map(|line| line.strip_prefix(ATTRIBUTE))?;
        let mut numbers = line.split_ascii_whitespace();
        let mut number = || numbers.next()?.parse().ok();
        let (limit, window): (usize, usize) = (number()?, number()?);
        (limit > 0 && window >= MIN_WINDOW).then_some(Self { limit, window })
    }
}

/// A word about a transfer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::mesh) enum Word<'a> {
    /// A transfer begins. What follows in binary messages is this many bytes of it.
    Begin {
        number: u32,
        bytes: usize,
        name: &'a str,
    },
    /// The sender gives up the transfer that it has begun last.
    Cancel,
    /// The receiver does not want a transfer of the other side.
    Refuse { number: u32 },
}

impl<'a> Word<'a> {
    pub(in crate::mesh) fn to_payload(&self) -> Payload {
        Payload::from(match self {
            Self::Begin {
                number,
                bytes,
                name,
            } => format!("begin {number} {bytes} {name}"),
            Self::Cancel => String::from("cancel"),
            Self::Refuse { number } => format!("refuse {number}"),
        })
    }

    /// `None` for a word that is not known.
    pub(in crate::mesh) fn read(text: &'a str) -> Result<Option<Self>, &'static str> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb {
            "begin" => {
                let mut parts = rest.splitn(3, ' ');
                let number = parts.next().and_then(|number| number.parse().ok());
                let bytes = parts.next().and_then(|bytes| bytes.parse().ok());
                let (Some(number), Some(bytes), Some(name)) = (number, bytes, parts.next()) else {
                    return Err("a transfer begins in a way that cannot be read");
                };
                if name.len() > MAX_TRANSFER_NAME {
                    return Err("the name of a transfer is too long");
                }
                Ok(Some(Self::Begin {
                    number,
                    bytes,
                    name,
                }))
            }
            "cancel" => Ok(Some(Self::Cancel)),
            "refuse" => match rest.parse() {
                Ok(number) => Ok(Some(Self::Refuse { number })),
                Err(_) => Err("it refuses a transfer without its number"),
            },
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_were_written() {
        let begin = |name| Word::Begin {
            number: 7,
            bytes: 16_777_216,
            name,
        };
        let long = "x".repeat(MAX_TRANSFER_NAME);
        let words = [
            begin("map of the moon.png"),
            begin(&long),
            begin(""),
            begin(" "),
            begin("a\nb"),
            Word::Cancel,
            Word::Refuse { number: u32::MAX },
        ];
        for word in words {
            let payload = word.to_payload();
            let text = payload.text().unwrap();
            assert_eq!(Word::read(text), Ok(Some(word)), "{text}");
        }
    }

    #[test]
    fn what_a_later_version_may_say_is_left_out_and_nonsense_is_a_fault() {
        assert_eq!(Word::read("pause 3"), Ok(None));
        assert_eq!(Word::read(""), Ok(None));
        let long = format!("begin 1 1 {}", "x".repeat(MAX_TRANSFER_NAME + 1));
        for nonsense in [
            "begin",
            "begin 1 2",
            "begin x 2 name",
            "begin 1 -2 name",
            "begin 4294967296 2 name",
            "refuse",
            "refuse all",
            &long,
        ] {
            assert!(Word::read(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn an_inbox_that_holds_less_than_eight_parts_has_no_room_for_transfers() {
        for (inbox_bytes, window) in [(131_071, None), (131_072, Some(32_768))] {
            let config = MeshConfig {
                inbox_bytes,
                ..MeshConfig::default()
            };
            assert_eq!(Offer::of(&config).map(|offer| offer.window), window);
        }
    }

    #[test]
    fn a_description_says_what_its_side_takes() {
        let sdp = "v=0\r\nm=application\r\n";
        assert_eq!(Offer::read(sdp), None);
        let offer = Offer::of(&MeshConfig::default()).unwrap();
        let said = offer.announce(sdp);
        assert!(said.contains("\r\na=webrtc-multiplayer-transfers:16777216 4194304\r\nm="));
        assert_eq!(Offer::read(&said), Some(offer));
        for nonsense in ["", "1", "x y", "0 65536", "1 1", "-1 65536"] {
            let sdp = format!("v=0\r\n{ATTRIBUTE}{nonsense}\r\nm=application\r\n");
            assert_eq!(Offer::read(&sdp), None, "{nonsense}");
        }
        let none = MeshConfig {
            max_transfer: 0,
            ..MeshConfig::default()
        };
        assert_eq!(Offer::of(&none), None);
    }

    #[test]
    fn the_window_is_a_quarter_of_the_inbox() {
        let window = |inbox_bytes| {
            let config = MeshConfig {
                inbox_bytes,
                ..MeshConfig::default()
            };
            Offer::of(&config).map(|offer| offer.window)
        };
        let windows = [4 * MIN_WINDOW - 1, 4 * MIN_WINDOW, 400_000].map(window);
        assert_eq!(windows, [None, Some(MIN_WINDOW), Some(100_000)]);
    }
}
