//! SCTP packets (RFC 9260), written by hand.

/// The port that WebRTC uses on both sides.
const PORT: u16 = 5000;

/// The whole message in one chunk.
const WHOLE: u8 = 3;

/// A packet with this verification tag and these chunks. The checksum is right.
#[must_use]
pub fn packet(tag: u32, chunks: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(12 + chunks.len());
    packet.extend(PORT.to_be_bytes());
    packet.extend(PORT.to_be_bytes());
    packet.extend(tag.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(chunks);
    let checksum = crc32c(&packet);
    packet[8..12].copy_from_slice(&checksum.to_le_bytes());
    packet
}

/// A chunk whose length is right.
#[must_use]
pub fn chunk(kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + body.len()).unwrap_or(u16::MAX);
    chunk_that_says(length, kind, flags, body)
}

/// A chunk that claims a length of its own.
#[must_use]
pub fn chunk_that_says(length: u16, kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut chunk = vec![kind, flags];
    chunk.extend(length.to_be_bytes());
    chunk.extend(body);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

/// A whole message of a stream. `protocol` says what it is: 50 DCEP, 51 text, 53 binary (RFC 8831, 8).
#[must_use]
pub fn data(tsn: u32, stream: u16, sequence: u16, protocol: u32, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(12 + payload.len());
    body.extend(tsn.to_be_bytes());
    body.extend(stream.to_be_bytes());
    body.extend(sequence.to_be_bytes());
    body.extend(protocol.to_be_bytes());
    body.extend(payload);
    chunk(0, WHOLE, &body)
}

/// Says that everything up to this number was given up (RFC 3758).
#[must_use]
pub fn forward_tsn(tsn: u32) -> Vec<u8> {
    chunk(192, 0, &tsn.to_be_bytes())
}

/// The checksum of SCTP (Castagnoli).
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = (crc & 1).wrapping_neg();
            crc = (crc >> 1) ^ (0x82f6_3b78 & carry);
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::{chunk_that_says, crc32c};

    #[test]
    fn the_checksum_is_the_one_of_rfc_9260() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_chunk_is_padded_and_keeps_its_lie() {
        assert_eq!(chunk_that_says(9, 3, 1, &[7]), [3, 1, 0, 9, 7, 0, 0, 0]);
    }
}
