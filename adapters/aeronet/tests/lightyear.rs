//! lightyear's links over sessions of the mesh, on the network in memory.

#[path = "support/network.rs"]
mod network;

use aeronet_webrtc_multiplayer::MeshIoPlugin;
use aeronet_webrtc_multiplayer::aeronet_io::SessionEndpoint;
use bevy_app::App;
use bevy_ecs::prelude::*;
use lightyear_aeronet::{AeronetLinkOf, AeronetPlugin};
use lightyear_link::{Link, Linked, Unlink, UnlinkReason, Unlinked};
use mesh_core::mock::Network;

use crate::network::{join, until};

/// An app in which each session has a link of lightyear.
fn app() -> App {
    let mut app = App::new();
    app.add_plugins((MeshIoPlugin::default(), AeronetPlugin))
        .add_observer(|new: On<Add, SessionEndpoint>, mut commands: Commands| {
            let link = commands.spawn(Link::default()).id();
            commands.entity(new.entity).insert(AeronetLinkOf(link));
        });
    app
}

fn links<F: bevy_ecs::query::QueryFilter>(app: &mut App) -> Vec<Entity> {
    let world = app.world_mut();
    let mut links = world.query_filtered::<Entity, (With<Link>, F)>();
    links.iter(world).collect()
}

/// What has come over the only link.
fn received(app: &mut App) -> Vec<Vec<u8>> {
    let world = app.world_mut();
    let mut links = world.query::<&mut Link>();
    let mut links = links.iter_mut(world);
    let received = links.next().map(|mut link| {
        let packets = link.recv.drain();
        packets.map(|packet| packet.to_vec()).collect()
    });
    received.unwrap_or_default()
}

#[test]
fn links_open_carry_packets_and_close_with_a_reason() {
    let network = Network::new(1);
    let mut apps = [app(), app()];
    for app in &mut apps {
        join(&network, app);
    }
    until(&network, &mut apps, "linked", |apps| {
        apps.iter_mut()
            .all(|app| links::<With<Linked>>(app).len() == 1)
    });
    for (app, packet) in apps.iter_mut().zip(["one", "other"]) {
        let world = app.world_mut();
        let mut links = world.query::<&mut Link>();
        for mut link in links.iter_mut(world) {
            link.send.push(packet.into());
        }
    }
    for (at, expected) in [(0, b"other".as_slice()), (1, b"one")] {
        until(&network, &mut apps, "heard", |apps| {
            let came = received(&mut apps[at]);
            assert!(came.iter().all(|packet| packet == expected));
            came.len() == 1
        });
    }

    let [link] = *links::<With<Linked>>(&mut apps[0]) else {
        unreachable!("there is one");
    };
    let reason = UnlinkReason::UserRequested(Some("good night".to_owned()));
    apps[0].world_mut().trigger(Unlink {
        entity: link,
        reason,
    });
    until(&network, &mut apps, "unlinked", |apps| {
        let world = apps[1].world_mut();
        let mut ends = world.query::<&Unlinked>();
        let is_told = |end: &Unlinked| matches!(&end.reason, UnlinkReason::ByPeer(why) if why.contains("good night"));
        ends.iter(world).any(is_told)
    });
}
