//! What a [`PacketPeer`] fetches ahead.

use alloc::vec;

use super::*;
use crate::PacketPeer;

type Peer = PacketPeer<Player>;

/// So many packets of so many bytes come from peer 7.
fn come(peer: &mut Peer, link: LinkId, count: usize, size: usize) {
    for _ in 0..count {
        let message = LinkEvent::Message {
            link,
            channel: TransferMode::Reliable.channel(),
            payload: Payload::from(vec![0; size]),
        };
        happened(peer.peer_mut(), message);
    }
}

fn connected_packets() -> (Peer, LinkId) {
    let (session, link) = connected();
    (PacketPeer::new(session), link)
}

#[test]
fn no_more_is_fetched_than_the_limits_say() {
    for (size, most) in [(16 * 1024, 64), (0, 4096)] {
        let (mut peer, link) = connected_packets();
        come(&mut peer, link, most + 2, size);
        assert_eq!(peer.poll(), None);
        assert_eq!(peer.available_packet_count(), most);
        assert!(peer.take_packet().is_some());
        assert_eq!(peer.poll(), None);
        assert_eq!(peer.available_packet_count(), most, "of {size} bytes");
    }
}

#[test]
fn all_events_of_a_frame_are_kept() {
    let (mut peer, _) = connected_packets();
    for _ in 0..3 {
        signaled(peer.peer_mut(), SignalingEvent::Sealed);
    }
    assert_eq!(iter::from_fn(|| peer.poll()).count(), 3);
}

#[test]
fn a_packet_that_is_there_is_taken_before_more_is_fetched() {
    let (mut peer, link) = connected_packets();
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..2 {
        come(&mut peer, link, 1, 1);
        assert_eq!(peer.poll_ready(&mut cx), Poll::Ready(()));
        assert_eq!(peer.available_packet_count(), 1);
    }
}
