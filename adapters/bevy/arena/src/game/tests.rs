use std::time::Duration;

use bevy::time::TimeUpdateStrategy;
use mesh_core::SessionConfig;
use mesh_core::mock::{BackendId, MockLobby, Network};

use super::*;

/// One frame at 60 Hz, on the clocks of the game and of the network.
const FRAME: Duration = Duration::from_micros(16_667);

/// As long as any test may take, on the clock of the network.
const DEADLINE: Duration = Duration::from_secs(60);

/// A player that goes to the coin, or stays where it is.
fn player(network: &Network, plays: bool) -> (App, BackendId) {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, GamePlugin))
        .insert_resource(TimeUpdateStrategy::ManualDuration(FRAME));
    if plays {
        app.add_systems(PreUpdate, crate::bot::steer);
    }
    let backend = network.backend();
    let id = backend.id();
    let rules = MockLobby {
        host_migration: true,
        ..MockLobby::default()
    };
    let signaling = network.signaling_in("demo", rules);
    let session = mesh_core::Session::new(backend, signaling, SessionConfig::default());
    app.insert_mesh_session(session);
    (app, id)
}

fn until(network: &Network, apps: &mut [App], what: &str, is_so: impl Fn(&[App]) -> bool) {
    let deadline = network.now() + DEADLINE;
    while !is_so(apps) {
        assert!(network.now() < deadline, "not {what} in time");
        apps.iter_mut().for_each(App::update);
        network.advance(FRAME);
    }
}

fn score(app: &App) -> &Score {
    app.world().resource()
}

fn coins(app: &App) -> u32 {
    score(app).0.values().sum()
}

fn mesh(app: &App) -> &Mesh {
    app.world().resource()
}

#[test]
fn all_have_the_hosts_score_and_the_next_host_goes_on_with_it() {
    let network = Network::new(1);
    let (host, host_id) = player(&network, false);
    let mut apps = vec![host];
    until(&network, &mut apps, "joined", |apps| {
        mesh(&apps[0]).is_host()
    });
    let others = [true, true].map(|plays| player(&network, plays).0);
    apps.extend(others);
    until(&network, &mut apps, "collected", |apps| {
        coins(&apps[0]) >= 5 && apps.iter().all(|app| score(app) == score(&apps[0]))
    });
    let before = coins(&apps[0]);

    // It vanishes without a word.
    network.kill(host_id);
    drop(apps.remove(0));
    until(&network, &mut apps, "going on", |apps| {
        coins(&apps[0]) > before && score(&apps[0]) == score(&apps[1])
    });

    // Nobody moves any more, and a newcomer hears the score all the same.
    for app in &mut apps {
        let mut own = app.world_mut().query_filtered::<Entity, With<Own>>();
        let own = own.single(app.world()).expect("one player");
        app.world_mut().entity_mut(own).remove::<Own>();
    }
    let last = score(&apps[0]).clone();
    apps.push(player(&network, false).0);
    until(&network, &mut apps, "told", |apps| score(&apps[2]) == &last);
    assert!(apps.iter().all(|app| score(app) == &last));
}

#[test]
fn a_place_that_is_no_number_is_in_the_field() {
    let places = [f32::NAN, f32::INFINITY, 1e30, -1e30, 5.0];
    let places = places.map(|at| Place::new(at, at).x);
    assert_eq!(places, [0.0, 0.0, EDGE, -EDGE, 5.0]);
}

#[test]
fn the_coin_lies_in_the_field_and_moves_when_it_is_taken() {
    let mut last = None;
    for taken in [0, 1, 2, 65_535, 65_536, u32::MAX] {
        let coin = Score([(PeerId::SERVER, taken)].into()).coin().vector();
        assert!(coin.abs().max_element() <= EDGE);
        assert_ne!(last.replace(coin), Some(coin));
    }
}
