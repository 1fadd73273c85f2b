//! What a connection tells its sockets: that the channels are open, that it is relayed, that something was sent.

use core::fmt;
use core::pin::Pin;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::Cures;
use super::handshake::{Heard, Told};
use super::pace::Pace;
use super::path_clock::{Check, PathClock};
use crate::guard::Workload;

/// How often a relayed connection's driver goes round without a cause: a timer that is overdue fires without a sleep.
const TICK: Duration = Duration::from_millis(10);

/// How long the far side may take to open its channels once ours are, and to say something: it may lack our last word.
const SETTLING: Duration = Duration::from_secs(3);

/// How often the driver looks at its timers while the clock stands still: whatever was due in a moment stays so.
const STILL: Duration = Duration::from_millis(100);

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
    workload: Workload,
    open: AtomicBool,
    relaying: AtomicBool,
    heard: Mutex<Heard>,
    opened: OnceLock<Instant>,
    settled: AtomicBool,
    path: Mutex<PathClock>,
    /// How many datagrams of the far side have come.
    carried: AtomicU64,
    parking: Mutex<Parking>,
    /// The pair of addresses that the crate uses does not answer.
    is_pair_silent: AtomicBool,
    silence_changed: Notify,
}

#[derive(Default)]
struct Parking {
    next_id: u64,
    sockets: Vec<Parked>,
    /// A round that whichever socket is polled next makes the driver go.
    round_due: bool,
    tick: Option<Pin<Box<Sleep>>>,
}

/// One socket.
struct Parked {
    id: u64,
    /// Where it is bound.
    local: Option<SocketAddr>,
    /// That of its last `Pending`.
    waker: Option<Waker>,
    /// Wakes it to repeat a connectivity check.
    repeat: Option<Pin<Box<Sleep>>>,
}

impl SocketControl {
    /// `is_server` knows the addresses of STUN and TURN servers.
    pub(crate) fn new(cures: Cures, is_server: fn(SocketAddr) -> bool) -> Self {
        Self(Arc::new(Shared {
            cures,
            pace: Pace::new(),
            workload: Workload::new(),
            open: AtomicBool::new(false),
            relaying: AtomicBool::new(false),
            heard: Mutex::default(),
            opened: OnceLock::new(),
            settled: AtomicBool::new(!cures.quick_repetition),
            path: Mutex::new(PathClock::new(is_server)),
            carried: AtomicU64::new(0),
            parking: Mutex::default(),
            is_pair_silent: AtomicBool::new(false),
            silence_changed: Notify::new(),
        }))
    }

    /// All channels are open: from now on a direct connection's datagrams pass as they come.
    pub fn channels_open(&self) {
        self.0.open.store(true, Ordering::Relaxed);
    }

    /// A message of the far side has come, so nothing of its handshake is missing.
    pub(crate) fn message_came(&self) {
        let shared = &*self.0;
        if !shared.settled.load(Ordering::Relaxed) && shared.open.load(Ordering::Relaxed) {
            shared.settled.store(true, Ordering::Relaxed);
        }
    }

    /// What the sockets read and send.
    pub(crate) fn workload(&self) -> &Workload {
        &self.0.workload
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

    /// The connection stands, and is checked at this pace: its timers are exact from now on. Their clock goes on for no longer than
    /// `patience` without a word of the far side. With none it goes on for ever.
    pub(crate) fn connected(&self, patience: Option<Duration>, pace: Duration) {
        self.0.pace.stop();
        if let Some(patience) = patience.filter(|_| self.0.cures.outages) {
            self.path().watch(patience, pace);
        }
    }

    /// The connection looks for a path anew.
    pub(crate) fn restarted(&self) {
        self.path().unwatch();
        self.note_silence();
    }

    /// The crate uses this pair: its own address and the far side's. `None`: it is not known, or goes through a server.
    pub(crate) fn select(&self, pair: Option<(SocketAddr, SocketAddr)>) {
        let socket_of = |local| {
            let parking = self.parking();
            let mut sockets = parking.sockets.iter();
            let socket = sockets.find(|socket| socket.local == Some(local))?;
            Some(socket.id)
        };
        let pair = pair.and_then(|(local, remote)| Some((socket_of(local)?, remote)));
        self.path().select(pair);
        self.note_silence();
    }

    /// Whether the pair that the crate uses has not answered for some time.
    pub(crate) fn is_pair_silent(&self) -> bool {
        self.0.is_pair_silent.load(Ordering::Relaxed)
    }

    /// [`is_pair_silent`](Self::is_pair_silent) says something else now. Cancel-safe.
    pub(crate) async fn silence_changed(&self) {
        self.0.silence_changed.notified().await;
    }

    fn note_silence(&self) {
        let is_silent = self.path().is_pair_silent();
        let before = self.0.is_pair_silent.swap(is_silent, Ordering::Relaxed);
        if before != is_silent {
            self.0.silence_changed.notify_one();
        }
    }

    /// The far side was heard by a path that the crate does not know of.
    pub(crate) fn heard_elsewhere(&self) {
        // No datagram makes the driver look at its timers.
        if self.path().heard_elsewhere() {
            self.go_round();
        }
    }

    /// Puts the crate's clock forward with the next datagram, so that a timer expires.
    pub(crate) fn leap(&self, leap: Duration) {
        if self.0.cures.quick_repetition {
            self.path().owe(leap);
        }
    }

    /// How many datagrams of the far side have come, whatever is in them. What a TURN server says itself does not count.
    pub(crate) fn carried(&self) -> u64 {
        self.0.carried.load(Ordering::Relaxed)
    }

    /// When the far side was last heard on the pair in use, and when it last answered a check there. `None` where that pair does not speak
    /// for the far side.
    pub(crate) fn signs_of_life(&self) -> Option<[Instant; 2]> {
        self.path().signs_of_life()
    }

    /// How long the pair in use took there and back at the last check. `None` where that is not known.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.path().round_trip()
    }

    /// Whether checks need only show that the far side is there: fewer are sent then.
    pub(crate) fn be_quiet(&self, is_quiet: bool) {
        self.path().be_quiet(is_quiet);
    }

    /// What time it is for the crate.
    pub(crate) fn now(&self) -> Instant {
        self.path().now()
    }

    /// The shortest sleep of the driver at this moment.
    pub(crate) fn shortest_sleep(&self) -> Duration {
        if self.path().is_still() {
            STILL
        } else {
            self.0.pace.shortest_sleep()
        }
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

    /// Whether a datagram of this socket needs not go out now.
    pub(super) fn leave_out(&self, id: u64, to: SocketAddr, datagram: &[u8]) -> bool {
        may_be_check(datagram) && self.path().leave_out(id, to, datagram)
    }

    /// A datagram of this socket goes out.
    pub(super) fn sent(&self, id: u64, to: SocketAddr, datagram: &[u8]) {
        if may_be_check(datagram) {
            self.path().sent(id, to, datagram);
        }
    }

    /// A datagram has come and is about to be handed over.
    pub(super) fn heard(&self, from: SocketAddr, datagram: &[u8]) {
        if self.path().heard(from, datagram) {
            self.0.carried.fetch_add(1, Ordering::Relaxed);
        }
        if self.is_pair_silent() {
            self.note_silence();
        }
    }

    /// The connectivity check that this socket must send again now. With none the waker is woken when there may be one.
    pub(super) fn poll_repeat(&self, id: u64, cx: &mut Context<'_>) -> Option<Check> {
        let due = self.path().repeat_at(id)?;
        {
            let mut parking = self.parking();
            let socket = parking.sockets.iter_mut().find(|socket| socket.id == id)?;
            let timer = socket
                .repeat
                .get_or_insert_with(|| Box::pin(sleep_until(due)));
            // To fire for nothing costs more than to be moved: each time the driver goes round twice.
            if due != timer.deadline() {
                timer.as_mut().reset(due);
            }
            while timer.as_mut().poll(cx).is_ready() {
                if due <= Instant::now() {
                    break;
                }
                timer.as_mut().reset(due);
            }
        }
        if due > Instant::now() {
            return None;
        }
        let check = self.path().repeat(id);
        self.note_silence();
        check
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
    pub(super) fn join(&self, local: Option<SocketAddr>) -> u64 {
        let mut parking = self.parking();
        let id = parking.next_id;
        parking.next_id += 1;
        parking.sockets.push(Parked {
            id,
            local,
            waker: None,
            repeat: None,
        });
        id
    }

    /// The socket is gone, and its waker with it: the waker would keep the driver's future.
    pub(super) fn leave(&self, id: u64) {
        self.parking().sockets.retain(|socket| socket.id != id);
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
        if let Some(socket) = parking.sockets.iter_mut().find(|socket| socket.id == id) {
            match &mut socket.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => socket.waker = Some(cx.waker().clone()),
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

    /// Makes the driver poll its sockets, and go round.
    pub(crate) fn go_round(&self) {
        let wakers: Vec<Waker> = {
            let mut parking = self.parking();
            parking.round_due = true;
            let sockets = parking.sockets.iter_mut();
            sockets.filter_map(|socket| socket.waker.take()).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn path(&self) -> MutexGuard<'_, PathClock> {
        self.0.path.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parking(&self) -> MutexGuard<'_, Parking> {
        self.0
            .parking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a datagram may be a check. Data is none, and nearly every datagram is data.
fn may_be_check(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(0x00 | 0x40..=0x4f))
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
