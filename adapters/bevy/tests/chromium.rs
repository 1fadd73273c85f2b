//! Plugin against plugin, one of them in a page in Chromium; the app is the same source.
//!
//! The page is `adapters/bevy/page` after wasm-bindgen. `cargo ci test` builds it and names its folder in `BEVY_PAGE`; without
//! that the test says in one line that it was not run.
#![expect(clippy::print_stderr, reason = "it says what it cannot run")]

mod support;
#[path = "support/until.rs"]
mod wait;

use std::path::PathBuf;
use std::time::Duration;

use bevy_app::App;
use bevy_webrtc_multiplayer::prelude::*;
use signaling_server::{Config, Server};
use tokio::runtime::Runtime;
use visitor::{Chromium, serve};
use webrtc_multiplayer::DisconnectReason;

use crate::support::{app, command, entities, mesh, seen, tell};

/// A browser that starts on a busy machine takes a minute of it.
const DEADLINE: Duration = Duration::from_secs(240);

fn until(app: &mut App, what: &str, is_so: impl Fn(&mut App) -> bool) {
    let one = std::slice::from_mut(app);
    wait::until(one, DEADLINE, what, |apps| apps.iter_mut().all(&is_so));
}

#[test]
fn an_app_meets_one_in_a_page_talks_and_parts() {
    let Some(folder) = std::env::var_os("BEVY_PAGE").map(PathBuf::from) else {
        eprintln!("not run: BEVY_PAGE does not name the app's page, which `cargo ci test` builds");
        return;
    };
    let runtime = Runtime::new().unwrap();
    let address = ([127, 0, 0, 1], 0).into();
    let server = runtime.block_on(Server::bind(address, Config::default()));
    let url = format!("ws://{}", server.as_ref().unwrap().local_addr());
    let site = runtime.block_on(serve(&folder, include_str!("../page/index.html")));

    // The host is here: a lobby ends with it.
    let mut app = app();
    let lobby = Lobby::new(&url, "demo");
    command(&mut app, |commands| commands.join_lobby(lobby));
    until(&mut app, "joined", |app| {
        matches!(mesh(app).status(), MeshStatus::Joined)
    });
    let _chromium = Chromium::start(&format!("{site}/?url={url}"));
    until(&mut app, "met", |app| seen(app).joined.len() == 1);
    let page = *seen(&app).joined.first().unwrap();
    assert_eq!(entities(&mut app), [(page, false)]);

    tell(&mut app, "hello");
    until(&mut app, "answered", |app| !seen(app).heard.is_empty());
    assert_eq!(seen(&app).heard, [(page, "hello to 1 peer".to_owned())]);

    tell(&mut app, "leave");
    until(&mut app, "left", |app| !seen(app).left.is_empty());
    let [(left, reason)] = &*seen(&app).left else {
        unreachable!("one has left");
    };
    assert_eq!(*left, page);
    assert!(
        matches!(reason, DisconnectReason::Left(given) if given.text() == "done"),
        "{reason}"
    );
    assert!(entities(&mut app).is_empty());
}
