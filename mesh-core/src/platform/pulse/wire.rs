//! The messages of the pulse in bytes: a kind, then big-endian numbers.

use alloc::vec::Vec;

use crate::platform::LinkFault;

const PING: u8 = 1;
const PONG: u8 = 2;

/// Stands for a loss that is not known.
const UNKNOWN: u8 = 255;

const TOO_SHORT: LinkFault = LinkFault::Pulse("it is too short");

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Asks for an answer.
    Ping(Ping),
    /// The answer to the ping of this number.
    Pong { number: u16 },
}

/// What a ping says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ping {
    /// Goes up by 1 with each ping, and round.
    pub(super) number: u16,
    /// When it was sent, in microseconds of the sender's own clock, modulo 2³².
    pub(super) sent: u32,
    /// How many percent of the receiver's last pings did not arrive at the sender.
    pub(super) loss: Option<u8>,
}

impl Message {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Ping(Ping { number, sent, loss }) => {
                let mut bytes = Vec::with_capacity(8);
                bytes.push(PING);
                bytes.extend(number.to_be_bytes());
                bytes.extend(sent.to_be_bytes());
                bytes.push(loss.unwrap_or(UNKNOWN));
                bytes
            }
            Self::Pong { number } => {
                let [high, low] = number.to_be_bytes();
                [PONG, high, low].to_vec()
            }
        }
    }

    /// `None` for a kind that is not known. A later version may say more, so what comes after the known bytes is ignored.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Option<Self>, LinkFault> {
        let (&kind, rest) = bytes.split_first().ok_or(TOO_SHORT)?;
        match kind {
            PING => {
                let (&number, rest) = rest.split_first_chunk().ok_or(TOO_SHORT)?;
                let (&sent, rest) = rest.split_first_chunk().ok_or(TOO_SHORT)?;
                let loss = *rest.first().ok_or(TOO_SHORT)?;
                Ok(Some(Self::Ping(Ping {
                    number: u16::from_be_bytes(number),
                    sent: u32::from_be_bytes(sent),
                    loss: Some(loss).filter(|percent| *percent <= 100),
                })))
            }
            PONG => {
                let (&number, _) = rest.split_first_chunk().ok_or(TOO_SHORT)?;
                let number = u16::from_be_bytes(number);
                Ok(Some(Self::Pong { number }))
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_the_document_says() {
        let ping = Message::Ping(Ping {
            number: 258,
            sent: 0x0a0b_0c0d,
            loss: Some(20),
        });
        let pong = Message::Pong { number: 258 };
        for (message, bytes) in [
            (ping, &[1, 1, 2, 10, 11, 12, 13, 20][..]),
            (pong, &[2, 1, 2][..]),
        ] {
            assert_eq!(message.to_bytes(), bytes);
            assert_eq!(Message::from_bytes(bytes), Ok(Some(message)));
            let longer = [bytes, &[9]].concat();
            assert_eq!(Message::from_bytes(&longer), Ok(Some(message)));
            for end in 0..bytes.len() {
                let cut = &bytes[..end];
                assert_eq!(Message::from_bytes(cut), Err(TOO_SHORT), "{cut:?}");
            }
        }
    }

    #[test]
    fn a_loss_is_a_percentage_or_unknown() {
        for (byte, loss) in [(0, Some(0)), (100, Some(100)), (101, None), (255, None)] {
            let read = Message::from_bytes(&[1, 0, 0, 0, 0, 0, 0, byte]);
            let Ok(Some(Message::Ping(ping))) = read else {
                panic!("{read:?}");
            };
            assert_eq!(ping.loss, loss);
        }
    }

    #[test]
    fn other_kinds_are_ignored() {
        for kind in [0, 3, 255] {
            assert_eq!(Message::from_bytes(&[kind, 1, 2, 3]), Ok(None));
        }
    }
}
