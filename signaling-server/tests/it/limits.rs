//! Each limit over a socket: the code and the words that arrive.

use std::time::Duration;

use signaling_server::Config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

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
        "4000 Lobby name is too long: at most 64 characters"
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
        "1009 Message too large: at most 32768 bytes"
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
async fn a_mistyped_name_makes_no_lobby_where_names_are_given() {
    let server = server(Config {
        no_create: true,
        ..quick()
    })
    .await;
    let mut guest = Peer::connect(&server).await;
    guest.send(JOIN).await;
    assert_eq!(guest.close().await, "4000 Lobby does not exists");
    let mut host = Peer::connect(&server).await;
    host.send(&notice(0, 0, "")).await;
    assert_eq!(host.text().await, notice(1, 1, "true"));
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
        (text_frame(&[0xff, 0xfe], true), "1007 Not UTF-8"),
        (more_frame(true), "1002 Not a WebSocket frame"),
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
    assert_eq!(silent.close().await, "1013 No answer to a ping within 2s");
}

#[tokio::test]
async fn a_message_without_end() {
    let server = server(Config {
        messages_per_second: 1,
        message_burst: 10,
        ..quick()
    })
    .await;
    let mut peer = Peer::connect(&server).await;
    // Empty pieces are no way around the limit of messages.
    peer.frame(text_frame(b"", false)).await;
    while peer.frame_anyway(more_frame(false)).await {}
    peer.ended().await;
    let mut peer = Peer::connect(&server).await;
    peer.frame(text_frame(b"", false)).await;
    for _ in 0..10 {
        peer.frame(more_frame(false)).await;
    }
    assert_eq!(
        peer.close().await,
        "1008 Too many messages: at most 1 a second"
    );
}

#[tokio::test]
async fn a_message_that_takes_too_long() {
    let server = server(Config {
        message_deadline: Duration::from_millis(100),
        ..quick()
    })
    .await;
    let mut peer = Peer::connect(&server).await;
    peer.frame(text_frame(b"{", false)).await;
    // Pings between the pieces do not help.
    let mut pings = tokio::time::interval(Duration::from_millis(10));
    let close = loop {
        pings.tick().await;
        if !peer.frame_anyway(Message::Ping(Vec::new().into())).await {
            break None;
        }
        if let Ok(close) = tokio::time::timeout(Duration::from_millis(1), peer.close()).await {
            break Some(close);
        }
    };
    assert_eq!(
        close.as_deref(),
        Some("1008 A message did not end within 100ms")
    );
}

#[tokio::test]
async fn too_many_that_are_being_refused() {
    let server = server(Config {
        max_peers: 1,
        max_refused: 1,
        // Whoever is refused and does not answer stays.
        close_deadline: DEADLINE * 10,
        ..quick()
    })
    .await;
    let (_first, _, _) = Peer::join(&server).await;
    let _refused = Peer::connect(&server).await;
    let url = format!("ws://{}", server.local_addr());
    let turned_away = Peer::request(&url, &[]).await.err();
    assert_eq!(turned_away, Some(503));
}

fn text_frame(payload: &[u8], is_last: bool) -> Message {
    let opcode = OpCode::Data(Data::Text);
    Message::Frame(Frame::message(payload.to_vec(), opcode, is_last))
}

/// A piece of a message, without bytes.
fn more_frame(is_last: bool) -> Message {
    let opcode = OpCode::Data(Data::Continue);
    Message::Frame(Frame::message(Vec::new(), opcode, is_last))
}
