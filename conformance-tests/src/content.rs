//! What the suite's messages are made of, and how a receiver tells what it got without sending it back.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use mesh_core::Payload;

/// How much of a message's beginning a receiver reports.
const HEAD: usize = 32;

/// A message to send. Large ones are made where they are sent, so that a request to a remote participant stays small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// This text.
    Text(String),
    /// These bytes, as a binary message.
    Binary(Vec<u8>),
    /// These bytes, as a text message: a hostile peer's text need not be UTF-8.
    RawText(Vec<u8>),
    /// A number, then bytes that depend on it, `len` in all (at least 8 for the number to be whole).
    Numbered {
        /// Which.
        number: u64,
        /// Length in bytes.
        len: usize,
        /// Whether it goes as text; the bytes are ASCII then.
        text: bool,
    },
}

impl Content {
    /// A numbered binary message.
    #[must_use]
    pub const fn numbered(number: u64, len: usize) -> Self {
        Self::Numbered {
            number,
            len,
            text: false,
        }
    }

    /// The message as the mesh takes it.
    #[must_use]
    pub fn payload(&self) -> Payload {
        match self {
            Self::Text(text) => Payload::from(text.as_str()),
            Self::Binary(bytes) => Payload::from(bytes.as_slice()),
            Self::RawText(bytes) => Payload::Text(Bytes::copy_from_slice(bytes)),
            Self::Numbered { number, len, text } => {
                let bytes = Bytes::from(pattern(*number, *len, *text));
                if *text {
                    Payload::Text(bytes)
                } else {
                    Payload::Binary(bytes)
                }
            }
        }
    }

    /// So many messages; a numbered one counts up, any other is repeated. All made before the first is sent, so that they
    /// can follow each other as fast as the library takes them.
    pub(crate) fn payloads(&self, count: u64) -> Vec<Payload> {
        (0..count)
            .map(|ahead| match self {
                Self::Numbered { number, len, text } => Self::Numbered {
                    number: number.wrapping_add(ahead),
                    len: *len,
                    text: *text,
                }
                .payload(),
                Self::Text(_) | Self::Binary(_) | Self::RawText(_) => self.payload(),
            })
            .collect()
    }

    /// What a receiver reports of it.
    #[must_use]
    pub fn body(&self) -> Body {
        Body::of(&self.payload())
    }
}

/// The number in eight bytes (as hexadecimal digits, twice as many, in a text), then bytes that follow from it.
fn pattern(number: u64, len: usize, text: bool) -> Vec<u8> {
    let head: Vec<u8> = if text {
        format!("{number:016x}").into_bytes()
    } else {
        number.to_be_bytes().to_vec()
    };
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let rest = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [byte, ..] = state.to_le_bytes();
        if text { b'a' + byte % 26 } else { byte }
    });
    head.into_iter().chain(rest).take(len).collect()
}

/// What is reported of a received message: equal for equal messages, and small.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Whether it was sent as text.
    pub text: bool,
    /// Its length in bytes.
    pub len: usize,
    /// FNV-1a over all of it.
    pub hash: u64,
    /// Its first bytes.
    pub head: Vec<u8>,
}

impl Body {
    /// The report of a message.
    #[must_use]
    pub fn of(payload: &Payload) -> Self {
        let bytes = payload.bytes();
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self {
            text: payload.is_text(),
            len: bytes.len(),
            hash,
            head: bytes.iter().take(HEAD).copied().collect(),
        }
    }

    /// The number of a numbered message, if all of it is as it was sent.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        let number = if self.text {
            let digits = self.head.get(..16)?;
            u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
        } else {
            u64::from_be_bytes(self.head.get(..8)?.try_into().ok()?)
        };
        let sent = Content::Numbered {
            number,
            len: self.len,
            text: self.text,
        };
        (sent.body() == *self).then_some(number)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.text { "text" } else { "binary" };
        match self.number() {
            Some(number) => write!(f, "{kind} #{number} of {}", self.len),
            None => write!(
                f,
                "{kind} of {}: {:?}",
                self.len,
                self.head.escape_ascii().to_string()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_message_is_recognised_only_whole() {
        for text in [false, true] {
            let body = Content::Numbered {
                number: 77,
                len: 1000,
                text,
            }
            .body();
            assert_eq!(body.number(), Some(77));
            let damaged = Body {
                hash: body.hash ^ 1,
                ..body
            };
            assert_eq!(damaged.number(), None);
        }
    }

    #[test]
    fn kind_is_part_of_a_body() {
        let text = Content::Text("x".into()).body();
        let binary = Content::Binary(b"x".to_vec()).body();
        assert_ne!(text, binary);
    }
}
