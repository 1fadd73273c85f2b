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
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place};

/// How long a poll may take before another thread is woken.
const TICK: Duration = Duration::from_millis(3);

/// How long the polls of all other threads of a runtime that is given must have taken already before one is moved out of the
/// way. An honest poll ends before. On a runtime of ours none is waited for: it has a thread more than there are processors,
/// so that the last free one is seldom asked.
const GIVEN: Duration = Duration::from_micros(500);

/// Knows which polls are under way in one runtime. Cheap to clone; its watchdog ends with the last clone.
#[derive(Clone)]
pub(crate) struct Workers(Arc<Owner>);

/// Ends the watchdog.
struct Owner {
    shared: Arc<Shared>,
    watchdog: Thread,
}

struct Shared {
    threads: usize,
    patience: Duration,
    epoch: Instant,
    /// When the last poll began that left a thread free, in microseconds since then.
    began: AtomicU64,
    /// Polls that have begun and not ended, without those that are out of the way.
    running: AtomicUsize,
    ended: AtomicUsize,
    is_awake: AtomicBool,
    is_over: AtomicBool,
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
        let before = shared.running.fetch_add(1, Ordering::SeqCst);
        if is_suspect || (before + 1 >= shared.threads && shared.are_others_long()) {
            shared.running.fetch_sub(1, Ordering::SeqCst);
            return block_in_place(poll);
        }
        if before + 1 < shared.threads {
            shared.began.store(shared.now(), Ordering::Relaxed);
        }
        let _running = Running(shared);
        if !shared.is_awake.load(Ordering::SeqCst) && !shared.is_awake.swap(true, Ordering::SeqCst)
        {
            self.0.watchdog.unpark();
        }
        poll()
    }
}

/// A poll is under way until this is dropped.
struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Owner {
    fn start(handle: Handle, patience: Duration) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            threads: handle.metrics().num_workers(),
            patience,
            epoch: Instant::now(),
            began: AtomicU64::new(0),
            running: AtomicUsize::new(0),
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

impl Shared {
    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether it is long since a poll began that left a thread free: those of the other threads have taken as long already.
    fn are_others_long(&self) -> bool {
        let took = self
            .now()
            .saturating_sub(self.began.load(Ordering::Relaxed));
        u128::from(took) >= self.patience.as_micros()
    }

    fn watch(&self, handle: &Handle) {
        let mut woken: Option<JoinHandle<()>> = None;
        while !self.is_over.load(Ordering::SeqCst) {
            self.is_awake.store(false, Ordering::SeqCst);
            if self.running.load(Ordering::SeqCst) == 0 {
                // A poll that begins from here on finds us asleep and wakes us.
                thread::park();
                self.is_awake.store(true, Ordering::SeqCst);
            }
            let ended = self.ended.load(Ordering::Relaxed);
            thread::sleep(TICK);
            let is_stuck = self.running.load(Ordering::SeqCst) > 0
                && self.ended.load(Ordering::Relaxed) == ended;
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
