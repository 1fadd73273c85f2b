//! Plugin against plugin over real sockets, joined by command.

mod support;
#[path = "support/until.rs"]
mod wait;

use std::time::Duration;

use bevy_app::App;
use bevy_webrtc_multiplayer::prelude::*;
use signaling_server::{Config, Server};
use tokio::runtime::Runtime;

use crate::support::{app, command, entities, mesh, seen, tell};

/// Far above what anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

fn until(apps: &mut [App], what: &str, is_so: impl Fn(&mut [App]) -> bool) {
    wait::until(apps, DEADLINE, what, is_so);
}

#[test]
fn two_apps_meet_talk_and_part() {
    let runtime = Runtime::new().unwrap();
    let address = ([127, 0, 0, 1], 0).into();
    let server = runtime.block_on(Server::bind(address, Config::default()));
    let url = format!("ws://{}", server.as_ref().unwrap().local_addr());

    let mut apps = [app(), app()];
    for app in &mut apps {
        let lobby = Lobby::new(&url, "demo");
        command(app, |commands| commands.join_lobby(lobby));
    }
    until(&mut apps, "met", |apps| {
        apps.iter().all(|app| seen(app).joined.len() == 1)
    });
    for app in &mut apps {
        tell(app, "hello");
    }
    until(&mut apps, "heard", |apps| {
        apps.iter().all(|app| seen(app).heard.len() == 1)
    });
    let [one, _] = &mut apps;
    command(one, |commands| commands.leave_lobby());
    until(&mut apps, "parted", |apps| {
        apps.iter_mut().all(|app| entities(app).is_empty())
    });
    let [one, other] = &apps;
    assert_eq!(mesh(one).status(), &MeshStatus::Idle);
    assert_eq!(seen(other).left.len(), 1);
}

#[test]
fn a_url_that_is_none_is_told() {
    let mut apps = [app()];
    let [app] = &mut apps;
    let lobby = Lobby::new("http://127.0.0.1", "demo");
    command(app, |commands| commands.join_lobby(lobby));
    until(&mut apps, "told", |apps| {
        apps.iter().all(|app| seen(app).join_failed == 1)
    });
    let [app] = &apps;
    assert_eq!(mesh(app).status(), &MeshStatus::Idle);
}
