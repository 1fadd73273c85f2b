//! Plugin against plugin on the network in memory.

mod support;

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_ecs::system::RunSystemOnce;
use bevy_webrtc_multiplayer::prelude::*;
use bevy_webrtc_multiplayer::{PeerFigures, SendFailure};
use mesh_core::mock::{BackendId, Network};
use mesh_core::{Duration, Event, Session, SessionConfig};
use serde::{Deserialize, Serialize};
use webrtc_multiplayer::{ChannelIndex, DisconnectReason, SendError};

use crate::support::{app, command, entities, mesh, seen, tell};

/// One frame at 60 Hz.
const FRAME: Duration = Duration::from_micros(16_667);

/// As long as any test may take, on the clock of the network.
const DEADLINE: Duration = Duration::from_secs(120);

fn join(network: &Network, app: &mut App) -> BackendId {
    let backend = network.backend();
    let id = backend.id();
    let signaling = network.signaling("demo");
    app.insert_mesh_session(Session::new(backend, signaling, SessionConfig::default()));
    id
}

fn until(network: &Network, apps: &mut [App], what: &str, is_so: impl Fn(&mut [App]) -> bool) {
    let deadline = network.now() + DEADLINE;
    while !is_so(apps) {
        assert!(network.now() < deadline, "not {what} in time");
        apps.iter_mut().for_each(App::update);
        network.advance(FRAME);
    }
}

/// Two apps that have met.
fn pair(network: &Network) -> (Vec<App>, [BackendId; 2]) {
    let mut apps = vec![app(), app()];
    let ids = [0, 1].map(|number| join(network, &mut apps[number]));
    until(network, &mut apps, "met", |apps| {
        apps.iter().all(|app| seen(app).joined.len() == 1)
    });
    (apps, ids)
}

#[test]
fn peers_are_entities_and_messages_are_types() {
    let network = Network::new(1);
    let (mut apps, _) = pair(&network);
    let ids = [0, 1].map(|number| mesh(&apps[number]).id().unwrap());
    for (app, other) in apps.iter_mut().zip([ids[1], ids[0]]) {
        assert_eq!(entities(app), [(other, false)]);
        assert_eq!(mesh(app).status(), &MeshStatus::Joined);
        assert_eq!(mesh(app).lobby(), "demo");
        let entity = mesh(app).entity_of(other).unwrap();
        assert_eq!(mesh(app).peers().collect::<Vec<_>>(), [(other, entity)]);
        tell(app, "hello");
        tell(app, "again");
    }
    until(&network, &mut apps, "heard", |apps| {
        apps.iter().all(|app| seen(app).heard.len() == 2)
    });
    for (app, other) in apps.iter().zip([ids[1], ids[0]]) {
        let heard = ["hello", "again"].map(|text| (other, text.to_owned()));
        assert_eq!(seen(app).heard, heard);
        assert!(seen(app).packets.is_empty() && seen(app).send_failed.is_empty());
        assert!(seen(app).frames_with_peers > 0);
        assert_eq!(seen(app).frames_as_host > 0, mesh(app).is_host());
        let events = &seen(app).events;
        assert!(matches!(events.first(), Some(Event::Joined { .. })));
    }
    assert_eq!(apps.iter().filter(|app| mesh(app).is_host()).count(), 1);
}

#[test]
fn figures_come_by_themselves() {
    let network = Network::new(2);
    let (mut apps, _) = pair(&network);
    tell(&mut apps[0], "count me");
    until(&network, &mut apps, "measured", |apps| {
        let world = apps[0].world_mut();
        let mut figures = world.query::<&PeerFigures>();
        let figures = figures.single(world).unwrap().0;
        figures.link.round_trip.is_some() && figures.sent.reliable.packets == 1
    });
}

#[test]
fn what_is_no_message_is_a_packet() {
    let network = Network::new(3);
    let (mut apps, _) = pair(&network);
    // A text, bytes with an unknown number, a message that is cut off, one with something behind it.
    command(&mut apps[0], |commands| {
        commands.with_session(|session| {
            let mode = TransferMode::Reliable.channel();
            let mut send = |payload| session.send_on(Target::All, mode, payload).unwrap();
            send("plain words".into());
            for bytes in [
                &[7, 7][..],
                &[0xac, 0x02, 5, b'h'],
                &[0xac, 0x02, 1, b'h', 0],
            ] {
                send(bytes.into());
            }
            send([0xac, 0x02, 1, b'h'].as_slice().into());
        });
    });
    until(&network, &mut apps, "heard", |apps| {
        !seen(&apps[1]).heard.is_empty()
    });
    assert_eq!(seen(&apps[1]).heard[0].1, "h");
    assert_eq!(seen(&apps[1]).packets.len(), 4);
    assert_eq!(
        seen(&apps[1]).packets[0].payload.text(),
        Some("plain words")
    );
}

#[test]
fn nothing_of_a_raw_channel_is_a_message() {
    let network = Network::new(9);
    let (mut apps, _) = pair(&network);
    apps[1].add_raw_channel(TransferMode::Reliable);
    tell(&mut apps[0], "h");
    until(&network, &mut apps, "heard", |apps| {
        !seen(&apps[1]).packets.is_empty()
    });
    assert!(seen(&apps[1]).heard.is_empty());
    assert_eq!(seen(&apps[1]).packets[0].payload.bytes().len(), 4);
}

#[test]
fn who_leaves_is_gone_for_both() {
    let network = Network::new(4);
    let (mut apps, _) = pair(&network);
    // The guest: a lobby ends with its host.
    apps.sort_by_key(|app| mesh(app).is_host());
    let other = mesh(&apps[0]).id().unwrap();
    tell(&mut apps[0], "the last word");
    command(&mut apps[0], |commands| {
        commands.leave_lobby_with_reason("tea is ready")
    });
    until(&network, &mut apps, "left", |apps| {
        apps.iter().all(|app| seen(app).left.len() == 1)
    });
    assert_eq!(seen(&apps[0]).left[0].1, DisconnectReason::Removed);
    assert_eq!(mesh(&apps[0]).status(), &MeshStatus::Idle);
    assert_eq!(mesh(&apps[0]).id(), None);
    // What was sent in the same frame went out before.
    assert_eq!(seen(&apps[1]).heard, [(other, "the last word".to_owned())]);
    let (who, why) = &seen(&apps[1]).left[0];
    assert_eq!(*who, other);
    assert!(
        matches!(why, DisconnectReason::Left(reason) if reason.text() == "tea is ready"),
        "{why}"
    );
    for app in &mut apps {
        assert_eq!(entities(app), []);
        assert_eq!(mesh(app).peers().count(), 0);
    }

    // And may come back.
    join(&network, &mut apps[0]);
    until(&network, &mut apps, "back", |apps| {
        apps.iter().all(|app| seen(app).joined.len() == 2)
    });
}

/// Whether a command of an observer has found the entity that it is about.
#[derive(Default, Resource)]
struct Found(Option<bool>);

#[test]
fn what_an_observer_asks_of_a_peer_that_leaves_finds_it() {
    let network = Network::new(10);
    let (mut apps, ids) = pair(&network);
    apps[0].init_resource::<Found>();
    apps[0].add_observer(|left: On<PeerLeft>, mut commands: Commands| {
        let entity = left.entity;
        commands.queue(move |world: &mut World| {
            let found = world.get_entity(entity).is_ok();
            world.insert_resource(Found(Some(found)));
        });
    });
    network.kill(ids[1]);
    let mut apps = vec![apps.swap_remove(0)];
    until(&network, &mut apps, "found", |apps| {
        apps[0].world().resource::<Found>().0.is_some()
    });
    assert_eq!(apps[0].world().resource::<Found>().0, Some(true));
}

#[test]
fn an_interruption_shows_on_the_entity() {
    let network = Network::new(5);
    let (mut apps, [one, other]) = pair(&network);
    network.partition(&[one], &[other]);
    let is_interrupted = |app: &mut App| entities(app).iter().any(|(_, is_so)| *is_so);
    until(&network, &mut apps, "interrupted", |apps| {
        apps.iter_mut().all(is_interrupted)
    });
    network.heal();
    until(&network, &mut apps, "resumed", |apps| {
        !apps.iter_mut().any(is_interrupted)
    });
    assert!(apps.iter().all(|app| seen(app).left.is_empty()));
}

#[test]
fn what_cannot_be_sent_is_told() {
    let network = Network::new(6);
    let mut apps = vec![app()];
    tell(&mut apps[0], "nobody is there");
    until(&network, &mut apps, "told", |apps| {
        !seen(&apps[0]).send_failed.is_empty()
    });
    let failed = seen(&apps[0]).send_failed[0].clone();
    assert_eq!(failed.why, SendFailure::Error(SendError::NotInitialized));
    assert_eq!(failed.target, Target::All);
}

#[test]
fn the_host_seals_and_kicks() {
    let network = Network::new(7);
    let (mut apps, _) = pair(&network);
    let host = apps.iter().position(|app| mesh(app).is_host()).unwrap();
    let guest = mesh(&apps[1 - host]).id().unwrap();
    command(&mut apps[host], |commands| commands.seal_lobby());
    until(&network, &mut apps, "sealed", |apps| {
        apps.iter().all(|app| mesh(app).is_sealed())
    });
    command(&mut apps[host], |commands| {
        commands.kick_peer(guest, "idle")
    });
    until(&network, &mut apps, "kicked", |apps| {
        apps.iter().all(|app| seen(app).left.len() == 1)
    });
    let (_, why) = &seen(&apps[1 - host]).left[0];
    assert!(
        matches!(why, DisconnectReason::Kicked(reason) if reason.text() == "idle"),
        "{why}"
    );
}

#[test]
fn the_game_may_despawn_a_peer_itself() {
    let network = Network::new(8);
    let (mut apps, ids) = pair(&network);
    let entity = mesh(&apps[0]).peers().next().unwrap().1;
    apps[0].world_mut().despawn(entity);
    network.kill(ids[1]);
    let mut apps = vec![apps.swap_remove(0)];
    until(&network, &mut apps, "lost", |apps| {
        mesh(&apps[0]).peers().next().is_none()
    });
    // It has no entity that an observer could look at.
    assert!(seen(&apps[0]).left.is_empty());
    let events = &seen(&apps[0]).events;
    let is_end = |event: &Event| matches!(event, Event::PeerDisconnected { .. });
    assert!(events.iter().any(is_end));
}

/// A type that asks for another mode than it is added with.
#[derive(Serialize, Deserialize)]
struct Shout;

impl MeshMessage for Shout {
    const ID: u16 = 301;
    const MODE: TransferMode = TransferMode::Unreliable;
}

#[test]
fn a_message_goes_in_the_mode_it_was_added_with() {
    let network = Network::new(9);
    let (mut apps, _) = pair(&network);
    let shout = |mut sender: MeshSender| sender.send(Target::All, &Shout).unwrap();
    apps[0].world_mut().run_system_once(shout).unwrap();
    until(&network, &mut apps, "heard", |apps| {
        seen(&apps[1]).packets.len() == 1
    });
    apps[0].add_mesh_message::<Shout>(TransferMode::Reliable);
    apps[0].world_mut().run_system_once(shout).unwrap();
    until(&network, &mut apps, "heard again", |apps| {
        seen(&apps[1]).packets.len() == 2
    });
    let channels = seen(&apps[1]).packets.iter().map(|packet| packet.channel);
    let modes = [TransferMode::Unreliable, TransferMode::Reliable];
    assert!(channels.eq(modes.map(ChannelIndex::from)));
}

#[test]
#[should_panic(expected = "a message with the number 300 has been added already")]
fn a_number_is_given_once() {
    app().add_mesh_message::<support::Said>(TransferMode::Reliable);
}
