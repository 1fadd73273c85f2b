//! What a DTLS handshake has said already, so that a repetition can be left out.
//!
//! **The fault.** A peer repeats a flight (RFC 6347, section 4.2.4) when it has had no answer for a while. The `webrtc` crate
//! takes a repetition for an answer: it stops the timer of the flight it has sent itself, finds nothing new, and waits. Had
//! that flight been lost, it is never sent again, and the handshake fails after 9 s.
//!
//! **The cure.** A datagram that says nothing new does not reach the crate, whose timer runs on. The lost flight is sent again
//! at once (`unanswered`). docs/upstream.md, "a repeated flight stops the timer".

use std::net::SocketAddr;

use super::envelope;

/// How many pieces of messages are remembered. A handshake has about a dozen; with more nothing is left out any more.
const PIECES: usize = 128;

const RECORD_HEADER: usize = 13;
const MESSAGE_HEADER: usize = 12;

const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// What a datagram adds to a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Something that has not been said before; or it belongs to no handshake.
    New,
    /// Nothing: the far side has had no answer. The crate must hear it all the same.
    Repeated,
    /// Nothing, and the crate would take it for an answer.
    RepeatedInVain,
}

/// The messages of handshakes that a connection's sockets have received.
#[derive(Debug, Default)]
pub(super) struct Heard(Vec<Piece>);

/// A piece of a message. Retransmissions have another record number, but the same message number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    from: SocketAddr,
    message: Message,
    start: u32,
    end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Plain {
        kind: u8,
        number: u16,
    },
    /// From here on everything is encrypted.
    ChangeCipherSpec,
    /// The one encrypted message of a handshake, which ends it.
    Finished,
}

impl Heard {
    /// Notes what a datagram says, and tells whether that is new.
    pub(super) fn hear(&mut self, from: SocketAddr, datagram: &[u8]) -> Told {
        let Some(pieces) = pieces(from, envelope::content(datagram)) else {
            return Told::New;
        };
        if !pieces.iter().all(|piece| self.has(piece)) {
            for piece in pieces {
                if self.0.len() < PIECES && !self.has(&piece) {
                    self.0.push(piece);
                }
            }
            return Told::New;
        }
        if pieces.iter().any(|piece| self.must_be_answered(piece)) {
            Told::Repeated
        } else {
            Told::RepeatedInVain
        }
    }

    /// Whether the whole piece has come, maybe cut otherwise.
    fn has(&self, piece: &Piece) -> bool {
        let of_message =
            |heard: &&Piece| (heard.from, heard.message) == (piece.from, piece.message);
        let mut covered = piece.start;
        loop {
            let next = self.0.iter().filter(of_message);
            let next = next.filter(|heard| heard.start <= covered);
            match next.map(|heard| heard.end).max() {
                Some(end) if end >= piece.end => return true,
                Some(end) if end > covered => covered = end,
                Some(_) | None => return false,
            }
        }
    }

    /// What the crate answers by itself. A server keeps no timer for its answer to a client's first message (section 4.2.1),
    /// so it must hear each repetition until the second message has come. Whoever has ended a handshake answers the far
    /// side's end (section 4.2.4).
    fn must_be_answered(&self, piece: &Piece) -> bool {
        let hello = |number| Message::Plain {
            kind: CLIENT_HELLO,
            number,
        };
        let is_past_hello = || {
            let mut heard = self.0.iter();
            heard.any(|heard| heard.from == piece.from && heard.message == hello(1))
        };
        match piece.message {
            Message::ChangeCipherSpec | Message::Finished => true,
            message @ Message::Plain { .. } => message == hello(0) && !is_past_hello(),
        }
    }
}

/// The pieces of messages in a datagram, if there is nothing else in it.
fn pieces(from: SocketAddr, datagram: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut records = datagram;
    let whole = |message| Piece {
        from,
        message,
        start: 0,
        end: 0,
    };
    while !records.is_empty() {
        let header = records.get(..RECORD_HEADER)?;
        let is_plain = header[3..5] == [0, 0];
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let record = records.get(RECORD_HEADER..RECORD_HEADER + length)?;
        match header[0] {
            HANDSHAKE if is_plain => messages(from, record, &mut pieces)?,
            HANDSHAKE => pieces.push(whole(Message::Finished)),
            CHANGE_CIPHER_SPEC => pieces.push(whole(Message::ChangeCipherSpec)),
            _ => return None,
        }
        records = &records[RECORD_HEADER + length..];
    }
    (!pieces.is_empty()).then_some(pieces)
}

/// The pieces of messages in a record that is not encrypted.
fn messages(from: SocketAddr, record: &[u8], pieces: &mut Vec<Piece>) -> Option<()> {
    let mut messages = record;
    while !messages.is_empty() {
        let header = messages.get(..MESSAGE_HEADER)?;
        let number =
            |at: usize| u32::from_be_bytes([0, header[at], header[at + 1], header[at + 2]]);
        let (start, length) = (number(6), number(9));
        pieces.push(Piece {
            from,
            message: Message::Plain {
                kind: header[0],
                number: u16::from_be_bytes([header[4], header[5]]),
            },
            start,
            end: start + length,
        });
        messages = messages.get(MESSAGE_HEADER + usize::try_from(length).ok()?..)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER_HELLO: u8 = 2;
    const CERTIFICATE: u8 = 11;

    /// A record with a piece of a message of 100 bytes.
    fn record(number: u8, kind: u8, message: u8, start: u8, length: u8) -> Vec<u8> {
        let mut record = vec![
            HANDSHAKE,
            254,
            253,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            number,
            0,
            12 + length,
        ];
        record.extend([kind, 0, 0, 100, 0, message, 0, 0, start, 0, 0, length]);
        record.resize(record.len() + usize::from(length), 7);
        record
    }

    fn hear(heard: &mut Heard, port: u16, datagram: &[u8]) -> Told {
        heard.hear(SocketAddr::from(([192, 0, 2, 1], port)), datagram)
    }

    #[test]
    fn what_was_said_with_another_record_number_is_repeated() {
        let heard = &mut Heard::default();
        let hello = record(1, SERVER_HELLO, 1, 0, 100);
        let certificate = record(2, CERTIFICATE, 2, 0, 60);
        let both = [&hello[..], &certificate].concat();
        assert_eq!(hear(heard, 1, &both), Told::New);
        for again in [
            record(3, SERVER_HELLO, 1, 0, 100),
            record(3, CERTIFICATE, 2, 10, 20),
        ] {
            assert_eq!(hear(heard, 1, &again), Told::RepeatedInVain);
        }
        // Something new, or from somebody else.
        for (port, datagram) in [
            (1, record(4, CERTIFICATE, 2, 60, 40)),
            (1, record(4, CERTIFICATE, 3, 0, 60)),
            (2, record(4, SERVER_HELLO, 1, 0, 100)),
        ] {
            assert_eq!(hear(heard, port, &datagram), Told::New);
        }
    }

    #[test]
    fn a_message_may_be_cut_otherwise_when_it_is_repeated() {
        let heard = &mut Heard::default();
        for (start, length) in [(0, 30), (60, 40), (20, 30)] {
            let piece = record(1, CERTIFICATE, 2, start, length);
            assert_eq!(hear(heard, 1, &piece), Told::New);
        }
        let with_a_gap = record(2, CERTIFICATE, 2, 40, 60);
        let without = record(2, CERTIFICATE, 2, 0, 50);
        assert_eq!(hear(heard, 1, &without), Told::RepeatedInVain);
        assert_eq!(hear(heard, 1, &with_a_gap), Told::New);
        let whole = record(3, CERTIFICATE, 2, 0, 100);
        assert_eq!(hear(heard, 1, &whole), Told::RepeatedInVain);
    }

    #[test]
    fn a_relayed_handshake_is_one_as_well() {
        let heard = &mut Heard::default();
        let through_a_channel = |number| {
            let hello = record(number, SERVER_HELLO, 1, 0, 100);
            let length = u8::try_from(hello.len()).expect("short");
            [&[0x40, 1, 0, length], &hello[..]].concat()
        };
        assert_eq!(hear(heard, 1, &through_a_channel(1)), Told::New);
        assert_eq!(hear(heard, 1, &through_a_channel(2)), Told::RepeatedInVain);
    }

    #[test]
    fn a_clients_first_message_is_heard_until_the_second() {
        let heard = &mut Heard::default();
        let hello = |number| record(number, CLIENT_HELLO, number, 0, 100);
        assert_eq!(hear(heard, 1, &hello(0)), Told::New);
        assert_eq!(hear(heard, 1, &hello(0)), Told::Repeated);
        assert_eq!(hear(heard, 1, &hello(1)), Told::New);
        assert_eq!(hear(heard, 1, &hello(1)), Told::RepeatedInVain);
        assert_eq!(hear(heard, 1, &hello(0)), Told::RepeatedInVain);
    }

    #[test]
    fn the_end_of_a_handshake_is_repeated_and_heard() {
        let heard = &mut Heard::default();
        let mut finished = record(1, CERTIFICATE, 1, 0, 50);
        finished[4] = 1;
        let mut change_cipher_spec = record(1, CERTIFICATE, 1, 0, 50);
        change_cipher_spec[0] = CHANGE_CIPHER_SPEC;
        for end in [finished, change_cipher_spec] {
            assert_eq!(hear(heard, 1, &end), Told::New);
            assert_eq!(hear(heard, 1, &end), Told::Repeated);
        }
    }

    #[test]
    fn anything_else_is_new() {
        let heard = &mut Heard::default();
        let whole = record(1, CERTIFICATE, 1, 0, 50);
        let mut application_data = whole.clone();
        application_data[0] = 23;
        for _ in 0..2 {
            assert_eq!(hear(heard, 1, &application_data), Told::New);
            for length in 0..whole.len() {
                assert_eq!(hear(heard, 1, &whole[..length]), Told::New);
            }
        }
    }

    #[test]
    fn a_flood_is_not_remembered() {
        let mut heard = Heard::default();
        for port in 1..1000 {
            hear(&mut heard, port, &record(1, SERVER_HELLO, 1, 0, 100));
        }
        assert_eq!(heard.0.len(), PIECES);
    }
}
