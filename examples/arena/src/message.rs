//! What players tell each other, and what of it is believed.

use serde::{Deserialize, Serialize};
use webrtc_multiplayer::TransferMode;
use webrtc_multiplayer::signaling::escape_control;

use crate::game::{Id, Point, ROUND, Round, Tag};

/// The longest message that is read, in bytes. All of ours are shorter.
const MOST_BYTES: usize = 1024;
/// The longest name, in characters.
pub(crate) const NAME: usize = 16;
/// The longest line of the chat, in characters.
pub(crate) const LINE: usize = 160;
/// Links of one player that are told.
const LINKS: usize = 32;

/// A message, as postcard writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// To whoever has just connected: who we are, and how the game stands.
    Hello {
        name: String,
        tag: Tag,
        round: Round,
    },
    /// Where we are: thirty times a second.
    Move(Move),
    /// We are "it" and have tagged somebody.
    Tagged(Tag),
    /// A line of the chat.
    Said(String),
    /// How our connections are, once a second: the others draw them.
    Links(Vec<Link>),
    /// How the game stands as far as we know, once a second: so all come to know the same, whatever they have missed.
    Stands { tag: Tag, round: Round },
}

/// Where a player is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Move {
    /// By the sender's clock, in seconds.
    pub(crate) time: f64,
    pub(crate) at: Point,
    pub(crate) velocity: Point,
    /// In this round, in seconds.
    pub(crate) score: f32,
}

/// A connection of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) to: Id,
    /// The round trip in milliseconds, as far as it is known.
    pub(crate) round_trip: Option<u16>,
    /// Whether it goes through a TURN server.
    pub(crate) is_relayed: bool,
}

impl Message {
    /// A place that is late is of no use; the rest has to arrive.
    pub(crate) const fn mode(&self) -> TransferMode {
        match self {
            Self::Move(_) | Self::Links(_) | Self::Stands { .. } => TransferMode::Unreliable,
            Self::Hello { .. } | Self::Tagged(_) | Self::Said(_) => TransferMode::Reliable,
        }
    }

    /// As bytes. Ours can always be written; one that could not would be empty, and nobody reads that.
    pub(crate) fn write(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads what a peer sent; `None` if it is none, or if no honest player would send it. Texts are cut and made harmless.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MOST_BYTES {
            return None;
        }
        let message = postcard::from_bytes(bytes).ok()?;
        match message {
            Self::Hello { name, tag, round } => is_sound(round).then(|| Self::Hello {
                name: tidy_name(&name),
                tag,
                round,
            }),
            Self::Stands { tag, round } => is_sound(round).then_some(Self::Stands { tag, round }),
            Self::Move(it) => {
                let is_sound = it.time.is_finite()
                    && it.at.is_finite()
                    && it.velocity.is_finite()
                    && (0.0..=ROUND + 1.0).contains(&it.score);
                let velocity = it.velocity.at_most(1000.0);
                is_sound.then_some(Self::Move(Move { velocity, ..it }))
            }
            Self::Said(text) => Some(Self::Said(tidy(&text, LINE))),
            Self::Links(links) => (links.len() <= LINKS).then_some(Self::Links(links)),
            Self::Tagged(tag) => Some(Self::Tagged(tag)),
        }
    }
}

/// Whether there is such a round. What is no number is in no range.
fn is_sound(round: Round) -> bool {
    (0.0..=ROUND).contains(&round.left)
}

/// A name that can be shown.
pub(crate) fn tidy_name(name: &str) -> String {
    let name = tidy(name, NAME);
    if name.is_empty() {
        return "nameless".to_owned();
    }
    name
}

/// A text that can be shown in one line: so many characters at most, none of which controls anything.
pub(crate) fn tidy(text: &str, most: usize) -> String {
    let short: String = text.trim().chars().take(most).collect();
    escape_control(&short).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Message> {
        let tag = Tag { number: 3, who: 7 };
        let link = Link {
            to: 5,
            round_trip: Some(20),
            is_relayed: true,
        };
        vec![
            Message::Hello {
                name: "Ada".to_owned(),
                tag,
                round: Round::default(),
            },
            Message::Move(Move {
                time: 12.5,
                at: Point::new(3.0, 4.0),
                velocity: Point::new(-30.0, 0.5),
                score: 9.5,
            }),
            Message::Tagged(tag),
            Message::Said("hello".to_owned()),
            Message::Links(vec![link; LINKS]),
            Message::Stands {
                tag,
                round: Round::default(),
            },
        ]
    }

    #[test]
    fn all_is_read_as_it_was_written() {
        for message in sample() {
            let bytes = message.write();
            assert!(bytes.len() <= MOST_BYTES, "{message:?}");
            assert_eq!(Message::read(&bytes), Some(message));
        }
    }

    #[test]
    fn what_no_player_sends_is_not_read() {
        let mut bad = vec![vec![], vec![9], vec![0; MOST_BYTES + 1]];
        for (x, time, score) in [
            (f32::NAN, 0.0, 0.0),
            (0.0, f64::INFINITY, 0.0),
            (0.0, 0.0, 1e9),
            (0.0, 0.0, -1.0),
            (f32::NEG_INFINITY, 0.0, f32::NAN),
        ] {
            let it = Move {
                time,
                at: Point::new(x, 0.0),
                velocity: Point::default(),
                score,
            };
            bad.push(Message::Move(it).write());
        }
        for left in [-1.0, ROUND + 1.0, f32::NAN] {
            let round = Round { number: 1, left };
            let (name, tag) = (String::new(), Tag::default());
            bad.push(Message::Hello { name, tag, round }.write());
            bad.push(Message::Stands { tag, round }.write());
        }
        for bytes in bad {
            assert_eq!(Message::read(&bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn cut_and_changed_bytes_do_no_harm() {
        for message in sample() {
            let bytes = message.write();
            for at in 0..bytes.len() {
                let _ = Message::read(&bytes[..at]);
                for value in [0, 1, 0x7f, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    let _ = Message::read(&changed);
                }
            }
        }
    }

    #[test]
    fn texts_are_made_harmless() {
        let said = |text: &str| Message::read(&Message::Said(text.to_owned()).write());
        let expected = Message::Said("a\\u{202e}b".to_owned());
        assert_eq!(said(" a\u{202e}b \n"), Some(expected));
        let long = said(&"x".repeat(500));
        assert_eq!(long, Some(Message::Said("x".repeat(LINE))));
        assert_eq!(tidy_name(" \n"), "nameless");
    }
}
