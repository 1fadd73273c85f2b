//! What an open connection carries, and its bounds.

use std::time::Duration;

use futures_util::SinkExt;
use mesh_core::LostReason;
use signaling::{Transport, TransportError, TransportEvent};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{accept, closed, connect, listen, next, pair, received, text, within};

#[tokio::test]
async fn carries_texts_both_ways_in_order() {
    let (mut client, mut server) = pair().await;
    for n in 0..100 {
        client.send(format!("to server {n}")).unwrap();
        server
            .send(Message::text(format!("to client {n}")))
            .await
            .unwrap();
    }
    for n in 0..100 {
        assert_eq!(
            received(&mut server).await,
            Message::text(format!("to server {n}"))
        );
        assert_eq!(next(&mut client).await, text(&format!("to client {n}")));
    }
}

#[tokio::test]
async fn nothing_is_taken_before_it_is_open() {
    let (listener, url) = listen().await;
    let mut client = connect(&url);
    let _server = accept(&listener).await;
    assert_eq!(client.send("early".into()), Err(TransportError::NotOpen));
    assert_eq!(next(&mut client).await, TransportEvent::Opened);
    assert_eq!(client.send("now".into()), Ok(()));
}

#[tokio::test]
async fn a_ping_is_answered_and_not_reported() {
    let (mut client, mut server) = pair().await;
    server
        .send(Message::Ping("are you there".into()))
        .await
        .unwrap();
    server.send(Message::text("after")).await.unwrap();
    assert_eq!(next(&mut client).await, text("after"));
    assert_eq!(
        received(&mut server).await,
        Message::Pong("are you there".into())
    );
}

#[tokio::test]
async fn a_binary_message_and_one_too_long_break_the_protocol() {
    let (mut client, mut server) = pair().await;
    server.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert!(matches!(closed(&mut client).await, LostReason::Protocol(_)));

    let (mut client, mut server) = pair().await;
    let longest = "x".repeat(64 * 1024);
    server.send(Message::text(longest.clone())).await.unwrap();
    assert_eq!(next(&mut client).await, text(&longest));
    // The client may hang up in the middle of it.
    let _ = server.send(Message::text(longest + "x")).await;
    let reason = closed(&mut client).await;
    let LostReason::Protocol(why) = reason else {
        panic!("{reason:?} instead of Protocol");
    };
    assert!(why.contains("65536"), "{why}");
}

#[tokio::test]
async fn a_full_queue_is_an_error_and_loses_nothing() {
    let (mut client, mut server) = pair().await;
    let padding = "x".repeat(32 * 1024);
    let mut accepted = 0;
    // The server does not read: the kernel's buffers fill, then the queue.
    let refusal = loop {
        match client.send(format!("{accepted} {padding}")) {
            Ok(()) => accepted += 1,
            Err(refusal) => break refusal,
        }
        assert!(accepted < 10_000, "everything is taken");
        tokio::task::yield_now().await;
    };
    assert_eq!(refusal, TransportError::Full);
    for n in 0..accepted {
        assert_eq!(
            received(&mut server).await,
            Message::text(format!("{n} {padding}"))
        );
    }
}

#[tokio::test]
async fn an_application_that_does_not_poll_stops_the_reading() {
    let (mut client, mut server) = pair().await;
    let padding = "x".repeat(8 * 1024);
    let mut sent = 0;
    // 512 MiB would be the whole loop; it ends when a text is not taken for half a second. That text is in the server's
    // buffer and still arrives.
    while sent < 65536 {
        sent += 1;
        let text = Message::text(format!("{sent} {padding}"));
        if timeout(Duration::from_millis(500), server.send(text))
            .await
            .is_err()
        {
            break;
        }
    }
    assert!(sent < 16384, "{sent} texts were taken while nobody polled");
    let flushing = tokio::spawn(async move { server.flush().await.map(|()| server) });
    for n in 1..=sent {
        assert_eq!(next(&mut client).await, text(&format!("{n} {padding}")));
    }
    within(flushing).await.unwrap().unwrap();
}
