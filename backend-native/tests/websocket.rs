//! The WebSocket transport against real servers on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the lints' exceptions for tests do not reach the helpers of a test file"
)]

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use backend_native::{WebSocketOptions, WebSocketTransport};
use futures_util::{SinkExt, StreamExt};
use mesh_core::LostReason;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use signaling::{Transport, TransportError, TransportEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_async};

const DEADLINE: Duration = Duration::from_secs(20);

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    (listener, url)
}

async fn accept(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = within(listener.accept()).await.unwrap();
    within(accept_async(stream)).await.unwrap()
}

/// A client and its server, both open.
async fn pair() -> (WebSocketTransport, WebSocketStream<TcpStream>) {
    let (listener, url) = listen().await;
    let mut client = connect(&url);
    let server = accept(&listener).await;
    assert_eq!(next(&mut client).await, TransportEvent::Opened);
    (client, server)
}

fn connect(url: &str) -> WebSocketTransport {
    WebSocketTransport::connect(&Handle::current(), url).unwrap()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future)
        .await
        .expect("nothing happened in time")
}

async fn next(client: &mut WebSocketTransport) -> TransportEvent {
    within(poll_fn(|cx| client.poll_event(cx))).await
}

async fn closed(client: &mut WebSocketTransport) -> LostReason {
    let event = next(client).await;
    let TransportEvent::Closed { reason } = event else {
        panic!("{event:?} instead of Closed");
    };
    reason
}

async fn unreachable_because(client: &mut WebSocketTransport) -> String {
    let reason = closed(client).await;
    let LostReason::Unreachable(why) = reason else {
        panic!("{reason:?} instead of Unreachable");
    };
    why
}

async fn received(server: &mut WebSocketStream<TcpStream>) -> Message {
    within(server.next()).await.unwrap().unwrap()
}

/// Nothing is reported after the end.
async fn assert_silent(client: &mut WebSocketTransport) {
    let event = poll_fn(|cx| std::task::Poll::Ready(client.poll_event(cx))).await;
    assert!(event.is_pending(), "{event:?} after the end");
}

fn text(content: &str) -> TransportEvent {
    TransportEvent::Text(content.into())
}

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
async fn a_bad_url_is_an_error_at_once() {
    for url in [
        "",
        "nonsense",
        "127.0.0.1:9080",
        "http://127.0.0.1/",
        "ws://",
        "ws:///path",
        "ws://a b/",
        "wss://:1/",
        "ws://h:/",
        "ws://h:0/",
        "ws://h:99999/",
        "ws://name:password@h/",
    ] {
        let result = WebSocketTransport::connect(&Handle::current(), url);
        match result {
            Err(TransportError::InvalidUrl { url: named, why }) => {
                assert!(named == url && !why.is_empty());
            }
            other => panic!("{other:?} for {url:?}"),
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_unreachable() {
    let (listener, url) = listen().await;
    drop(listener);
    let mut client = connect(&url);
    let why = unreachable_because(&mut client).await;
    assert!(
        why.contains("refused") && why.contains("127.0.0.1"),
        "{why}"
    );
    assert_eq!(client.send("late".into()), Err(TransportError::NotOpen));
    assert_silent(&mut client).await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_unreachable() {
    let mut client = connect("ws://no-such-host.invalid:9080/");
    let why = unreachable_because(&mut client).await;
    assert!(why.contains("no-such-host.invalid"), "{why}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_unreachable_after_the_timeout() {
    let (listener, url) = listen().await;
    let options = WebSocketOptions::default().with_connect_timeout(Duration::from_millis(100));
    let mut client = WebSocketTransport::connect_with(&Handle::current(), &url, options).unwrap();
    let why = unreachable_because(&mut client).await;
    assert!(
        why.contains("no answer from 127.0.0.1 within 0.1 s"),
        "{why}"
    );
    drop(listener);
}

#[tokio::test]
async fn an_http_error_is_unreachable_and_named() {
    let (listener, url) = listen().await;
    let mut client = connect(&url);
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    stream
        .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    let why = unreachable_because(&mut client).await;
    assert!(why.contains("HTTP 403 Forbidden"), "{why}");
}

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

/// A TLS server with a certificate of its own for `localhost`; the URL and the certificate.
async fn secure_server() -> (tokio::task::JoinHandle<()>, String, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
        certified.signing_key.serialize_der(),
    ));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![certified.cert.der().clone()], key)
    .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that does not trust us hangs up here.
        let Ok(stream) = acceptor.accept(stream).await else {
            return;
        };
        let mut server = accept_async(stream).await.unwrap();
        while let Some(Ok(message)) = server.next().await {
            if message.is_text() {
                server.send(message).await.unwrap();
            }
        }
    });
    (
        serving,
        format!("wss://localhost:{port}/"),
        certified.cert.pem(),
    )
}

#[tokio::test]
async fn wss_with_a_certificate_of_ones_own() {
    let (serving, url, certificate) = secure_server().await;
    let options = WebSocketOptions::default()
        .with_root_certificates(certificate)
        .unwrap();
    let mut client = WebSocketTransport::connect_with(&Handle::current(), &url, options).unwrap();
    assert_eq!(next(&mut client).await, TransportEvent::Opened);
    client.send("secret".into()).unwrap();
    assert_eq!(next(&mut client).await, text("secret"));
    drop(client);
    within(serving).await.unwrap();
}

#[tokio::test]
async fn wss_with_an_unknown_certificate_is_unreachable() {
    let (serving, url, _) = secure_server().await;
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let options = WebSocketOptions::default()
        .with_root_certificates(other.cert.pem())
        .unwrap();
    let mut client = WebSocketTransport::connect_with(&Handle::current(), &url, options).unwrap();
    let why = unreachable_because(&mut client).await;
    assert!(why.contains("TLS") && why.contains("certificate"), "{why}");
    within(serving).await.unwrap();
}

#[test]
fn root_certificates_that_are_none_are_an_error() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "nonsense", broken] {
        let error = WebSocketOptions::default()
            .with_root_certificates(pem)
            .unwrap_err();
        assert!(error.to_string().contains("cannot be used"));
    }
}
