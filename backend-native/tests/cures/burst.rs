//! The rest of a burst waits for the next datagram: the core hands up 256 messages of what it has read at once and parks the
//! streams of the others until another datagram arrives. A reader that takes everything at once does not help.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use backend_native::testing::{Cures, SocketOptions};
use bytes::BytesMut;
use mesh_core::Payload;
use socket_faults::{Fate, Faults, Judge};
use tokio::time::{Instant, sleep};
use webrtc::data_channel::DataChannelEvent;

use crate::backends::RELIABLE;
use crate::support::{Peer, Settings, connect, connected_strangers, in_memory, within};

/// When what arrives is handed over; at once if that is past.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<Option<Instant>>>);

impl Gate {
    fn shut_for(&self, span: Duration) {
        *self.0.lock().unwrap() = Some(Instant::now() + span);
    }

    fn judge(&self) -> Fate {
        let Some(opens) = *self.0.lock().unwrap() else {
            return Fate::Deliver;
        };
        let wait = opens.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            Fate::Deliver
        } else {
            Fate::Delay(wait)
        }
    }
}

/// The sockets of two sides, the second one behind the gate.
fn sockets(gate: &Gate, cures: Cures) -> (SocketOptions, SocketOptions) {
    let (network, free) = in_memory(cures);
    let gate = gate.clone();
    let judges = move || -> Judge {
        let gate = gate.clone();
        Box::new(move |_| gate.judge())
    };
    let gated = SocketOptions {
        source: Some(Faults::by(Arc::new(network), judges)),
        ..free.clone()
    };
    (free, gated)
}

/// Sent first, so that the congestion window grows and the burst is on its way as a whole.
const BEFORE: usize = 500;
const BEFORE_SIZE: usize = 16 * 1024;

const GATE: Duration = Duration::from_millis(5);

/// From the arrival of so many messages as one burst until the last one is with a reader who takes everything at once.
async fn time_on_the_bare_crate(messages: usize, size: usize) -> Duration {
    let gate = Gate::default();
    let (free, gated) = sockets(&gate, Cures::NONE);
    let a = Peer::new(Settings::ALL, free).await;
    let b = Peer::new(Settings::ALL, gated).await;
    let (a, b, _) = connect(a, b).await;
    let reader = tokio::spawn(async move {
        let mut times = Vec::new();
        while let Some(DataChannelEvent::OnMessage(_)) = b.reliable().poll().await {
            times.push(Instant::now());
        }
        times
    });
    for _ in 0..BEFORE {
        let message = BytesMut::zeroed(BEFORE_SIZE);
        a.reliable().send(message).await.unwrap();
    }
    sleep(Duration::from_secs(5)).await;

    gate.shut_for(GATE);
    let start = Instant::now();
    for _ in 0..messages {
        a.reliable().send(BytesMut::zeroed(size)).await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "it is no burst");
    sleep(Duration::from_secs(60)).await;
    a.connection.close().await.unwrap();
    let times = within(Duration::from_secs(60), reader).await.unwrap();
    assert_eq!(times.len(), BEFORE + messages);
    times.last().unwrap().duration_since(start + GATE)
}

/// The same with the backend, until the last message is with the application.
async fn time_with_the_backend(messages: usize, size: usize, cures: Cures) -> Duration {
    let gate = Gate::default();
    let (free, gated) = sockets(&gate, cures);
    // A ping would be the next datagram.
    let mut pair = connected_strangers(free, gated).await;
    let message = Payload::from(vec![0; BEFORE_SIZE]);
    assert_eq!(pair.a.fill(RELIABLE, &message, BEFORE), BEFORE);
    pair.wait_async("what comes before", |pair| {
        pair.b.messages(RELIABLE) == BEFORE
    })
    .await;
    sleep(Duration::from_secs(5)).await;

    gate.shut_for(GATE);
    let start = Instant::now();
    let message = Payload::from(vec![0; size]);
    assert_eq!(pair.a.fill(RELIABLE, &message, messages), messages);
    pair.wait_async("the burst", |pair| {
        pair.b.messages(RELIABLE) == BEFORE + messages
    })
    .await;
    start.elapsed() - GATE
}

#[tokio::test(start_paused = true)]
async fn on_the_bare_crate_the_rest_waits_for_the_next_datagram() {
    let time = time_on_the_bare_crate(300, 64).await;
    assert!(time >= Duration::from_millis(400), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_less_than_256_does_not() {
    let time = time_on_the_bare_crate(200, 64).await;
    assert_eq!(time, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn with_the_backend_and_its_cure_off_it_waits_as_well() {
    let cures = Cures {
        messages_put_aside: false,
        ..Cures::default()
    };
    let time = time_with_the_backend(300, 64, cures).await;
    assert!(time >= Duration::from_millis(100), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn with_the_backend_nothing_waits() {
    for (messages, size) in [(200, 64), (257, 8), (300, 64), (1000, 8), (3000, 64)] {
        let time = time_with_the_backend(messages, size, Cures::default()).await;
        assert!(
            time < Duration::from_millis(5),
            "{messages} of {size} bytes: {time:?}"
        );
    }
}
