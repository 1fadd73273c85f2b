//! Ends: by command, by dropping, by leaving the page.

use std::time::Duration;

use backend_web::testing::held;
use mesh_core::{Backend, CloseReason, Command, ConnectFailure, LinkEvent, Payload, SendLimits};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stranger::Stranger;
use crate::support::{LINK, PATIENCE, Pair, RELIABLE, UNRELIABLE, backend};

/// 40 messages of 60 kB, and a last word.
fn send_a_lot(pair: &mut Pair) {
    for number in 0..20_u8 {
        pair.a.send(vec![number; 50_000]);
    }
    pair.a.send("goodbye");
}

fn check_a_lot(pair: &Pair) {
    let heard = pair.b.messages();
    assert_eq!(heard.len(), 21, "of what was accepted before the close");
    assert_eq!(heard[20], Payload::from("goodbye"));
}

#[wasm_bindgen_test]
async fn a_close_is_told_here_and_there() {
    let mut pair = Pair::connected().await;
    pair.a.close(Duration::ZERO);
    let sent = Backend::send(pair.a.backend(), LINK, RELIABLE, Payload::from("x"));
    let reason = sent.map_err(|rejected| rejected.reason);
    assert_eq!(reason, Err(mesh_core::BackendSendError::NotOpen));
    pair.until("both to notice", |a, b| {
        a.closed().is_some() && b.channels_closed() == 3
    })
    .await;
    assert_eq!(pair.a.closed(), Some(&CloseReason::Local));
    assert_eq!(pair.a.channels_closed(), 0, "our own doing is no news");
}

#[wasm_bindgen_test]
async fn what_was_accepted_before_a_lingering_close_arrives() {
    for _ in 0..5 {
        let mut pair = Pair::connected().await;
        send_a_lot(&mut pair);
        pair.a.close(PATIENCE);
        pair.until("both to end", |a, b| {
            a.closed().is_some() && b.channels_closed() == 3
        })
        .await;
        check_a_lot(&pair);
        assert_eq!(pair.a.closed(), Some(&CloseReason::Local));
    }
}

#[wasm_bindgen_test]
async fn a_lingering_close_outlives_its_backend() {
    let mut pair = Pair::connected().await;
    send_a_lot(&mut pair);
    pair.a.close(PATIENCE);
    pair.a.backend = None;
    pair.until("the far side to notice", |_, b| b.channels_closed() == 3)
        .await;
    check_a_lot(&pair);
}

#[wasm_bindgen_test]
async fn a_linger_without_anything_to_send_is_no_delay() {
    let mut pair = Pair::connected().await;
    let _ = Backend::send(pair.a.backend(), LINK, UNRELIABLE, Payload::from("x"));
    pair.a.close(PATIENCE);
    pair.until("the end", |a, _| a.closed().is_some()).await;
}

#[wasm_bindgen_test]
async fn a_dropped_backend_is_noticed() {
    let mut pair = Pair::connected().await;
    let before = held();
    pair.a.backend = None;
    assert_eq!(held().connections, before.connections - 1, "at once");
    assert_eq!(held().channels, before.channels - 3);
    pair.until("the far side to notice", |_, b| b.channels_closed() == 3)
        .await;
}

#[wasm_bindgen_test]
async fn one_channel_closes_alone() {
    let mut pair = Pair::connected().await;
    pair.a.execute(Command::CloseChannel {
        link: LINK,
        channel: UNRELIABLE,
    });
    let closed = |event: &LinkEvent| {
        *event
            == LinkEvent::ChannelClosed {
                link: LINK,
                channel: UNRELIABLE,
            }
    };
    pair.until("both to notice", |a, b| {
        a.count(closed) == 1 && b.count(closed) == 1
    })
    .await;
    pair.a.send("the others live");
    pair.until("a message", |_, b| b.messages().len() == 1)
        .await;
}

/// The user leaves the page.
fn leave_the_page() {
    let event = web_sys::Event::new("pagehide").expect("an event");
    let window = web_sys::window().expect("a page");
    window.dispatch_event(&event).expect("somebody listens");
}

/// Gives what comes on the control channel.
const LISTENER: &str = "(pc, control) => {
    const heard = [];
    control.binaryType = 'arraybuffer';
    control.onmessage = e => heard.push([...new Uint8Array(e.data)].join(' '));
    control.onclose = () => heard.push('closed');
    return () => heard.join();
}";

/// Nobody waits until the goodbye has arrived, so it may be lost. Then the close is all that is heard.
#[wasm_bindgen_test]
async fn leaving_the_page_says_so() {
    let mut all = Vec::new();
    for _ in 0..5 {
        let mut pair = Pair::new();
        pair.a.open(SendLimits::default(), 1 << 20);
        let listener = Stranger::announced(&mut pair.a, LISTENER).await;
        pair.b.backend = None;
        let hear = |signal: &LinkEvent| listener.hear(signal);
        pair.until_signalled("three channels", hear, |a| a.opened() == 3)
            .await;
        leave_the_page();
        // What it hears wakes nobody here.
        let until = backend().now() + PATIENCE;
        while listener.seen().is_empty() {
            assert!(backend().now() < until, "nothing is heard");
            pair.pass(Duration::from_millis(20)).await;
        }
        let heard = listener.seen();
        listener.close();
        if heard.starts_with("3 2 0 0") {
            return;
        }
        all.push(heard);
    }
    panic!("in no try: {all:?}");
}

#[wasm_bindgen_test]
async fn leaving_the_page_closes_every_link() {
    let mut pair = Pair::connected().await;
    pair.b.listens = false;
    leave_the_page();
    assert_eq!(held().connections, 0, "both backends are of this page");
    pair.b.listens = true;
    pair.until("both to end", |a, b| {
        a.closed().is_some() && b.closed().is_some()
    })
    .await;
    for peer in [&pair.a, &pair.b] {
        let reason = peer.closed();
        assert!(
            matches!(
                reason,
                Some(CloseReason::Failed(ConnectFailure::Platform(_)))
            ),
            "{reason:?}"
        );
    }
    // The page came back: links can be opened again.
    for peer in [&mut pair.a, &mut pair.b] {
        peer.seen.clear();
        peer.link.generation += 1;
        peer.open(SendLimits::default(), 1 << 20);
    }
    pair.a.offer();
    pair.until("new channels", |a, b| a.opened() == 3 && b.opened() == 3)
        .await;
}

#[wasm_bindgen_test]
async fn leaving_the_page_closes_also_what_lingers_after_its_backend() {
    let mut pair = Pair::connected().await;
    send_a_lot(&mut pair);
    pair.a.close(PATIENCE);
    pair.a.backend = None;
    pair.b.backend = None;
    assert_eq!(held().connections, 1, "it has something to deliver");
    let event = web_sys::Event::new("pagehide").expect("an event");
    let window = web_sys::window().expect("a page");
    window.dispatch_event(&event).expect("somebody listens");
    assert_eq!(held().connections, 0);
}
