//! One WebSocket text to one [`Message`] and back: a tolerant reader, a strict writer.

mod fields;

use serde::Serialize;
use thiserror::Error;

use crate::{Extra, Message, MessageType, SignalNumber};

use fields::{Fields, Scalar};

/// The longest text a client sends, and a server takes unless told otherwise, in bytes: 32 KiB.
///
/// A description of a data-only connection has one or two. Well below what any client takes: passing a message on may make
/// it longer by the digits of an id, and no member may end another's connection with a message that just fits. Godot's
/// WebSocket takes 65535 bytes.
pub const MAX_MESSAGE_SIZE: usize = 32 * 1024;

/// The longest text a client takes, in bytes: 64 KiB.
pub const MAX_NOTICE_SIZE: usize = 64 * 1024;

/// The largest id: Godot keeps ids in a signed 32-bit integer.
pub(crate) const MAX_ID: i64 = i32::MAX as i64;

/// Why a text is no message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is longer than this side takes.
    #[error("a message of {size} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Its length in bytes.
        size: usize,
        /// The most that is taken, in bytes.
        limit: usize,
    },
    /// It is not one JSON object.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),
    /// A field that must be there is not.
    #[error("no \"{0}\"")]
    Missing(&'static str),
    /// A field has a type or a value it cannot have.
    #[error("\"{0}\" is not what it must be")]
    Invalid(&'static str),
    /// There is no such type of message.
    #[error("no message has the type {0}")]
    UnknownType(i64),
    /// It is not one of the lines of Godot's 3.x demo.
    #[error("not a message of Godot 3's protocol")]
    NotGodot3,
    /// No peer can have that id.
    #[error("no peer has the id {0}")]
    InvalidId(i64),
}

/// Reads a message of at most `limit` bytes.
///
/// Tolerant where the peers of the field differ: Godot writes whole numbers as `2.0`, some leave out an empty `data`, and
/// fields that are not known are passed over.
///
/// # Errors
///
/// [`DecodeError`]; whatever the text is, nothing panics.
pub fn decode(text: &str, limit: usize) -> Result<Message, DecodeError> {
    check_size(text, limit)?;
    let fields: Fields = serde_json::from_str(text)
        .map_err(|error| DecodeError::NotAnObject(crate::escape_control(&error.to_string())))?;
    let number = integer("type", fields.kind)?;
    let kind = MessageType::from_number(number).ok_or(DecodeError::UnknownType(number))?;
    let id = integer("id", fields.id)?;
    let id = u32::try_from(id)
        .ok()
        .filter(|_| id <= MAX_ID)
        .ok_or(DecodeError::InvalidId(id))?;
    let data = match fields.data {
        Scalar::Text(data) => data,
        Scalar::Absent => String::new(),
        Scalar::Integer(_) | Scalar::Other => return Err(DecodeError::Invalid("data")),
    };
    let extra = Extra {
        version: small(&fields.version),
        token: match fields.token {
            Scalar::Text(token) => Some(token),
            Scalar::Absent | Scalar::Integer(_) | Scalar::Other => None,
        },
        attempt: small(&fields.attempt),
        number: small(&fields.seq).map(|this| SignalNumber {
            this,
            previous: small(&fields.prev).unwrap_or_default(),
        }),
        max_players: small(&fields.max),
        is_listed: small(&fields.list) == Some(1),
        group_of: small(&fields.next),
        host_migration: small(&fields.migrate) == Some(1),
        why: small(&fields.why),
    };
    Ok(Message {
        kind,
        id,
        data,
        extra,
    })
}

/// Writes a message: the three fields of Godot's protocol, whole numbers, and those of our extension that the message has.
#[must_use]
pub fn encode(message: &Message) -> String {
    #[derive(Serialize)]
    struct Wire<'a> {
        r#type: u8,
        id: u32,
        data: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        v: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        r#try: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        prev: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        list: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        migrate: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<u32>,
    }
    let wire = Wire {
        r#type: message.kind.number(),
        id: message.id,
        data: &message.data,
        v: message.extra.version,
        token: message.extra.token.as_deref(),
        r#try: message.extra.attempt,
        seq: message.extra.number.map(|number| number.this),
        prev: message.extra.number.map(|number| number.previous),
        max: message.extra.max_players,
        list: message.extra.is_listed.then_some(1),
        next: message.extra.group_of,
        migrate: message.extra.host_migration.then_some(1),
        why: message.extra.why,
    };
    // Numbers and strings cannot fail; an empty text would be refused by any reader.
    serde_json::to_string(&wire).unwrap_or_default()
}

pub(crate) const fn check_size(text: &str, limit: usize) -> Result<(), DecodeError> {
    let size = text.len();
    if size > limit {
        return Err(DecodeError::TooLarge { size, limit });
    }
    Ok(())
}

/// A field of our extension; one that cannot be ours is passed over, as readers of Godot's protocol do.
fn small(value: &Scalar) -> Option<u32> {
    match value {
        Scalar::Integer(number) => u32::try_from(*number).ok(),
        Scalar::Absent | Scalar::Text(_) | Scalar::Other => None,
    }
}

fn integer(name: &'static str, value: Scalar) -> Result<i64, DecodeError> {
    match value {
        Scalar::Integer(number) => Ok(number),
        Scalar::Absent => Err(DecodeError::Missing(name)),
        Scalar::Text(_) | Scalar::Other => Err(DecodeError::Invalid(name)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Message, DecodeError> {
        decode(text, MAX_MESSAGE_SIZE)
    }

    fn message(kind: MessageType, id: u32, data: &str) -> Message {
        Message::new(kind, id, data)
    }

    #[test]
    fn writes_what_the_demo_writes() {
        assert_eq!(
            encode(&message(MessageType::Candidate, 7, "\n0\n0\ncandidate:1")),
            r#"{"type":6,"id":7,"data":"\n0\n0\ncandidate:1"}"#
        );
    }

    #[test]
    fn reads_what_the_field_writes() {
        let join = message(MessageType::Join, 0, "demo");
        for text in [
            r#"{"type":0,"id":0,"data":"demo"}"#,
            r#"{"data":"demo","id":0.0,"type":0.0}"#,
            r#" { "type" : -0.0, "id" : 0e3, "data" : "demo" } "#,
            r#"{"type":0,"id":0,"data":"demo","token":{"deep":[1,[2,[3]]]},"x":null}"#,
            r#"{"type":0,"id":0,"data":"\u0064emo"}"#,
        ] {
            assert_eq!(read(text), Ok(join.clone()), "{text}");
        }
        for text in [
            r#"{"type":7,"id":0}"#,
            r#"{"type":7,"id":0,"data":null}"#,
            r#"{"type":7.0,"id":0,"data":""}"#,
        ] {
            assert_eq!(read(text), Ok(message(MessageType::Seal, 0, "")), "{text}");
        }
        assert_eq!(
            read(r#"{"type":4,"id":2147483647,"data":"v=0"}"#),
            Ok(message(MessageType::Offer, 2_147_483_647, "v=0"))
        );
    }

    #[test]
    fn fields_of_the_extension_are_read_and_written() {
        let mut join = message(MessageType::Join, 0, "demo");
        join.extra = Extra {
            version: Some(1),
            token: Some("abc".to_owned()),
            attempt: Some(2),
            number: Some(SignalNumber {
                this: u32::MAX,
                previous: 7,
            }),
            max_players: Some(4),
            is_listed: true,
            group_of: Some(5),
            host_migration: true,
            why: Some(1),
        };
        let text = r#"{"type":0,"id":0,"data":"demo","v":1,"token":"abc","try":2,"seq":4294967295,"prev":7,"max":4,"list":1,"next":5,"migrate":1,"why":1}"#;
        assert_eq!(encode(&join), text);
        assert_eq!(read(text), Ok(join));
        // Somebody else's fields of the same names.
        let text = r#"{"type":0,"id":0,"data":"demo","v":"x","token":1,"try":{},"seq":-1,"prev":[],"max":-4,"why":"x"}"#;
        assert_eq!(read(text), Ok(message(MessageType::Join, 0, "demo")));
    }

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            (r#"{"id":0,"data":""}"#, DecodeError::Missing("type")),
            (r#"{"type":0,"data":""}"#, DecodeError::Missing("id")),
            (r#"{"type":"0","id":0}"#, DecodeError::Invalid("type")),
            (r#"{"type":0.5,"id":0}"#, DecodeError::Invalid("type")),
            (r#"{"type":0,"id":[]}"#, DecodeError::Invalid("id")),
            (r#"{"type":0,"id":1e300}"#, DecodeError::Invalid("id")),
            (
                r#"{"type":0,"id":0,"data":5}"#,
                DecodeError::Invalid("data"),
            ),
            (
                r#"{"type":0,"id":0,"data":true}"#,
                DecodeError::Invalid("data"),
            ),
            (
                r#"{"type":0,"id":0,"data":{}}"#,
                DecodeError::Invalid("data"),
            ),
            (r#"{"type":8,"id":0}"#, DecodeError::UnknownType(8)),
            (r#"{"type":-1,"id":0}"#, DecodeError::UnknownType(-1)),
            (r#"{"type":4,"id":-7}"#, DecodeError::InvalidId(-7)),
            (
                r#"{"type":4,"id":2147483648}"#,
                DecodeError::InvalidId(2_147_483_648),
            ),
        ];
        for (text, error) in cases {
            assert_eq!(read(text), Err(error), "{text}");
        }
        for text in [
            "",
            "null",
            "[0,0,\"demo\"]",
            "\"x\"",
            "{",
            r#"{"type":0,"id":0,"data":""} x"#,
            r#"{"type":0,"type":1,"id":0}"#,
        ] {
            assert!(
                matches!(read(text), Err(DecodeError::NotAnObject(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn the_size_is_bounded_before_anything_is_read() {
        let text = encode(&message(MessageType::Offer, 2, "x"));
        let size = text.len();
        assert!(decode(&text, size).is_ok());
        assert_eq!(
            decode(&text, size - 1),
            Err(DecodeError::TooLarge {
                size,
                limit: size - 1
            })
        );
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let depth = 10_000;
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let message = message(MessageType::Seal, 0, "");
        let text = format!(r#"{{"type":7,"id":0,"x":{open}{close}}}"#);
        assert_eq!(read(&text), Ok(message));
        assert!(read(&format!(r#"{{"type":7,"id":0,"x":{open}}}"#)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in 0_i64..8, id in 0_u32..=2_147_483_647, data in any::<String>()) {
            let kind = MessageType::from_number(number).ok_or_else(|| TestCaseError::fail("no type"))?;
            let message = Message::new(kind, id, data);
            prop_assert_eq!(decode(&encode(&message), usize::MAX), Ok(message));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn nothing_like_a_message_panics(text in r#"\{"type":[-0-9.e]{0,6},"id":[-0-9.e]{0,12},"data":("[^"]{0,9}"?|null|\[|\{)\}?"#) {
            let _ = read(&text);
        }
    }
}
