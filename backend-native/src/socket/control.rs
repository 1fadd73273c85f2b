//! What a connection tells its sockets: that the channels are open, that it is relayed, that something was sent.

use core::fmt;
use core::pin::Pin;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::Cures;
use super::handshake::{Heard, Told};
use super::pace::Pace;

/// How often a relayed connection's driver goes round without a cause: a timer that is overdue fires without a sleep.
const TICK: Duration = Duration::from_millis(10);

/// How long the far side may take to open its channels once ours are: it may lack our last word.
const SETTLING: Duration = Duration::from_secs(3);

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Channels are missing.
    Opening,
    /// Ours are open, and maybe not the far side's.
    Opened,
    /// Nothing of the handshake is missing, or it is not our affair.
    Settled,
}

/// Steers the sockets of one connection. Cheap to clone; outlives the sockets without keeping them.
#[derive(Clone)]
pub struct SocketControl(Arc<Shared>);

struct Shared {
    cures: Cures,
    pace: Pace,
    open: AtomicBool,
    relaying: AtomicBool,
    heard: Mutex<Heard>,
    opened: OnceLock<Instant>,
    settled: AtomicBool,
    parking: Mutex<Parking>,
}

#[derive(Default)]
struct Parking {
    next_id: u64,
    /// Each socket with the waker of its last `Pending`.
    sockets: Vec<(u64, Option<Waker>)>,
    /// A round that whichever socket is polled next makes the driver go.
    round_due: bool,
    tick: Option<Pin<Box<Sleep>>>,
}

impl SocketControl {
    pub(crate) fn new(cures: Cures) -> Self {
        Self(Arc::new(Shared {
            cures,
            pace: Pace::new(),
            open: AtomicBool::new(false),
            relaying: AtomicBool::new(false),
            heard: Mutex::default(),
            opened: OnceLock::new(),
            settled: AtomicBool::new(!cures.quick_repetition),
            parking: Mutex::default(),
        }))
    }

    /// All channels are open: from now on a direct connection's datagrams pass as they come.
    pub fn channels_open(&self) {
        self.0.open.store(true, Ordering::Relaxed);
    }

    /// Something was handed to the connection (a message, a description, a candidate): its driver must go round once more
    /// if it connects or relays. Does nothing otherwise.
    pub fn kick(&self) {
        if self.rounds_after_reading() > 0 {
            self.go_round();
        }
    }

    /// The far side has said where it may be: checks are frequent again, unless the connection stands.
    pub(crate) fn check_often(&self) {
        self.0.pace.restart();
    }

    /// The connection stands: its timers are exact from now on.
    pub(crate) fn connected(&self) {
        self.0.pace.stop();
    }

    /// The shortest sleep of the driver at this moment.
    pub(crate) fn shortest_sleep(&self) -> Duration {
        self.0.pace.shortest_sleep()
    }

    /// Whether the connection gathers through TURN servers, or its selected pair is relayed.
    pub fn relaying(&self, relaying: bool) {
        let before = self.0.relaying.swap(relaying, Ordering::Relaxed);
        let cured = self.0.cures.second_round || self.0.cures.relay_tick;
        if relaying && !before && cured {
            // So that a socket is polled and arms the tick.
            self.go_round();
        }
    }

    /// Whether the connection gathers through TURN servers, or its selected pair is relayed.
    pub(crate) fn is_relaying(&self) -> bool {
        self.0.relaying.load(Ordering::Relaxed)
    }

    /// A timer of the core was due. What it writes goes to the TURN client first, and is sent in the next round. Does nothing
    /// for a direct connection.
    pub(crate) fn timer_fired(&self) {
        if self.0.cures.relay_tick && self.is_relaying() {
            self.go_round();
        }
    }

    pub(super) fn one_at_a_time(&self) -> bool {
        self.0.cures.one_at_a_time && !self.0.open.load(Ordering::Relaxed)
    }

    /// What a datagram adds to a handshake; once the channels are open nothing is known of that.
    pub(super) fn hear(&self, from: SocketAddr, datagram: &[u8]) -> Told {
        if self.0.open.load(Ordering::Relaxed) {
            return Told::New;
        }
        let mut heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let told = heard.hear(from, datagram);
        if told == Told::RepeatedInVain && !self.0.cures.repeated_flights {
            return Told::Repeated;
        }
        told
    }

    /// How far the connection is, as to what is sent again soon.
    pub(super) fn phase(&self) -> Phase {
        let shared = &*self.0;
        if shared.settled.load(Ordering::Relaxed) {
            return Phase::Settled;
        }
        if !shared.open.load(Ordering::Relaxed) {
            return Phase::Opening;
        }
        let since = shared.opened.get_or_init(Instant::now);
        if since.elapsed() >= SETTLING {
            shared.settled.store(true, Ordering::Relaxed);
        }
        Phase::Opened
    }

    /// How many rounds more the driver must go after it has read something.
    ///
    /// Two if it relays: in the first the TURN client's data reaches the core, in the second the core's acknowledgement
    /// reaches the TURN client, in the third it is sent.
    pub(super) fn rounds_after_reading(&self) -> u8 {
        let Shared { cures, open, .. } = &*self.0;
        if !cures.second_round {
            0
        } else if self.is_relaying() {
            2
        } else {
            u8::from(!open.load(Ordering::Relaxed))
        }
    }

    /// A new socket's place.
    pub(super) fn join(&self) -> u64 {
        let mut parking = self.parking();
        let id = parking.next_id;
        parking.next_id += 1;
        parking.sockets.push((id, None));
        id
    }

    /// The socket is gone, and its waker with it: the waker would keep the driver's future.
    pub(super) fn leave(&self, id: u64) {
        self.parking().sockets.retain(|(socket, _)| *socket != id);
    }

    /// Keeps the waker of a socket that has nothing to read; `Ready` if the driver is to go round instead.
    pub(super) fn park(&self, id: u64, cx: &mut Context<'_>) -> Poll<()> {
        let mut parking = self.parking();
        if core::mem::take(&mut parking.round_due) {
            return Poll::Ready(());
        }
        // The driver's probe; a poll with a waker follows.
        if cx.waker().will_wake(Waker::noop()) {
            return Poll::Pending;
        }
        if let Some((_, waker)) = parking.sockets.iter_mut().find(|(socket, _)| *socket == id) {
            match waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waker = Some(cx.waker().clone()),
            }
        }
        if !(self.0.cures.relay_tick && self.is_relaying()) {
            parking.tick = None;
            return Poll::Pending;
        }
        let tick = parking.tick.get_or_insert_with(|| Box::pin(sleep(TICK)));
        let due = tick.as_mut().poll(cx);
        if due.is_ready() {
            tick.as_mut().reset(Instant::now() + TICK);
        }
        due
    }

    fn go_round(&self) {
        let wakers: Vec<Waker> = {
            let mut parking = self.parking();
            parking.round_due = true;
            let sockets = parking.sockets.iter_mut();
            sockets.filter_map(|(_, waker)| waker.take()).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn parking(&self) -> MutexGuard<'_, Parking> {
        self.0
            .parking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SocketControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketControl")
            .field("cures", &self.0.cures)
            .field("open", &self.0.open)
            .field("relaying", &self.0.relaying)
            .finish_non_exhaustive()
    }
}
