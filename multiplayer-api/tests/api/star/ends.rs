//! Who goes, is sent away or never comes, and who hears of it.

use mesh_core::{Duration, Event, PeerId, Target};
use multiplayer_api::{ApiConfig, ApiEvent};

use super::{CUSTOM, FRAME, Star};
use crate::kit::{connected, id};

#[test]
fn who_leaves_is_gone_for_all() {
    let mut star = Star::connected(5, 3);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    let leaver = star.node(3);
    leaver.api.close();
    star.run(Duration::from_secs(2));
    assert_eq!(star.node(3).take(), []);
    for own in [1, 2, 4] {
        let told = star.node(own).take();
        assert!(
            matches!(told[..], [ApiEvent::PeerDisconnected { peer, .. }] if peer == id(3)),
            "{own} was told {told:?}"
        );
        assert!(!star.node(own).api.has_peer(id(3)));
    }
    assert_eq!(star.spread(2, Target::All), [1, 4]);
}

#[test]
fn whom_the_server_sends_away_is_gone_for_the_others_and_knows_it() {
    let mut star = Star::connected(6, 3);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    let server = star.node(1);
    assert!(server.api.disconnect_peer(id(3)));
    star.run(Duration::from_secs(2));
    assert_eq!(star.node(1).take(), []);
    for own in [2, 4] {
        let gone = ApiEvent::PeerDisconnected {
            peer: id(3),
            reason: None,
        };
        assert_eq!(star.node(own).take(), [gone]);
    }
    let told = star.node(3).take();
    assert!(
        matches!(
            told[..],
            [
                ApiEvent::PeerDisconnected {
                    peer: PeerId::SERVER,
                    ..
                },
                ApiEvent::ServerDisconnected
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn the_servers_end_is_everybodys() {
    for dies in [false, true] {
        let mut star = Star::connected(7, 3);
        star.nodes.iter_mut().for_each(|node| drop(node.take()));
        let server = star.node(1);
        let backend = server.backend;
        if dies {
            star.network.kill(backend);
        } else {
            server.api.close();
        }
        star.run(Duration::from_secs(30));
        for client in 2..=4 {
            let told: Vec<ApiEvent> = star
                .node(client)
                .take()
                .into_iter()
                .filter(|event| !matches!(event, ApiEvent::Peer(_)))
                .collect();
            assert!(
                matches!(
                    told[..],
                    [
                        ApiEvent::PeerDisconnected {
                            peer: PeerId::SERVER,
                            ..
                        },
                        ApiEvent::ServerDisconnected
                    ]
                ),
                "{client} was told {told:?}"
            );
            assert_eq!(star.node(client).api.peers().count(), 0);
        }
    }
}

#[test]
fn a_server_that_does_not_answer_is_a_failure() {
    let mut star = Star::new(8, vec![ApiConfig::default(); 2]);
    let node = star.node(2);
    let connection = node.add(PeerId::SERVER);
    node.api.peer_mut().create_offer(connection).unwrap();
    for _ in 0..2000 {
        star.network.advance(FRAME);
        star.node(2).poll();
    }
    let told = star.node(2).take();
    assert!(
        matches!(
            told[..],
            [
                ApiEvent::Peer(Event::PeerFailed { .. }),
                ApiEvent::ConnectionFailed(Some(_))
            ]
        ),
        "{told:?}"
    );
}

#[test]
fn a_server_that_is_set_up_anew_knows_nobody() {
    let mut star = Star::connected(11, 2);
    star.nodes.iter_mut().for_each(|node| drop(node.take()));
    let server = star.node(1);
    server.api.peer_mut().close();
    server.api.peer_mut().create_server(&CUSTOM).unwrap();
    server.links.clear();
    server.poll();
    assert_eq!(server.take(), [ApiEvent::ServerDisconnected]);
    assert_eq!(server.api.peers().count(), 0);
    // Nor does the client that comes next hear of those before.
    star.run(Duration::from_secs(2));
    let client = star.node(2);
    client.api.peer_mut().close();
    client.api.peer_mut().create_client(id(2), &CUSTOM).unwrap();
    client.take();
    star.connect(2);
    star.run(Duration::from_secs(3));
    assert_eq!(star.node(1).take(), [connected(2)]);
    assert_eq!(
        star.node(2).take(),
        [ApiEvent::ConnectedToServer, connected(1)]
    );
}
