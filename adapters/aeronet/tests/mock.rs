//! Plugin against plugin on the network in memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/network.rs"]
mod network;
mod support;

use aeronet_io::Session;
use aeronet_io::connection::{DROP_DISCONNECT_REASON, Disconnect, DisconnectReason};
use aeronet_io::packet::PacketRtt;
use aeronet_io::server::{Close, Server};
use aeronet_webrtc_multiplayer::{HostSession, MIN_MTU, MeshServer, PeerGone, aeronet_io};
use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_webrtc_multiplayer::Mesh;
use bevy_webrtc_multiplayer::prelude::*;
use bevy_webrtc_multiplayer::webrtc_multiplayer::DisconnectReason as MeshReason;
use mesh_core::mock::{BackendId, Network};
use serde::{Deserialize, Serialize};

use crate::network::{join, until};
use crate::support::{app, command, mesh, seen, send, sessions};

/// As many apps, each with a session with each other. The first is the host.
fn met<const N: usize>(network: &Network) -> (Vec<App>, [BackendId; N]) {
    let mut apps: Vec<App> = (0..N).map(|_| app()).collect();
    let mut ids: Vec<BackendId> = apps.iter_mut().map(|app| join(network, app)).collect();
    until(network, &mut apps, "met", |apps| {
        apps.iter_mut().all(|app| sessions(app).len() == N - 1)
    });
    let host = apps.iter().position(|app| mesh(app).is_host()).unwrap();
    apps.swap(0, host);
    ids.swap(0, host);
    (apps, ids.try_into().unwrap())
}

fn ended(app: &App, how: impl Fn(&DisconnectReason) -> bool) -> bool {
    seen(app).ended.len() == 1 && how(&seen(app).ended[0])
}

#[test]
fn every_peer_is_a_session_and_packets_go_both_ways() {
    let network = Network::new(1);
    let (mut apps, _) = met::<3>(&network);
    let ids: Vec<PeerId> = apps.iter().map(|app| mesh(app).id().unwrap()).collect();
    const PACKETS: [&[u8]; 3] = [b"one", b"two", &[7; MIN_MTU]];
    for (app, packet) in apps.iter_mut().zip(PACKETS) {
        send(app, packet);
    }
    until(&network, &mut apps, "heard", |apps| {
        apps.iter().all(|app| seen(app).packets.len() == 2)
    });
    for (number, app) in apps.iter_mut().enumerate() {
        let mut packets = seen(app).packets.clone();
        packets.sort();
        let mut expected: Vec<(PeerId, Vec<u8>)> = (0..3)
            .filter(|other| *other != number)
            .map(|other| (ids[other], PACKETS[other].to_vec()))
            .collect();
        expected.sort();
        assert_eq!(packets, expected);
        for entity in sessions(app) {
            let session = app.world().get::<Session>(entity).unwrap();
            assert_eq!(session.mtu(), MIN_MTU);
            assert_eq!(session.stats.packets_sent.0, 1);
            assert_eq!(session.stats.packets_recv.0, 1);
            assert_eq!(session.stats.bytes_sent.0, PACKETS[number].len());
        }
    }
    until(&network, &mut apps, "measured", |apps| {
        let entity = sessions(&mut apps[0])[0];
        apps[0].world().get::<PacketRtt>(entity).is_some()
    });
}

#[test]
fn the_host_is_the_server_of_the_others() {
    let network = Network::new(2);
    let mut apps = vec![app(), app(), app()];
    for app in &mut apps {
        // The mark is there when the session comes.
        app.add_observer(
            |added: On<Add, Session>, marked: Query<(), With<HostSession>>, mesh: Res<Mesh>| {
                let host = mesh.host().and_then(|host| mesh.entity_of(host));
                assert_eq!(marked.contains(added.entity), host == Some(added.entity));
            },
        );
        join(&network, app);
    }
    until(&network, &mut apps, "met", |apps| {
        apps.iter_mut().all(|app| sessions(app).len() == 2)
    });
    for app in &mut apps {
        let is_host = mesh(app).is_host();
        let world = app.world_mut();
        let servers = world
            .query_filtered::<Has<Server>, With<MeshServer>>()
            .iter(world)
            .collect::<Vec<_>>();
        assert_eq!(servers, [is_host], "it opens at the host alone");
        let children = world
            .query_filtered::<&ChildOf, With<Session>>()
            .iter(world)
            .count();
        assert_eq!(children, if is_host { 2 } else { 0 });
        let hosts = world
            .query_filtered::<(), With<HostSession>>()
            .iter(world)
            .count();
        assert_eq!(hosts, usize::from(!is_host));
    }

    // When the server closes, its clients are told why.
    apps.sort_by_key(|app| !mesh(app).is_host());
    let world = apps[0].world_mut();
    let server = world
        .query_filtered::<Entity, With<Server>>()
        .single(world)
        .unwrap();
    world.trigger(Close::new(server, "good night"));
    until(&network, &mut apps, "closed", |apps| {
        sessions(&mut apps[0]).is_empty() && apps[1..].iter().all(|app| !seen(app).ended.is_empty())
    });
    for guest in &apps[1..] {
        assert!(ended(
            guest,
            |how| matches!(how, DisconnectReason::ByPeer(why) if why == "good night")
        ));
    }
}

/// A message that a packet of aeronet may look like.
#[derive(Serialize, Deserialize)]
struct Any(u8);

impl MeshMessage for Any {
    const ID: u16 = 1;
}

#[test]
fn a_packet_that_looks_like_a_message_is_a_packet() {
    let network = Network::new(3);
    let (mut apps, _) = met::<2>(&network);
    apps[1].add_mesh_message::<Any>(TransferMode::Reliable);
    send(&mut apps[0], &[1, 5]);
    until(&network, &mut apps, "heard", |apps| {
        !seen(&apps[1]).packets.is_empty()
    });
    assert_eq!(seen(&apps[1]).packets[0].1, [1, 5]);
}

#[test]
fn what_is_no_packet_of_a_session_is_passed_over() {
    let network = Network::new(4);
    let (mut apps, _) = met::<2>(&network);
    command(&mut apps[0], |commands| {
        commands.with_session(|session| {
            let lane = TransferMode::Unreliable.channel();
            let reliable = TransferMode::Reliable.channel();
            session
                .send_on(Target::All, reliable, b"else".into())
                .unwrap();
            session.send_on(Target::All, lane, "a text".into()).unwrap();
            session.send_on(Target::All, lane, b"".into()).unwrap();
        });
    });
    send(&mut apps[0], b"last");
    until(&network, &mut apps, "heard", |apps| {
        seen(&apps[1]).packets.len() == 2
    });
    let mut packets: Vec<_> = seen(&apps[1])
        .packets
        .iter()
        .map(|(_, packet)| packet.clone())
        .collect();
    packets.sort();
    assert_eq!(packets, [b"".as_slice(), b"last"], "an empty one is one");
}

#[test]
fn a_session_ends_with_its_peer_and_says_how() {
    let network = Network::new(5);
    let (mut apps, ids) = met::<3>(&network);
    command(&mut apps[2], |commands| {
        commands.leave_lobby_with_reason("tea is ready");
    });
    until(&network, &mut apps, "left", |apps| {
        apps[..2].iter().all(|app| !seen(app).ended.is_empty()) && sessions(&mut apps[2]).is_empty()
    });
    for app in &apps[..2] {
        assert!(ended(
            app,
            |how| matches!(how, DisconnectReason::ByPeer(why) if why == "tea is ready")
        ));
    }
    let leaver = seen(&apps[2]);
    assert_eq!(leaver.ended.len(), 2);
    assert!(
        leaver
            .ended
            .iter()
            .all(|how| matches!(how, DisconnectReason::ByUser(_)))
    );

    network.kill(ids[1]);
    let mut apps = vec![apps.swap_remove(0)];
    until(&network, &mut apps, "lost", |apps| {
        seen(&apps[0]).ended.len() == 2
    });
    let DisconnectReason::ByError(error) = &seen(&apps[0]).ended[1] else {
        unreachable!("it has said no farewell");
    };
    let gone = error.downcast_ref::<PeerGone>();
    assert_eq!(gone, Some(&PeerGone(MeshReason::Lost)));
    assert!(sessions(&mut apps[0]).is_empty());
}

#[test]
fn who_disconnects_a_session_gives_the_reason() {
    let network = Network::new(6);
    let (mut apps, _) = met::<2>(&network);
    let session = sessions(&mut apps[0])[0];
    apps[0]
        .world_mut()
        .trigger(Disconnect::new(session, "enough"));
    until(&network, &mut apps, "ended", |apps| {
        !seen(&apps[1]).ended.is_empty()
    });
    assert!(ended(
        &apps[0],
        |how| matches!(how, DisconnectReason::ByUser(why) if why == "enough")
    ));
    assert!(ended(
        &apps[1],
        |how| matches!(how, DisconnectReason::ByPeer(why) if why == "enough")
    ));
    until(&network, &mut apps, "parted", |apps| {
        apps.iter().all(|app| mesh(app).peers().next().is_none())
    });
    assert!(ended(&apps[0], |_| true), "once");
}

#[test]
fn a_session_that_is_despawned_takes_its_peer_along() {
    let network = Network::new(7);
    let (mut apps, _) = met::<2>(&network);
    let session = sessions(&mut apps[0])[0];
    apps[0].world_mut().despawn(session);
    until(&network, &mut apps, "ended", |apps| {
        !seen(&apps[1]).ended.is_empty() && mesh(&apps[0]).peers().next().is_none()
    });
    assert!(ended(
        &apps[1],
        |how| matches!(how, DisconnectReason::ByPeer(why) if why == DROP_DISCONNECT_REASON)
    ));
}
