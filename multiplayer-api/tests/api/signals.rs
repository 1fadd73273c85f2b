//! The order of what is told, in each generation.

use mesh_core::{
    ConnectFailure, ConnectionStatus, DisconnectReason, Event, MultiplayerPeer, Refused,
    RefusedReason, SendError, Target, TransferMode,
};
use multiplayer_api::{ApiConfig, ApiEvent, Generation, MultiplayerApi, SendBytesError};

use crate::fake::{Fake, add, api, client_among, connected, id, lost, packet, poll, server_of};

fn three() -> MultiplayerApi {
    MultiplayerApi::new(ApiConfig {
        generation: Generation::Godot3,
        ..ApiConfig::default()
    })
}

#[test]
fn in_4_the_server_is_connected_to_and_then_a_peer() {
    let (mut api, mut network) = (api(), Fake::client(2));
    assert_eq!(poll(&mut api, &mut network), []);
    network.connect(1);
    network.receive(1, b"\x03hi");
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::ConnectedToServer, connected(1), packet(1, b"hi")]
    );
}

#[test]
fn in_4_so_it_is_in_a_mesh_with_a_peer_1() {
    let (mut api, mut network) = (api(), Fake::mesh(2));
    network.connect(5);
    network.connect(1);
    assert_eq!(
        poll(&mut api, &mut network),
        [connected(5), ApiEvent::ConnectedToServer, connected(1)]
    );
    // And its end is that of any other.
    network.lose(1);
    network.lose(5);
    assert_eq!(poll(&mut api, &mut network), [lost(1), lost(5)]);
}

#[test]
fn in_3_it_is_the_other_way_round() {
    let (mut api, mut network) = (three(), Fake::mesh(2));
    network.status = ConnectionStatus::Connecting;
    assert_eq!(poll(&mut api, &mut network), []);
    // What server compatibility tells.
    network.connect(1);
    network.tell(Event::ConnectionSucceeded);
    network.connect(5);
    assert_eq!(
        poll(&mut api, &mut network),
        [connected(1), ApiEvent::ConnectedToServer, connected(5)]
    );
    network.lose(1);
    network.tell(Event::ServerDisconnected);
    network.status = ConnectionStatus::Disconnected;
    network.lose(5);
    assert_eq!(
        poll(&mut api, &mut network),
        [lost(1), ApiEvent::ServerDisconnected]
    );
}

#[test]
fn in_3_a_mesh_has_no_server() {
    let (mut api, mut network) = (three(), Fake::mesh(2));
    network.connect(1);
    assert_eq!(poll(&mut api, &mut network), [connected(1)]);
    network.lose(1);
    assert_eq!(poll(&mut api, &mut network), [lost(1)]);
    network.close();
    assert_eq!(poll(&mut api, &mut network), []);
}

#[test]
fn in_3_a_client_of_a_star_is_told_of_its_server() {
    let (mut api, mut network) = (three(), Fake::client(2));
    network.connect(1);
    assert_eq!(
        poll(&mut api, &mut network),
        [connected(1), ApiEvent::ConnectedToServer]
    );
    network.lose(1);
    assert_eq!(
        poll(&mut api, &mut network),
        [lost(1), ApiEvent::ServerDisconnected]
    );
}

#[test]
fn in_3_packets_count_before_their_sender() {
    let (mut api, mut network) = (three(), Fake::mesh(2));
    network.status = ConnectionStatus::Connecting;
    network.receive(5, b"\x04early");
    assert_eq!(poll(&mut api, &mut network), [packet(5, b"early")]);
}

#[test]
fn losing_the_server_ends_the_story_without_the_others() {
    let (mut api, mut network) = client_among(2);
    assert_eq!(api.peers().collect::<Vec<_>>(), [id(1), id(3), id(4)]);
    network.lose(1);
    assert_eq!(
        poll(&mut api, &mut network),
        [lost(1), ApiEvent::ServerDisconnected]
    );
    assert_eq!(api.peers().count(), 0);
    assert_eq!(poll(&mut api, &mut network), []);
}

#[test]
fn what_comes_and_goes_within_a_frame_is_told_in_full() {
    let (mut api, mut network) = (api(), Fake::client(2));
    assert_eq!(poll(&mut api, &mut network), []);
    network.connect(1);
    network.receive(1, &add(3));
    network.receive(1, b"\x03bye");
    network.lose(1);
    assert_eq!(
        poll(&mut api, &mut network),
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
    let (mut api, mut network) = (api(), Fake::client(2));
    assert_eq!(poll(&mut api, &mut network), []);
    let reason = DisconnectReason::ConnectFailed(ConnectFailure::Closed);
    network.tell(Event::ConnectionFailed(reason.clone()));
    network.status = ConnectionStatus::Disconnected;
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::ConnectionFailed(Some(reason))]
    );
    assert_eq!(poll(&mut api, &mut network), []);
}

#[test]
fn a_close_while_connecting_is_a_failure() {
    let (mut api, mut network) = (api(), Fake::client(2));
    assert_eq!(poll(&mut api, &mut network), []);
    network.close();
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::ConnectionFailed(None)]
    );
    assert_eq!(poll(&mut api, &mut network), []);
}

#[test]
fn a_close_of_the_network_peer_reads_as_a_lost_server_whoever_we_are() {
    for (mut api, mut network) in [server_of(2), client_among(2)] {
        network.close();
        assert_eq!(poll(&mut api, &mut network), [ApiEvent::ServerDisconnected]);
        assert_eq!(poll(&mut api, &mut network), []);
        assert_eq!(api.peers().count(), 0);
    }
}

#[test]
fn a_close_of_the_api_is_told_nobody() {
    let (mut api, mut network) = server_of(2);
    network.receive(2, b"\x03late");
    assert_eq!(api.poll(&mut network), Some(packet(2, b"late")));
    network.receive(2, b"\x03later");
    api.close(&mut network);
    assert_eq!(poll(&mut api, &mut network), []);
    assert_eq!(api.peers().count(), 0);
    let sent = api.send_bytes(&mut network, Target::All, TransferMode::Reliable, b"x");
    assert_eq!(sent, Err(SendBytesError::NotConnected));
}

#[test]
fn a_network_peer_that_is_set_up_anew_starts_anew() {
    let (mut api, mut network) = server_of(2);
    network.close();
    network.id = Some(id(9));
    network.status = ConnectionStatus::Connected;
    network.connect(4);
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::ServerDisconnected, connected(4)]
    );
    assert_eq!(api.peers().collect::<Vec<_>>(), [id(4)]);
}

#[test]
fn a_peer_that_was_ended_by_force_and_is_back_was_gone() {
    let (mut api, mut network) = server_of(2);
    network.connect(2);
    let gone = ApiEvent::PeerDisconnected {
        peer: id(2),
        reason: Some(DisconnectReason::Removed),
    };
    assert_eq!(poll(&mut api, &mut network), [gone, connected(2)]);
}

#[test]
fn who_is_sent_away_is_not_told_of_and_not_heard() {
    let (mut api, mut network) = server_of(3);
    network.receive(3, b"\x03late");
    assert!(api.disconnect_peer(&mut network, id(3)));
    assert_eq!(
        network.take_reliable(),
        [(2, vec![7, 2, 3, 0, 0, 0]), (4, vec![7, 2, 3, 0, 0, 0])]
    );
    assert_eq!(poll(&mut api, &mut network), []);
    assert_eq!(network.disconnected, [id(3)]);
    assert!(!api.disconnect_peer(&mut network, id(3)));
    // Whoever comes with the id next is heard again.
    network.connect(3);
    network.receive(3, b"\x03new");
    assert_eq!(
        poll(&mut api, &mut network),
        [connected(3), packet(3, b"new")]
    );
}

#[test]
fn a_client_can_send_only_its_server_away() {
    let (mut api, mut network) = client_among(1);
    assert!(!api.disconnect_peer(&mut network, id(3)));
    assert!(api.has_peer(id(3)));
    assert!(api.disconnect_peer(&mut network, id(1)));
    assert_eq!(poll(&mut api, &mut network), [ApiEvent::ServerDisconnected]);
}

#[test]
fn what_else_the_network_peer_tells_is_passed_on() {
    let (mut api, mut network) = server_of(1);
    for event in [
        Event::Sealed,
        Event::PeerInterrupted(id(2)),
        Event::PacketsDropped {
            peer: id(2),
            channel: TransferMode::Unreliable.channel(),
            packets: 7,
        },
    ] {
        network.tell(event.clone());
        assert_eq!(poll(&mut api, &mut network), [ApiEvent::Peer(event)]);
    }
}

#[test]
fn a_frame_pumps_once() {
    let (mut api, mut network) = server_of(1);
    let before = network.pumps;
    for _ in 0..5 {
        network.receive(2, b"\x03x");
    }
    assert_eq!(poll(&mut api, &mut network).len(), 5);
    assert_eq!(network.pumps, before + 1);
}

#[test]
fn only_whom_the_game_names_must_be_there() {
    let (mut api, mut network) = server_of(1);
    let (peer, mode) = (id(2), TransferMode::Reliable);
    // Gone, which is not told yet.
    network.peers.clear();
    let reason = RefusedReason::NotConnected;
    let refused = vec![Refused { peer, reason }];
    for target in [Target::All, Target::AllExcept(id(9))] {
        let sent = api.send_bytes(&mut network, target, mode, b"x").unwrap();
        assert_eq!((sent.accepted, &sent.refused), (0, &refused));
    }
    assert_eq!(
        api.send_bytes(&mut network, peer, mode, b"x"),
        Err(SendError::UnknownPeer { peer }.into())
    );
}
