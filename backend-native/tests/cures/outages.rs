//! The path breaks and comes back. The SCTP of the `webrtc` crate doubles its waiting time meanwhile, so it notices the path
//! up to as long after as it was gone, and after half a minute never again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use backend_native::testing::{Cures, SocketOptions};
use mesh_core::{ConnectionState, LinkEvent, Payload};
use socket_faults::{Fate, Faults, Judge};
use tokio::time::{Instant, sleep, timeout};

use crate::backends::{Pair, RELIABLE};
use crate::support::{MemoryNetwork, connected_backends};

/// How often each side says something.
const PACE: Duration = Duration::from_millis(50);

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Which ways are blocked.
const NONE: u8 = 0;
const TO_A: u8 = 1;
const TO_B: u8 = 2;
const BOTH: u8 = TO_A | TO_B;

/// A pair whose path takes 20 ms each way and can be cut.
struct Path {
    pair: Pair,
    /// What comes over a blocked way is late and not lost.
    is_late: Arc<AtomicBool>,
    blocked: Arc<AtomicU8>,
    /// Messages sent by each side.
    sent: u32,
}

impl Path {
    async fn new(cures: Cures) -> Self {
        let network = MemoryNetwork::default();
        let blocked = Arc::new(AtomicU8::new(NONE));
        let is_late = Arc::new(AtomicBool::new(false));
        let [a, b] = [TO_A, TO_B].map(|way| {
            let (blocked, is_late) = (Arc::clone(&blocked), Arc::clone(&is_late));
            let judge = move || -> Judge {
                let (blocked, is_late) = (Arc::clone(&blocked), Arc::clone(&is_late));
                let mut held = false;
                Box::new(move |_: &[u8]| {
                    if blocked.load(Ordering::SeqCst) & way == 0 {
                        if core::mem::take(&mut held) {
                            return Fate::Release;
                        }
                        Fate::Delay(ms(20))
                    } else if is_late.load(Ordering::SeqCst) {
                        held = true;
                        Fate::Hold
                    } else {
                        Fate::Lose
                    }
                })
            };
            SocketOptions {
                cures,
                source: Some(Faults::by(Arc::new(network.clone()), judge)),
                ..SocketOptions::default()
            }
        });
        let pair = connected_backends(a, b).await;
        let mut path = Self {
            pair,
            is_late,
            blocked,
            sent: 0,
        };
        // Nothing of the handshake counts any more.
        path.talk_for(ms(4000)).await;
        path
    }

    fn say(&mut self) {
        let word = Payload::from(self.sent.to_be_bytes().to_vec());
        self.pair.a.send(RELIABLE, word.clone());
        self.pair.b.send(RELIABLE, word);
        self.sent += 1;
    }

    async fn talk_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.say();
            // Events are taken meanwhile, as a game does.
            let _ = timeout(PACE, self.pair.wait_async("nothing", |_| false)).await;
        }
    }

    /// Says nothing for a time.
    async fn be_quiet_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let step = (end - Instant::now()).min(ms(1000));
            let _ = timeout(step, self.pair.wait_async("nothing", |_| false)).await;
        }
    }

    /// Cuts these ways for a time, under traffic. How long after the cut all that was said is there, on both sides.
    async fn cut(&mut self, ways: u8, time: Duration) -> Option<Duration> {
        self.blocked.store(ways, Ordering::SeqCst);
        self.talk_for(time).await;
        self.come_back().await
    }

    /// The same; nothing is said meanwhile but one word in the beginning.
    async fn cut_in_silence(&mut self, ways: u8, time: Duration) -> Option<Duration> {
        self.blocked.store(ways, Ordering::SeqCst);
        self.say();
        self.be_quiet_for(time).await;
        self.come_back().await
    }

    /// Says something that is lost, and nothing more. How long it takes until it is there all the same.
    async fn lose_a_word(&mut self) -> Option<Duration> {
        self.blocked.store(BOTH, Ordering::SeqCst);
        self.say();
        self.be_quiet_for(ms(10)).await;
        self.blocked.store(NONE, Ordering::SeqCst);
        self.all_there(Instant::now()).await
    }

    async fn come_back(&mut self) -> Option<Duration> {
        self.blocked.store(NONE, Ordering::SeqCst);
        let back = Instant::now();
        self.say();
        self.all_there(back).await
    }

    async fn all_there(&mut self, since: Instant) -> Option<Duration> {
        let sent = usize::try_from(self.sent).unwrap();
        let all_there = self.pair.wait_async("all there", |pair| {
            [&pair.a, &pair.b].map(|peer| peer.messages(RELIABLE)) == [sent; 2]
        });
        timeout(ms(15_000), all_there).await.ok()?;
        Some(since.elapsed())
    }

    /// What A was told of the state of its connection since the last time.
    fn take_states(&mut self) -> Vec<ConnectionState> {
        let mut states = Vec::new();
        self.pair.a.log.retain(|event| {
            if let LinkEvent::State { state, .. } = event {
                states.push(*state);
                return false;
            }
            true
        });
        states
    }
}

#[tokio::test(start_paused = true)]
async fn data_flows_within_a_second_after_an_outage() {
    for outage in [300, 900, 2500, 3000, 4200, 6500, 10_000, 20_000, 40_000] {
        flows_after(outage, ms(1000)).await;
    }
}

/// Who was gone for less than two seconds may not have been gone at all, so SCTP's own timer may be waited for: it expires a
/// second after the last acknowledgement, and two seconds after that.
#[tokio::test(start_paused = true)]
async fn data_flows_within_two_seconds_after_an_outage_that_is_hardly_one() {
    for outage in [1200, 1900] {
        flows_after(outage, ms(2000)).await;
    }
}

/// After two outages of so many milliseconds.
async fn flows_after(outage: u64, limit: Duration) {
    let mut path = Path::new(Cures::default()).await;
    for time in ["first", "second"] {
        let took = path.cut(BOTH, ms(outage)).await;
        assert!(
            took.is_some_and(|took| took <= limit),
            "{took:?} after the {time} {outage} ms"
        );
        path.talk_for(ms(2000)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn data_flows_within_a_second_after_one_way_was_dead() {
    for way in [TO_A, TO_B] {
        for outage in [2500, 4200, 8000, 20_000, 90_000] {
            let mut path = Path::new(Cures::default()).await;
            let time = path.cut(way, ms(outage)).await;
            assert!(
                time.is_some_and(|time| time <= ms(1000)),
                "{time:?} after {outage} ms without {way}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_once_and_so_is_its_end() {
    for outage in [3000, 10_000, 40_000] {
        let mut path = Path::new(Cures::default()).await;
        path.take_states();
        path.cut(BOTH, ms(outage)).await;
        path.talk_for(ms(5000)).await;
        assert_eq!(
            path.take_states(),
            [ConnectionState::Disconnected, ConnectionState::Connected],
            "after {outage} ms"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_cure_data_stands_still_after_an_outage() {
    let cures = Cures {
        outages: false,
        ..Cures::default()
    };
    let mut path = Path::new(cures).await;
    let time = path.cut(BOTH, ms(10_000)).await;
    assert!(time.is_some_and(|time| time > ms(3000)), "{time:?}");
    let mut path = Path::new(cures).await;
    let time = path.cut(BOTH, ms(40_000)).await;
    assert_eq!(time, None);
    // Dead for ever.
    sleep(ms(60_000)).await;
    path.talk_for(ms(100)).await;
    assert!(path.pair.b.messages(RELIABLE) < 200 + 800);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_link_carries_data_within_a_second_too() {
    for ways in [TO_A, TO_B, BOTH] {
        for outage in [1900, 3000, 90_000] {
            let mut path = Path::new(Cures::default()).await;
            path.be_quiet_for(ms(3000)).await;
            let time = path.cut_in_silence(ways, ms(outage)).await;
            assert!(
                time.is_some_and(|time| time <= ms(1000)),
                "{time:?} after {outage} ms without {ways}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn packets_that_were_late_and_not_lost_leave_no_trace() {
    for stall in [1500, 4200, 20_000] {
        let mut path = Path::new(Cures::default()).await;
        path.is_late.store(true, Ordering::SeqCst);
        let time = path.cut(BOTH, ms(stall)).await;
        assert!(
            time.is_some_and(|time| time <= ms(1000)),
            "{time:?} after {stall} ms"
        );
        path.is_late.store(false, Ordering::SeqCst);
        path.talk_for(ms(500)).await;
        // A loss soon after takes no longer to be noticed than the stall itself would explain.
        let time = path.lose_a_word().await;
        assert!(
            time.is_some_and(|time| time <= ms(4000)),
            "{time:?} after {stall} ms"
        );
    }
}
