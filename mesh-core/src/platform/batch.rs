//! Small messages that share a packet: how a side says that it sends or takes batches, and their bytes. `docs/wire.md` describes
//! both.
//!
//! A backend that gains by it ([`Capabilities::coalesces`](crate::Capabilities::coalesces)) joins what a game sends on one channel
//! in one go, once [`Command::Coalesce`](crate::Command::Coalesce) says that the far side takes batches. The core of the far side takes
//! them apart, so that nobody above it and no count of messages knows of them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::Payload;
use crate::sdp::with_session_line;

/// How a description says what its side does with batches.
const ATTRIBUTE: &str = "a=webrtc-multiplayer-batches:";

/// What a batch begins with. No text does: its first byte is none of UTF-8.
const MARK: [u8; 4] = [0xf8, b'B', b'A', b'T'];

/// After the mark: the rest is one message, which begins with the mark itself.
const ONE: u8 = 0;

/// After the mark: messages follow, each after its length.
const SEVERAL: u8 = 1;

/// The mark and the kind.
const HEADER: usize = MARK.len() + 1;

/// The bytes of a length.
const LENGTH: usize = 2;

/// The most that a batch of several has in bytes, so that it fits into one packet on every path that the platforms assume.
pub const MAX_BATCH: usize = 1100;

/// What a side does with batches (SDP: RFC 8866, section 6.7, has the same words for media).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// It takes them, and sends none.
    Receives,
    /// It takes them and sends them. Its messages that look like batches are wrapped in one.
    SendsAndReceives,
}

impl Direction {
    pub(crate) const fn of(sends: bool) -> Self {
        if sends {
            Self::SendsAndReceives
        } else {
            Self::Receives
        }
    }

    pub(crate) const fn sends(self) -> bool {
        matches!(self, Self::SendsAndReceives)
    }

    /// Adds the line to the description of the side.
    pub(crate) fn announce(self, sdp: &str) -> String {
        let word = match self {
            Self::Receives => "recvonly",
            Self::SendsAndReceives => "sendrecv",
        };
        with_session_line(sdp, &format!("{ATTRIBUTE}{word}"))
    }

    /// What the side that a description is of does with batches. `None` where it knows none.
    pub(crate) fn read(sdp: &str) -> Option<Self> {
        let line = sdp.lines().find_map(|line| line.strip_prefix(ATTRIBUTE))?;
        match line.trim_end() {
            "recvonly" => Some(Self::Receives),
            "sendrecv" => Some(Self::SendsAndReceives),
            _ => None,
        }
    }
}

/// How many messages come of what looks like a batch; 1 of anything else.
pub(crate) fn count(payload: &Payload) -> usize {
    match read(payload.clone()) {
        Ok(Read::Batch(messages)) => messages.count().max(1),
        Ok(Read::Message(_)) | Err(_) => 1,
    }
}

/// How many bytes [`whole`] adds to a message at most.
pub(crate) const OVERHEAD: usize = HEADER;

/// How many bytes [`whole`] adds to a message.
pub(crate) fn overhead(payload: &Payload) -> usize {
    if is_marked(payload) { HEADER } else { 0 }
}

fn is_marked(payload: &Payload) -> bool {
    !payload.is_text() && payload.bytes().starts_with(&MARK)
}

/// A message as it leaves by itself, to a far side that takes batches. One that looks like a batch is wrapped in one; any other stays as
/// it is, without a copy.
#[must_use]
pub fn whole(payload: Payload) -> Payload {
    if !is_marked(&payload) {
        return payload;
    }
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend(MARK);
    bytes.push(ONE);
    bytes.extend_from_slice(payload.bytes());
    Payload::from(bytes)
}

/// One message of the channel, which is one of the game or several.
#[derive(Debug, PartialEq, Eq)]
pub struct Packed {
    /// What leaves.
    pub payload: Payload,
    /// What its messages count in a queue: their bytes, and 1 for an empty one (RFC 8831, section 6.6).
    pub cost: usize,
}

/// The messages of one channel that are to share a packet.
#[derive(Debug, Default)]
pub struct Batch {
    content: Content,
    cost: usize,
}

#[derive(Debug, Default)]
enum Content {
    #[default]
    Nothing,
    One(Payload),
    Several(Vec<u8>),
    /// It was taken once, and did not leave.
    Back(Payload),
}

impl Batch {
    /// Whether a message can join what is there. If not, [`take`](Self::take) what is there first; a message that does not fit into a batch
    /// that is empty leaves by itself, as [`whole`].
    #[must_use]
    pub fn fits(&self, payload: &Payload) -> bool {
        let before = match &self.content {
            Content::Nothing => HEADER,
            Content::One(first) => HEADER + LENGTH + first.len(),
            Content::Several(bytes) => bytes.len(),
            Content::Back(_) => return false,
        };
        !payload.is_text() && before + LENGTH + payload.len() <= MAX_BATCH
    }

    /// Adds a message that [fits](Self::fits).
    pub fn add(&mut self, payload: Payload) {
        self.cost += cost(&payload);
        self.content = match core::mem::take(&mut self.content) {
            Content::Nothing => Content::One(payload),
            Content::One(first) => {
                let mut bytes = Vec::with_capacity(MAX_BATCH);
                bytes.extend(MARK);
                bytes.push(SEVERAL);
                append(&mut bytes, &first);
                append(&mut bytes, &payload);
                Content::Several(bytes)
            }
            Content::Several(mut bytes) => {
                append(&mut bytes, &payload);
                Content::Several(bytes)
            }
            // Nothing fits there.
            Content::Back(before) => Content::Back(before),
        };
    }

    /// Adds a message, and gives what leaves now, in order: what was there, if the message does not fit, and the message itself, if it
    /// fits into no batch.
    #[must_use = "what is given has to leave"]
    pub fn join(&mut self, payload: Payload) -> [Option<Packed>; 2] {
        let before = if self.fits(&payload) {
            None
        } else {
            self.take()
        };
        if self.fits(&payload) {
            self.add(payload);
            return [before, None];
        }
        let cost = cost(&payload);
        let payload = whole(payload);
        [before, Some(Packed { payload, cost })]
    }

    /// What is there, as one message. `None` where nothing is.
    pub fn take(&mut self) -> Option<Packed> {
        let cost = core::mem::take(&mut self.cost);
        let payload = match core::mem::take(&mut self.content) {
            Content::Nothing => return None,
            Content::One(payload) => whole(payload),
            Content::Several(bytes) => Payload::from(bytes),
            Content::Back(payload) => payload,
        };
        Some(Packed { payload, cost })
    }

    /// Takes back what was [taken](Self::take) and could not leave. Nothing joins it any more.
    pub fn put_back(&mut self, taken: Packed) {
        self.content = Content::Back(taken.payload);
        self.cost = taken.cost;
    }

    /// What is there [counts](Packed::cost) in a queue; 0 where nothing is.
    #[must_use]
    pub const fn cost(&self) -> usize {
        self.cost
    }
}

fn cost(payload: &Payload) -> usize {
    payload.len().max(1)
}

fn append(bytes: &mut Vec<u8>, payload: &Payload) {
    // One that fits is shorter than a batch.
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend_from_slice(payload.bytes());
}

/// The messages of a batch, in order. They share its bytes.
#[derive(Debug)]
pub(crate) struct Messages {
    rest: Bytes,
    /// Whether the rest is one message.
    is_one: bool,
}

/// What a side that sends batches has sent.
#[derive(Debug)]
pub(crate) enum Read {
    Message(Payload),
    Batch(Messages),
}

/// Takes a message of a side that sends batches apart.
///
/// # Errors
///
/// What is wrong with a batch.
pub(crate) fn read(payload: Payload) -> Result<Read, &'static str> {
    if !is_marked(&payload) {
        return Ok(Read::Message(payload));
    }
    let bytes = payload.into_bytes();
    let rest = bytes.slice(HEADER.min(bytes.len())..);
    match bytes.get(MARK.len()) {
        Some(&ONE) => Ok(Read::Batch(Messages { rest, is_one: true })),
        Some(&SEVERAL) if bytes.len() > MAX_BATCH => Err("a batch is too large"),
        Some(&SEVERAL) => {
            check(&rest)?;
            let is_one = false;
            Ok(Read::Batch(Messages { rest, is_one }))
        }
        Some(_) | None => Err("a batch is of no known kind"),
    }
}

/// Whether lengths and bytes agree up to the end.
fn check(mut rest: &[u8]) -> Result<(), &'static str> {
    while !rest.is_empty() {
        let after = rest.split_first_chunk().and_then(|(length, rest)| {
            let length = usize::from(u16::from_be_bytes(*length));
            rest.get(length..)
        });
        rest = after.ok_or("a batch ends within a message")?;
    }
    Ok(())
}

impl Iterator for Messages {
    type Item = Payload;

    fn next(&mut self) -> Option<Payload> {
        if self.is_one {
            self.is_one = false;
            return Some(core::mem::take(&mut self.rest).into());
        }
        let length = self.rest.first_chunk()?;
        let end = LENGTH + usize::from(u16::from_be_bytes(*length));
        if end > self.rest.len() {
            return None;
        }
        let message = self.rest.split_to(end).split_off(LENGTH);
        Some(message.into())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    /// What a sender makes of these messages, as a backend does.
    fn sent(messages: &[Payload]) -> Vec<Payload> {
        let (mut batch, mut wire) = (Batch::default(), Vec::new());
        for message in messages {
            wire.extend(batch.join(message.clone()).into_iter().flatten());
        }
        wire.extend(batch.take());
        assert_eq!(batch.cost(), 0);
        let costs: usize = wire.iter().map(|packed| packed.cost).sum();
        assert_eq!(costs, messages.iter().map(cost).sum());
        wire.into_iter().map(|packed| packed.payload).collect()
    }

    fn received(wire: Vec<Payload>) -> Vec<Payload> {
        let mut messages = Vec::new();
        for payload in wire {
            match read(payload).expect("ours") {
                Read::Message(payload) => messages.push(payload),
                Read::Batch(batch) => messages.extend(batch),
            }
        }
        messages
    }

    fn message() -> impl Strategy<Value = Payload> {
        let bytes = prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 0..200),
            1 => prop::collection::vec(any::<u8>(), 1000..1200),
            1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(|rest| [&MARK, &*rest].concat()),
        ];
        prop_oneof![
            8 => bytes.prop_map(Payload::from),
            1 => ".{0,20}".prop_map(Payload::from),
        ]
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_comes(messages in prop::collection::vec(message(), 0..40)) {
            let wire = sent(&messages);
            for one in &wire {
                prop_assert!(one.len() <= MAX_BATCH || !is_marked(one) || one.bytes()[MARK.len()] == ONE);
            }
            prop_assert_eq!(received(wire), messages);
        }

        #[test]
        fn what_nobody_of_ours_sends_does_no_harm(rest in prop::collection::vec(any::<u8>(), 0..1300)) {
            if let Ok(Read::Batch(batch)) = read(Payload::from([&MARK, &*rest].concat())) {
                let bytes: usize = batch.map(|message| message.len()).sum();
                prop_assert!(bytes <= rest.len());
            }
        }
    }

    #[test]
    fn a_tick_of_small_messages_is_one_packet() {
        let tick: Vec<_> = (0..10).map(|_| Payload::from(vec![7; 64])).collect();
        let wire = sent(&tick);
        assert_eq!(wire.len(), 1);
        assert_eq!(wire[0].len(), HEADER + 10 * (LENGTH + 64));
    }

    #[test]
    fn one_message_alone_is_itself_and_its_bytes_are_not_copied() {
        let alone = Payload::from(vec![7; 64]);
        let at = alone.bytes().as_ptr();
        let wire = sent(core::slice::from_ref(&alone));
        assert_eq!(wire, [alone]);
        assert_eq!(wire[0].bytes().as_ptr(), at);
    }

    #[test]
    fn the_bytes_of_a_batch() {
        let wire = sent(&[Payload::from(b"ab"), Payload::from(b"")]);
        assert_eq!(wire, [Payload::from(b"\xf8BAT\x01\0\x02ab\0\0")]);
        let wire = sent(&[Payload::from(b"\xf8BATman")]);
        assert_eq!(wire, [Payload::from(b"\xf8BAT\0\xf8BATman")]);
    }

    #[test]
    fn a_batch_counts_as_its_messages() {
        let of = |bytes: &[u8]| count(&Payload::from(bytes));
        assert_eq!(of(b"plain"), 1);
        assert_eq!(of(b"\xf8BAT\x01\0\0\0\0\0\x01a"), 3);
        assert_eq!(of(b"\xf8BAT\x01"), 1);
        assert_eq!(of(b"\xf8BAT\0rest"), 1);
        assert_eq!(of(b"\xf8BAT\x01\0"), 1);
    }

    #[test]
    fn a_liar_is_told_what_is_wrong() {
        let error = |bytes: &[u8]| read(Payload::from(bytes)).err();
        assert_eq!(error(b"\xf8BAT"), Some("a batch is of no known kind"));
        assert_eq!(error(b"\xf8BAT\x02x"), Some("a batch is of no known kind"));
        for cut in [
            &b"\xf8BAT\x01\0"[..],
            b"\xf8BAT\x01\0\x02a",
            b"\xf8BAT\x01\xff\xffa",
        ] {
            assert_eq!(error(cut), Some("a batch ends within a message"), "{cut:?}");
        }
        let large = [&b"\xf8BAT\x01"[..], &[0; MAX_BATCH]].concat();
        assert_eq!(error(&large), Some("a batch is too large"));
        assert_eq!(error(b"\xf8BA"), None);
    }

    #[test]
    fn a_description_says_what_its_side_does() {
        let sdp = "v=0\r\nm=application\r\n";
        assert_eq!(Direction::read(sdp), None);
        for direction in [Direction::Receives, Direction::SendsAndReceives] {
            assert_eq!(Direction::read(&direction.announce(sdp)), Some(direction));
        }
        let unknown = with_session_line(sdp, &format!("{ATTRIBUTE}inactive"));
        assert_eq!(Direction::read(&unknown), None);
    }

    #[test]
    fn a_message_joins_as_long_as_all_of_the_batch_fits() {
        let of = |length: usize| Payload::from(vec![7; length]);
        let (mut batch, mut room) = (Batch::default(), MAX_BATCH - HEADER);
        for length in [100, 200, 300] {
            let most = room - LENGTH;
            assert!(
                batch.fits(&of(most)) && !batch.fits(&of(most + 1)),
                "{most}"
            );
            batch.add(of(length));
            room = most - length;
        }
    }

    #[test]
    fn what_could_not_leave_is_back_and_nothing_joins_it() {
        let (mut batch, message) = (Batch::default(), Payload::from(vec![7; 64]));
        batch.add(message.clone());
        let taken = batch.take().unwrap();
        batch.put_back(taken);
        assert_eq!(batch.cost(), 64);
        assert!(!batch.fits(&message));
        assert_eq!(batch.take().unwrap().payload, message);
    }
}
