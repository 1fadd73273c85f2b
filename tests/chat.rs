//! The main job: chats in processes of their own, over a real server and real connections.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "chat/files.rs"]
mod files;
#[path = "chat/process.rs"]
mod process;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use signaling_server::{Config, Server};

use crate::process::Chat;

/// A server on a free port, for as long as it is kept.
struct Signaling {
    server: Server,
    _runtime: tokio::runtime::Runtime,
}

impl Signaling {
    fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let server = runtime
            .block_on(Server::bind(address, Config::default()))
            .unwrap();
        Self {
            server,
            _runtime: runtime,
        }
    }

    fn url(&self) -> String {
        format!("ws://{}", self.server.local_addr())
    }
}

/// So many chats in one lobby, each connected to each.
fn connected<const N: usize>(signaling: &Signaling) -> [Chat; N] {
    connected_with(signaling, &[])
}

fn connected_with<const N: usize>(signaling: &Signaling, arguments: &[&str]) -> [Chat; N] {
    let mut chats: [Chat; N] = std::array::from_fn(|_| Chat::join(&signaling.url(), arguments));
    let ids = chats.each_ref().map(|chat| chat.id.clone());
    for chat in &mut chats {
        for id in ids
            .iter()
            .filter(|&id| *id != chat.id)
            .cloned()
            .collect::<Vec<_>>()
        {
            chat.wait_for(&format!("connected {id}"));
        }
    }
    chats
}

#[test]
fn every_message_arrives_once_in_every_mode() {
    let signaling = Signaling::start();
    let [mut host, mut second, mut third] = connected(&signaling);
    assert_eq!(host.id, "1");
    for mode in ["reliable", "ordered", "unreliable"] {
        host.type_line(&format!("/mode {mode}"));
        host.type_line(&format!("to all, {mode}"));
        for other in [&mut second, &mut third] {
            other.wait_for(&format!("1 {mode}: to all, {mode}"));
        }
    }
    second.type_line(&format!("/to {} only you", third.id));
    second.type_line(&format!("/except {} not you", third.id));
    let from = second.id.clone();
    third.wait_for(&format!("{from} reliable: only you"));
    host.wait_for(&format!("{from} reliable: not you"));
    // What comes last shows that nothing came twice, or to the wrong one.
    second.type_line("end");
    for other in [&mut host, &mut third] {
        other.wait_for(&format!("{from} reliable: end"));
    }
    let messages =
        |chat: &Chat, text: &str| chat.seen.iter().filter(|line| line.contains(text)).count();
    for (text, counts) in [
        ("only you", [0, 0, 1]),
        ("not you", [1, 0, 0]),
        ("to all, reliable", [0, 1, 1]),
        ("to all, ordered", [0, 1, 1]),
        ("to all, unreliable", [0, 1, 1]),
    ] {
        let seen = [&host, &second, &third].map(|chat| messages(chat, text));
        assert_eq!(seen, counts, "{text}");
    }
}

#[test]
fn no_peer_forges_a_line() {
    let signaling = Signaling::start();
    let [mut host, mut other] = connected(&signaling);
    other.type_bytes(b"\x1b[2Jx\rconnected 9\\\xff\n");
    let line = format!(
        "{} reliable: \\u{{1b}}[2Jx\\rconnected 9\\\\\\xff",
        other.id
    );
    host.wait_for(&line);
    other.type_line("/to 12345 x");
    other.wait_for("error: there is no peer 12345");
    other.type_line("/flood 1 300000");
    other.wait_for("error: 300000 bytes are more than the 65536 that can be sent");
}

#[test]
fn a_killed_peer_is_lost_and_one_that_quits_is_closed() {
    let signaling = Signaling::start();
    let [mut host, mut second, third] = connected_with(&signaling, &["--resume-window", "2"]);
    let gone = third.id.clone();
    let killed = Instant::now();
    third.kill();
    for other in [&mut host, &mut second] {
        let line = other.wait_for_start(&format!("disconnected {gone}: "));
        assert!(line.contains("Lost"), "{line}");
    }
    let noticed = killed.elapsed();
    assert!(noticed < Duration::from_secs(5), "{noticed:?}");

    // A busy machine may be slow once; a close that waits for a timer is slow each time.
    let mut noticed = Vec::new();
    let mut quitter = second;
    for _ in 0..3 {
        let gone = quitter.id.clone();
        let said = Instant::now();
        quitter.type_line("/quit");
        let line = host.wait_for_start(&format!("disconnected {gone}: "));
        noticed.push(said.elapsed());
        assert!(line.contains("Closed"), "{line}");
        assert_eq!(quitter.exit_code(), Some(0));
        if noticed.last() < Some(&Duration::from_millis(250)) {
            return;
        }
        quitter = Chat::join(&signaling.url(), &[]);
        host.wait_for(&format!("connected {}", quitter.id));
    }
    panic!("a leave was noticed after {noticed:?}");
}

#[test]
fn a_host_embeds_the_server() {
    let mut host = Chat::start(&["--host", "127.0.0.1:0", "--lobby", ""]);
    host.joined();
    let lobby = host.lobby.clone();
    assert!(!lobby.is_empty(), "the server named the lobby");
    host.type_line("/seal");
    host.wait_for("sealed");
    host.type_line("/peers");
    host.wait_for("no peers");
    host.type_line("anybody?");
    host.wait_for("error: nobody is connected");
    host.type_line("/quit");
    assert_eq!(host.exit_code(), Some(0));
}

#[test]
fn a_host_serves_the_page() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/web/page");
    let any = "127.0.0.1:0";
    let arguments = ["--host", any, "--page", page, "--page-at", any];
    let mut host = Chat::start(&[&arguments[..], &["--lobby", "a&b c"]].concat());
    let line = host.wait_for_start("page http://");
    let (address, query) = line["page http://".len()..].split_once("/?").unwrap();
    assert!(
        query.starts_with("lobby=a%26b%20c&url=ws://127.0.0.1:"),
        "{query}"
    );
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    let request = format!("GET /?{query} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("content-type: text/html"), "{answer}");
    assert!(
        answer.contains("<title>webrtc-multiplayer chat</title>"),
        "{answer}"
    );
    host.type_line("/quit");
    assert_eq!(host.exit_code(), Some(0));

    let mut chat = Chat::start(&["--host", any, "--page", "no-such-folder"]);
    assert_eq!(chat.exit_code(), Some(1));
    assert!(chat.seen[0].starts_with("error: there is no page in no-such-folder"));
}

#[test]
fn losing_the_server_touches_no_connection() {
    let signaling = Signaling::start();
    let [mut host, mut other] = connected(&signaling);
    drop(signaling);
    for chat in [&mut host, &mut other] {
        chat.wait_for_start("signaling interrupted: ");
    }
    host.type_line("still here?");
    other.wait_for("1 reliable: still here?");
}

#[test]
fn a_server_that_cannot_be_reached_is_one_clear_line_and_exit_code_1() {
    // The port of a connection's near end: nobody else gets it, and nobody listens on it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let mut chat = Chat::start(&["--url", &format!("ws://127.0.0.1:{port}")]);
    assert_eq!(chat.exit_code(), Some(1));
    assert_eq!(chat.rest().len(), 1, "{:?}", chat.seen);
    assert!(
        chat.seen[0].starts_with("error: the signaling server cannot be reached"),
        "{:?}",
        chat.seen
    );

    let mut chat = Chat::start(&["--url", "http://127.0.0.1:1/"]);
    assert_eq!(chat.exit_code(), Some(1));
    assert_eq!(chat.rest().len(), 1, "{:?}", chat.seen);
    assert!(chat.seen[0].starts_with("error: "), "{:?}", chat.seen);
}

#[test]
fn the_end_of_input_ends_only_who_asked_for_it() {
    let signaling = Signaling::start();
    let mut host = Chat::join(&signaling.url(), &[]);
    let mut leaver = Chat::join(&signaling.url(), &["--exit-on-eof"]);
    host.wait_for(&format!("connected {}", leaver.id));
    leaver.wait_for("connected 1");
    host.close_input();
    leaver.type_line("the last word");
    leaver.close_input();
    assert_eq!(leaver.exit_code(), Some(0));
    host.wait_for(&format!("{} reliable: the last word", leaver.id));
    let line = host.wait_for_start(&format!("disconnected {}: ", leaver.id));
    assert!(line.contains("Closed"), "{line}");
}
