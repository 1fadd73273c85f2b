//! A process that ends without leaving: dropping the session says goodbye on its own.
#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use signaling_server::{Config, Server};
use webrtc_multiplayer::{DisconnectReason, Event, Session, TransferMode, join};

/// Set for the process that ends: where to join.
const URL: &str = "EXIT_TEST_URL";

const DEADLINE: Duration = Duration::from_secs(20);

/// Plays frame by frame, as a game without an async runtime does, until that event.
fn play_until<T>(session: &mut Session, wanted: impl Fn(&Event) -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    let mut seen = Vec::new();
    while Instant::now() < deadline {
        while let Some(event) = session.poll() {
            if let Some(found) = wanted(&event) {
                return found;
            }
            seen.push(event);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("not in time; seen: {seen:#?}");
}

#[test]
fn a_process_that_ends_without_leaving_is_seen_as_closed() {
    if let Ok(url) = std::env::var(URL) {
        let mut session = join(&url, "demo").unwrap();
        play_until(&mut session, |event| match event {
            Event::Packet(_) => Some(()),
            _ => None,
        });
        // No leave, no close: the process is over.
        return;
    }

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime
        .block_on(Server::bind(
            "127.0.0.1:0".parse().unwrap(),
            Config::default(),
        ))
        .unwrap();
    let url = format!("ws://{}", server.local_addr());
    let mut session = join(&url, "demo").unwrap();
    play_until(&mut session, |event| match event {
        Event::Joined { .. } => Some(()),
        _ => None,
    });
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_process_that_ends_without_leaving_is_seen_as_closed",
        ])
        .env(URL, &url)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let peer = play_until(&mut session, |event| match event {
        Event::PeerConnected(peer) => Some(*peer),
        _ => None,
    });
    // Before this, its end would be a handshake cancelled, not a peer closed.
    let sent = session.send(peer, TransferMode::Reliable, "go").unwrap();
    assert_eq!(sent.accepted, 1);
    let reason = play_until(&mut session, |event| match event {
        Event::PeerDisconnected { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reason, DisconnectReason::Closed);
    assert!(other.wait().unwrap().success());
}
