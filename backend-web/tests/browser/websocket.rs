//! The socket to a signaling server, as far as it goes without one.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use backend_web::WebSocketTransport;
use backend_web::testing::held;
use mesh_core::LostReason;
use signaling::{Transport, TransportError, TransportEvent, TransportOptions};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::next_turn;

#[wasm_bindgen_test]
fn what_is_no_address_is_refused_at_once() {
    for url in [
        "",
        "nonsense",
        "/relative",
        "http://example.org",
        "ws://",
        "ws://user:secret@example.org",
        "ws://example.org:0",
        "ws://example.org:99999",
        "wss://[::1",
    ] {
        let refused = WebSocketTransport::connect(url).err();
        assert!(
            matches!(&refused, Some(TransportError::InvalidUrl { url: of, why }) if of == url && !why.is_empty()),
            "{url:?}: {refused:?}"
        );
    }
    assert_eq!(held().sockets, 0);
}

#[wasm_bindgen_test]
async fn a_server_that_is_not_there_is_unreachable() {
    let mut transport =
        WebSocketTransport::connect("ws://127.0.0.1:47113/lobby").expect("an address");
    assert_eq!(transport.send("early".into()), Err(TransportError::NotOpen));
    let event = poll_fn(|cx| transport.poll_event(cx)).await;
    assert!(
        matches!(&event, TransportEvent::Closed { reason: LostReason::Unreachable(why) } if why.contains("127.0.0.1:47113")),
        "{event:?}"
    );
    assert_eq!(transport.send("late".into()), Err(TransportError::NotOpen));
    assert_eq!(held().sockets, 0);
    drop(transport);
    assert_eq!(held().callbacks, 0);
}

#[wasm_bindgen_test]
async fn a_server_that_never_answers_is_given_up() {
    // Nobody is there, and nobody says so (RFC 5737).
    let options = TransportOptions {
        connect_timeout: Duration::from_millis(100),
        ..TransportOptions::default()
    };
    let mut transport =
        WebSocketTransport::connect_with("ws://192.0.2.1:47113", options).expect("an address");
    let event = poll_fn(|cx| transport.poll_event(cx)).await;
    assert!(
        matches!(
            &event,
            TransportEvent::Closed {
                reason: LostReason::Unreachable(_)
            }
        ),
        "{event:?}"
    );
}

#[wasm_bindgen_test]
async fn leaving_the_page_closes_it_and_coming_back_tells() {
    let before = held();
    let mut transport = WebSocketTransport::connect("ws://192.0.2.1:47113").expect("an address");
    let sockets = before.sockets;
    assert_eq!(held().sockets, sockets + 1);
    dispatch("pageshow");
    assert_eq!(held().sockets, sockets + 1, "it was there all the time");
    dispatch("pagehide");
    assert_eq!(held().sockets, sockets);
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(transport.poll_event(&mut cx), Poll::Pending);
    dispatch("pageshow");
    let reason = LostReason::PageLeft;
    let event = poll_fn(|cx| transport.poll_event(cx)).await;
    assert_eq!(event, TransportEvent::Closed { reason });
    drop(transport);
    assert_eq!(held(), before);
}

/// The page is left while the server is out of reach, and nothing of the mesh is left when it comes back.
#[wasm_bindgen_test]
async fn a_page_that_was_left_between_two_connections_is_told() {
    let before = held();
    let mut transport = WebSocketTransport::connect("ws://127.0.0.1:47113").expect("an address");
    let event = poll_fn(|cx| transport.poll_event(cx)).await;
    assert!(matches!(event, TransportEvent::Closed { .. }), "{event:?}");
    let left = TransportEvent::Closed {
        reason: LostReason::PageLeft,
    };
    dispatch("pagehide");
    dispatch("pageshow");
    transport.reopen().expect("possible");
    let event = poll_fn(|cx| transport.poll_event(cx)).await;
    assert_eq!(event, left);

    transport.reopen().expect("possible");
    let event = poll_fn(|cx| transport.poll_event(cx)).await;
    assert_ne!(event, left, "it has been told");
    dispatch("pagehide");
    transport.reopen().expect("possible");
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(transport.poll_event(&mut cx), Poll::Pending, "it is away");
    dispatch("pageshow");
    let event = poll_fn(|cx| transport.poll_event(cx)).await;
    assert_eq!(event, left);
    drop(transport);
    assert_eq!(held(), before);
}

fn dispatch(event: &str) {
    let event = web_sys::Event::new(event).expect("an event");
    let window = web_sys::window().expect("a page");
    window.dispatch_event(&event).expect("listeners");
}

#[wasm_bindgen_test]
fn dropping_one_leaves_nothing() {
    let before = held();
    let mut transport = WebSocketTransport::connect("ws://127.0.0.1:47113").expect("an address");
    assert_eq!(held().sockets, before.sockets + 1);
    transport.close();
    assert_eq!(held().sockets, before.sockets);
    drop(transport);
    assert_eq!(held(), before);
}

#[wasm_bindgen_test]
async fn a_farewell_that_nobody_hears_leaves_nothing() {
    let before = held();
    let mut transport = WebSocketTransport::connect("ws://127.0.0.1:47113").expect("an address");
    transport.farewell(vec![String::from("I leave")]);
    assert_eq!(held().sockets, before.sockets + 1, "it tries");
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(transport.poll_event(&mut cx), Poll::Pending);
    drop(transport);
    // Until the browser has found nobody there.
    for _ in 0..5000 {
        if held() == before {
            return;
        }
        next_turn().await;
    }
    panic!("{:?} instead of {before:?}", held());
}
