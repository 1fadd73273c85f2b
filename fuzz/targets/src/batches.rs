//! Messages that share a packet.

use mesh_core::platform::batch::{Batch, MAX_BATCH, Packed, whole};
use mesh_core::{ChannelIndex, Event, Payload};

use crate::mesh::Duo;

const RELIABLE: ChannelIndex = ChannelIndex(0);

/// What a batch begins with.
const MARK: &[u8] = b"\xf8BAT";

/// What a peer gets that announces batches.
fn heard(messages: Vec<Payload>) -> Option<Vec<Payload>> {
    let mut duo = Duo::connected("a=webrtc-multiplayer-batches:sendrecv")?;
    for message in messages {
        duo.says(RELIABLE, message);
    }
    let packets = duo.told().into_iter().filter_map(|event| {
        let Event::Packet(packet) = event else {
            return None;
        };
        Some(packet.payload)
    });
    let packets = packets.collect();
    (!duo.is_over()).then_some(packets)
}

/// The input as one message of a peer: alone, and after the mark of a batch. Then its pieces, each after a byte that says how
/// long it is, as messages of ours: they come apart as they were joined.
pub(crate) fn messages(input: &[u8]) {
    for message in [input.to_vec(), [MARK, input].concat()] {
        let len = message.len();
        let is_batch = message.starts_with(MARK);
        let Some(heard) = heard(vec![Payload::from(message.clone())]) else {
            assert!(is_batch, "what is no batch is no fault");
            continue;
        };
        if is_batch {
            let bytes: usize = heard.iter().map(Payload::len).sum();
            assert!(bytes < len, "more than was sent");
        } else {
            assert_eq!(heard, [Payload::from(message)]);
        }
    }
    let pieces = pieces(input);
    let mut batch = Batch::default();
    let mut left: Vec<Packed> = Vec::new();
    for piece in pieces.clone() {
        left.extend(batch.join(piece).into_iter().flatten());
    }
    left.extend(batch.take());
    for packed in &left {
        let bytes = packed.payload.len();
        assert!(bytes <= MAX_BATCH.max(255 + MARK.len() + 1), "{bytes}");
    }
    let sent = left.into_iter().map(|packed| packed.payload).collect();
    assert_eq!(heard(sent), Some(pieces.clone()), "joined");
    let alone = pieces.iter().cloned().map(whole).collect();
    assert_eq!(heard(alone), Some(pieces), "alone");
}

fn pieces(mut input: &[u8]) -> Vec<Payload> {
    let mut pieces = Vec::new();
    while let Some((&length, rest)) = input.split_first() {
        let (piece, rest) = rest.split_at(rest.len().min(length.into()));
        // Text goes as it is.
        let bytes = bytes::Bytes::copy_from_slice(piece);
        pieces.push(match str::from_utf8(piece) {
            Ok(_) if length % 8 == 7 => Payload::Text(bytes),
            Ok(_) | Err(_) => Payload::Binary(bytes),
        });
        input = rest;
    }
    pieces
}
