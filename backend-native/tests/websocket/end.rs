//! How a connection ends, by either side.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use mesh_core::LostReason;
use signaling::{Transport, TransportError, TransportEvent};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{
    accept, assert_silent, closed, connect, listen, next, pair, received, text,
    unreachable_because, within,
};

#[tokio::test]
async fn a_close_frame_is_a_refusal_in_the_servers_words_and_is_answered() {
    let (mut client, mut server) = pair().await;
    let words = "go\n\u{1b}[31maway \"é\"";
    let frame = CloseFrame {
        code: CloseCode::from(4004),
        reason: words.into(),
    };
    server.send(Message::Close(Some(frame))).await.unwrap();
    assert_eq!(
        closed(&mut client).await,
        LostReason::Refused {
            code: 4004,
            reason: words.into()
        }
    );
    assert!(matches!(received(&mut server).await, Message::Close(_)));
    assert_silent(&mut client).await;
}

#[tokio::test]
async fn what_came_before_the_close_frame_is_reported_before_the_end() {
    let (mut client, mut server) = pair().await;
    for n in 0..50 {
        server.send(Message::text(format!("{n}"))).await.unwrap();
    }
    server.close(None).await.unwrap();
    for n in 0..50 {
        assert_eq!(next(&mut client).await, text(&format!("{n}")));
    }
    assert_eq!(
        closed(&mut client).await,
        LostReason::Refused {
            code: 0,
            reason: String::new()
        }
    );
}

#[tokio::test]
async fn a_connection_that_just_ends_is_closed() {
    let (mut client, server) = pair().await;
    drop(server);
    assert_eq!(closed(&mut client).await, LostReason::Closed);
}

#[tokio::test]
async fn dropping_sends_what_was_accepted_and_a_close_frame() {
    let (mut client, mut server) = pair().await;
    client.send("last words".into()).unwrap();
    drop(client);
    assert_eq!(received(&mut server).await, Message::text("last words"));
    let message = received(&mut server).await;
    let Message::Close(Some(frame)) = message else {
        panic!("{message:?} instead of a close frame");
    };
    assert_eq!(frame.code, CloseCode::Normal);
    assert!(
        within(server.next()).await.is_none(),
        "the socket stayed open"
    );
}

#[tokio::test]
async fn close_says_goodbye_and_reports_nothing_more() {
    let (mut client, mut server) = pair().await;
    server.send(Message::text("unread")).await.unwrap();
    client.close();
    assert_eq!(client.send("late".into()), Err(TransportError::NotOpen));
    assert_silent(&mut client).await;
    assert!(matches!(
        received(&mut server).await,
        Message::Close(Some(_))
    ));
    assert!(
        within(server.next()).await.is_none(),
        "the socket stayed open"
    );
    assert_silent(&mut client).await;
}

#[tokio::test]
async fn a_farewell_is_said_on_a_connection_of_its_own() {
    let (listener, url) = listen().await;
    let mut client = connect(&url);
    let server = accept(&listener).await;
    assert_eq!(next(&mut client).await, TransportEvent::Opened);
    drop(server);
    assert_eq!(closed(&mut client).await, LostReason::Closed);
    client.farewell(vec!["my seat".into(), "I leave".into()]);
    assert_silent(&mut client).await;
    drop(client);
    let mut server = accept(&listener).await;
    for words in ["my seat", "I leave"] {
        assert_eq!(received(&mut server).await, Message::text(words));
    }
    let message = received(&mut server).await;
    let Message::Close(Some(frame)) = message else {
        panic!("{message:?} instead of a close frame");
    };
    assert_eq!(frame.code, CloseCode::Normal);
    assert!(
        within(server.next()).await.is_none(),
        "the socket stayed open"
    );
}

#[tokio::test]
async fn dropping_while_connecting_ends_the_attempt() {
    let (listener, url) = listen().await;
    let client = connect(&url);
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    drop(client);
    let mut request = Vec::new();
    // Ends only when the client's socket is gone.
    within(stream.read_to_end(&mut request)).await.unwrap();
}

#[test]
fn the_end_of_the_runtime_is_the_end_of_the_connection() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (mut client, _server) = runtime.block_on(pair());
    drop(runtime);
    let here = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let why = here.block_on(unreachable_because(&mut client));
    assert!(why.contains("runtime"), "{why}");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_lost_within_10_s() {
    let (mut client, server) = pair().await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let reason = closed(&mut client).await;
    let time = start.elapsed();
    assert!(
        matches!(&reason, LostReason::Unreachable(why) if why.contains("silent")),
        "{reason:?}"
    );
    assert!((5..10).contains(&time.as_secs()), "{time:?}");
    drop(server);
}

#[tokio::test]
async fn a_server_that_only_answers_pings_is_not_lost() {
    let (mut client, mut server) = pair().await;
    tokio::time::pause();
    let mut pings = 0;
    while pings < 5 {
        let message = received(&mut server).await;
        assert!(matches!(message, Message::Ping(_)), "{message:?}");
        pings += 1;
    }
    server.send(Message::text("still here")).await.unwrap();
    assert_eq!(next(&mut client).await, text("still here"));
}

/// A process that is stopped sees the time leap. Its own silence is not the server's.
#[tokio::test]
async fn a_client_that_stood_still_asks_the_server_first() {
    let (mut client, mut server) = pair().await;
    server.send(Message::text("before")).await.unwrap();
    assert_eq!(next(&mut client).await, text("before"));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    // From here on time passes as it does, so that it does not leap while a message is on its way.
    tokio::time::resume();
    let message = received(&mut server).await;
    assert!(matches!(message, Message::Ping(_)), "{message:?}");
    // Reading has answered.
    server.send(Message::text("after")).await.unwrap();
    assert_eq!(next(&mut client).await, text("after"));
}
