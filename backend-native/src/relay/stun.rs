//! The STUN messages (RFC 8489, RFC 8656) that are read and written here.

/// Where the attributes begin.
const HEADER: usize = 20;

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

const ALLOCATE: u16 = 0x0003;
const ALLOCATE_ERROR: u16 = 0x0113;

/// The bits of a message's type that say request, indication, success or error.
const CLASS: u16 = 0x0110;

const USERNAME: u16 = 0x0006;
const ERROR_CODE: u16 = 0x0009;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;

/// Tells a request's answer from others.
pub(super) type TransactionId = [u8; 12];

/// A STUN message, as far as it is understood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    kind: u16,
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn read(datagram: &'a [u8]) -> Option<Self> {
        let kind = u16::from_be_bytes(datagram.get(..2)?.try_into().ok()?);
        let is_stun = kind & 0xc000 == 0 && datagram.get(4..8)? == MAGIC_COOKIE;
        (is_stun && datagram.len() >= HEADER).then_some(Self {
            kind,
            bytes: datagram,
        })
    }

    pub(super) fn transaction(&self) -> TransactionId {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..HEADER]);
        id
    }

    pub(super) const fn is_request(&self) -> bool {
        self.kind & CLASS == 0
    }

    /// Success or error.
    pub(super) const fn is_response(&self) -> bool {
        self.kind & 0x0100 != 0
    }

    /// A request for a relayed address that carries a credential. The first one does not, and is always refused.
    pub(super) fn asks_with_credential(&self) -> bool {
        self.kind == ALLOCATE && self.attribute(USERNAME).is_some()
    }

    /// Code and reason, if it refuses a relayed address.
    pub(super) fn allocate_error(&self) -> Option<(u16, String)> {
        if self.kind != ALLOCATE_ERROR {
            return None;
        }
        let value = self.attribute(ERROR_CODE)?;
        let code = u16::from(value.get(2)? & 7) * 100 + u16::from(*value.get(3)?);
        let reason = String::from_utf8_lossy(value.get(4..)?);
        // It ends up in front of a player.
        let reason = reason
            .chars()
            .filter(|c| !c.is_control())
            .take(80)
            .collect();
        Some((code, reason))
    }

    fn attribute(&self, wanted: u16) -> Option<&'a [u8]> {
        let mut attributes = self.bytes.get(HEADER..)?;
        loop {
            let kind = u16::from_be_bytes(attributes.get(..2)?.try_into().ok()?);
            let length = usize::from(u16::from_be_bytes(attributes.get(2..4)?.try_into().ok()?));
            let value = attributes.get(4..4 + length)?;
            if kind == wanted {
                return Some(value);
            }
            attributes = attributes.get(4 + length.next_multiple_of(4)..)?;
        }
    }

    /// What a server would say that cannot help. The `webrtc` crate looks at the answer to a request with a credential alone,
    /// so that one is asked for first. docs/upstream.md, "a failed first Allocate never ends gathering".
    pub(super) fn refusal(&self) -> Vec<u8> {
        let code = if self.kind == ALLOCATE && self.attribute(USERNAME).is_none() {
            [0, 0, 4, 1]
        } else {
            [0, 0, 5, 0]
        };
        let mut answer = (self.kind | CLASS).to_be_bytes().to_vec();
        answer.extend([0, 0]);
        answer.extend(&self.bytes[4..HEADER]);
        for (kind, value) in [(ERROR_CODE, code), (REALM, *b"none"), (NONCE, *b"none")] {
            answer.extend(kind.to_be_bytes());
            answer.extend([0, 4]);
            answer.extend(value);
        }
        let length = u16::try_from(answer.len() - HEADER).unwrap_or(0);
        answer[2..4].copy_from_slice(&length.to_be_bytes());
        answer
    }
}

/// How many bytes of a stream the first message takes, without its padding: STUN or channel data (RFC 8656, section 12.5).
/// `None`: not known yet. An error: neither, so the stream is broken.
pub(super) fn framed(stream: &[u8]) -> Result<Option<usize>, ()> {
    let (Some(kind), Some(length)) = (stream.first(), stream.get(2..4)) else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    match kind >> 6 {
        0 => Ok(Some(HEADER + length)),
        1 => Ok(Some(4 + length)),
        _ => Err(()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const ID: TransactionId = *b"transaction!";

    pub(in super::super) fn message(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut datagram = kind.to_be_bytes().to_vec();
        datagram.extend([0, 0]);
        datagram.extend(MAGIC_COOKIE);
        datagram.extend(ID);
        for (kind, value) in attributes {
            datagram.extend(kind.to_be_bytes());
            let length = u16::try_from(value.len()).expect("short");
            datagram.extend(length.to_be_bytes());
            datagram.extend(*value);
            datagram.resize(datagram.len().next_multiple_of(4), 0);
        }
        let length = u16::try_from(datagram.len() - HEADER).expect("short");
        datagram[2..4].copy_from_slice(&length.to_be_bytes());
        datagram
    }

    pub(in super::super) fn allocate(with_credential: bool) -> Vec<u8> {
        let username: [(u16, &[u8]); 1] = [(USERNAME, b"me")];
        message(ALLOCATE, if with_credential { &username } else { &[] })
    }

    pub(in super::super) fn refused(code: u16, reason: &str) -> Vec<u8> {
        let mut value = vec![0, 0, u8::try_from(code / 100).expect("small")];
        value.push(u8::try_from(code % 100).expect("small"));
        value.extend(reason.as_bytes());
        // Another attribute first, whose length is no multiple of four.
        message(ALLOCATE_ERROR, &[(0x8022, b"xyz"), (ERROR_CODE, &value)])
    }

    #[test]
    fn a_refusal_is_read() {
        let datagram = refused(486, "Allocation Quota Reached\r\n");
        let message = Message::read(&datagram).expect("STUN");
        assert!(message.is_response() && !message.is_request());
        assert_eq!(message.transaction(), ID);
        let expected = (486, "Allocation Quota Reached".to_owned());
        assert_eq!(message.allocate_error(), Some(expected));
    }

    #[test]
    fn what_is_cut_off_is_no_refusal() {
        let whole = refused(403, "Forbidden");
        for length in 0..whole.len() - "Forbidden".len() {
            let error = Message::read(&whole[..length]).and_then(|m| m.allocate_error());
            assert_eq!(error, None);
        }
        assert!(Message::read(&[0xff; 100]).is_none());
    }

    #[test]
    fn a_request_is_refused_in_its_own_words() {
        let request = allocate(false);
        let answer = Message::read(&request).expect("STUN").refusal();
        let answer = Message::read(&answer).expect("STUN");
        assert_eq!(answer.transaction(), ID);
        assert_eq!(answer.allocate_error().expect("refused").0, 401);
        assert_eq!(answer.attribute(NONCE), Some(&b"none"[..]));

        let request = allocate(true);
        let request = Message::read(&request).expect("STUN");
        assert!(request.asks_with_credential());
        let answer = request.refusal();
        let answer = Message::read(&answer).expect("STUN");
        assert_eq!(answer.allocate_error().expect("refused").0, 500);

        let binding = message(0x0001, &[]);
        let answer = Message::read(&binding).expect("STUN").refusal();
        assert_eq!(answer[..2], [0x01, 0x11]);
    }

    #[test]
    fn messages_of_a_stream_are_measured() {
        assert_eq!(framed(&[0x00, 0x01, 0x00]), Ok(None));
        assert_eq!(framed(&message(0x0001, &[])), Ok(Some(20)));
        assert_eq!(framed(&[0x40, 0x00, 0x00, 0x05, 1, 2]), Ok(Some(9)));
        assert_eq!(framed(&[0x80, 0, 0, 0]), Err(()));
        assert_eq!(framed(b"HTTP/1.1 400"), Ok(Some(4 + 0x5450)));
    }
}
