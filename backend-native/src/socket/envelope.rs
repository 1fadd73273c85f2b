//! Looks inside what a TURN server forwards, because a relayed handshake is a handshake, too.

/// The header of channel data (RFC 8656, section 12.4): channel number and length.
const CHANNEL_HEADER: usize = 4;

/// The header of a STUN message (RFC 8489, section 5).
const STUN_HEADER: usize = 20;

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

const SEND_INDICATION: [u8; 2] = [0x00, 0x16];
const DATA_INDICATION: [u8; 2] = [0x00, 0x17];

/// The attribute that carries the application's data.
const DATA: [u8; 2] = [0x00, 0x13];

/// What the peers say to each other in this datagram: all of it, unless it is on its way from or to a TURN server.
pub(crate) fn content(datagram: &[u8]) -> &[u8] {
    match datagram.first() {
        Some(0x40..=0x4f) => channel_data(datagram),
        Some(0x00) => indicated(datagram),
        _ => None,
    }
    .unwrap_or(datagram)
}

/// The number of the TURN channel that this datagram goes through, if it goes through one.
pub(super) fn channel(datagram: &[u8]) -> Option<u16> {
    let number = datagram.get(..2)?.try_into().map(u16::from_be_bytes).ok()?;
    (0x4000..0x5000).contains(&number).then_some(number)
}

fn channel_data(datagram: &[u8]) -> Option<&[u8]> {
    datagram.get(CHANNEL_HEADER..CHANNEL_HEADER + length(datagram, 2)?)
}

fn indicated(datagram: &[u8]) -> Option<&[u8]> {
    let is_indication = [SEND_INDICATION, DATA_INDICATION]
        .iter()
        .any(|kind| datagram.starts_with(kind));
    if !is_indication || datagram.get(4..8)? != MAGIC_COOKIE {
        return None;
    }
    let mut attributes = datagram.get(STUN_HEADER..)?;
    loop {
        let length = length(attributes, 2)?;
        let value = attributes.get(4..4 + length)?;
        if attributes.starts_with(&DATA) {
            return Some(value);
        }
        attributes = attributes.get(4 + length.next_multiple_of(4)..)?;
    }
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indication(kind: [u8; 2]) -> Vec<u8> {
        let mut datagram = kind.to_vec();
        datagram.extend([0, 20]);
        datagram.extend(MAGIC_COOKIE);
        datagram.extend(*b"transaction!");
        // The peer's address, and then what it says: five bytes and their padding.
        datagram.extend([0, 0x12, 0, 2, 1, 2, 0, 0]);
        datagram.extend([0, 0x13, 0, 5]);
        datagram.extend(*b"hello\0\0\0");
        datagram
    }

    #[test]
    fn what_a_turn_server_forwards_is_found() {
        assert_eq!(content(&[0x40, 1, 0, 2, b'h', b'i', 0, 0]), b"hi");
        assert_eq!(content(&indication(SEND_INDICATION)), b"hello");
        assert_eq!(content(&indication(DATA_INDICATION)), b"hello");
    }

    #[test]
    fn anything_else_is_content_itself() {
        let request = indication([0x00, 0x01]);
        assert_eq!(content(&request), request);
        assert_eq!(content(b"\x16hello"), b"\x16hello");
        let whole = indication(DATA_INDICATION);
        for length in 0..whole.len() - 3 {
            assert_eq!(content(&whole[..length]), &whole[..length]);
        }
        assert_eq!(content(&[0x40, 1, 0, 9, 1]), [0x40, 1, 0, 9, 1]);
    }
}
