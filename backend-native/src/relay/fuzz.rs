//! What fuzzing gives to the parsers of this module.

use bytes::BytesMut;

use super::stun::Message;
use super::tunnel;

/// Everything that is read of a datagram of a STUN or TURN server, and of a request that is refused in its place.
pub fn stun(datagram: &[u8]) {
    let Some(message) = Message::read(datagram) else {
        return;
    };
    let _ = (message.is_request(), message.is_response());
    let _ = (message.asks_with_credential(), message.allocate_error());
    let refusal = message.refusal();
    let answered = Message::read(&refusal).map(|refusal| refusal.transaction());
    assert_eq!(answered, Some(message.transaction()));
}

/// A stream of a TURN server, in pieces of a length that its first byte decides: where it is cut makes no difference.
pub fn tunnel(stream: &[u8]) {
    let Some((&length, stream)) = stream.split_first() else {
        return;
    };
    let whole = cut(stream, stream.len());
    assert_eq!(cut(stream, length.into()), whole);
    let (taken, _) = whole;
    assert!(taken <= stream.len());
}

/// How many bytes of messages there are in so many pieces of a stream, and whether it is broken.
fn cut(stream: &[u8], length: usize) -> (usize, bool) {
    let mut buffer = BytesMut::new();
    let mut taken = 0;
    for piece in stream.chunks(length.max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match tunnel::take(&mut buffer) {
                Ok(Some(message)) => taken += message.len(),
                Ok(None) => break,
                Err(_) => return (taken, true),
            }
        }
    }
    (taken, false)
}
