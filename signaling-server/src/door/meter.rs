//! What a socket's bytes cost, and how long a message may take to arrive: seen where the bytes come in, because a WebSocket
//! says nothing of a message before its last piece is there.

use std::time::Duration;

use mesh_core::Instant;

use crate::Config;
use crate::bucket::Bucket;
use crate::goodbye::Goodbye;

use super::frames::{Frame, Frames};

/// One token pays for so many bytes of a frame.
pub(crate) const BYTES_PER_TOKEN: u64 = 256;

/// Counts one socket's bytes. Once it has said why the socket must go, it counts no more.
#[derive(Debug)]
pub(crate) struct Meter {
    frames: Frames,
    bucket: Bucket,
    per_second: u32,
    max_message_size: u64,
    message_deadline: Duration,
    /// The message that has begun and not ended.
    message: Option<Open>,
    verdict: Option<Goodbye>,
    closed: bool,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
struct Open {
    since: Instant,
    size: u64,
    /// Whether its last frame has begun.
    is_last: bool,
}

impl Meter {
    pub(crate) fn new(now: Instant, config: &Config) -> Self {
        Self {
            frames: Frames::default(),
            bucket: Bucket::new(now, config.messages_per_second, config.message_burst),
            per_second: config.messages_per_second,
            max_message_size: config.max_message_size as u64,
            message_deadline: config.message_deadline,
            message: None,
            verdict: None,
            closed: false,
        }
    }

    /// Bytes have come. An error is why the socket must go; it stays.
    pub(crate) fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Goodbye> {
        let mut bytes = bytes;
        if self.verdict.is_some() {
            // Only whether the other side closes is of interest now.
            while let Some(frame) = self.frames.next(&mut bytes) {
                self.closed |= frame.is_close();
            }
            return Ok(());
        }
        let judged = self.judge(now, bytes);
        if let Err(goodbye) = &judged {
            self.verdict = Some(goodbye.clone());
        }
        judged
    }

    /// Takes more of what the socket may send, for what it costs others.
    pub(crate) fn charge(&mut self, now: Instant, tokens: u64) -> Result<(), Goodbye> {
        if self.bucket.take(now, tokens) {
            return Ok(());
        }
        let per_second = self.per_second;
        Err(Goodbye::TooFast { per_second })
    }

    /// Why the socket must go.
    pub(crate) fn verdict(&self) -> Option<&Goodbye> {
        self.verdict.as_ref()
    }

    /// Judges nothing any more: the socket is being closed.
    pub(crate) fn give_up(&mut self, goodbye: Goodbye) {
        self.verdict.get_or_insert(goodbye);
    }

    /// Whether the other side has sent a close.
    pub(crate) const fn has_closed(&self) -> bool {
        self.closed
    }

    fn judge(&mut self, now: Instant, mut bytes: &[u8]) -> Result<(), Goodbye> {
        while let Some(frame) = self.frames.next(&mut bytes) {
            self.on_frame(now, frame)?;
        }
        self.end_message();
        let overdue = |open: Open| now >= open.since + self.message_deadline;
        if self.message.is_some_and(overdue) {
            let within = self.message_deadline;
            return Err(Goodbye::MessageDeadline { within });
        }
        Ok(())
    }

    /// The message has ended if its last frame has.
    fn end_message(&mut self) {
        if !self.frames.is_inside() {
            self.message = self.message.filter(|open| !open.is_last);
        }
    }

    fn on_frame(&mut self, now: Instant, frame: Frame) -> Result<(), Goodbye> {
        let tokens = frame.size.div_ceil(BYTES_PER_TOKEN).max(1);
        // The frame before has ended.
        self.message = self.message.filter(|open| !open.is_last);
        if frame.is_control() {
            self.closed |= frame.is_close();
            return self.charge(now, tokens);
        }
        // One that does not go on with the message that has begun breaks the rules: the WebSocket sends its sender away.
        let Open { since, size, .. } = self.message.unwrap_or(Open {
            since: now,
            size: 0,
            is_last: false,
        });
        let size = size.saturating_add(frame.size);
        if size > self.max_message_size {
            let limit = usize::try_from(self.max_message_size).unwrap_or(usize::MAX);
            return Err(Goodbye::TooLarge { limit });
        }
        self.message = Some(Open {
            since,
            size,
            is_last: frame.last,
        });
        self.charge(now, tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_micros(99);

    /// The head of a frame of so many bytes, masked with nothing, and the bytes.
    fn frame(first: u8, size: usize) -> Vec<u8> {
        let mut bytes = vec![first, 0x80 | 126];
        bytes.extend(u16::try_from(size).expect("small").to_be_bytes());
        bytes.extend(vec![0; 4 + size]);
        bytes
    }

    fn meter(per_second: u32, burst: u32) -> Meter {
        let config = Config {
            messages_per_second: per_second,
            message_burst: burst,
            max_message_size: 1000,
            ..Config::default()
        };
        Meter::new(START, &config)
    }

    const TEXT: u8 = 0x81;
    const TEXT_BEGIN: u8 = 0x01;
    const MORE: u8 = 0x00;
    const END: u8 = 0x80;
    const PING: u8 = 0x89;

    #[test]
    fn every_frame_costs_a_token_and_every_256_bytes_another() {
        let mut meter = meter(1, 9);
        for (first, size) in [(TEXT, 0), (PING, 125), (TEXT, 256), (TEXT, 257)] {
            assert_eq!(meter.handle_bytes(START, &frame(first, size)), Ok(()));
        }
        // Five are gone; four pay for 1000 bytes, which are refused before they are there.
        assert_eq!(meter.handle_bytes(START, &frame(TEXT, 1000)), Ok(()));
        let too_fast = Err(Goodbye::TooFast { per_second: 1 });
        assert_eq!(meter.handle_bytes(START, &frame(TEXT, 1)[..8]), too_fast);
        assert_eq!(meter.verdict(), too_fast.as_ref().err());
    }

    #[test]
    fn tokens_come_back() {
        let mut meter = meter(1, 1);
        assert_eq!(meter.handle_bytes(START, &frame(TEXT, 1)), Ok(()));
        let later = START + Duration::from_secs(1);
        assert_eq!(meter.handle_bytes(later, &frame(TEXT, 1)), Ok(()));
        assert!(meter.handle_bytes(later, &frame(TEXT, 1)).is_err());
    }

    #[test]
    fn pieces_without_bytes_cost_as_messages_do() {
        let mut meter = meter(1, 10);
        assert_eq!(meter.handle_bytes(START, &frame(TEXT_BEGIN, 0)), Ok(()));
        for _ in 0..9 {
            assert_eq!(meter.handle_bytes(START, &frame(MORE, 0)), Ok(()));
        }
        let too_fast = Err(Goodbye::TooFast { per_second: 1 });
        assert_eq!(meter.handle_bytes(START, &frame(MORE, 0)), too_fast);
    }

    #[test]
    fn the_size_of_a_message_is_that_of_all_its_pieces() {
        let mut meter = meter(100, 100);
        assert_eq!(meter.handle_bytes(START, &frame(TEXT, 1000)), Ok(()));
        assert_eq!(meter.handle_bytes(START, &frame(TEXT_BEGIN, 600)), Ok(()));
        assert_eq!(meter.handle_bytes(START, &frame(PING, 125)), Ok(()));
        let too_large = Err(Goodbye::TooLarge { limit: 1000 });
        assert_eq!(meter.handle_bytes(START, &frame(MORE, 401)), too_large);
    }

    #[test]
    fn a_message_that_begins_has_to_end_in_time() {
        let deadline = Config::default().message_deadline;
        let due = START + deadline;
        let early = START + (deadline - Duration::from_micros(1));
        let late = Err(Goodbye::MessageDeadline { within: deadline });
        // In pieces, with pings between them, or byte by byte.
        for (start, goes_on) in [
            (frame(TEXT_BEGIN, 1), frame(MORE, 0)),
            (frame(TEXT_BEGIN, 1), frame(PING, 0)),
            (frame(TEXT, 1000)[..20].to_vec(), vec![0]),
        ] {
            let mut meter = meter(100, 100);
            assert_eq!(meter.handle_bytes(START, &start), Ok(()));
            assert_eq!(meter.handle_bytes(early, &goes_on), Ok(()));
            assert_eq!(meter.handle_bytes(due, &goes_on), late);
        }
    }

    #[test]
    fn a_message_that_has_ended_has_no_deadline() {
        let due = START + Config::default().message_deadline;
        let mut meter = meter(100, 100);
        for whole in [
            frame(TEXT, 0),
            frame(TEXT, 7),
            [frame(TEXT_BEGIN, 7), frame(PING, 3), frame(END, 0)].concat(),
            [frame(TEXT, 7), frame(PING, 3)[..2].to_vec()].concat(),
        ] {
            assert_eq!(meter.handle_bytes(START, &whole), Ok(()));
        }
        let rest = &frame(PING, 3)[2..];
        assert_eq!(meter.handle_bytes(due, rest), Ok(()));
        assert_eq!(meter.handle_bytes(due, &frame(TEXT, 7)), Ok(()));
    }

    #[test]
    fn a_close_is_seen_after_the_verdict_too() {
        let mut meter = meter(1, 1);
        assert!(meter.handle_bytes(START, &frame(TEXT, 999)).is_err());
        assert_eq!(meter.handle_bytes(START, &frame(TEXT, 9999)), Ok(()));
        assert!(!meter.has_closed());
        assert_eq!(meter.handle_bytes(START, &frame(0x88, 2)), Ok(()));
        assert!(meter.has_closed());
    }

    /// The first byte of the next message comes so late that the one before would be overdue.
    #[test]
    fn a_message_that_has_ended_has_no_deadline_when_the_next_one_begins_with_one_byte() {
        let due = START + Config::default().message_deadline;
        let mut meter = meter(100, 100);
        assert_eq!(meter.handle_bytes(START, &frame(TEXT, 7)), Ok(()));
        let next = frame(TEXT, 7);
        assert_eq!(meter.handle_bytes(due, &next[..1]), Ok(()));
        assert_eq!(meter.handle_bytes(due, &next[1..]), Ok(()));
    }

    #[test]
    fn a_socket_that_is_being_closed_is_judged_no_more() {
        let mut meter = meter(1, 1);
        meter.give_up(Goodbye::ShuttingDown);
        assert_eq!(meter.verdict(), Some(&Goodbye::ShuttingDown));
        for _ in 0..9 {
            assert_eq!(meter.handle_bytes(START, &frame(TEXT, 9999)), Ok(()));
        }
        // The first reason is the one that counts.
        meter.give_up(Goodbye::JoinDeadline);
        assert_eq!(meter.verdict(), Some(&Goodbye::ShuttingDown));
    }

    #[test]
    fn a_close_is_seen_while_nothing_is_wrong() {
        let mut meter = meter(9, 9);
        assert_eq!(meter.handle_bytes(START, &frame(PING, 2)), Ok(()));
        assert!(!meter.has_closed());
        assert_eq!(meter.handle_bytes(START, &frame(0x88, 2)), Ok(()));
        assert!(meter.has_closed());
        // Whatever follows takes nothing back.
        assert_eq!(meter.handle_bytes(START, &frame(PING, 2)), Ok(()));
        assert!(meter.has_closed());
    }
}
