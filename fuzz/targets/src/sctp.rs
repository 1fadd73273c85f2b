//! Packets to an association of SCTP that stands.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hostile_member::{chunk, packet};
use rtc::sctp::{
    Association, AssociationHandle, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    ServerConfig, StreamEvent, TransportConfig,
};
use rtc::shared::TransportProtocol;

/// FORWARD-TSN takes the crate one turn of a loop for each number that it skips (docs/upstream.md), so a fuzzer that skips as many
/// as it likes does nothing else.
const MOST_SKIPPED: u32 = 1 << 12;

const FORWARD_TSN: u8 = 192;

const TAG: u32 = 7;
const FIRST_TSN: u32 = 1000;

/// An association of the crate, seen from its peer.
struct Peer {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    now: Instant,
    tag: u32,
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl Peer {
    /// One that has answered INIT and COOKIE ECHO.
    fn open() -> Option<Self> {
        let server = ServerConfig::new(TransportConfig::default());
        let mut peer = Self {
            endpoint: Endpoint::new(
                address(1),
                TransportProtocol::UDP,
                Arc::new(EndpointConfig::new()),
                Some(Arc::new(server)),
            ),
            association: None,
            now: Instant::now(),
            tag: 0,
        };
        let numbers = [TAG, 1 << 20, u32::MAX, FIRST_TSN].map(u32::to_be_bytes);
        // With forward TSN (RFC 3758) and RE-CONFIG (RFC 6525).
        let extensions = [192, 0, 0, 4, 128, 8, 0, 6, 130, 192, 0, 0];
        let init = [numbers.as_flattened(), &extensions].concat();
        let answers = peer.hear(&packet(0, &chunk(1, 0, &init)));
        let answer = answers.first()?;
        peer.tag = u32::from_be_bytes(answer.get(16..20)?.try_into().ok()?);
        let cookie = cookie(answer.get(32..)?)?;
        let echo = packet(peer.tag, &chunk(10, 0, cookie));
        peer.hear(&echo);
        Some(peer)
    }

    /// Takes a datagram, reads what came with it, and answers.
    fn hear(&mut self, datagram: &[u8]) -> Vec<Bytes> {
        let datagram = Bytes::copy_from_slice(datagram);
        let heard = self.endpoint.handle(self.now, address(2), None, datagram);
        match heard {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                self.association = Some((handle, association));
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some((_, association)) = &mut self.association {
                    association.handle_event(event);
                }
            }
            Some(_) | None => {}
        }
        self.now += Duration::from_millis(250);
        let Some((handle, association)) = &mut self.association else {
            return Vec::new();
        };
        association.handle_timeout(self.now);
        while let Some(event) = association.poll() {
            if let Event::Stream(StreamEvent::Readable { id }) = event
                && let Ok(mut stream) = association.stream(id)
            {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(Some(chunks)) = stream.read_sctp() {
                    let _ = chunks.read(&mut buffer);
                }
            }
        }
        while let Some(event) = association.poll_endpoint_event() {
            self.endpoint.handle_event(*handle, event);
        }
        let mut answers = Vec::new();
        while let Some(transmit) = association.poll_transmit(self.now) {
            if let Payload::RawEncode(packets) = transmit.message {
                answers.extend(packets);
            }
        }
        answers
    }
}

/// The state cookie among parameters.
fn cookie(mut parameters: &[u8]) -> Option<&[u8]> {
    loop {
        let [k0, k1, high, low, ..] = *parameters else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low])).max(4);
        if [k0, k1] == [0, 7] {
            return parameters.get(4..length);
        }
        parameters = parameters.get(length.next_multiple_of(4)..)?;
    }
}

/// Chunks of packets, each packet after a byte that says how long its chunks are. Header and checksum are right.
pub(crate) fn packets(mut input: &[u8]) {
    let Some(mut peer) = Peer::open() else {
        return;
    };
    while let Some((&length, rest)) = input.split_first() {
        let (chunks, rest) = rest.split_at(rest.len().min(length.into()));
        if skips_far(chunks) {
            return;
        }
        peer.hear(&packet(peer.tag, chunks));
        input = rest;
    }
}

/// Whether a chunk anywhere in there could be a FORWARD-TSN over many numbers.
fn skips_far(chunks: &[u8]) -> bool {
    let mut places = chunks.windows(8);
    places.any(|place| {
        let number = place.get(4..8).and_then(|number| number.try_into().ok());
        let skipped = number.map(|number| u32::from_be_bytes(number).wrapping_sub(FIRST_TSN));
        place[0] == FORWARD_TSN
            && skipped.is_some_and(|skipped| (MOST_SKIPPED..1 << 31).contains(&skipped))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_association_stands_and_acknowledges() {
        let mut peer = Peer::open().expect("an association");
        let data = hostile_member::data(FIRST_TSN, 1, 0, 53, b"hello");
        let answers = peer.hear(&packet(peer.tag, &data));
        let sack = answers.iter().any(|answer| answer.get(12) == Some(&3));
        assert!(sack, "{answers:?}");
    }
}
