//! What the switch reads of a frame.

const ETHERNET: usize = 14;
const UDP: u8 = 17;

/// Destination and source of an Ethernet frame.
pub(super) fn addresses(frame: &[u8]) -> Option<([u8; 6], [u8; 6])> {
    let to = frame.get(..6)?.try_into().ok()?;
    let from = frame.get(6..12)?.try_into().ok()?;
    Some((to, from))
}

/// Whether it is IP, of either version; address resolution is not.
pub(super) fn is_ip(frame: &[u8]) -> bool {
    matches!(frame.get(12..14), Some([0x08, 0x00] | [0x86, 0xdd]))
}

/// The payload of a UDP datagram between two hosts: no multicast, no broadcast, no fragment.
pub(super) fn datagram(frame: &[u8]) -> Option<&[u8]> {
    let packet = frame.get(ETHERNET..)?;
    let (udp, to_one) = match (frame.get(12..14)?, packet.first()? >> 4) {
        ([0x08, 0x00], 4) => {
            let header = usize::from(packet.first()? & 15) * 4;
            let is_whole = packet.get(6)? & 0x3f == 0 && *packet.get(7)? == 0;
            let to_one = *packet.get(16)? < 224;
            let is_udp = *packet.get(9)? == UDP && is_whole;
            (is_udp.then(|| packet.get(header..))??, to_one)
        }
        ([0x86, 0xdd], 6) => {
            let is_udp = *packet.get(6)? == UDP;
            let to_one = *packet.get(24)? != 0xff;
            (is_udp.then(|| packet.get(40..))??, to_one)
        }
        _ => return None,
    };
    to_one.then(|| udp.get(8..))?
}

/// What a datagram of a WebRTC connection is (RFC 7983).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// STUN: ICE's checks.
    Ice,
    /// A DTLS record: the handshake, and SCTP in it.
    Dtls,
    /// Anything else, a name's resolution for instance.
    Other,
}

/// What it is.
pub(super) fn content(payload: &[u8]) -> Content {
    match payload.first() {
        Some(0..=3) if payload.get(4..8) == Some(&[0x21, 0x12, 0xa4, 0x42]) => Content::Ice,
        Some(20..=63) => Content::Dtls,
        _ => Content::Other,
    }
}

/// In a few words, what a datagram of a connection is.
pub(super) fn words(payload: &[u8]) -> String {
    match (content(payload), payload.first(), payload.get(13)) {
        (Content::Dtls, Some(22), Some(kind)) => format!("handshake {kind}"),
        (Content::Dtls, Some(23), _) => "SCTP".to_owned(),
        (Content::Dtls, Some(kind), _) => format!("record {kind}"),
        (Content::Ice, ..) => "ICE".to_owned(),
        (Content::Dtls | Content::Other, ..) => "other".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn udp4(to: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, UDP, 0, 0]);
        frame.extend([10, 0, 0, 1, to, 0, 0, 2]);
        frame.extend([0; 8]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn the_payload_of_a_datagram_between_two_is_found() {
        assert_eq!(datagram(&udp4(10, b"\x16abc")), Some(&b"\x16abc"[..]));
        assert_eq!(datagram(&udp4(224, b"name")), None);
        let mut fragment = udp4(10, b"part");
        fragment[ETHERNET + 6] = 0x20;
        assert_eq!(datagram(&fragment), None);
    }

    #[test]
    fn a_frame_that_ends_early_is_nothing() {
        let frame = udp4(10, b"x");
        for len in 0..frame.len() {
            let _ = (datagram(&frame[..len]), addresses(&frame[..len]));
        }
        assert_eq!(addresses(&frame[..11]), None);
    }

    #[test]
    fn a_datagram_is_known_by_its_first_bytes() {
        assert_eq!(content(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]), Content::Ice);
        assert_eq!(content(&[22, 0xfe, 0xfd]), Content::Dtls);
        assert_eq!(content(&[0x12, 0x34, 1, 0, 0, 1, 0, 0]), Content::Other);
        assert_eq!(content(&[]), Content::Other);
    }
}
