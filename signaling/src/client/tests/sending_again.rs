//! What becomes of signals where a connection breaks.

use mesh_core::{Duration, Signaling, SignalingError};

use super::resuming::{attempt, back, broken, our_peer, ours};
use super::*;

#[test]
fn signals_are_taken_while_it_is_away_and_sent_again_when_it_is_back() {
    let mut client = ours(7, &[1, 9]);
    let number = |to: u32, seq: u32, prev: u32| {
        format!(r#"{{"type":4,"id":{to},"data":"v=0","seq":{seq},"prev":{prev}}}"#)
    };
    assert_eq!(client.send(START, peer(1), offer()), Ok(()));
    assert_eq!(client.transport.sent, [number(1, 1, 0)]);
    give(&mut client, broken());
    assert_eq!(client.send(START, peer(9), offer()), Ok(()));
    assert_eq!(client.send(START, peer(1), offer()), Ok(()));
    assert_eq!(client.seal(START), Err(SignalingError::NotConnected));
    let (now, _) = back(&mut client, 7, &[1]);
    drain_at(&mut client, now);
    // The first may have been lost with the connection. 9 is not back yet.
    assert_eq!(client.transport.sent, [number(1, 1, 0), number(1, 3, 1)]);
    client.transport.sent.clear();
    client.transport.incoming.push_back(our_peer(35, 9));
    drain_at(&mut client, now);
    assert_eq!(client.transport.sent, [number(9, 2, 0)]);
    client.transport.sent.clear();
    // The connection of 1 has broken: what was sent to it may be lost.
    client.transport.incoming.push_back(our_peer(35, 1));
    assert_eq!(drain_at(&mut client, now), []);
    assert_eq!(client.transport.sent, [number(1, 1, 0), number(1, 3, 1)]);
}

#[test]
fn signals_for_a_member_of_godots_protocol_have_no_number_and_go_out_once() {
    let mut client = ours(7, &[]);
    give(&mut client, peer_connect(1));
    let plain = r#"{"type":4,"id":1,"data":"v=0"}"#;
    assert_eq!(client.send(START, peer(1), offer()), Ok(()));
    assert_eq!(client.transport.sent, [plain]);
    give(&mut client, broken());
    assert_eq!(client.send(START, peer(1), offer()), Ok(()));
    let now = attempt(&mut client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    drain_at(&mut client, now);
    client.transport.sent.clear();
    client.transport.incoming.push_back(text(ID));
    client.transport.incoming.push_back(text(CONNECT_1));
    client.transport.incoming.push_back(text(JOIN));
    drain_at(&mut client, now);
    assert_eq!(client.transport.sent, [plain]);
}

#[test]
fn no_signal_is_taken_twice_or_too_early() {
    let mut client = ours(7, &[1]);
    let signal = |seq: u32, prev: u32| {
        text(&format!(
            r#"{{"type":4,"id":1,"data":"v=0","seq":{seq},"prev":{prev}}}"#
        ))
    };
    assert_eq!(give(&mut client, signal(2, 0)).len(), 1);
    give(&mut client, broken());
    let (now, _) = back(&mut client, 7, &[1]);
    // Sent before it was known that 3 and 4 are lost; it comes again after them.
    for (seq, prev, taken) in [(5, 4, 0), (2, 0, 0), (3, 2, 1), (4, 3, 1), (5, 4, 1)] {
        client.transport.incoming.push_back(signal(seq, prev));
        assert_eq!(
            drain_at(&mut client, now).len(),
            taken,
            "{seq} after {prev}"
        );
    }
}

#[test]
fn what_the_transport_has_no_room_for_is_sent_when_it_has() {
    let mut client = ours(7, &[1]);
    assert_eq!(client.send(START, peer(1), offer()), Ok(()));
    give(&mut client, broken());
    let (now, _) = back(&mut client, 7, &[1]);
    client.transport.full = true;
    client.transport.sent.clear();
    client.transport.incoming.push_back(our_peer(35, 1));
    drain_at(&mut client, now);
    assert_eq!(client.transport.sent, [""; 0]);
    assert_eq!(
        client.send(now, peer(1), offer()),
        Err(SignalingError::Full)
    );
    client.transport.full = false;
    let due = client.poll_timeout().expect("another try");
    assert!(due - now < Duration::from_secs(1));
    drain_at(&mut client, due);
    assert_eq!(client.transport.sent.len(), 1);
}

#[test]
fn the_signals_of_a_member_that_was_given_up_are_forgotten() {
    let mut client = ours(7, &[1, 9]);
    give(&mut client, broken());
    let (now, _) = back(&mut client, 7, &[1]);
    let later = now + Duration::from_secs(19);
    assert_eq!(client.send(later, peer(9), offer()), Ok(()));
    // The server does not know 9 yet.
    assert_eq!(client.transport.sent, [""; 0]);
    client
        .transport
        .incoming
        .push_back(text(r#"{"type":33,"id":0}"#));
    let given_up = now + Duration::from_secs(20);
    let left = SignalingEvent::PeerLeft(peer(9));
    assert_eq!(drain_at(&mut client, given_up), [left]);
    client.transport.sent.clear();
    client.transport.incoming.push_back(our_peer(2, 9));
    drain_at(&mut client, given_up);
    assert_eq!(client.transport.sent, [""; 0]);
}

#[test]
fn a_signal_waits_until_we_are_back_even_if_its_receiver_is_there_already() {
    let mut client = ours(7, &[1]);
    give(&mut client, broken());
    let now = attempt(&mut client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    client.transport.incoming.push_back(text(ID));
    client.transport.incoming.push_back(our_peer(2, 1));
    drain_at(&mut client, now);
    client.transport.sent.clear();
    assert_eq!(client.send(now, peer(1), offer()), Ok(()));
    assert_eq!(client.transport.sent, [""; 0]);
}

#[test]
fn a_connection_that_is_no_longer_open_keeps_signals_only_where_we_come_back() {
    let mut client = ours(7, &[1]);
    client.transport.open = false;
    assert_eq!(client.send(START, peer(1), offer()), Ok(()));
    give(&mut client, broken());
    let (now, _) = back(&mut client, 7, &[1]);
    drain_at(&mut client, now);
    let numbered = r#"{"type":4,"id":1,"data":"v=0","seq":1,"prev":0}"#;
    assert_eq!(client.transport.sent, [numbered]);

    let mut client = joined(7, &[1]);
    client.transport.open = false;
    assert_eq!(
        client.send(START, peer(1), offer()),
        Err(SignalingError::NotConnected)
    );
}
