//! The `webrtc` crate hands out 256 messages of a burst and puts the rest aside, acknowledged: with the cure nobody notices.
//! What happens without it is shown in `cures/burst.rs`, where time is virtual.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use backend_native::testing::SocketOptions;
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{Payload, SendLimits};
use socket_faults::{Fate, Faults, TokioSockets};
use support::{Pair, Peer, RELIABLE, UNRELIABLE, specs_with};
use tokio::runtime::{Builder, Runtime};

/// What a burst is made of: more than the crate hands out at once.
const BURST: usize = 1000;

/// The least a message takes on the wire: the header of an SCTP chunk, one byte, padding.
const CHUNK: usize = 20;

/// Holds what one side receives.
#[derive(Default)]
struct Gate {
    mode: AtomicU8,
    held_bytes: AtomicUsize,
}

impl Gate {
    const OPEN: u8 = 0;
    /// Data waits, the rest passes.
    const HOLD: u8 = 1;
    /// The next data passes behind all that waited, in one burst; then everything waits.
    const BURST: u8 = 2;
    const SHUT: u8 = 3;
    /// As `BURST`, and then only data and goodbyes pass.
    const RELEASE: u8 = 4;
    const AFTER_RELEASE: u8 = 5;

    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }

    fn judge(&self, datagram: &[u8]) -> Fate {
        const ALERT: u8 = 21;
        const APPLICATION_DATA: u8 = 23;
        let is_data = datagram.first() == Some(&APPLICATION_DATA);
        match self.mode.load(Ordering::SeqCst) {
            Self::OPEN => Fate::Deliver,
            Self::HOLD if is_data => {
                self.held_bytes.fetch_add(datagram.len(), Ordering::SeqCst);
                Fate::Hold
            }
            Self::BURST if is_data => {
                self.set(Self::SHUT);
                Fate::Release
            }
            Self::RELEASE if is_data => {
                self.set(Self::AFTER_RELEASE);
                Fate::Release
            }
            Self::AFTER_RELEASE if is_data || datagram.first() == Some(&ALERT) => Fate::Deliver,
            Self::HOLD | Self::BURST | Self::RELEASE => Fate::Deliver,
            _ => Fate::Lose,
        }
    }
}

/// A connected pair of which `b` has just been sent a burst that waits at the gate.
fn burst_at_the_gate() -> (Pair, Arc<Gate>, Runtime) {
    let gate = Arc::new(Gate::default());
    let mut backend = PlatformBackend::new(PlatformConfig::loopback()).expect("threads");
    let judged = Arc::clone(&gate);
    backend.use_sockets(SocketOptions {
        source: Some(Faults::by(Arc::new(TokioSockets), move || {
            let gate = Arc::clone(&judged);
            Box::new(move |datagram: &[u8]| gate.judge(datagram))
        })),
        ..SocketOptions::default()
    });
    // All of the sender runs in one thread, which can be kept busy.
    let thread = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a thread");
    let sender =
        PlatformBackend::on_one_runtime(thread.handle().clone(), PlatformConfig::loopback());
    let mut pair = Pair {
        a: Peer::new(sender),
        b: Peer::new(backend),
    };
    pair.open(&specs_with(SendLimits::default()));
    pair.connect();

    // Opens the congestion window, so that the burst can leave before anything of it is acknowledged.
    for _ in 0..16 {
        pair.a.send(RELIABLE, vec![0; 64 * 1024]);
    }
    pair.wait("the window opens", |pair| pair.b.messages(RELIABLE) == 16);
    pair.b.take_messages(RELIABLE);

    // The sender's thread is kept busy until all is queued, so that it leaves in few datagrams: one round's worth.
    gate.set(Gate::HOLD);
    let (is_kept, kept) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    pair.a.backend.handle().spawn(async move {
        let _ = is_kept.send(());
        let _ = wait.recv();
    });
    kept.recv().expect("its thread");
    for number in 0..BURST {
        let number = u8::try_from(number % 251).expect("small");
        pair.a.send(RELIABLE, vec![number]);
    }
    drop(go_on);
    let deadline = Instant::now() + support::PATIENCE;
    while gate.held_bytes.load(Ordering::SeqCst) < BURST * CHUNK {
        assert!(Instant::now() < deadline, "the burst never came");
        std::thread::yield_now();
    }
    (pair, gate, thread)
}

fn assert_whole(messages: &[Payload]) {
    assert_eq!(messages.len(), BURST);
    for (number, message) in messages.iter().enumerate() {
        assert_eq!(usize::from(message.bytes()[0]), number % 251);
    }
}

#[test]
fn a_burst_arrives_though_nothing_follows_it() {
    let (mut pair, gate, _thread) = burst_at_the_gate();
    gate.set(Gate::BURST);
    pair.a.send(UNRELIABLE, "opens the gate");
    pair.wait("the whole burst", |pair| pair.b.messages(RELIABLE) == BURST);
    assert_whole(&pair.b.take_messages(RELIABLE));
    assert_eq!(
        gate.mode.load(Ordering::SeqCst),
        Gate::SHUT,
        "nothing followed"
    );
}

#[test]
fn a_burst_arrives_though_the_sender_leaves_at_once() {
    let (mut pair, gate, _thread) = burst_at_the_gate();
    gate.set(Gate::RELEASE);
    pair.a.send(UNRELIABLE, "opens the gate");
    pair.a.close(Duration::from_secs(5));
    pair.wait("the close", |pair| pair.b.has_closed_channel(RELIABLE));
    assert_whole(&pair.b.take_messages(RELIABLE));
}
