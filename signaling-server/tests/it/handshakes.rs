//! Connections that are no WebSocket yet.

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use signaling_server::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::peer::*;

#[tokio::test]
async fn a_connection_that_never_asks_for_anything() {
    let server = server(Config {
        handshake_deadline: Duration::from_millis(100),
        ..quick()
    })
    .await;
    for start in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(server.local_addr())
            .await
            .expect("a server");
        stream
            .write_all(start.as_bytes())
            .await
            .expect("an open socket");
        let mut answer = Vec::new();
        let read = timeout(DEADLINE, stream.read_to_end(&mut answer)).await;
        let _reset_or_end = read.expect("in time");
        assert_eq!(answer, b"");
    }
}

#[tokio::test]
async fn a_request_head_that_has_no_end() {
    let server = server(quick()).await;
    let mut stream = TcpStream::connect(server.local_addr())
        .await
        .expect("a server");
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(20_000));
    stream
        .write_all(head.as_bytes())
        .await
        .expect("an open socket");
    let mut line = [0; 12];
    let read = timeout(DEADLINE, stream.read_exact(&mut line)).await;
    read.expect("in time").expect("an answer");
    assert_eq!(&line, b"HTTP/1.1 431");
}

#[tokio::test]
async fn a_connection_that_goes_on_asking_is_not_cut() {
    let deadline = Duration::from_secs(1);
    let server = server(Config {
        handshake_deadline: deadline,
        ..quick()
    })
    .await;
    let mut stream = TcpStream::connect(server.local_addr())
        .await
        .expect("a server");
    let start = Instant::now();
    let body = br#"{"status":"ok","peers":0,"lobbies":0}"#;
    while start.elapsed() < deadline * 2 {
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .expect("an open socket");
        let mut answer = Vec::new();
        while !answer.ends_with(body) {
            let read = timeout(DEADLINE, stream.read_buf(&mut answer)).await;
            assert_ne!(read.expect("in time").expect("an open socket"), 0);
        }
    }
    // It is cut when it does not ask any more.
    let mut rest = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut rest)).await;
    let _reset_or_end = read.expect("in time");
}

/// A connection that says nothing; it ends when the server ends it.
async fn silent(addr: std::net::SocketAddr) -> TcpStream {
    TcpStream::connect(addr).await.expect("a server")
}

async fn is_cut(stream: &mut TcpStream) {
    let read = timeout(DEADLINE, stream.read(&mut [0])).await;
    assert!(matches!(read.expect("in time"), Ok(0) | Err(_)));
}

#[tokio::test]
async fn the_oldest_of_too_many_gives_way() {
    for config in [
        Config {
            max_handshakes: 2,
            ..quick()
        },
        Config {
            max_handshakes_per_address: 2,
            ..quick()
        },
    ] {
        let server = server(Config {
            handshake_deadline: DEADLINE * 10,
            ..config
        })
        .await;
        let addr = server.local_addr();
        let mut first = silent(addr).await;
        let mut second = silent(addr).await;
        let _third = silent(addr).await;
        is_cut(&mut first).await;
        // Whoever means it gets in, however many do not.
        let (_peer, id, _) = Peer::join(&server).await;
        assert_eq!(id, 1);
        is_cut(&mut second).await;
        assert!(get(addr, "/health").await.contains(r#""status":"ok""#));
    }
}

#[tokio::test]
async fn a_trusted_proxy_may_have_more_on_their_way_than_an_address() {
    let server = server(Config {
        trusted_proxies: vec!["127.0.0.1/32".parse().expect("a network")],
        max_handshakes_per_address: 1,
        handshake_deadline: DEADLINE * 10,
        ..quick()
    })
    .await;
    let addr = server.local_addr();
    let mut first = silent(addr).await;
    let _second = silent(addr).await;
    // Those before it have been taken when this one is answered.
    get(addr, "/health").await;
    let request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    first.write_all(request).await.expect("an open socket");
    let mut answer = String::new();
    let read = timeout(DEADLINE, first.read_to_string(&mut answer)).await;
    read.expect("in time").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn silent_connections_keep_no_player_out() {
    let server = server(Config {
        // None ends because its time is up.
        handshake_deadline: DEADLINE * 10,
        ..quick()
    })
    .await;
    let addr = server.local_addr();
    let mut crowd = Vec::new();
    for _ in 0..300 {
        crowd.push(silent(addr).await);
    }
    let (_peer, id, _) = Peer::join(&server).await;
    assert_eq!(id, 1);
    // The player's address may have 64, and the oldest have given way, for the player, too.
    let young = crowd.split_off(300 - 63);
    for (number, stream) in crowd.iter_mut().enumerate() {
        let read = timeout(DEADLINE, stream.read(&mut [0])).await;
        let is_cut = matches!(read, Ok(Ok(0) | Err(_)));
        assert!(is_cut, "the one of number {number}");
    }
    for stream in young {
        let read = stream.try_read(&mut [0]);
        assert!(matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock));
    }
}

/// A player that has asked by the time the server looks is served, even if many connections of the same address that say
/// nothing come before it and after it.
#[tokio::test]
async fn a_player_in_a_crowd_that_comes_at_once_is_heard() {
    let server = server(Config {
        handshake_deadline: DEADLINE * 10,
        max_handshakes_per_address: 8,
        ..quick()
    })
    .await;
    let addr = server.local_addr();
    // The server runs on this thread, so it accepts nobody before all of them are there.
    let connect = || std::net::TcpStream::connect(addr).expect("room in the backlog");
    let mut crowd = Vec::from_iter((0..10).map(|_| connect()));
    let mut player = connect();
    player
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("an open socket");
    crowd.extend((0..50).map(|_| connect()));

    player.set_nonblocking(true).expect("a socket");
    let mut player = TcpStream::from_std(player).expect("a runtime");
    let mut answer = String::new();
    let read = timeout(DEADLINE, player.read_to_string(&mut answer)).await;
    read.expect("in time").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(crowd);
}

/// How long those who watch over a server wait for its health.
#[cfg(target_os = "linux")]
const PROBE: Duration = Duration::from_secs(2);

/// What a connection of a flood says before it falls silent. The last one has opened a WebSocket, and joins nothing.
#[cfg(target_os = "linux")]
const STARTS: [&str; 4] = [
    "",
    "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "\u{16}\u{3}\u{1}",
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
];

/// Keeps this many connections open from an address of its own, the newest ones, for ever.
#[cfg(target_os = "linux")]
async fn flood(addr: std::net::SocketAddr, crowd: usize, made: tokio::sync::watch::Sender<usize>) {
    let mut open = std::collections::VecDeque::new();
    for start in STARTS.iter().cycle() {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        let source = std::net::SocketAddr::from(([127, 0, 0, 2], 0));
        socket.bind(source).expect("all of 127.0.0.0/8 is here");
        let mut stream = socket.connect(addr).await.expect("a server");
        // It may have been cut already.
        let _ = stream.write_all(start.as_bytes()).await;
        open.push_back(stream);
        while open.len() > crowd {
            open.pop_front();
        }
        made.send_modify(|made| *made += 1);
    }
}

/// Other systems have one address of loopback alone.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the figure is of interest")]
async fn health_answers_in_a_flood_of_connections() {
    let server = server(Config {
        // The limits are those of a server on the internet.
        address: signaling_server::AddressLimits::default(),
        admin_addr: Some(([127, 0, 0, 1], 0).into()),
        ..Config::default()
    })
    .await;
    let addr = server.local_addr();
    let made = tokio::sync::watch::Sender::new(0);
    let mut seen = made.subscribe();
    let flooding = tokio::spawn(flood(addr, 400, made));
    let mut slowest = Duration::ZERO;
    for round in 1..=20 {
        // Also while the first ones come, and while those of before are cut.
        let more = seen.wait_for(|made| *made >= round * 50);
        assert!(timeout(DEADLINE, more).await.expect("in time").is_ok());
        for addr in [addr, server.admin_addr().expect("an address")] {
            let asked = Instant::now();
            let answer = timeout(PROBE, get(addr, "/health")).await;
            let answer = answer.expect("before they take it for dead");
            assert!(answer.contains(r#""status":"ok""#), "{answer}");
            slowest = slowest.max(asked.elapsed());
        }
    }
    flooding.abort();
    println!(
        "the slowest of 40 answers took {slowest:?}, in a flood of {} connections",
        *seen.borrow()
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn many_connections_at_once_fit_into_the_backlog() {
    let server = server(quick()).await;
    // The server runs on this thread, so it accepts nobody before all of them are there.
    let addr = server.local_addr();
    let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("a limit");
    let crowd: u32 = allowed.trim().parse().expect("a number");
    let crowd =
        (0..crowd.min(300)).map(|_| std::net::TcpStream::connect_timeout(&addr, DEADLINE / 2));
    let refused = crowd.filter(Result::is_err).count();
    assert_eq!(refused, 0);
}
