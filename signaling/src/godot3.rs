//! The protocol of Godot's 3.x demo: one line that says what it is about, and the rest.
//!
//! Its messages are those of the 4.x demo, written in another way: a letter, a colon, a space, an id or a lobby's name, a newline, and what is
//! said. There is no client/server lobby. One rule differs, and a server has no part in it: of two members the one with the lower id
//! makes the offer.

use crate::codec::{MAX_ID, check_size};
use crate::{DecodeError, Message, MessageType};

/// How the first message of a client of Godot's 3.x demo begins. One of the 4.x demo begins with a brace.
const JOIN: &str = "J: ";

/// Whether a client whose first message this is speaks the protocol of Godot's 3.x demo.
#[must_use]
pub fn is_godot3(first: &str) -> bool {
    first.starts_with(JOIN)
}

/// Reads a message of a client of Godot's 3.x demo, of at most `limit` bytes.
///
/// ```
/// use signaling::{MAX_MESSAGE_SIZE, MessageType, decode_godot3};
///
/// let offer = decode_godot3("O: 7\nv=0\r\n", MAX_MESSAGE_SIZE)?;
/// assert_eq!((offer.kind, offer.id, &*offer.data), (MessageType::Offer, 7, "v=0\r\n"));
/// # Ok::<(), signaling::DecodeError>(())
/// ```
///
/// # Errors
///
/// [`DecodeError`]; whatever the text is, nothing panics.
pub fn decode_godot3(text: &str, limit: usize) -> Result<Message, DecodeError> {
    check_size(text, limit)?;
    let (head, data) = text.split_once('\n').ok_or(DecodeError::NotGodot3)?;
    let (letter, subject) = head.split_once(": ").ok_or(DecodeError::NotGodot3)?;
    let kind = match letter {
        "J" => return Ok(Message::new(MessageType::Join, 0, subject)),
        "S" => return Ok(Message::new(MessageType::Seal, 0, "")),
        "O" => MessageType::Offer,
        "A" => MessageType::Answer,
        "C" => MessageType::Candidate,
        _ => return Err(DecodeError::NotGodot3),
    };
    let id: i64 = subject.parse().map_err(|_| DecodeError::Invalid("id"))?;
    let id = u32::try_from(id).ok().filter(|_| id <= MAX_ID);
    let id = id.ok_or_else(|| DecodeError::InvalidId(subject.parse().unwrap_or_default()))?;
    Ok(Message::new(kind, id, data))
}

/// Writes a message for a client of Godot's 3.x demo; nothing for one that it does not have.
#[must_use]
pub fn encode_godot3(message: &Message) -> Option<String> {
    let Message { kind, id, data, .. } = message;
    Some(match kind {
        MessageType::Join => format!("{JOIN}{data}\n"),
        MessageType::Id => format!("I: {id}\n"),
        MessageType::PeerConnect => format!("N: {id}\n"),
        MessageType::PeerDisconnect => format!("D: {id}\n"),
        MessageType::Offer => format!("O: {id}\n{data}"),
        MessageType::Answer => format!("A: {id}\n{data}"),
        MessageType::Candidate => format!("C: {id}\n{data}"),
        MessageType::Seal => "S: \n".to_owned(),
        MessageType::Ping
        | MessageType::Pong
        | MessageType::Welcome
        | MessageType::PeerResumed
        | MessageType::Leave
        | MessageType::Kick
        | MessageType::Ban
        | MessageType::Lock
        | MessageType::Data
        | MessageType::MemberData
        | MessageType::List
        | MessageType::Host
        | MessageType::Drain => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::MAX_MESSAGE_SIZE;

    fn read(text: &str) -> Result<Message, DecodeError> {
        decode_godot3(text, MAX_MESSAGE_SIZE)
    }

    #[test]
    fn messages_are_those_of_the_3_x_demo() {
        let cases = [
            ("J: demo\n", MessageType::Join, 0, "demo"),
            ("J: \n", MessageType::Join, 0, ""),
            ("S: \n", MessageType::Seal, 0, ""),
            ("O: 7\nv=0\n", MessageType::Offer, 7, "v=0\n"),
            ("A: 2147483647\n", MessageType::Answer, 2_147_483_647, ""),
            ("C: 1\n\n0\n0\nc", MessageType::Candidate, 1, "\n0\n0\nc"),
        ];
        for (text, kind, id, data) in cases {
            let message = Message::new(kind, id, data);
            assert_eq!(read(text), Ok(message.clone()), "{text:?}");
            assert_eq!(encode_godot3(&message).as_deref(), Some(text));
        }
        let told = [
            ("I: 7\n", MessageType::Id),
            ("N: 7\n", MessageType::PeerConnect),
            ("D: 7\n", MessageType::PeerDisconnect),
        ];
        for (text, kind) in told {
            let message = Message::new(kind, 7, "true");
            assert_eq!(encode_godot3(&message).as_deref(), Some(text));
        }
        let ours = Message::new(MessageType::Pong, 0, "");
        assert_eq!(encode_godot3(&ours), None);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let large = DecodeError::TooLarge { size: 8, limit: 7 };
        assert_eq!(decode_godot3("J: demo\n", 7), Err(large));
        for (text, error) in [
            ("", DecodeError::NotGodot3),
            ("J: demo", DecodeError::NotGodot3),
            ("J:demo\n", DecodeError::NotGodot3),
            ("I: 7\n", DecodeError::NotGodot3),
            ("X: 7\n", DecodeError::NotGodot3),
            ("O: x\n", DecodeError::Invalid("id")),
            ("O: \n", DecodeError::Invalid("id")),
            ("O: -1\n", DecodeError::InvalidId(-1)),
            ("O: 2147483648\n", DecodeError::InvalidId(2_147_483_648)),
        ] {
            assert_eq!(read(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_client_is_known_by_its_first_message() {
        assert!(is_godot3("J: demo\n") && is_godot3("J: \n"));
        for other in ["", r#"{"type":0}"#, " J: demo\n", "S: \n"] {
            assert!(!is_godot3(other), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), head in "[A-Z]: -?[0-9]{0,20}\n.*") {
            let _ = read(&text);
            let _ = read(&head);
        }
    }
}
