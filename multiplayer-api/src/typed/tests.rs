//! The format, and what becomes of a packet that does not have it.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::codec::{read, read_all, read_id, write};
use super::{DecodeError, MESSAGE_BYTES, Message, SendMessageError};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Talk {
    Moved { x: i16, y: i16 },
    Said(String),
    Bye,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Ping;

impl Message for Ping {
    const ID: u16 = 300;
}

fn written<M: Serialize>(message: &M) -> Vec<u8> {
    write(Vec::new(), None, message, MESSAGE_BYTES).unwrap()
}

#[test]
fn the_format_is_compact_and_stable() {
    assert_eq!(written(&Talk::Moved { x: 1, y: -1 }), [0, 2, 1]);
    assert_eq!(written(&Talk::Said("hi".into())), [1, 2, b'h', b'i']);
    assert_eq!(written(&Talk::Bye), [2]);
    assert_eq!(read(&[1, 2, b'h', b'i'], 9), Ok(Talk::Said("hi".into())));
    // The header that was there stays.
    assert_eq!(
        write(alloc::vec![3], None, &Talk::Bye, 1),
        Ok(alloc::vec![3, 2])
    );
}

#[test]
fn an_id_goes_before_the_message() {
    let packet = write(Vec::new(), Some(Ping::ID), &Ping, 9).unwrap();
    assert_eq!(packet, [0xac, 0x02]);
    assert_eq!(read_id(&packet, 9), Ok((300, [].as_slice())));
    assert_eq!(read_all(&[]), Ok(Ping));
}

#[test]
fn a_message_without_content_is_a_message() {
    assert_eq!(written(&Ping), [0]);
    assert_eq!(read(&[0], 9), Ok(Ping));
    assert_eq!(
        read::<Ping>(&[1], 9),
        Err(DecodeError::Trailing { bytes: 1 })
    );
}

#[test]
fn what_is_no_message_is_named() {
    assert_eq!(read::<Talk>(&[9], 9), Err(DecodeError::Malformed));
    assert_eq!(read::<Talk>(&[], 9), Err(DecodeError::Malformed));
    assert_eq!(
        read::<Talk>(&[1, 200, b'h'], 9),
        Err(DecodeError::Malformed)
    );
    assert_eq!(read::<Talk>(&[1, 1, 0xff], 9), Err(DecodeError::Malformed));
    assert_eq!(
        read::<Talk>(&[2, 2], 9),
        Err(DecodeError::Trailing { bytes: 1 })
    );
    assert_eq!(
        read::<Talk>(&[2; 10], 9),
        Err(DecodeError::TooLarge { size: 10, limit: 9 })
    );
    assert_eq!(read_id(&[0xff; 4], 9), Err(DecodeError::Malformed));
    // A length that promises more than there is reserves next to nothing.
    let promised = [0xff, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(read::<Vec<u64>>(&promised, 9), Err(DecodeError::Malformed));
}

#[test]
fn a_message_that_is_too_large_is_not_sent() {
    assert_eq!(
        write(alloc::vec![3], None, &Talk::Said("hello".into()), 6),
        Err(SendMessageError::TooLarge { size: 7, limit: 6 })
    );
}
