//! Getting out: closes and their reasons, broken servers, our own close.

use mesh_core::{LostReason, Signaling, SignalingError, SignalingEvent};

use super::*;

#[test]
fn closes_have_their_reasons() {
    let closed = |reason: LostReason| TransportEvent::Closed { reason };
    let cases = [
        (
            refused(4000, "Lobby does not exists"),
            refused(4000, "Lobby does not exists"),
        ),
        (
            refused(4000, "no\nconnected 3"),
            refused(4000, r"no\nconnected 3"),
        ),
        (
            refused(1000, "Seal complete"),
            refused(1000, "Seal complete"),
        ),
        (
            refused(4000, "Room host has disconnected"),
            LostReason::HostLeft,
        ),
        (refused(1006, ""), LostReason::Closed),
        (refused(1000, ""), LostReason::Closed),
        (LostReason::Closed, LostReason::Closed),
        (
            LostReason::Unreachable("no\u{7}".to_owned()),
            LostReason::Unreachable(r"no\u{7}".to_owned()),
        ),
    ];
    for (told, reported) in cases {
        let mut client = client([TransportEvent::Opened, closed(told)]);
        assert_eq!(drain(&mut client), lost(reported));
        assert!(client.transport.closed);
        assert_eq!(client.poll_timeout(), None);
    }
}

#[test]
fn a_sealed_lobby_ends_as_agreed() {
    let mut client = joined(7, &[1]);
    give(&mut client, text(SEAL));
    let reason = refused(1000, "Seal complete");
    assert_eq!(
        give(&mut client, TransportEvent::Closed { reason }),
        lost(LostReason::SealComplete)
    );

    let mut client = joined(7, &[1]);
    give(&mut client, text(SEAL));
    let reason = refused(4000, "Room host has disconnected");
    assert_eq!(
        give(&mut client, TransportEvent::Closed { reason }),
        lost(LostReason::HostLeft)
    );
}

#[test]
fn a_server_that_names_too_many_members_is_left() {
    let mut client = joined(1, &[]);
    let max = u32::try_from(MAX_MEMBERS).expect("an id");
    for id in 2..2 + max {
        let events = give(&mut client, peer_connect(id));
        assert_eq!(events, [SignalingEvent::PeerJoined(peer(id))]);
    }
    // One that is known already is none more, and one that leaves makes room.
    assert_eq!(give(&mut client, peer_connect(2)), []);
    let left = text(r#"{"type":3,"id":2,"data":""}"#);
    assert_eq!(give(&mut client, left), [SignalingEvent::PeerLeft(peer(2))]);
    let events = give(&mut client, peer_connect(2));
    assert_eq!(events, [SignalingEvent::PeerJoined(peer(2))]);

    let reason = LostReason::Protocol(format!("more than {MAX_MEMBERS} members"));
    let events = give(&mut client, peer_connect(2 + max));
    assert_eq!(events, lost(reason));
    assert!(client.transport.closed);
}

#[test]
fn a_broken_server_is_left() {
    for line in [
        "",
        "hello",
        r#"{"type":2,"id":0,"data":""}"#,
        r#"{"type":1,"id":8,"data":"true"}"#,
        r#"{"type":0,"id":0,"data":"another lobby"}"#,
    ] {
        let mut client = joined(7, &[1]);
        let events = give(&mut client, text(line));
        assert!(
            matches!(
                events.as_slice(),
                [SignalingEvent::Lost {
                    reason: LostReason::Protocol(_)
                }]
            ),
            "{line} gave {events:?}"
        );
        assert!(client.transport.closed);
        assert_eq!(give(&mut client, text(CONNECT_9)), []);
    }
}

#[test]
fn after_close_nothing_is_sent_or_reported() {
    let mut client = joined(1, &[7]);
    client.transport.incoming.push_back(text(OFFER_9));
    client.close();
    assert!(client.transport.closed);
    assert_eq!(drain(&mut client), []);
    assert_eq!(client.poll_timeout(), None);
    assert_eq!(
        client.send(START, peer(7), offer()),
        Err(SignalingError::NotConnected)
    );
    assert_eq!(client.transport.sent, [""; 0]);
}
