//! What a DTLS handshake has said already, so that a repetition can be left out.
//!
//! **The fault.** A peer repeats a flight (RFC 6347, section 4.2.4) when it has had no answer for a while. The `webrtc` crate
//! takes a repetition for an answer: it stops the timer of the flight it has sent itself, finds nothing new, and waits. Had
//! that flight been lost, it is never sent again, and the handshake fails after 9 s.
//!
//! **The cure.** A datagram that says nothing new does not reach the crate. Its timer runs on, and the lost flight is sent
//! again after a second. docs/upstream.md, "a repeated flight stops the timer".

use std::net::SocketAddr;

/// How many pieces of messages are remembered. A handshake has about a dozen; with more nothing is left out any more.
const PIECES: usize = 128;

const RECORD_HEADER: usize = 13;
const MESSAGE_HEADER: usize = 12;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// The plain part of the handshakes that a connection's sockets have received.
#[derive(Debug, Default)]
pub(super) struct Heard(Vec<Piece>);

/// A piece of a message. Retransmissions have another record number, but the same message number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    from: SocketAddr,
    kind: u8,
    message: u16,
    start: u32,
    end: u32,
}

impl Heard {
    /// Notes what a datagram says; whether all of it has been said before.
    pub(super) fn is_repeated(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        let Some(pieces) = pieces(from, datagram) else {
            return false;
        };
        let is_repeated = pieces.iter().all(|piece| self.has(piece));
        if !is_repeated {
            for piece in &pieces {
                if self.0.len() < PIECES && !self.has(piece) {
                    self.0.push(*piece);
                }
            }
        }
        is_repeated && !pieces.iter().any(|piece| self.must_be_answered(piece))
    }

    fn has(&self, piece: &Piece) -> bool {
        self.0.iter().any(|heard| {
            (heard.from, heard.kind, heard.message) == (piece.from, piece.kind, piece.message)
                && heard.start <= piece.start
                && heard.end >= piece.end
        })
    }

    /// The first word of a client. A server keeps no timer for its answer to that (section 4.2.1), so it must hear each
    /// repetition until the second one has come.
    fn must_be_answered(&self, piece: &Piece) -> bool {
        let is_hello =
            |piece: &Piece, message| (piece.kind, piece.message) == (CLIENT_HELLO, message);
        is_hello(piece, 0)
            && !self
                .0
                .iter()
                .any(|heard| heard.from == piece.from && is_hello(heard, 1))
    }
}

/// The pieces of messages in a datagram, if there is nothing else in it and none is encrypted.
fn pieces(from: SocketAddr, datagram: &[u8]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut records = datagram;
    while !records.is_empty() {
        let header = records.get(..RECORD_HEADER)?;
        let is_plain = header[3..5] == [0, 0];
        if header[0] != HANDSHAKE || !is_plain {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let mut messages = records.get(RECORD_HEADER..RECORD_HEADER + length)?;
        while !messages.is_empty() {
            let header = messages.get(..MESSAGE_HEADER)?;
            let number =
                |at: usize| u32::from_be_bytes([0, header[at], header[at + 1], header[at + 2]]);
            let (start, length) = (number(6), number(9));
            pieces.push(Piece {
                from,
                kind: header[0],
                message: u16::from_be_bytes([header[4], header[5]]),
                start,
                end: start + length,
            });
            messages = messages.get(MESSAGE_HEADER + usize::try_from(length).ok()?..)?;
        }
        records = &records[RECORD_HEADER + length..];
    }
    (!pieces.is_empty()).then_some(pieces)
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

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn what_was_said_with_another_record_number_is_repeated() {
        let mut heard = Heard::default();
        let hello = record(1, SERVER_HELLO, 1, 0, 100);
        let certificate = record(2, CERTIFICATE, 2, 0, 60);
        assert!(!heard.is_repeated(peer(1), &[&hello[..], &certificate].concat()));
        assert!(heard.is_repeated(peer(1), &record(3, SERVER_HELLO, 1, 0, 100)));
        assert!(heard.is_repeated(peer(1), &record(3, CERTIFICATE, 2, 10, 20)));
        // Something new, or from somebody else.
        assert!(!heard.is_repeated(peer(1), &record(4, CERTIFICATE, 2, 60, 40)));
        assert!(!heard.is_repeated(peer(1), &record(4, CERTIFICATE, 3, 0, 60)));
        assert!(!heard.is_repeated(peer(2), &record(4, SERVER_HELLO, 1, 0, 100)));
    }

    #[test]
    fn a_clients_first_word_is_heard_until_the_second() {
        let mut heard = Heard::default();
        for _ in 0..3 {
            assert!(!heard.is_repeated(peer(1), &record(0, CLIENT_HELLO, 0, 0, 100)));
        }
        assert!(!heard.is_repeated(peer(1), &record(1, CLIENT_HELLO, 1, 0, 100)));
        assert!(heard.is_repeated(peer(1), &record(2, CLIENT_HELLO, 1, 0, 100)));
        assert!(heard.is_repeated(peer(1), &record(3, CLIENT_HELLO, 0, 0, 100)));
    }

    #[test]
    fn anything_else_passes() {
        let mut heard = Heard::default();
        let mut encrypted = record(1, CERTIFICATE, 1, 0, 50);
        encrypted[4] = 1;
        let mut change_cipher_spec = record(1, CERTIFICATE, 1, 0, 50);
        change_cipher_spec[0] = 20;
        let whole = record(1, CERTIFICATE, 1, 0, 50);
        for _ in 0..2 {
            assert!(!heard.is_repeated(peer(1), &encrypted));
            assert!(!heard.is_repeated(peer(1), &change_cipher_spec));
            for length in 0..whole.len() {
                assert!(!heard.is_repeated(peer(1), &whole[..length]));
            }
        }
    }

    #[test]
    fn a_flood_is_not_remembered() {
        let mut heard = Heard::default();
        for port in 1..1000 {
            heard.is_repeated(peer(port), &record(1, SERVER_HELLO, 1, 0, 100));
        }
        assert_eq!(heard.0.len(), PIECES);
    }
}
