//! How a link ends, wherever it runs.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backend_native::testing::SocketOptions;
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{Backend, CloseReason, Command, ConnectionState, Payload};
use socket_faults::{Fate, Faults, TokioSockets};
use support::{Pair, Peer, RELIABLE, specs};
use tokio::runtime::{Builder, Handle};

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
    // The far side hears nothing any more, so nothing is acknowledged.
    let is_deaf = Arc::new(AtomicBool::new(false));
    let mut pair = Pair {
        a: Peer::loopback(),
        b: deaf(&is_deaf),
    };
    pair.open(&specs());
    pair.connect();
    is_deaf.store(true, Ordering::SeqCst);
    let Pair { mut a, b: _far } = pair;
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

/// The program may be busy with something else, and so may the one thread of its runtime.
#[test]
fn links_go_on_while_the_runtime_they_were_given_stands_still() {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("an event queue");
    let peer = || {
        let handle = runtime.handle().clone();
        Peer::new(PlatformBackend::with_handle(
            handle,
            PlatformConfig::loopback(),
        ))
    };
    let mut pair = Pair {
        a: peer(),
        b: peer(),
    };
    pair.open(&specs());
    pair.connect();
    pair.a.send(RELIABLE, "hello");
    pair.wait("a message", |pair| pair.b.messages(RELIABLE) == 1);
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

/// A backend that receives nothing any more once the flag is set.
fn deaf(flag: &Arc<AtomicBool>) -> Peer {
    let mut backend = PlatformBackend::new(PlatformConfig::loopback()).expect("threads");
    let flag = Arc::clone(flag);
    backend.use_sockets(SocketOptions {
        source: Some(Faults::by(Arc::new(TokioSockets), move || {
            let flag = Arc::clone(&flag);
            Box::new(move |_: &[u8]| {
                if flag.load(Ordering::SeqCst) {
                    Fate::Lose
                } else {
                    Fate::Deliver
                }
            })
        })),
        ..SocketOptions::default()
    });
    Peer::new(backend)
}

#[test]
fn a_vanished_peer_is_noticed_within_three_seconds() {
    let flag = Arc::new(AtomicBool::new(false));
    let mut pair = Pair {
        a: deaf(&flag),
        b: deaf(&flag),
    };
    pair.open(&specs());
    pair.connect();
    flag.store(true, Ordering::SeqCst);
    let vanished = Instant::now();
    pair.wait("disconnected", |pair| {
        pair.a.state == ConnectionState::Disconnected
    });
    assert!(
        vanished.elapsed() < Duration::from_secs(3),
        "{:?}",
        vanished.elapsed()
    );
    assert_eq!(pair.a.closed, None, "what it means is the core's to say");
}

#[test]
fn a_link_that_was_cut_for_a_moment_lives_on() {
    let flag = Arc::new(AtomicBool::new(false));
    let mut pair = Pair {
        a: deaf(&flag),
        b: deaf(&flag),
    };
    pair.open(&specs());
    pair.connect();
    flag.store(true, Ordering::SeqCst);
    pair.a.send(RELIABLE, "sent into the dark");
    pair.wait("disconnected", |pair| {
        pair.a.state == ConnectionState::Disconnected
    });
    flag.store(false, Ordering::SeqCst);
    pair.wait("connected again, and nothing lost", |pair| {
        pair.a.state == ConnectionState::Connected && pair.b.messages(RELIABLE) == 1
    });
}
