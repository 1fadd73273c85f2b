//! What a client says to the signaling server, and the server to a client.

use signaling::{
    LobbyList, LobbyQuery, Message, MessageType, Notice, Request, decode, decode_godot3, encode,
    encode_godot3, is_godot3,
};

/// A text of Godot 4's protocol, with ours in it. What was read comes back as it was when it is written.
pub(crate) fn messages(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let _ = is_godot3(text);
    let _ = LobbyList::parse(text);
    let Ok(message) = decode(text, signaling::MAX_NOTICE_SIZE) else {
        return;
    };
    assert_eq!(decode(&encode(&message), usize::MAX), Ok(message.clone()));
    understand(&message);
    // What a client of Godot 3 says as well.
    let is_said = matches!(
        message.kind,
        MessageType::Offer | MessageType::Answer | MessageType::Candidate
    );
    if let Some(text) = encode_godot3(&message).filter(|_| is_said) {
        let read = decode_godot3(&text, usize::MAX);
        assert!(read.is_ok_and(|read| read.data == message.data), "{text:?}");
    }
}

/// A text of Godot 3's protocol.
pub(crate) fn godot3(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    if let Ok(message) = decode_godot3(text, signaling::MAX_NOTICE_SIZE) {
        understand(&message);
        let again = encode_godot3(&message).map(|text| decode_godot3(&text, usize::MAX));
        assert!(again.is_none_or(|again| again == Ok(message)), "{text:?}");
    }
}

/// The query of `GET /lobbies`.
pub(crate) fn query(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    if let Ok(query) = LobbyQuery::parse(text) {
        let path = query.path();
        let written = path.split_once('?').map_or("", |(_, query)| query);
        assert_eq!(LobbyQuery::parse(written), Ok(query.clone()), "{path}");
        assert!((1..=signaling::MAX_PAGE).contains(&query.page()));
    }
}

/// What a client and a server make of a message, which they say again in the same way.
fn understand(message: &Message) {
    if let Ok(request) = Request::try_from(message.clone()) {
        let said = Message::from(request.clone());
        assert_eq!(Request::try_from(said), Ok(request));
    }
    if let Ok(notice) = Notice::try_from(message.clone()) {
        let said = Message::from(notice.clone());
        assert_eq!(Notice::try_from(said), Ok(notice));
    }
}
