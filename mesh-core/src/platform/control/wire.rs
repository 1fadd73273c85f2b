//! The messages of the control channel in bytes: a kind, then big-endian numbers.

use alloc::string::String;
use alloc::vec::Vec;

use crate::platform::LinkFault;
use crate::{GivenReason, Goodbye, PeerId};

const FINISH: u8 = 1;
const FINISHED: u8 = 2;
const BYE: u8 = 3;
const KICK: u8 = 4;
const TAKEN: u8 = 5;

/// Why a link ends, the second byte of a [`BYE`].
const LEFT: u8 = 0;
const KICKED: u8 = 1;
const PAGE_LEFT: u8 = 2;
const INBOX_FULL: u8 = 3;
const PROTOCOL: u8 = 4;

/// The bytes of a stream and a count.
const COUNT: usize = 6;

/// The bytes of a stream and how many messages of it were taken.
const TAKEN_COUNT: usize = 10;

/// How many streams a message may name: more than a peer can have channels.
const MAX_STREAMS: usize = 1024;

const MALFORMED: LinkFault = LinkFault::Control("it cannot be read");

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
    /// The sender is about to close the link.
    Bye(Goodbye),
    /// The sender has taken so many messages of these streams.
    Taken(Vec<(u16, u64)>),
    /// The sender has kicked another peer.
    Kick { peer: PeerId, reason: GivenReason },
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
            Self::Taken(counts) => {
                let mut bytes = Vec::with_capacity(1 + counts.len() * TAKEN_COUNT);
                bytes.push(TAKEN);
                for (stream, count) in counts {
                    bytes.extend(stream.to_be_bytes());
                    bytes.extend(count.to_be_bytes());
                }
                bytes
            }
            Self::Bye(goodbye) => {
                let (cause, reason) = spoken(goodbye);
                let mut bytes = Vec::with_capacity(4 + reason.text().len());
                bytes.extend([BYE, cause]);
                bytes.extend(reason.code().to_be_bytes());
                bytes.extend(reason.text().as_bytes());
                bytes
            }
            Self::Kick { peer, reason } => {
                let mut bytes = Vec::with_capacity(7 + reason.text().len());
                bytes.push(KICK);
                bytes.extend(peer.get().to_be_bytes());
                bytes.extend(reason.code().to_be_bytes());
                bytes.extend(reason.text().as_bytes());
                bytes
            }
        }
    }

    /// `None` for a kind that is not known.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Option<Self>, LinkFault> {
        let (&kind, rest) = bytes.split_first().ok_or(MALFORMED)?;
        match kind {
            FINISH => {
                let (&number, rest) = rest.split_first_chunk().ok_or(MALFORMED)?;
                let (counts, []) = rest.as_chunks::<COUNT>() else {
                    return Err(MALFORMED);
                };
                let counts = counts.iter().map(|&count| stream_and_count(count));
                let counts: Vec<_> = counts.collect();
                check_streams(&counts)?;
                let number = u16::from_be_bytes(number);
                Ok(Some(Self::Finish { number, counts }))
            }
            FINISHED => {
                let number = rest.try_into().map_err(|_| MALFORMED)?;
                let number = u16::from_be_bytes(number);
                Ok(Some(Self::Finished { number }))
            }
            TAKEN => {
                let (counts, []) = rest.as_chunks::<TAKEN_COUNT>() else {
                    return Err(MALFORMED);
                };
                let counts: Vec<_> = counts
                    .iter()
                    .map(|&count| stream_and_taken(count))
                    .collect();
                if counts.len() > MAX_STREAMS {
                    return Err(LinkFault::Control("it names too many streams"));
                }
                check_streams(&counts)?;
                Ok(Some(Self::Taken(counts)))
            }
            BYE => {
                let (&cause, rest) = rest.split_first().ok_or(MALFORMED)?;
                Ok(Some(Self::Bye(heard(cause, given_reason(rest)?))))
            }
            KICK => {
                let (&peer, rest) = rest.split_first_chunk().ok_or(MALFORMED)?;
                let peer = PeerId::new(u32::from_be_bytes(peer));
                let peer = peer.map_err(|_| LinkFault::Control("it names no peer"))?;
                let reason = given_reason(rest)?;
                Ok(Some(Self::Kick { peer, reason }))
            }
            _ => Ok(None),
        }
    }
}

/// Each stream has one count.
fn check_streams<C>(counts: &[(u16, C)]) -> Result<(), LinkFault> {
    let mut streams: Vec<u16> = counts.iter().map(|(stream, _)| *stream).collect();
    streams.sort_unstable();
    let is_repeated = |two: &[u16]| two.first() == two.last();
    if counts.is_empty() || streams.windows(2).any(is_repeated) {
        return Err(LinkFault::Control("it names no stream, or one twice"));
    }
    Ok(())
}

/// A code and a text, up to the end.
fn given_reason(bytes: &[u8]) -> Result<GivenReason, LinkFault> {
    let (&code, text) = bytes.split_first_chunk().ok_or(MALFORMED)?;
    if text.len() > GivenReason::MAX_TEXT {
        return Err(LinkFault::Control("its text is too long"));
    }
    let text = str::from_utf8(text).map_err(|_| MALFORMED)?;
    Ok(GivenReason::new(u16::from_be_bytes(code), text))
}

/// A goodbye as a cause and a reason.
fn spoken(goodbye: &Goodbye) -> (u8, GivenReason) {
    match goodbye {
        Goodbye::Left(reason) => (LEFT, reason.clone()),
        Goodbye::Kicked(reason) => (KICKED, reason.clone()),
        Goodbye::PageLeft => (PAGE_LEFT, GivenReason::default()),
        Goodbye::InboxFull => (INBOX_FULL, GivenReason::default()),
        Goodbye::Protocol(what) => (PROTOCOL, GivenReason::from(what.as_str())),
    }
}

/// The goodbye of a cause and a reason. A cause that this version does not know is a leave: the reason is all there is to tell.
fn heard(cause: u8, reason: GivenReason) -> Goodbye {
    match cause {
        KICKED => Goodbye::Kicked(reason),
        PAGE_LEFT => Goodbye::PageLeft,
        INBOX_FULL => Goodbye::InboxFull,
        PROTOCOL => Goodbye::Protocol(String::from(reason.text())),
        _ => Goodbye::Left(reason),
    }
}

const fn stream_and_taken(bytes: [u8; TAKEN_COUNT]) -> (u16, u64) {
    let [a, b, count @ ..] = bytes;
    (u16::from_be_bytes([a, b]), u64::from_be_bytes(count))
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
        for unknown in [&[0][..], &[6], &[255, 1, 2, 3]] {
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
            &[3],
            &[3, 0],
            &[3, 0, 0],
            &[3, 0, 0, 0, 0xC3],
            &[4],
            &[4, 0, 0, 0],
            &[4, 0, 0, 0, 2],
            &[4, 0, 0, 0, 2, 0],
            &[4, 0, 0, 0, 0, 0, 0],
            &[4, 0x80, 0, 0, 0, 0, 0],
            &[4, 0, 0, 0, 2, 0, 0, 0xC3],
            &[5],
            &[5, 0, 1, 0, 0, 0, 0, 0, 0, 0],
            &[5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0],
            &[
                5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9,
            ],
        ] {
            let read = Message::from_bytes(malformed);
            assert!(matches!(read, Err(LinkFault::Control(_))), "{malformed:?}");
        }
    }

    #[test]
    fn a_goodbye_has_the_bytes_of_the_documentation() {
        let reason = GivenReason::new(0x0102, "né");
        let documented = Goodbye::Left(GivenReason::new(7, "bye"));
        let cases: [(Goodbye, &[u8]); 6] = [
            (documented, &[3, 0, 0, 7, 0x62, 0x79, 0x65]),
            (Goodbye::Left(reason.clone()), b"\x03\x00\x01\x02n\xC3\xA9"),
            (Goodbye::Kicked(reason), b"\x03\x01\x01\x02n\xC3\xA9"),
            (Goodbye::PageLeft, &[3, 2, 0, 0]),
            (Goodbye::InboxFull, &[3, 3, 0, 0]),
            (
                Goodbye::Protocol(String::from("why")),
                b"\x03\x04\x00\x00why",
            ),
        ];
        for (goodbye, bytes) in cases {
            let message = Message::Bye(goodbye);
            assert_eq!(message.to_bytes(), bytes);
            assert_eq!(Message::from_bytes(bytes), Ok(Some(message)));
        }
    }

    #[test]
    fn a_kick_has_the_bytes_of_the_documentation() {
        let peer = PeerId::new(66051).unwrap();
        let reason = GivenReason::new(9, "idle");
        let message = Message::Kick { peer, reason };
        let bytes = b"\x04\x00\x01\x02\x03\x00\x09idle";
        assert_eq!(message.to_bytes(), bytes);
        assert_eq!(Message::from_bytes(bytes), Ok(Some(message)));
        let long = [&bytes[..], &[b'x'; 120]].concat();
        assert!(Message::from_bytes(&long).is_err());
    }

    #[test]
    fn counts_of_what_was_taken_have_the_bytes_of_the_documentation() {
        let message = Message::Taken(alloc::vec![(1, 258), (4, 0)]);
        let bytes = [
            5, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(message.to_bytes(), bytes);
        assert_eq!(Message::from_bytes(&bytes), Ok(Some(message)));
        let most = (0..1024).map(|stream| (stream, 0)).collect();
        assert!(Message::from_bytes(&Message::Taken(most).to_bytes()).is_ok());
        let many = (0..1025).map(|stream| (stream, 0)).collect();
        assert!(Message::from_bytes(&Message::Taken(many).to_bytes()).is_err());
    }

    #[test]
    fn a_goodbye_of_any_length_is_read_or_refused() {
        let text = ["x", &"é".repeat(61)].concat();
        let reason = GivenReason::new(7, &text);
        let bytes = Message::Bye(Goodbye::Left(reason)).to_bytes();
        assert_eq!(bytes.len(), 4 + GivenReason::MAX_TEXT);
        for length in 1..=bytes.len() {
            let read = Message::from_bytes(&bytes[..length]);
            // Half of an é is no text.
            let is_whole = length == 4 || length > 4 && length % 2 == 1;
            match read {
                Ok(Some(Message::Bye(Goodbye::Left(reason)))) if is_whole => {
                    assert_eq!(reason, GivenReason::new(7, &text[..length - 4]));
                }
                Err(LinkFault::Control(_)) if !is_whole => {}
                other => panic!("{length} bytes gave {other:?}"),
            }
        }
        let mut long = bytes;
        long.push(b'x');
        let read = Message::from_bytes(&long);
        assert_eq!(read, Err(LinkFault::Control("its text is too long")));
    }

    #[test]
    fn a_goodbye_of_a_later_version_is_a_leave() {
        let read = Message::from_bytes(b"\x03\xFF\x00\x09new");
        let reason = GivenReason::new(9, "new");
        assert_eq!(read, Ok(Some(Message::Bye(Goodbye::Left(reason)))));
    }

    #[test]
    fn a_text_that_is_heard_can_be_shown() {
        let read = Message::from_bytes(b"\x03\x04\x00\x00a\x1b[2Jb");
        let what = String::from("a [2Jb");
        assert_eq!(read, Ok(Some(Message::Bye(Goodbye::Protocol(what)))));
    }
}
