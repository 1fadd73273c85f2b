//! Over real sockets: sessions, and a game of replicon on them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/dots/game.rs"]
mod game;
mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bevy::MinimalPlugins;
use bevy_app::App;
use bevy_webrtc_multiplayer::prelude::*;
use signaling_server::{Config, Server};
use tokio::runtime::Runtime;

use crate::game::{Dot, DotsPlugin};
use crate::support::{command, mesh, seen, send, sessions};

/// Far above what anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// How far each dot has to go, at ten steps a second.
const STEPS: u32 = 30;

fn until(apps: &mut [App], what: &str, is_so: impl Fn(&mut [App]) -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so(apps) {
        assert!(Instant::now() < deadline, "not {what} in time");
        apps.iter_mut().for_each(App::update);
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A signaling server that these apps join, and what it lives on.
fn join(apps: &mut [App]) -> (Server, Runtime) {
    let runtime = Runtime::new().unwrap();
    let address = ([127, 0, 0, 1], 0).into();
    let server = runtime
        .block_on(Server::bind(address, Config::default()))
        .unwrap();
    let url = format!("ws://{}", server.local_addr());
    for app in apps {
        let lobby = Lobby::new(&url, "demo");
        command(app, |commands| commands.join_lobby(lobby));
    }
    (server, runtime)
}

#[test]
fn sessions_carry_packets_over_sockets() {
    let mut apps = [support::app(), support::app()];
    let _server = join(&mut apps);
    until(&mut apps, "met", |apps| {
        apps.iter_mut().all(|app| sessions(app).len() == 1)
    });
    // One may be lost.
    until(&mut apps, "heard", |apps| {
        apps.iter_mut().for_each(|app| send(app, b"hello"));
        apps.iter().all(|app| !seen(app).packets.is_empty())
    });
    for app in &apps {
        assert!(
            seen(app)
                .packets
                .iter()
                .all(|(_, packet)| packet == b"hello")
        );
    }
}

/// The steps of each dot by its owner.
fn dots(app: &mut App) -> BTreeMap<u32, u32> {
    let world = app.world_mut();
    let mut dots = world.query::<&Dot>();
    dots.iter(world).map(|dot| (dot.owner, dot.steps)).collect()
}

#[test]
fn replicon_plays_from_the_host_to_its_peers() {
    let mut apps = [(); 3].map(|()| {
        let mut app = App::new();
        app.add_plugins((MinimalPlugins, DotsPlugin));
        // `run` does so.
        app.finish();
        app.cleanup();
        app
    });
    let _server = join(&mut apps);
    until(&mut apps, "played", |apps| {
        let far = |app: &mut App| {
            let dots = dots(app);
            dots.len() == 3 && dots.values().all(|steps| *steps >= STEPS)
        };
        apps.iter_mut().all(far)
    });
    let ids: Vec<u32> = apps
        .iter()
        .map(|app| mesh(app).id().unwrap().get())
        .collect();
    for app in &mut apps {
        assert!(dots(app).keys().all(|owner| ids.contains(owner)));
    }

    // A guest that leaves takes its dot along, at the other guest, too.
    let guest = apps.iter().position(|app| !mesh(app).is_host()).unwrap();
    command(&mut apps[guest], |commands| commands.leave_lobby());
    until(&mut apps, "gone", |apps| {
        let mut others = apps
            .iter_mut()
            .enumerate()
            .filter(|(number, _)| *number != guest);
        others.all(|(_, app)| {
            let dots = dots(app);
            dots.len() == 2 && !dots.contains_key(&ids[guest])
        })
    });
}
