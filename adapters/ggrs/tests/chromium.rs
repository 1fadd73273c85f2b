//! A whole match between this machine and a page in Chromium, over a path that loses and delays.
//!
//! The page is `adapters/ggrs/page` after wasm-bindgen. `cargo ci test` builds it and names its folder in `DUEL_PAGE`; without
//! that the test says in one line that it was not run.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it cannot run"
)]

#[path = "../examples/duel/bot.rs"]
mod bot;
#[path = "../examples/duel/game.rs"]
mod game;
mod support;

use std::path::PathBuf;
use std::time::Duration;

use ggrs::Frame;
use mesh_core::{Conditioned, Disturbance, Session, SessionConfig};
use signaling_server::{Config, Server};
use tokio::runtime::Runtime;
use visitor::{Chromium, serve};
use webrtc_multiplayer::signaling::{Client, JoinRequest};
use webrtc_multiplayer::{PlatformBackend, PlatformConfig, WebSocketTransport};

use crate::support::{Player, SETTLED, until};

const FRAMES: Frame = 3_000;

/// A round trip of 60 ms, and 5 % of all messages lost each way.
const BAD: Disturbance = Disturbance {
    latency: Duration::from_millis(28),
    jitter: Duration::from_millis(4),
    loss: 0.05,
};

type Native = Player<Conditioned<PlatformBackend>, Client<WebSocketTransport>>;

#[test]
fn three_thousand_frames_against_a_page_without_a_desync() {
    let Some(folder) = std::env::var_os("DUEL_PAGE").map(PathBuf::from) else {
        eprintln!("not run: DUEL_PAGE does not name the duel's page, which `cargo ci test` builds");
        return;
    };
    let runtime = Runtime::new().unwrap();
    let _guard = runtime.enter();
    let server = runtime.block_on(Server::bind(([127, 0, 0, 1], 0).into(), Config::default()));
    let url = format!("ws://{}", server.as_ref().unwrap().local_addr());
    let site = runtime.block_on(serve(&folder, include_str!("../page/index.html")));
    let address = format!("{site}/?url={url}&lobby=duel&frames={FRAMES}");
    let _chromium = Chromium::start(&address);

    let mut players = [native(&url)];
    let pass = || std::thread::sleep(Duration::from_micros(500));
    let is_over = |players: &[Native]| {
        let mut all = players.iter();
        all.all(|player| player.confirmed() >= FRAMES + SETTLED && !player.heard.is_empty())
    };
    until(&mut players, "played", pass, is_over);

    let [player] = &players;
    let digest = player.game.digest(FRAMES).unwrap();
    assert_eq!(player.heard, [format!("{FRAMES} {digest:x}")]);
    assert!(
        player.desyncs.is_empty(),
        "GGRS has compared checksums, too"
    );
    assert!(player.given_up.is_empty());
    // Without any the path was too good for the test to mean something.
    assert!(player.game.rollbacks > 100, "{}", player.game.rollbacks);
}

fn native(url: &str) -> Native {
    let backend = PlatformBackend::new(PlatformConfig::default()).unwrap();
    let transport = backend.websocket(url).unwrap();
    let request = JoinRequest {
        lobby: "duel".to_owned(),
        group_of: Some(2),
        ..JoinRequest::default()
    };
    let mut backend = Conditioned::new(backend, 60);
    backend.set_disturbance(BAD);
    let session = Session::new(
        backend,
        Client::new(transport, request),
        SessionConfig::default(),
    );
    Player::new(session, 2)
}
