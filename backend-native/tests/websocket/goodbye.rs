//! A goodbye goes out although the program ends right after it.

use std::future::poll_fn;

use backend_native::{PlatformBackend, PlatformConfig, WebSocketTransport};
use futures_util::SinkExt;
use mesh_core::{Event, Session, SessionConfig};
use signaling::{Client, JoinRequest, Transport, TransportEvent};
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{accept, listen, next, received, within};

/// Of a program that is not the server's.
fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What a server hears of a client that `leave` connects and ends, up to its close frame. It takes everybody into its lobby.
fn heard(leave: impl FnOnce(String) + Send + 'static) -> Vec<Message> {
    one_thread().block_on(async {
        let (listener, url) = listen().await;
        let program = std::thread::spawn(move || leave(url));
        let mut server = accept(&listener).await;
        let mut all = Vec::new();
        loop {
            let message = received(&mut server).await;
            if message.to_text().is_ok_and(|text| text.contains("demo")) {
                for answer in [
                    r#"{"type":1,"id":7,"data":"true"}"#,
                    r#"{"type":0,"id":0,"data":"demo"}"#,
                ] {
                    server.send(Message::text(answer)).await.unwrap();
                }
            }
            let is_last = message.is_close();
            all.push(message);
            if is_last {
                break;
            }
        }
        drop(server);
        program.join().unwrap();
        all
    })
}

fn is_goodbye(all: &[Message]) -> bool {
    matches!(all, [Message::Text(last), Message::Close(Some(frame))]
        if last.as_str() == "last" && u16::from(frame.code) == 1000)
}

#[test]
fn who_waits_for_the_goodbye_may_end_its_runtime() {
    let all = heard(|url| {
        let runtime = one_thread();
        runtime.block_on(async {
            let mut client = WebSocketTransport::connect(runtime.handle(), &url).unwrap();
            assert_eq!(next(&mut client).await, TransportEvent::Opened);
            client.send("last".into()).unwrap();
            client.close();
            poll_fn(|cx| client.poll_closed(cx)).await;
            // Once more, as a session may.
            poll_fn(|cx| client.poll_closed(cx)).await;
        });
    });
    assert!(is_goodbye(&all), "{all:?}");
}

#[test]
fn a_backend_that_is_dropped_waits_for_the_goodbye_of_its_socket() {
    let all = heard(|url| {
        let backend = PlatformBackend::new(PlatformConfig::loopback()).unwrap();
        let mut client = backend.websocket(&url).unwrap();
        one_thread().block_on(async {
            assert_eq!(next(&mut client).await, TransportEvent::Opened);
        });
        client.send("last".into()).unwrap();
        drop(client);
        drop(backend);
    });
    assert!(is_goodbye(&all), "{all:?}");
}

/// Nobody else is in the lobby, so there is no link to wait for.
#[test]
fn a_session_that_has_left_may_end_its_runtime() {
    let all = heard(|url| {
        let runtime = one_thread();
        runtime.block_on(async {
            let handle = runtime.handle();
            let backend = PlatformBackend::with_handle(handle.clone(), PlatformConfig::loopback());
            let transport = WebSocketTransport::connect(handle, &url).unwrap();
            let client = Client::new(transport, JoinRequest::mesh("demo"));
            let mut session = Session::new(backend, client, SessionConfig::default());
            let event = within(session.next_event()).await;
            assert!(matches!(event, Event::Joined { .. }), "{event:?}");
            session.leave().await;
        });
    });
    let [Message::Text(join), .., Message::Close(Some(frame))] = &all[..] else {
        panic!("{all:?}");
    };
    assert!(
        join.contains("demo") && u16::from(frame.code) == 1000,
        "{all:?}"
    );
}
