//! The order of what is told, in each generation.

use mesh_core::{
    ConnectFailure, ConnectionStatus, DisconnectReason, Event, MultiplayerPeer, Refused,
    RefusedReason, SendError, Target, TransferMode,
};
use multiplayer_api::{ApiConfig, ApiEvent, Generation, MultiplayerApi, SendBytesError};

use crate::kit::{Fake, add, api, client_among, connected, id, lost, packet, poll, server_of};

fn three(network: Fake) -> MultiplayerApi<Fake> {
    let config = ApiConfig {
        generation: Generation::Godot3,
        ..ApiConfig::default()
    };
    MultiplayerApi::new(network, config)
}

#[test]
fn in_4_the_server_is_connected_to_and_then_a_peer() {
    let mut api = api(Fake::client(2));
    assert_eq!(poll(&mut api), []);
    api.peer_mut().connect(1);
    api.peer_mut().receive(1, b"\x03hi");
    assert_eq!(
        poll(&mut api),
        [ApiEvent::ConnectedToServer, connected(1), packet(1, b"hi")]
    );
}

#[test]
fn in_4_so_it_is_in_a_mesh_with_a_peer_1() {
    let mut api = api(Fake::mesh(2));
    api.peer_mut().connect(5);
    api.peer_mut().connect(1);
    assert_eq!(
        poll(&mut api),
        [connected(5), ApiEvent::ConnectedToServer, connected(1)]
    );
    // And its end is that of any other.
    api.peer_mut().lose(1);
    api.peer_mut().lose(5);
    assert_eq!(poll(&mut api), [lost(1), lost(5)]);
}

#[test]
fn in_3_it_is_the_other_way_round() {
    let mut api = three(Fake::mesh(2));
    api.peer_mut().status = ConnectionStatus::Connecting;
    assert_eq!(poll(&mut api), []);
    // What server compatibility tells.
    api.peer_mut().connect(1);
    api.peer_mut().tell(Event::ConnectionSucceeded);
    api.peer_mut().connect(5);
    assert_eq!(
        poll(&mut api),
        [connected(1), ApiEvent::ConnectedToServer, connected(5)]
    );
    api.peer_mut().lose(1);
    api.peer_mut().tell(Event::ServerDisconnected);
    api.peer_mut().status = ConnectionStatus::Disconnected;
    api.peer_mut().lose(5);
    assert_eq!(poll(&mut api), [lost(1), ApiEvent::ServerDisconnected]);
}

#[test]
fn in_3_a_mesh_has_no_server() {
    let mut api = three(Fake::mesh(2));
    api.peer_mut().connect(1);
    assert_eq!(poll(&mut api), [connected(1)]);
    api.peer_mut().lose(1);
    assert_eq!(poll(&mut api), [lost(1)]);
    api.peer_mut().close();
    assert_eq!(poll(&mut api), []);
}

#[test]
fn in_3_a_client_of_a_star_is_told_of_its_server() {
    let mut api = three(Fake::client(2));
    api.peer_mut().connect(1);
    assert_eq!(poll(&mut api), [connected(1), ApiEvent::ConnectedToServer]);
    api.peer_mut().lose(1);
    assert_eq!(poll(&mut api), [lost(1), ApiEvent::ServerDisconnected]);
}

#[test]
fn in_3_packets_count_before_their_sender() {
    let mut api = three(Fake::mesh(2));
    api.peer_mut().status = ConnectionStatus::Connecting;
    api.peer_mut().receive(5, b"\x04early");
    assert_eq!(poll(&mut api), [packet(5, b"early")]);
}

#[test]
fn losing_the_server_ends_the_story_without_the_others() {
    let mut api = client_among(2);
    assert_eq!(api.peers().collect::<Vec<_>>(), [id(1), id(3), id(4)]);
    api.peer_mut().lose(1);
    assert_eq!(poll(&mut api), [lost(1), ApiEvent::ServerDisconnected]);
    assert_eq!(api.peers().count(), 0);
    assert_eq!(poll(&mut api), []);
}

#[test]
fn what_comes_and_goes_within_a_frame_is_told_in_full() {
    let mut api = api(Fake::client(2));
    assert_eq!(poll(&mut api), []);
    api.peer_mut().connect(1);
    api.peer_mut().receive(1, &add(3));
    api.peer_mut().receive(1, b"\x03bye");
    api.peer_mut().lose(1);
    assert_eq!(
        poll(&mut api),
        [
            ApiEvent::ConnectedToServer,
            connected(1),
            connected(3),
            packet(1, b"bye"),
            lost(1),
            ApiEvent::ServerDisconnected
        ]
    );
}

#[test]
fn a_server_that_cannot_be_connected_is_a_failure_with_its_reason() {
    let mut api = api(Fake::client(2));
    assert_eq!(poll(&mut api), []);
    let reason = DisconnectReason::ConnectFailed(ConnectFailure::Closed);
    api.peer_mut().tell(Event::ConnectionFailed(reason.clone()));
    api.peer_mut().status = ConnectionStatus::Disconnected;
    assert_eq!(poll(&mut api), [ApiEvent::ConnectionFailed(Some(reason))]);
    assert_eq!(poll(&mut api), []);
}

#[test]
fn a_close_while_connecting_is_a_failure() {
    let mut api = api(Fake::client(2));
    assert_eq!(poll(&mut api), []);
    api.peer_mut().close();
    assert_eq!(poll(&mut api), [ApiEvent::ConnectionFailed(None)]);
    assert_eq!(poll(&mut api), []);
}

#[test]
fn a_close_of_the_network_peer_reads_as_a_lost_server_whoever_we_are() {
    for mut api in [server_of(2), client_among(2)] {
        api.peer_mut().close();
        assert_eq!(poll(&mut api), [ApiEvent::ServerDisconnected]);
        assert_eq!(poll(&mut api), []);
        assert_eq!(api.peers().count(), 0);
    }
}

#[test]
fn a_close_of_the_api_is_told_nobody() {
    let mut api = server_of(2);
    api.peer_mut().receive(2, b"\x03late");
    assert_eq!(api.poll(), Some(packet(2, b"late")));
    api.peer_mut().receive(2, b"\x03later");
    api.close();
    assert_eq!(poll(&mut api), []);
    assert_eq!(api.peers().count(), 0);
    let sent = api.send_bytes(Target::All, TransferMode::Reliable, b"x");
    assert_eq!(sent, Err(SendBytesError::NotConnected));
}

#[test]
fn a_network_peer_that_is_set_up_anew_starts_anew() {
    let mut api = server_of(2);
    api.peer_mut().close();
    api.peer_mut().id = Some(id(9));
    api.peer_mut().status = ConnectionStatus::Connected;
    api.peer_mut().connect(4);
    assert_eq!(poll(&mut api), [ApiEvent::ServerDisconnected, connected(4)]);
    assert_eq!(api.peers().collect::<Vec<_>>(), [id(4)]);
}

#[test]
fn a_peer_that_was_ended_by_force_and_is_back_was_gone() {
    let mut api = server_of(2);
    api.peer_mut().connect(2);
    let gone = ApiEvent::PeerDisconnected {
        peer: id(2),
        reason: Some(DisconnectReason::Removed),
    };
    assert_eq!(poll(&mut api), [gone, connected(2)]);
}

#[test]
fn who_is_sent_away_is_not_told_of_and_not_heard() {
    let mut api = server_of(3);
    api.peer_mut().receive(3, b"\x03late");
    assert!(api.disconnect_peer(id(3)));
    assert_eq!(
        api.peer_mut().take_reliable(),
        [(2, vec![7, 2, 3, 0, 0, 0]), (4, vec![7, 2, 3, 0, 0, 0])]
    );
    assert_eq!(poll(&mut api), []);
    assert_eq!(api.peer_mut().disconnected, [id(3)]);
    assert!(!api.disconnect_peer(id(3)));
    // Whoever comes with the id next is heard again.
    api.peer_mut().connect(3);
    api.peer_mut().receive(3, b"\x03new");
    assert_eq!(poll(&mut api), [connected(3), packet(3, b"new")]);
}

#[test]
fn a_client_can_send_only_its_server_away() {
    let mut api = client_among(1);
    assert!(!api.disconnect_peer(id(3)));
    assert!(api.has_peer(id(3)));
    assert!(api.disconnect_peer(id(1)));
    assert_eq!(poll(&mut api), [ApiEvent::ServerDisconnected]);
}

#[test]
fn what_else_the_network_peer_tells_is_passed_on() {
    let mut api = server_of(1);
    for event in [
        Event::Sealed,
        Event::PeerInterrupted(id(2)),
        Event::PacketsDropped {
            peer: id(2),
            channel: TransferMode::Unreliable.channel(),
            packets: 7,
        },
    ] {
        api.peer_mut().tell(event.clone());
        assert_eq!(poll(&mut api), [ApiEvent::Peer(event)]);
    }
}

#[test]
fn a_frame_pumps_once() {
    let mut api = server_of(1);
    let before = api.peer_mut().pumps;
    for _ in 0..5 {
        api.peer_mut().receive(2, b"\x03x");
    }
    assert_eq!(poll(&mut api).len(), 5);
    assert_eq!(api.peer_mut().pumps, before + 1);
}

#[test]
fn only_whom_the_game_names_must_be_there() {
    let mut api = server_of(1);
    let (peer, mode) = (id(2), TransferMode::Reliable);
    // Gone, which is not told yet.
    api.peer_mut().peers.clear();
    let reason = RefusedReason::NotConnected;
    let refused = vec![Refused { peer, reason }];
    for target in [Target::All, Target::AllExcept(id(9))] {
        let sent = api.send_bytes(target, mode, b"x").unwrap();
        assert_eq!((sent.accepted, &sent.refused), (0, &refused));
    }
    assert_eq!(
        api.send_bytes(peer, mode, b"x"),
        Err(SendError::UnknownPeer { peer }.into())
    );
}
