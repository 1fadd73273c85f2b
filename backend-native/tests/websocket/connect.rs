//! Connections that never come to be.

use std::time::Duration;

use backend_native::{RootCertificates, WebSocketTransport};
use signaling::{Transport, TransportError, TransportOptions};
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;

use crate::support::{assert_silent, connect, listen, unreachable_because, within};

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

/// As a browser reads them.
#[tokio::test]
async fn the_case_of_the_scheme_and_white_space_around_do_not_count() {
    for url in ["WS://127.0.0.1:1/", " ws://127.0.0.1:1/\n", "Wss://h/\r\n"] {
        let transport = WebSocketTransport::connect(&Handle::current(), url);
        assert!(transport.is_ok(), "{url:?}: {transport:?}");
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
    let options = TransportOptions {
        connect_timeout: Duration::from_millis(100),
        ..TransportOptions::default()
    };
    let mut client = WebSocketTransport::connect_with(
        &Handle::current(),
        &url,
        options,
        RootCertificates::default(),
    )
    .unwrap();
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
