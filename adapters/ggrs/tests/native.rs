//! A whole match over real sockets: a signaling server, two native sessions, and GGRS at its own pace.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../examples/duel/bot.rs"]
mod bot;
#[path = "../examples/duel/game.rs"]
mod game;
mod support;

use std::time::Duration;

use ggrs::Frame;
use mesh_core::{Backend, Conditioned, Disturbance, Session, SessionConfig, Signaling};
use signaling_server::{Config, Server};
use tokio::runtime::Runtime;
use webrtc_multiplayer::signaling::{Client, JoinRequest};
use webrtc_multiplayer::{Lobby, PlatformBackend, PlatformConfig};

use crate::support::{Player, SETTLED, assert_same, until};

/// A signaling server of its own, and where it is.
fn server(runtime: &Runtime) -> (Server, String) {
    let address = ([127, 0, 0, 1], 0).into();
    let server = runtime.block_on(Server::bind(address, Config::default()));
    let server = server.unwrap();
    let url = format!("ws://{}", server.local_addr());
    (server, url)
}

#[test]
fn a_match_over_real_sockets() {
    let runtime = Runtime::new().unwrap();
    let (_server, url) = server(&runtime);
    let join = |_| Lobby::new(&url, "duel").group_of(2).join().unwrap();
    let mut players: Vec<_> = (0..2).map(join).map(|it| Player::new(it, 2)).collect();
    play(&mut players, 3_000);
}

#[test]
fn a_match_over_real_sockets_on_a_lossy_path() {
    let runtime = Runtime::new().unwrap();
    let (_server, url) = server(&runtime);
    let join = |seed| {
        let backend = PlatformBackend::new(PlatformConfig::default()).unwrap();
        let transport = backend.websocket(&url).unwrap();
        let request = JoinRequest {
            lobby: "duel".to_owned(),
            group_of: Some(2),
            ..JoinRequest::default()
        };
        let client = Client::new(transport, request);
        let mut backend = Conditioned::new(backend, seed);
        // Of each side, so that a round trip takes 60 ms and about 5 % are lost each way.
        backend.set_disturbance(Disturbance {
            latency: Duration::from_millis(8),
            jitter: Duration::from_millis(4),
            loss: 0.013,
        });
        Session::new(backend, client, SessionConfig::default())
    };
    let mut players: Vec<_> = (0..2).map(join).map(|it| Player::new(it, 2)).collect();
    play(&mut players, 600);
    for player in &players {
        assert!(player.game.rollbacks > 0);
    }
}

/// As fast as packets come: a player that may predict no further waits for the other one.
fn play<B: Backend, S: Signaling>(players: &mut [Player<B, S>], frames: Frame) {
    let pass = || std::thread::sleep(Duration::from_micros(100));
    until(players, "played", pass, |players| {
        players
            .iter()
            .all(|player| player.confirmed() >= frames + SETTLED)
    });
    let [one, other] = players else {
        panic!("two players")
    };
    assert_same(one, other, frames);
    for player in [one, other] {
        assert!(player.desyncs.is_empty(), "{:?}", player.desyncs);
        assert!(player.given_up.is_empty());
    }
}
