//! A client, and a server to talk to.

use std::future::poll_fn;
use std::time::Duration;

use backend_native::WebSocketTransport;
use futures_util::StreamExt;
use mesh_core::LostReason;
use signaling::{Transport, TransportEvent};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// No wait takes longer, unless something is broken.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    (listener, url)
}

pub(crate) async fn accept(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = within(listener.accept()).await.unwrap();
    within(accept_async(stream)).await.unwrap()
}

/// A client and its server, both open.
pub(crate) async fn pair() -> (WebSocketTransport, WebSocketStream<TcpStream>) {
    let (listener, url) = listen().await;
    let mut client = connect(&url);
    let server = accept(&listener).await;
    assert_eq!(next(&mut client).await, TransportEvent::Opened);
    (client, server)
}

pub(crate) fn connect(url: &str) -> WebSocketTransport {
    WebSocketTransport::connect(&Handle::current(), url).unwrap()
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future)
        .await
        .expect("nothing happened in time")
}

pub(crate) async fn next(client: &mut WebSocketTransport) -> TransportEvent {
    within(poll_fn(|cx| client.poll_event(cx))).await
}

pub(crate) async fn closed(client: &mut WebSocketTransport) -> LostReason {
    let event = next(client).await;
    let TransportEvent::Closed { reason } = event else {
        panic!("{event:?} instead of Closed");
    };
    reason
}

pub(crate) async fn unreachable_because(client: &mut WebSocketTransport) -> String {
    let reason = closed(client).await;
    let LostReason::Unreachable(why) = reason else {
        panic!("{reason:?} instead of Unreachable");
    };
    why
}

pub(crate) async fn received(server: &mut WebSocketStream<TcpStream>) -> Message {
    within(server.next()).await.unwrap().unwrap()
}

/// Nothing is reported after the end.
pub(crate) async fn assert_silent(client: &mut WebSocketTransport) {
    let event = poll_fn(|cx| std::task::Poll::Ready(client.poll_event(cx))).await;
    assert!(event.is_pending(), "{event:?} after the end");
}

pub(crate) fn text(content: &str) -> TransportEvent {
    TransportEvent::Text(content.into())
}
