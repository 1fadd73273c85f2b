//! The threads of a runtime that run links, of which one is always kept free.
//!
//! Nobody can stop a poll that computes for long, and any link may begin one. So a poll that would take the last free thread is
//! moved out of the way before it begins: [`block_in_place`] gives the thread's place in the runtime to another one. However many
//! links compute at a time, one thread goes on with the others. The same is done with the polls of a link that has taken too
//! long before.
//!
//! That leaves the sockets. Of the threads of a runtime one waits for them and the others for tasks. While the first runs a task
//! nobody looks at the sockets, until another thread runs out of tasks and takes that over; a thread that already waits for tasks
//! does not notice. So a watchdog sees that a poll takes long, and wakes one of them with an empty task.

use core::fmt;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place};

use super::clock::{this_thread, time_of, time_to_compare};

/// How long a poll that the watchdog has seen may go on before another thread is woken. It sees a poll up to one rest after the poll has
/// begun.
const TICK: Duration = Duration::from_millis(3);

/// How often the watchdog looks whether there is a poll under way while polls come and go, and how seldom where none has been long. To be
/// woken by the first poll of each burst would cost an idle mesh of eight a fifth of its processor time, and to look at the shorter pace
/// a twentieth.
const REST: Duration = Duration::from_millis(16);
const LONGEST_REST: Duration = Duration::from_millis(64);

/// How long the polls of all other threads of a runtime that is given must have computed already before one is moved out of the
/// way. An honest poll ends before, also one that reads all that has come of a transfer. To move one costs a thread and its memory: a mesh of
/// eight on a busy machine had more than 50 threads while a poll that had to wait for a processor counted.
/// On a runtime of ours none is waited for: it has a thread more than there are processors, so that the last free one is seldom
/// asked.
const GIVEN: Duration = Duration::from_millis(10);

/// A poll that has taken so long by the clock has taken long, whatever it has computed: it may wait for something that does not come.
const HELD: Duration = Duration::from_millis(100);

/// The place of a thread that polls nothing.
const FREE: u64 = u64::MAX;

/// Knows which polls are under way in one runtime. Cheap to clone; its watchdog ends with the last clone.
#[derive(Clone)]
pub(crate) struct Workers(Arc<Owner>);

/// Ends the watchdog.
struct Owner {
    shared: Arc<Shared>,
    watchdog: Thread,
}

struct Shared {
    patience: Duration,
    epoch: Instant,
    /// A place for each thread. Polls that are out of the way have none.
    running: Box<[Place]>,
    /// For how long a thread has computed, if that is known.
    time_of: fn(u32) -> Option<Duration>,
    ended: AtomicUsize,
    is_awake: AtomicBool,
    is_over: AtomicBool,
}

/// The poll that is under way on one thread.
struct Place {
    /// When it began, in microseconds since `epoch`, or [`FREE`].
    began: AtomicU64,
    /// Which thread it is, and for how many microseconds that had computed when it began.
    thread: AtomicU32,
    computed: AtomicU64,
}

/// Several backends may be given one runtime.
static RUNTIMES: Mutex<BTreeMap<String, Weak<Owner>>> = Mutex::new(BTreeMap::new());

impl Workers {
    /// Those of a runtime of ours. Starts a watchdog.
    pub(crate) fn own(handle: &Handle) -> io::Result<Self> {
        let owner = Owner::start(handle.clone(), Duration::ZERO)?;
        Ok(Self(Arc::new(owner)))
    }

    /// Those of a runtime that is given, which must have at least two threads. Starts a watchdog, unless another backend has
    /// done so.
    pub(crate) fn given(handle: &Handle) -> io::Result<Self> {
        let mut runtimes = RUNTIMES.lock().unwrap_or_else(PoisonError::into_inner);
        runtimes.retain(|_, owner| owner.strong_count() > 0);
        let id = handle.id().to_string();
        if let Some(owner) = runtimes.get(&id).and_then(Weak::upgrade) {
            return Ok(Self(owner));
        }
        let owner = Arc::new(Owner::start(handle.clone(), GIVEN)?);
        runtimes.insert(id, Arc::downgrade(&owner));
        Ok(Self(owner))
    }

    /// Polls on this thread; moves it out of the way before if it is the last one that is free, or if `is_suspect`.
    pub(super) fn poll<T>(&self, is_suspect: bool, poll: impl FnOnce() -> T) -> T {
        let shared = &*self.0.shared;
        let place = if is_suspect {
            None
        } else {
            shared.begin(shared.now())
        };
        let Some(_running) = place else {
            return block_in_place(poll);
        };
        if !shared.is_awake.load(Ordering::SeqCst) && !shared.is_awake.swap(true, Ordering::SeqCst)
        {
            self.0.watchdog.unpark();
        }
        poll()
    }
}

/// A poll is under way until this is dropped.
struct Running<'a> {
    shared: &'a Shared,
    place: &'a Place,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.shared.ended.fetch_add(1, Ordering::Relaxed);
        self.place.began.store(FREE, Ordering::SeqCst);
    }
}

impl Owner {
    fn start(handle: Handle, patience: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            patience,
            epoch: Instant::now(),
            running: places(handle.metrics().num_workers()),
            time_of,
            ended: AtomicUsize::new(0),
            is_awake: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let watching = Arc::clone(&shared);
        let watchdog = thread::Builder::new()
            .name(String::from("webrtc-watch"))
            .spawn(move || watching.watch(&handle))?;
        Ok(Self {
            shared,
            watchdog: watchdog.thread().clone(),
        })
    }
}

fn places(count: usize) -> Box<[Place]> {
    let free = |_| Place {
        began: AtomicU64::new(FREE),
        thread: AtomicU32::new(0),
        computed: AtomicU64::new(0),
    };
    (0..count).map(free).collect()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Shared {
    fn now(&self) -> u64 {
        micros(self.epoch.elapsed())
    }

    fn at(&self, micros: u64) -> Instant {
        self.epoch + Duration::from_micros(micros)
    }

    /// Takes a place for a poll. `None` if it must be moved out of the way: it would have the last free thread, and the polls of
    /// all others have taken long already, at `now` microseconds since `epoch`.
    fn begin(&self, now: u64) -> Option<Running<'_>> {
        let is_taken = |place: &&Place| {
            let (taken, free) = (Ordering::SeqCst, Ordering::Relaxed);
            let began = &place.began;
            began.compare_exchange(FREE, now, taken, free).is_ok()
        };
        let place = self.running.iter().find(is_taken)?;
        if !self.patience.is_zero() {
            place.thread.store(this_thread(), Ordering::Relaxed);
            place
                .computed
                .store(micros(time_to_compare(self.at(now))), Ordering::Relaxed);
        }
        // One that is free is short, too.
        let is_short = |other: &Place| !self.is_long(other, now);
        let mut others = self
            .running
            .iter()
            .filter(|other| !std::ptr::eq(*other, place));
        if others.any(is_short) {
            return Some(Running {
                shared: self,
                place,
            });
        }
        place.began.store(FREE, Ordering::SeqCst);
        None
    }

    /// Whether the poll at a place has taken as long as is waited for: by the clock, and then by what its thread has computed, if
    /// the system says that.
    fn is_long(&self, place: &Place, now: u64) -> bool {
        let patience = micros(self.patience);
        let began = place.began.load(Ordering::SeqCst);
        let taken = now.saturating_sub(began);
        if began == FREE || taken < patience {
            return false;
        }
        if self.patience.is_zero() || taken >= micros(HELD) {
            return true;
        }
        let before = place.computed.load(Ordering::Relaxed);
        let thread = place.thread.load(Ordering::Relaxed);
        let after = (self.time_of)(thread).map(micros);
        after.is_none_or(|after| after.saturating_sub(before) >= patience)
    }

    fn is_running(&self) -> bool {
        let mut places = self.running.iter();
        places.any(|place| place.began.load(Ordering::SeqCst) != FREE)
    }

    /// Until a poll begins.
    fn sleep(&self) {
        self.is_awake.store(false, Ordering::SeqCst);
        if !self.is_running() && !self.is_over.load(Ordering::SeqCst) {
            // A poll that begins from here on finds us asleep and wakes us.
            thread::park();
        }
        self.is_awake.store(true, Ordering::SeqCst);
    }

    fn watch(&self, handle: &Handle) {
        let mut woken: Option<JoinHandle<()>> = None;
        let mut rest = REST;
        while !self.is_over.load(Ordering::SeqCst) {
            let ended = self.ended.load(Ordering::Relaxed);
            if !self.is_running() {
                thread::park_timeout(rest);
                rest = (rest * 2).min(LONGEST_REST);
                if !self.is_running() && self.ended.load(Ordering::Relaxed) == ended {
                    self.sleep();
                    rest = REST;
                }
                continue;
            }
            thread::sleep(TICK);
            let is_stuck = self.is_running() && self.ended.load(Ordering::Relaxed) == ended;
            if is_stuck {
                rest = REST;
            }
            // One is enough: it takes over the sockets.
            if is_stuck && woken.as_ref().is_none_or(JoinHandle::is_finished) {
                woken = Some(handle.spawn(async {}));
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.watchdog.unpark();
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(threads: usize, patience: Duration) -> Shared {
        Shared {
            patience,
            epoch: Instant::now(),
            running: places(threads),
            time_of: |_| None,
            ended: AtomicUsize::new(0),
            is_awake: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }

    #[test]
    fn the_last_free_thread_is_kept_where_nobody_is_waited_for() {
        let shared = shared(3, Duration::ZERO);
        let one = shared.begin(5);
        let two = shared.begin(5);
        assert!(one.is_some() && two.is_some());
        assert!(shared.begin(5).is_none());
        drop(one);
        assert!(shared.begin(5).is_some());
    }

    #[test]
    fn polls_that_have_just_begun_are_waited_for() {
        let shared = shared(2, Duration::from_micros(500));
        let one = shared.begin(100);
        assert!(one.is_some() && shared.begin(599).is_some());
        assert!(shared.begin(600).is_none(), "the other one is long");
        drop(one);
        assert!(!shared.is_running());
    }

    #[test]
    fn one_that_waits_for_a_processor_is_waited_for() {
        let mut waits = shared(2, Duration::from_millis(10));
        waits.time_of = |thread| {
            assert_eq!(thread, this_thread());
            Some(time_to_compare(Instant::now()))
        };
        let _one = waits.begin(100);
        assert!(waits.begin(50_000).is_some(), "it has computed nothing");
        assert!(waits.begin(100_100).is_none(), "it waits for too long");

        let mut computes = shared(2, Duration::from_millis(10));
        computes.time_of = |_| Some(Duration::MAX);
        let _one = computes.begin(100);
        assert!(computes.begin(9_000).is_some(), "it has just begun");
        assert!(computes.begin(50_000).is_none());
    }

    /// Two links that are always busy: there is always a poll under way, and never a long one.
    #[test]
    fn one_that_has_ended_is_not_long() {
        let shared = shared(2, Duration::from_micros(500));
        let mut last = shared.begin(0);
        for now in (400..100_000).step_by(400) {
            let next = shared.begin(now);
            assert!(next.is_some(), "at {now}");
            last = next;
        }
        drop(last);
        assert!(!shared.is_running());
    }
}
