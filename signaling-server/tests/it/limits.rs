//! Each limit over a socket: the code and the words that arrive.

use std::time::Duration;

use signaling_server::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::peer::*;

#[tokio::test]
async fn too_many_peers() {
    let server = server(Config {
        max_peers: 1,
        ..quick()
    })
    .await;
    let (first, _, _) = Peer::join(&server).await;
    let mut second = Peer::connect(&server).await;
    assert_eq!(second.close().await, "4000 Too many peers connected");
    first.leave().await;
    let (_third, id, _) = Peer::join(&server).await;
    assert_eq!(id, 1);
}

#[tokio::test]
async fn too_many_lobbies() {
    let server = server(Config {
        max_lobbies: 1,
        ..quick()
    })
    .await;
    let (_first, _, _) = Peer::join(&server).await;
    let mut second = Peer::connect(&server).await;
    second.send(&notice(0, 0, "another")).await;
    assert_eq!(
        second.close().await,
        "4000 Too many lobbies open, disconnecting"
    );
}

#[tokio::test]
async fn a_full_lobby() {
    let server = server(Config {
        max_lobby_peers: 1,
        ..quick()
    })
    .await;
    let (_first, _, _) = Peer::join(&server).await;
    let mut second = Peer::connect(&server).await;
    second.send(JOIN).await;
    assert_eq!(second.close().await, "4000 Lobby is full: at most 1 peers");
}

#[tokio::test]
async fn a_name_that_is_too_long() {
    let server = server(quick()).await;
    let mut peer = Peer::connect(&server).await;
    peer.send(&notice(0, 0, &"x".repeat(65))).await;
    assert_eq!(
        peer.close().await,
        "4000 Lobby name is too long: at most 64 bytes"
    );
}

#[tokio::test]
async fn no_join_in_time() {
    let server = server(Config {
        join_deadline: Duration::from_millis(100),
        ..quick()
    })
    .await;
    let mut peer = Peer::connect(&server).await;
    assert_eq!(peer.close().await, "4000 Have not joined lobby yet");
}

#[tokio::test]
async fn messages_that_are_too_large() {
    let server = server(quick()).await;
    let fits = notice(4, 9, &"x".repeat(32768 - notice(4, 9, "").len()));
    let (mut peer, _, _) = Peer::join(&server).await;
    peer.send(&fits).await;
    peer.send(&format!("{fits} ")).await;
    assert_eq!(
        peer.close().await,
        "1009 Message too large: at most 32768 bytes"
    );

    // One that the server does not even read to its end.
    let (mut peer, _, _) = Peer::join(&server).await;
    peer.send_anyway(&"x".repeat(32768 * 2 + 1)).await;
    assert_eq!(
        peer.close().await,
        "1002 Not a WebSocket frame, or far too large a one"
    );
}

#[tokio::test]
async fn too_many_messages() {
    let server = server(Config {
        messages_per_second: 1,
        message_burst: 10,
        ..quick()
    })
    .await;
    let (mut peer, _, _) = Peer::join(&server).await;
    for _ in 0..10 {
        peer.send(&notice(6, 9, "c")).await;
    }
    assert_eq!(
        peer.close().await,
        "1008 Too many messages: at most 1 a second"
    );
}

#[tokio::test]
async fn too_many_pings() {
    let server = server(Config {
        messages_per_second: 1,
        message_burst: 10,
        ..quick()
    })
    .await;
    let mut peer = Peer::connect(&server).await;
    for _ in 0..11 {
        peer.frame(Message::Ping(Vec::new().into())).await;
    }
    assert_eq!(
        peer.close().await,
        "1008 Too many messages: at most 1 a second"
    );
}

#[tokio::test]
async fn garbage() {
    let server = server(quick()).await;
    for (frame, close) in [
        (
            Message::text("{"),
            "4000 Invalid message format: not a JSON object",
        ),
        (
            Message::text("\u{1b}[2J"),
            "4000 Invalid message format: not a JSON object",
        ),
        (
            Message::binary(JOIN.as_bytes()),
            "4000 Invalid transfer mode, must be text",
        ),
        (
            Message::text(SEAL),
            "4000 Invalid message when not in a lobby",
        ),
    ] {
        let mut peer = Peer::connect(&server).await;
        peer.frame(frame).await;
        let said = peer.close().await;
        assert!(said.starts_with(close), "{said}");
    }
}

#[tokio::test]
async fn a_member_that_is_sent_away_has_left() {
    let server = server(quick()).await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut guest, id, _) = Peer::join(&server).await;
    assert_eq!(host.text().await, notice(2, id, ""));
    guest.send(JOIN).await;
    assert_eq!(host.text().await, notice(3, id, ""));
    assert_eq!(guest.close().await, "4000 Already in a lobby");
}

#[tokio::test]
async fn one_that_does_not_read() {
    let server = server(Config {
        max_outgoing: 128 * 1024,
        message_burst: 1_000_000,
        ..quick()
    })
    .await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut deaf, deaf_id, _) = Peer::join(&server).await;
    assert_eq!(host.text().await, notice(2, deaf_id, ""));

    // It fills the sockets' buffers, then the outbox, then it is sent away: told to the host while it still sends.
    let signal = notice(6, deaf_id, &"x".repeat(30_000));
    let flood = async {
        loop {
            host.send(&signal).await;
            if let Ok(text) = timeout(Duration::ZERO, host.text()).await {
                return text;
            }
        }
    };
    let said = timeout(DEADLINE, flood).await.expect("in time");
    assert_eq!(said, notice(3, deaf_id, ""));
    assert_eq!(
        deaf.close().await,
        "1008 Not reading: more than 131072 bytes are waiting"
    );
}

#[tokio::test]
async fn one_that_does_not_answer_pings() {
    let server = server(Config {
        ping_interval: Duration::from_millis(100),
        ping_deadline: Duration::from_secs(2),
        ..quick()
    })
    .await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut silent, id, _) = Peer::join(&server).await;
    // The host answers pings while it waits; the other does not, because nobody polls it.
    assert_eq!(host.text().await, notice(2, id, ""));
    assert_eq!(host.text().await, notice(3, id, ""));
    assert_eq!(silent.close().await, "1008 No answer to a ping within 2s");
}

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
