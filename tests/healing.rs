//! A signaling server that goes and comes back, and a host whose network does, under a mesh of real sessions.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it measured"
)]

#[path = "healing/path.rs"]
mod path;
#[path = "healing/player.rs"]
mod player;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use signaling_server::{BindError, Config, ResumeKey, Server};

use crate::path::Path;
use crate::player::{Player, until};

/// A server in a runtime of its own, which can be killed.
struct Signaling {
    address: SocketAddr,
    runtime: tokio::runtime::Runtime,
    _server: Server,
}

impl Signaling {
    /// On a port that no system gives to those who do not care, so that it is free again when the server is started again.
    fn begin(key: &ResumeKey) -> Self {
        // Other tests of this process look for theirs elsewhere, so that none takes it meanwhile.
        static BEGUN: AtomicU32 = AtomicU32::new(0);
        let block = BEGUN.fetch_add(1, Ordering::Relaxed) * 1000;
        let first = (std::process::id() + block) % 10_000;
        let mut ports = (first..first + 1000).filter_map(|port| u16::try_from(20_000 + port).ok());
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        ports
            .find_map(|port| Self::start(address(port), key).ok())
            .unwrap()
    }

    fn start(address: SocketAddr, key: &ResumeKey) -> Result<Self, BindError> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let config = Config {
            resume_key: Some(key.clone()),
            ..Config::default()
        };
        let server = runtime.block_on(Server::bind(address, config))?;
        Ok(Self {
            address: server.local_addr(),
            runtime,
            _server: server,
        })
    }

    /// Ends it without a word: its sockets are dropped with its tasks, and nobody is sent a close frame.
    fn kill(self) -> SocketAddr {
        let Self {
            address,
            runtime,
            _server: server,
        } = self;
        runtime.shutdown_timeout(Duration::from_secs(10));
        drop(server);
        address
    }
}

/// How soon a player notices that its server does not answer.
const NOTICED: Duration = Duration::from_secs(10);

/// How soon after its server, or its network, is back a player is back in its lobby.
const BACK: Duration = Duration::from_secs(5);

fn url(address: SocketAddr) -> String {
    format!("ws://{address}")
}

/// So many players in one lobby, each connected to each.
fn mesh(url: &str, count: usize) -> Vec<Player> {
    let mut players: Vec<Player> = Vec::new();
    for _ in 0..count {
        players.push(Player::join(url));
        // The first is the host.
        until(&mut players, "joined", |player| player.id.is_some());
    }
    talking(players)
}

/// They are all connected, and talk.
fn talking(mut players: Vec<Player>) -> Vec<Player> {
    let others = players.len() - 1;
    until(&mut players, "connected", |player| {
        player.connected.len() == others
    });
    for player in &mut players {
        player.is_talking = true;
    }
    until(&mut players, "talking", |player| player.heard() > 30);
    players
}

/// They say no more, all has arrived that they have said, and nobody was lost.
fn nothing_is_lost(players: &mut [Player]) {
    for player in &mut *players {
        player.is_talking = false;
    }
    let told: Vec<_> = players.iter().map(Player::told).collect();
    until(players, "hearing all", |player| {
        let others = told.iter().filter(|(id, _)| Some(*id) != player.id);
        others
            .into_iter()
            .all(|(id, told)| player.heard_of(*id) == *told)
    });
    let refused: BTreeMap<_, u64> = players
        .iter()
        .map(|to| {
            let to = to.id.unwrap();
            (to, players.iter().map(|from| from.unsaid_to(to)).sum())
        })
        .collect();
    until(players, "hearing all that is unreliable", |player| {
        player
            .id
            .is_some_and(|id| refused[&id] == player.unreliable_lost())
    });
    for player in players {
        assert_eq!((player.ends, player.lost), (0, 0), "nobody was lost");
    }
}

#[test]
fn a_server_that_is_killed_and_started_again_takes_everybody_back() {
    let key = ResumeKey::generate().unwrap();
    let signaling = Signaling::begin(&key);
    let mut players = mesh(&url(signaling.address), 4);
    let ids: Vec<_> = players.iter().map(|player| player.id).collect();

    let address = signaling.kill();
    until(&mut players, "interrupted", Player::is_interrupted);
    let started = Instant::now();
    let _signaling = Signaling::start(address, &key.inherited()).unwrap();
    until(&mut players, "resumed", Player::is_back);
    let away = started.elapsed();
    assert!(away <= BACK, "all resumed after {away:?}");
    for (player, id) in players.iter().zip(ids) {
        assert_eq!(player.id, id);
        assert_eq!(player.connected.len(), 3);
    }

    players.push(Player::join(&url(address)));
    until(&mut players, "meeting the fifth", |player| {
        player.connected.len() == 4
    });
    // The fifth has not heard all.
    nothing_is_lost(&mut players[..4]);
    assert_eq!((players[4].ends, players[4].lost), (0, 0));
}

#[test]
fn a_host_whose_network_is_gone_for_15_seconds_comes_back_as_host() {
    let key = ResumeKey::generate().unwrap();
    let signaling = Signaling::begin(&key);
    let path = Path::to(signaling.address);
    let mut players = vec![Player::join(&url(path.address()))];
    until(&mut players, "joined", |player| player.id.is_some());
    for _ in 0..3 {
        players.push(Player::join(&url(signaling.address)));
    }
    let mut players = talking(players);
    let id = players[0].id;

    let cut = Instant::now();
    path.cut(true);
    until(&mut players[..1], "interrupted", Player::is_interrupted);
    let noticed = cut.elapsed();
    assert!(noticed <= NOTICED, "noticed after {noticed:?}");
    while cut.elapsed() < Duration::from_secs(15) {
        players.iter_mut().for_each(Player::frame);
        std::thread::sleep(Duration::from_millis(5));
    }
    path.cut(false);
    let restored = Instant::now();
    until(&mut players[..1], "resumed", Player::is_back);
    let away = restored.elapsed();
    assert!(away <= BACK, "resumed after {away:?}");
    assert_eq!(players[0].id, id);
    assert!(id.is_some_and(|id| id.is_server()));

    players.push(Player::join(&url(signaling.address)));
    until(&mut players, "meeting the fifth", |player| {
        player.connected.len() == 4
    });
    nothing_is_lost(&mut players[..4]);
    players[0].session.seal().unwrap();
    until(&mut players, "sealed by its host", |player| player.sealed);
    for player in &players {
        assert_eq!((player.ends, player.lost), (0, 0));
    }
}

/// The connection is half open: nobody has ended it, and nothing passes. The server takes its member for present.
#[test]
fn a_guest_whose_cable_was_pulled_comes_back_over_another_connection() {
    let key = ResumeKey::generate().unwrap();
    let signaling = Signaling::begin(&key);
    let path = Path::to(signaling.address);
    let mut players = vec![Player::join(&url(signaling.address))];
    until(&mut players, "joined", |player| player.id.is_some());
    players.push(Player::join(&url(path.address())));
    until(&mut players, "connected", |player| {
        player.connected.len() == 1
    });
    let id = players[1].id;

    let pulled = Instant::now();
    path.pull_cable();
    until(&mut players[1..], "interrupted", Player::is_interrupted);
    println!("noticed after {:?}", pulled.elapsed());
    // Before the server has noticed.
    until(&mut players[1..], "resumed", Player::is_back);
    println!("resumed after {:?}", pulled.elapsed());
    assert_eq!(players[1].id, id);

    players.push(Player::join(&url(signaling.address)));
    until(&mut players, "meeting the third", |player| {
        player.connected.len() == 2
    });
    for player in &players {
        assert_eq!((player.ends, player.lost), (0, 0));
    }
}
