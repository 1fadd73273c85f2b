//! The `webrtc` crate gives a pair of candidates up after a number of checks, and connecting after the time that a
//! vanished peer takes to fail. Here a route is looked for until the connect deadline, whenever it appears.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use backend_native::testing::{Cures, SocketOptions};
use mesh_core::ConnectionState;
use socket_faults::{Fate, Faults, Judge};
use tokio::time::{Instant, sleep, timeout};

use crate::backends::{Heard, Pair};
use crate::support::{backends, connected_backends, in_memory};

/// The core's default.
const CONNECT_DEADLINE: Duration = Duration::from_secs(15);

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Sockets to which this happens to whatever arrives.
fn sockets(judge: impl Fn() -> Fate + Clone + Send + Sync + 'static) -> SocketOptions {
    let (network, options) = in_memory(Cures::default());
    let judge = move || -> Judge {
        let judge = judge.clone();
        Box::new(move |_: &[u8]| judge())
    };
    SocketOptions {
        source: Some(Faults::by(Arc::new(network), judge)),
        ..options
    }
}

/// Carries descriptions at once and candidates from `late` on. How long it took until all channels were open, if they opened
/// before the deadline.
async fn time_to_open(pair: &mut Pair, late: Duration) -> Option<Duration> {
    let start = Instant::now();
    let mut late = Box::pin(sleep(late));
    let mut is_late = false;
    let (mut to_a, mut to_b) = (Vec::new(), Vec::new());
    pair.a.offer();
    let open = poll_fn(|cx| {
        let (of_a, of_b) = (pair.a.poll(cx), pair.b.poll(cx));
        for (heard, to, kept) in [
            (of_a, &mut pair.b, &mut to_b),
            (of_b, &mut pair.a, &mut to_a),
        ] {
            for heard in heard {
                match heard {
                    Heard::Description(description) => to.set_remote(description),
                    Heard::Candidate(candidate) => kept.push(candidate),
                }
            }
        }
        is_late = is_late || late.as_mut().poll(cx).is_ready();
        if is_late {
            to_a.drain(..)
                .for_each(|candidate| pair.a.add_candidate(candidate));
            to_b.drain(..)
                .for_each(|candidate| pair.b.add_candidate(candidate));
        }
        if pair.is_connected() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    timeout(CONNECT_DEADLINE, open).await.ok()?;
    Some(start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn candidates_that_come_late_connect_until_the_deadline() {
    for late in [0, 1000, 3000, 5100, 8000, 11_000, 14_000].map(ms) {
        let (_, options) = in_memory(Cures::default());
        let mut pair = backends(options.clone(), options);
        let time = time_to_open(&mut pair, late).await;
        assert!(
            time.is_some_and(|time| time < late + ms(400)),
            "{time:?} with candidates after {late:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_at_the_start_is_survived() {
    for outage in [300, 900, 1100, 1300, 2000, 5000, 9000, 13_000].map(ms) {
        let end = Instant::now() + outage;
        let options = sockets(move || {
            if Instant::now() < end {
                Fate::Lose
            } else {
                Fate::Deliver
            }
        });
        let mut pair = backends(options.clone(), options);
        let time = time_to_open(&mut pair, Duration::ZERO).await;
        assert!(
            time.is_some_and(|time| time < outage + ms(600)),
            "{time:?} after an outage of {outage:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_comes_late_to_a_peer_behind_a_nat_connects() {
    for late in [500, 1500, 6000].map(ms) {
        let (network, options) = in_memory(Cures::default());
        let has_sent = Arc::new(AtomicBool::new(false));
        // A socket asks for the judge of what it sends first.
        let asked = AtomicBool::new(false);
        let judge = move || -> Judge {
            let has_sent = Arc::clone(&has_sent);
            if asked.fetch_xor(true, Ordering::SeqCst) {
                Box::new(move |_| {
                    if has_sent.load(Ordering::SeqCst) {
                        Fate::Deliver
                    } else {
                        Fate::Lose
                    }
                })
            } else {
                Box::new(move |_| {
                    has_sent.store(true, Ordering::SeqCst);
                    Fate::Deliver
                })
            }
        };
        let nat = SocketOptions {
            source: Some(Faults::both_ways(Arc::new(network), judge)),
            ..options.clone()
        };
        let mut pair = backends(options, nat);
        let time = time_to_open(&mut pair, late).await;
        assert!(
            time.is_some_and(|time| time < late + ms(600)),
            "{time:?} with candidates after {late:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_round_trip_of_two_seconds_connects() {
    for round_trip in [500, 1000, 1500, 2000].map(ms) {
        let options = sockets(move || Fate::Delay(round_trip / 2));
        let mut pair = backends(options.clone(), options);
        let time = time_to_open(&mut pair, Duration::ZERO).await;
        assert!(time.is_some(), "not with a round trip of {round_trip:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_is_noticed_as_soon_as_ever() {
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = Arc::clone(&gone);
    let options = sockets(move || {
        if is_gone.load(Ordering::SeqCst) {
            Fate::Lose
        } else {
            Fate::Deliver
        }
    });
    let mut pair = connected_backends(options.clone(), options).await;
    // Long enough that nothing of the handshake counts.
    sleep(ms(20_000)).await;
    gone.store(true, Ordering::SeqCst);
    let start = Instant::now();
    pair.wait_async("disconnected", |pair| {
        pair.a.state == ConnectionState::Disconnected
    })
    .await;
    let time = start.elapsed();
    assert!(time > ms(1400) && time <= ms(2500), "{time:?}");
    gone.store(false, Ordering::SeqCst);
}
