//! Who gets a message, and what becomes of one that the backend does not take.

use super::super::transfers::tests::{connect, count, mesh, now, peer};
use super::*;
use crate::{ConnectionState, LinkConfig, LinkEvent, TransferMode};

const RELIABLE: ChannelIndex = TransferMode::Reliable.channel();

/// A mesh with one peer, for which reliable messages may wait.
fn connected() -> (Mesh, LinkId) {
    let mut mesh = mesh(false);
    // By default nothing waits in the mesh.
    mesh.config.send_limits.reliable.bytes += 1000;
    let link = connect(&mut mesh, 3);
    (mesh, link)
}

fn send(mesh: &mut Mesh, target: Target) -> Sent {
    let payload = Payload::from("word");
    mesh.send(now(), target, RELIABLE, payload).unwrap()
}

fn next(mesh: &mut Mesh) -> Transmit {
    mesh.poll_transmit(now()).unwrap()
}

/// Sends a message, for which the backend has no room.
fn wait(mesh: &mut Mesh) {
    send(mesh, Target::All);
    let transmit = next(mesh);
    let refused = mesh.handle_rejected(now(), transmit, BackendSendError::Full);
    assert_eq!(refused, None);
}

#[test]
fn only_a_peer_that_is_named_is_refused_for_not_being_there() {
    let mut mesh = mesh(false);
    let link = mesh.create_connection(LinkConfig::default());
    mesh.add_peer(now(), link, peer(3), None).unwrap();
    assert_eq!(send(&mut mesh, Target::All), Sent::default());
    let refused = send(&mut mesh, Target::One(peer(3))).refused;
    let not_connected = Refused {
        peer: peer(3),
        reason: RefusedReason::NotConnected,
    };
    assert_eq!(refused, [not_connected]);
}

#[test]
fn a_flush_has_only_those_asked_for_whom_something_waits() {
    let (mut mesh, _) = connected();
    mesh.flush();
    assert!(!mesh.has_turns());
    wait(&mut mesh);
    assert!(mesh.poll_transmit(now()).is_none(), "there is no room");
    for _ in 0..2 {
        mesh.flush();
        assert_eq!(mesh.outgoing.len(), 1);
    }
    assert!(mesh.poll_transmit(now()).is_some());
}

#[test]
fn a_channel_with_room_has_no_turn_if_nothing_waits() {
    let (mut mesh, link) = connected();
    for mode in TransferMode::ALL {
        let channel = mode.channel();
        mesh.handle_event(now(), LinkEvent::BufferedAmountLow { link, channel });
        assert!(!mesh.has_turns(), "{mode:?}");
    }
}

#[test]
fn a_mesh_is_backed_up_while_something_waits() {
    let (mut mesh, _) = connected();
    assert!(!mesh.is_backed_up());
    send(&mut mesh, Target::All);
    assert!(mesh.is_backed_up(), "it has not been taken out");
    next(&mut mesh);
    assert!(!mesh.is_backed_up());
    wait(&mut mesh);
    assert!(mesh.is_backed_up());
    assert_eq!(mesh.waiting_bytes(peer(3), RELIABLE), 4);
    mesh.flush();
    next(&mut mesh);
    assert!(!mesh.is_backed_up());
    assert_eq!(mesh.waiting_bytes(peer(3), RELIABLE), 0);
}

#[test]
fn what_a_closed_channel_does_not_take_waits_if_another_link_may_go_on() {
    for (has_waited, goes_on) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut mesh, link) = connected();
        if goes_on {
            count(&mut mesh, link);
            let state = ConnectionState::Disconnected;
            mesh.handle_event(now(), LinkEvent::State { link, state });
        }
        if has_waited {
            wait(&mut mesh);
            mesh.flush();
        } else {
            send(&mut mesh, Target::All);
        }
        let transmit = next(&mut mesh);
        let refused = mesh.handle_rejected(now(), transmit, BackendSendError::NotOpen);
        let refused = refused.map(|refused| refused.reason);
        let is_refused = !has_waited && !goes_on;
        assert_eq!(refused, is_refused.then_some(RefusedReason::NotConnected));
        let waiting = if goes_on { 4 } else { 0 };
        assert_eq!(mesh.waiting_bytes(peer(3), RELIABLE), waiting);
    }
}
