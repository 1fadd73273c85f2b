//! Getting in: what is asked, in which order the answer may come, how long it may take.

use mesh_core::{Duration, Instant, LostReason, Signaling, SignalingEvent, Topology};

use super::*;

#[test]
fn it_asks_once_the_transport_has_opened() {
    let mut client = client([]);
    assert_eq!(drain(&mut client), []);
    assert_eq!(client.transport.sent, [""; 0]);
    assert_eq!(give(&mut client, TransportEvent::Opened), []);
    assert_eq!(
        client.transport.sent,
        [r#"{"type":0,"id":0,"data":"demo","v":1}"#]
    );

    let request = JoinRequest {
        lobby: String::new(),
        topology: Topology::ClientServer,
        max_players: Some(4),
        is_listed: true,
        group_of: Some(4),
        host_migration: true,
    };
    let mut client = Client::new(Script::default(), request);
    give(&mut client, TransportEvent::Opened);
    assert_eq!(
        client.transport.sent,
        [r#"{"type":0,"id":1,"data":"","v":1,"max":4,"list":1,"next":4,"migrate":1}"#]
    );
}

#[test]
fn joined_comes_first_whatever_the_order() {
    let expected = [
        joined_event(7),
        SignalingEvent::PeerJoined(peer(1)),
        SignalingEvent::PeerJoined(peer(9)),
        SignalingEvent::Signal {
            from: peer(9),
            signal: offer(),
        },
    ];
    let orders: [&[&str]; 5] = [
        &[ID, CONNECT_1, CONNECT_9, JOIN, OFFER_9],
        &[ID, CONNECT_1, CONNECT_9, OFFER_9, JOIN],
        &[JOIN, CONNECT_1, CONNECT_9, OFFER_9, ID],
        &[CONNECT_1, CONNECT_9, ID, JOIN, OFFER_9],
        &[JOIN, ID, CONNECT_1, CONNECT_9, OFFER_9],
    ];
    for order in orders {
        let mut client = client([TransportEvent::Opened]);
        for line in order {
            client.transport.incoming.push_back(text(line));
        }
        assert_eq!(drain(&mut client), expected, "{order:?}");
        assert_eq!(client.id(), Some(peer(7)));
        assert_eq!(client.poll_timeout(), None);
    }
}

#[test]
fn nothing_is_told_twice() {
    let mut client = client([TransportEvent::Opened]);
    let own = r#"{"type":2,"id":7,"data":""}"#;
    for line in [
        own, CONNECT_1, CONNECT_1, ID, ID, own, CONNECT_1, JOIN, JOIN, CONNECT_1, SEAL, SEAL,
    ] {
        client.transport.incoming.push_back(text(line));
    }
    assert_eq!(
        drain(&mut client),
        [
            joined_event(7),
            SignalingEvent::PeerJoined(peer(1)),
            SignalingEvent::Sealed
        ]
    );
}

#[test]
fn joining_has_a_deadline() {
    let late = START + Duration::from_secs(10);
    let early = Instant::from_micros(late.as_micros() - 1);
    let sealed = refused(
        0,
        "it named the lobby and gave us no id within 10s: the lobby is sealed",
    );
    let cases: [(&[TransportEvent], LostReason); 4] = [
        (
            &[],
            LostReason::Unreachable("no connection within 10s".to_owned()),
        ),
        (
            &[TransportEvent::Opened],
            LostReason::Unreachable("it did not answer the request to join within 10s".to_owned()),
        ),
        (
            &[TransportEvent::Opened, text(ID)],
            LostReason::Unreachable("it did not answer the request to join within 10s".to_owned()),
        ),
        (&[TransportEvent::Opened, text(JOIN)], sealed),
    ];
    for (script, reason) in cases {
        let mut client = client(script.iter().cloned());
        assert_eq!(client.poll_timeout(), None);
        assert_eq!(drain(&mut client), []);
        assert_eq!(client.poll_timeout(), Some(late));
        assert_eq!(drain_at(&mut client, early), []);
        assert_eq!(drain_at(&mut client, late), lost(reason));
        assert_eq!(drain_at(&mut client, late), []);
    }
}

#[test]
fn an_answer_that_waits_is_taken_even_after_the_deadline() {
    let mut client = client([]);
    drain(&mut client);
    client.transport.incoming = [TransportEvent::Opened, text(ID), text(JOIN)].into();
    assert_eq!(
        drain_at(&mut client, START + Duration::from_secs(60)),
        [joined_event(7)]
    );
}

#[test]
fn the_deadline_can_be_set() {
    let mut client = client([]).with_join_deadline(Duration::from_millis(5));
    drain(&mut client);
    assert_eq!(
        client.poll_timeout(),
        Some(START + Duration::from_millis(5))
    );
}

#[test]
fn a_request_that_cannot_be_sent_ends_it() {
    let mut client = client([TransportEvent::Opened]);
    client.transport.full = true;
    let events = drain(&mut client);
    assert!(matches!(
        events.as_slice(),
        [SignalingEvent::Lost {
            reason: LostReason::Unreachable(_)
        }]
    ));
}

#[test]
fn a_flood_before_joining_is_bounded() {
    let mut client = client([TransportEvent::Opened, text(CONNECT_9)]);
    let long = format!(r#"{{"type":4,"id":9,"data":"{}"}}"#, "x".repeat(60_000));
    for _ in 0..200 {
        client.transport.incoming.push_back(text(&long));
    }
    assert_eq!(drain(&mut client), lost(too_much()));
}

#[test]
fn a_flood_of_empty_signals_before_joining_is_bounded_too() {
    let mut client = client([TransportEvent::Opened, text(CONNECT_9)]);
    let empty = text(r#"{"type":4,"id":9,"data":""}"#);
    // Each takes the place of an event.
    let most = 8_388_608 / size_of::<SignalingEvent>();
    client.transport.incoming.extend(vec![empty; most + 1]);
    let mut told = Vec::new();
    for _ in 0..=most {
        told.extend(drain(&mut client));
    }
    assert_eq!(told, lost(too_much()));
}

fn too_much() -> LostReason {
    LostReason::Protocol("more than 8388608 bytes before we are in".to_owned())
}
