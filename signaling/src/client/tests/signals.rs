//! Being in: members, signals, the seal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use mesh_core::{
    IceCandidate, LostReason, SdpType, SessionDescription, Signal, Signaling, SignalingError,
    SignalingEvent,
};

use super::*;
use crate::MAX_MESSAGE_SIZE;

#[test]
fn members_come_and_go() {
    let mut client = joined(7, &[]);
    assert_eq!(
        give(&mut client, peer_connect(9)),
        [SignalingEvent::PeerJoined(peer(9))]
    );
    let left = r#"{"type":3,"id":9,"data":""}"#;
    assert_eq!(
        give(&mut client, text(left)),
        [SignalingEvent::PeerLeft(peer(9))]
    );
    assert_eq!(give(&mut client, text(left)), []);
    assert_eq!(give(&mut client, text(OFFER_9)), []);
    assert_eq!(
        client.send(START, peer(9), offer()),
        Err(SignalingError::Unsendable(
            "peer 9 is not in the lobby".to_owned()
        ))
    );
    assert_eq!(
        give(&mut client, peer_connect(9)),
        [SignalingEvent::PeerJoined(peer(9))]
    );
}

#[test]
fn signals_go_both_ways() {
    let mut client = joined(7, &[1]);
    let candidate = Signal::Candidate(IceCandidate {
        sdp_mid: "0".to_owned(),
        sdp_m_line_index: 0,
        candidate: "candidate:1".to_owned(),
    });
    assert_eq!(client.send(START, peer(1), offer()), Ok(()));
    assert_eq!(client.send(START, peer(1), candidate.clone()), Ok(()));
    assert_eq!(
        client.transport.sent,
        [
            r#"{"type":4,"id":1,"data":"v=0"}"#,
            r#"{"type":6,"id":1,"data":"\n0\n0\ncandidate:1"}"#
        ]
    );
    assert_eq!(
        give(
            &mut client,
            text(r#"{"type":6,"id":1,"data":"\n0\n0\ncandidate:1"}"#)
        ),
        [SignalingEvent::Signal {
            from: peer(1),
            signal: candidate
        }]
    );
}

#[test]
fn what_cannot_be_sent_is_said() {
    let mut client = joined(7, &[1]);
    let end_of_candidates = Signal::Candidate(IceCandidate {
        sdp_mid: "0".to_owned(),
        sdp_m_line_index: 0,
        candidate: String::new(),
    });
    let huge = Signal::Description(SessionDescription {
        sdp_type: SdpType::Answer,
        sdp: "x".repeat(MAX_MESSAGE_SIZE),
    });
    for signal in [end_of_candidates, huge] {
        assert!(matches!(
            client.send(START, peer(1), signal),
            Err(SignalingError::Unsendable(_))
        ));
    }
    client.transport.full = true;
    assert_eq!(
        client.send(START, peer(1), offer()),
        Err(SignalingError::Full)
    );
    assert_eq!(client.transport.sent, [""; 0]);
}

#[test]
fn a_signal_may_be_as_large_as_a_message() {
    let mut client = joined(7, &[1]);
    let frame = r#"{"type":4,"id":1,"data":""}"#.len();
    let of_size = |size: usize| {
        Signal::Description(SessionDescription {
            sdp_type: SdpType::Offer,
            sdp: "x".repeat(size - frame),
        })
    };
    assert_eq!(
        client.send(START, peer(1), of_size(MAX_MESSAGE_SIZE)),
        Ok(())
    );
    assert_eq!(client.transport.sent[0].len(), MAX_MESSAGE_SIZE);
    assert!(matches!(
        client.send(START, peer(1), of_size(MAX_MESSAGE_SIZE + 1)),
        Err(SignalingError::Unsendable(_))
    ));
    assert_eq!(client.transport.sent.len(), 1);
}

#[test]
fn nothing_can_be_sent_outside_a_lobby() {
    let mut client = client([TransportEvent::Opened, text(ID), text(CONNECT_1)]);
    for _ in 0..2 {
        assert_eq!(
            client.send(START, peer(1), offer()),
            Err(SignalingError::NotConnected)
        );
        assert_eq!(client.seal(START), Err(SignalingError::NotConnected));
        drain(&mut client);
    }

    let mut client = joined(1, &[7]);
    give(
        &mut client,
        TransportEvent::Closed {
            reason: LostReason::Closed,
        },
    );
    assert_eq!(
        client.send(START, peer(7), offer()),
        Err(SignalingError::NotConnected)
    );
    assert_eq!(client.seal(START), Err(SignalingError::NotConnected));
    assert_eq!(client.id(), None);
}

#[test]
fn only_the_host_seals() {
    let mut host = joined(1, &[]);
    assert_eq!(host.seal(START), Ok(()));
    assert_eq!(host.transport.sent, [r#"{"type":7,"id":0,"data":""}"#]);
    assert_eq!(give(&mut host, text(SEAL)), [SignalingEvent::Sealed]);

    let mut other = joined(7, &[1]);
    assert!(matches!(
        other.seal(START),
        Err(SignalingError::Unsendable(_))
    ));
    assert_eq!(other.transport.sent, [""; 0]);
}

#[test]
fn another_peer_cannot_end_our_signaling() {
    let mut client = joined(7, &[9]);
    for line in [
        r#"{"type":6,"id":9,"data":"garbage"}"#,
        r#"{"type":6,"id":9}"#,
        r#"{"type":5,"id":12345,"data":"from nobody"}"#,
        r#"{"type":4,"id":7,"data":"from ourselves"}"#,
    ] {
        assert_eq!(give(&mut client, text(line)), [], "{line}");
    }
    assert_eq!(client.send(START, peer(9), offer()), Ok(()));
}

#[test]
fn messages_of_a_newer_server_are_passed_over() {
    let mut client = client([TransportEvent::Opened]);
    let newer = [
        r#"{"type":8,"id":1,"data":""}"#,
        r#"{"type":99,"id":0,"data":"x","more":{"deep":[1]}}"#,
        r#"{"type":-1,"id":0}"#,
    ];
    let id = r#"{"type":1,"id":7,"data":"true","more":1}"#;
    for line in newer.into_iter().chain([id, CONNECT_9, JOIN]).chain(newer) {
        client.transport.incoming.push_back(text(line));
    }
    let expected = [joined_event(7), SignalingEvent::PeerJoined(peer(9))];
    assert_eq!(drain(&mut client), expected);
    assert_eq!(client.send(START, peer(9), offer()), Ok(()));
}

/// Counts how often it is woken.
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn one_poll_does_bounded_work_and_asks_for_another() {
    let mut client = joined(7, &[]);
    for _ in 0..TEXTS_PER_POLL + 1 {
        client.transport.incoming.push_back(text(OFFER_9));
    }
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let mut cx = Context::from_waker(&waker);
    assert_eq!(client.poll_event(START, &mut cx), Poll::Pending);
    assert_eq!(client.transport.incoming.len(), 1);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert_eq!(client.poll_event(START, &mut cx), Poll::Pending);
    assert_eq!(client.transport.incoming.len(), 0);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}
