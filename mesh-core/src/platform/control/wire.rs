//! The messages of the control channel in bytes: a kind, then big-endian numbers.

use alloc::vec::Vec;

use crate::platform::LinkFault;

const FINISH: u8 = 1;
const FINISHED: u8 = 2;

/// The bytes of a stream and a count.
const COUNT: usize = 6;

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Tell when so many messages have arrived on these streams.
    Finish {
        number: u16,
        counts: Vec<(u16, u32)>,
    },
    /// All messages that the request of this number names have arrived.
    Finished { number: u16 },
}

impl Message {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Finish { number, counts } => {
                let mut bytes = Vec::with_capacity(3 + counts.len() * COUNT);
                bytes.push(FINISH);
                bytes.extend(number.to_be_bytes());
                for (stream, count) in counts {
                    bytes.extend(stream.to_be_bytes());
                    bytes.extend(count.to_be_bytes());
                }
                bytes
            }
            Self::Finished { number } => {
                let [high, low] = number.to_be_bytes();
                [FINISHED, high, low].to_vec()
            }
        }
    }

    /// `None` for a kind that is not known.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Option<Self>, LinkFault> {
        const MALFORMED: LinkFault = LinkFault::Control("it cannot be read");
        let (&kind, rest) = bytes.split_first().ok_or(MALFORMED)?;
        match kind {
            FINISH => {
                let (&number, rest) = rest.split_first_chunk().ok_or(MALFORMED)?;
                let (counts, []) = rest.as_chunks::<COUNT>() else {
                    return Err(MALFORMED);
                };
                let counts = counts.iter().map(|&count| stream_and_count(count));
                let counts: Vec<_> = counts.collect();
                let mut streams: Vec<u16> = counts.iter().map(|(stream, _)| *stream).collect();
                streams.sort_unstable();
                let is_repeated = |two: &[u16]| two.first() == two.last();
                if counts.is_empty() || streams.windows(2).any(is_repeated) {
                    return Err(LinkFault::Control("it names no stream, or one twice"));
                }
                let number = u16::from_be_bytes(number);
                Ok(Some(Self::Finish { number, counts }))
            }
            FINISHED => {
                let number = rest.try_into().map_err(|_| MALFORMED)?;
                let number = u16::from_be_bytes(number);
                Ok(Some(Self::Finished { number }))
            }
            _ => Ok(None),
        }
    }
}

const fn stream_and_count([a, b, c, d, e, f]: [u8; COUNT]) -> (u16, u32) {
    (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_bytes_of_the_documentation() {
        let finish = Message::Finish {
            number: 0x0102,
            counts: alloc::vec![(1, 0x0A0B_0C0D), (0x0301, 2)],
        };
        let bytes = [1, 1, 2, 0, 1, 10, 11, 12, 13, 3, 1, 0, 0, 0, 2];
        assert_eq!(finish.to_bytes(), bytes);
        assert_eq!(Message::from_bytes(&bytes), Ok(Some(finish)));
        let finished = Message::Finished { number: 0x0102 };
        assert_eq!(finished.to_bytes(), [2, 1, 2]);
        assert_eq!(Message::from_bytes(&[2, 1, 2]), Ok(Some(finished)));
    }

    #[test]
    fn what_is_unknown_is_ignored_and_what_is_malformed_is_refused() {
        for unknown in [&[0][..], &[3], &[255, 1, 2, 3]] {
            assert_eq!(Message::from_bytes(unknown), Ok(None));
        }
        for malformed in [
            &[][..],
            &[1],
            &[1, 0],
            &[1, 0, 0],
            &[1, 0, 0, 0],
            &[1, 0, 0, 0, 1, 0, 0, 0, 9, 0, 1, 0, 0, 0, 9],
            &[2],
            &[2, 0],
            &[2, 0, 0, 0],
        ] {
            let read = Message::from_bytes(malformed);
            assert!(matches!(read, Err(LinkFault::Control(_))), "{malformed:?}");
        }
    }
}
