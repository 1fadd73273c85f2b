//! How a connection ends: a drop is no close (native.md §2.7), and after the far side's close the connection's state says
//! nothing (native.md §1).

use std::task::Poll;
use std::time::Duration;

use backend_native::testing::Cures;
use tokio::time::Instant;
use webrtc::data_channel::DataChannelEvent;
use webrtc::peer_connection::RTCPeerConnectionState;

use crate::backends::{Pair, RELIABLE};
use crate::support::{MemoryNetwork, Peer, Settings, bare, connected_backends, in_memory, within};

/// Longer than the crate takes to give a silent peer up (5 s and 25 s).
const LONG: Duration = Duration::from_secs(35);

#[expect(
    clippy::disallowed_methods,
    reason = "on one thread nobody is in the middle of a send"
)]
async fn pair() -> (Peer, Peer, MemoryNetwork) {
    let (network, options) = in_memory(Cures::default());
    let (a, mut b, _) = bare(Settings::NONE, options).await;
    // The news of having connected.
    tokio::time::sleep(Duration::from_millis(1)).await;
    while b.states.try_recv().is_ok() {}
    (a, b, network)
}

/// What the reliable channel and the connection report from now on, and when.
async fn reports(
    peer: &mut Peer,
) -> (
    Vec<(Duration, DataChannelEvent)>,
    Vec<(Duration, RTCPeerConnectionState)>,
) {
    let (mut events, mut states) = (Vec::new(), Vec::new());
    let channel = peer.reliable().clone();
    let start = Instant::now();
    let end = tokio::time::sleep(LONG);
    tokio::pin!(end);
    loop {
        tokio::select! {
            Some(event) = channel.poll() => events.push((start.elapsed(), event)),
            Some(state) = peer.states.recv() => states.push((start.elapsed(), state)),
            () = &mut end => return (events, states),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn on_the_bare_crate_a_drop_is_no_close() {
    let (a, mut b, network) = pair().await;
    drop(a);
    let (events, states) = reports(&mut b).await;
    assert!(events.is_empty(), "{events:?}");
    assert!(states.is_empty(), "{states:?}");
    assert_eq!(network.sockets(), 2, "the dropped one still answers");
}

#[tokio::test(start_paused = true)]
async fn with_the_backend_a_drop_is_seen_at_once() {
    let (network, options) = in_memory(Cures::default());
    let pair = connected_backends(options.clone(), options).await;
    let start = Instant::now();
    let Pair { a, mut b } = pair;
    drop(a);
    let see = std::future::poll_fn(|cx| {
        b.poll(cx);
        if b.has_closed_channel(RELIABLE) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    within(Duration::from_secs(60), see).await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(network.sockets(), 1);
}

#[tokio::test(start_paused = true)]
async fn on_the_bare_crate_a_close_changes_no_state() {
    let (a, mut b, network) = pair().await;
    a.connection.close().await.unwrap();
    assert_eq!(network.sockets(), 1);
    let (events, states) = reports(&mut b).await;
    let [(when, DataChannelEvent::OnClose)] = events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(when, Duration::ZERO, "but the channels say it");
    // Only ICE notices, as if the far side had vanished.
    let (first, _) = states.first().unwrap();
    assert!(*first >= Duration::from_secs(4), "{states:?}");
    assert_eq!(network.sockets(), 1, "and nothing is given back");
}

/// What the core does with a link whose planned channel has closed.
#[tokio::test(start_paused = true)]
async fn with_the_backend_a_close_in_answer_to_a_close_gives_everything_back() {
    let (network, options) = in_memory(Cures::default());
    let mut pair = connected_backends(options.clone(), options).await;
    let start = Instant::now();
    pair.a.close(Duration::ZERO);
    pair.wait_async("the close", |pair| pair.b.has_closed_channel(RELIABLE))
        .await;
    pair.b.close(Duration::ZERO);
    pair.wait_async("both ends", |pair| {
        pair.a.closed.is_some() && pair.b.closed.is_some()
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(network.sockets(), 0);
}
