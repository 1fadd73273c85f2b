//! How a link ends, wherever it runs.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use std::time::{Duration, Instant};

use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{CloseReason, ConnectionState, Payload};
use support::{Pair, Peer, RELIABLE, specs};
use tokio::runtime::Handle;

#[test]
fn dropping_a_backend_is_heard_by_the_far_side() {
    let Pair { mut a, b } = Pair::connected();
    let dropped = Instant::now();
    drop(b);
    assert!(
        dropped.elapsed() < Duration::from_millis(500),
        "{:?}",
        dropped.elapsed()
    );
    a.wait("the far side hears", |a| a.has_closed_channel(RELIABLE));
    assert!(
        dropped.elapsed() < Duration::from_secs(1),
        "{:?}",
        dropped.elapsed()
    );
}

#[test]
fn closing_a_link_that_never_connected() {
    let mut peer = Peer::loopback();
    peer.open(
        support::link(0),
        Default::default(),
        support::INBOX,
        &specs(),
    );
    peer.offer();
    peer.close(Duration::from_secs(5));
    let asked = Instant::now();
    peer.wait("the end", |peer| peer.closed.is_some());
    assert_eq!(peer.closed, Some(CloseReason::Local));
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "nothing to linger for"
    );
}

#[test]
fn a_slot_is_used_again_at_once() {
    let mut pair = Pair::connected();
    for generation in 1..4 {
        for peer in [&mut pair.a, &mut pair.b] {
            peer.close(Duration::ZERO);
            peer.open(
                support::link(generation),
                Default::default(),
                support::INBOX,
                &specs(),
            );
        }
        pair.connect();
    }
    pair.a.send(RELIABLE, "hello");
    pair.wait("a message", |pair| pair.b.messages(RELIABLE) == 1);
}

#[test]
fn one_channel_closes_and_the_others_live() {
    let mut pair = Pair::connected();
    let link = pair.a.link;
    use mesh_core::{Backend, Command};
    pair.a.backend.execute(Command::CloseChannel {
        link,
        channel: support::ORDERED,
    });
    pair.wait("both hear", |pair| {
        pair.a.has_closed_channel(support::ORDERED) && pair.b.has_closed_channel(support::ORDERED)
    });
    pair.a.send(RELIABLE, "still here");
    pair.wait("a message", |pair| pair.b.messages(RELIABLE) == 1);
    assert_eq!(pair.a.state, ConnectionState::Connected);
}

#[test]
fn lingering_has_an_end() {
    let Pair { mut a, b } = Pair::connected();
    // The far side is gone without a word: its threads are stuck, nothing is acknowledged any more.
    std::mem::forget(b.backend.handle().enter());
    let parked = b.backend.handle().clone();
    for _ in 0..2 {
        parked.spawn(async { std::thread::sleep(Duration::from_secs(3)) });
    }
    // Both threads are in there once a third task does not run.
    let (sender, receiver) = std::sync::mpsc::channel();
    loop {
        let sender = sender.clone();
        parked.spawn(async move { sender.send(()) });
        if receiver.recv_timeout(Duration::from_millis(200)).is_err() {
            break;
        }
    }
    a.send(RELIABLE, Payload::from(vec![0; 1000]));
    let asked = Instant::now();
    a.close(Duration::from_millis(300));
    a.wait("the end", |a| a.closed.is_some());
    assert!(
        asked.elapsed() >= Duration::from_millis(250),
        "{:?}",
        asked.elapsed()
    );
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test]
async fn a_backend_on_the_callers_single_thread() {
    let backend = || PlatformBackend::with_handle(Handle::current(), PlatformConfig::loopback());
    let mut pair = Pair {
        a: Peer::new(backend()),
        b: Peer::new(backend()),
    };
    pair.open(&specs());
    pair.a.offer();
    pair.wait_async("connected", |pair| pair.is_connected())
        .await;
    pair.a.send(RELIABLE, "one thread");
    pair.wait_async("a message", |pair| pair.b.messages(RELIABLE) == 1)
        .await;

    let Pair { mut a, b } = pair;
    drop(b);
    let mut pair = Pair {
        b: Peer::new(backend()),
        a,
    };
    pair.wait_async("the drop", |pair| pair.a.has_closed_channel(RELIABLE))
        .await;
    a = pair.a;
    drop(a);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_with_its_own_threads_inside_a_runtime() {
    let mut pair = Pair::loopback();
    pair.open(&specs());
    pair.a.offer();
    pair.wait_async("connected", |pair| pair.is_connected())
        .await;
    let Pair { mut a, b } = pair;
    drop(b);
    std::future::poll_fn(|cx| {
        a.poll(cx);
        if a.has_closed_channel(RELIABLE) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
