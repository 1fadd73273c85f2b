//! However a link ends, nothing is left of it. Alone in its process: it counts file descriptors and threads.
//!
//! [`KINDS`] has every kind of end, and each of them happens a hundred times. What is counted:
//!
//! - **connections**: each one keeps the source of its sockets, so the source's references tell how many live;
//! - **tasks** of the backends' runtimes;
//! - **file descriptors** and **threads** of the process, when everything is over.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod broken;
mod dropped;
mod failed;
mod hostile;
mod left;
mod stage;
#[path = "../support/mod.rs"]
mod support;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::fs::read_dir;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use stage::Stage;

/// How often each kind of end happens.
const CYCLES: u32 = 100;

/// How many of them happen to the same backends, one after the other.
const ROUND: u32 = 25;

/// How many rounds are under way at once: most of them wait for a timer of the network.
const WORKERS: usize = 8;

/// How long something may take to be gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kind of end.
struct Kind {
    name: &'static str,
    /// Has it happen once. The number is that of the links.
    cycle: fn(&mut Stage, u32),
}

/// Every kind of end.
const KINDS: &[Kind] = &[
    kind("a wrong fingerprint", failed::wrong_fingerprint),
    kind("left with last words", left::with_last_words),
    kind("closed by the far side", left::by_the_far_side),
    kind("closed by both at once", left::by_both_at_once),
    kind("one channel closed before", left::channel_by_channel),
    kind("closed before it began", left::before_it_began),
    kind(
        "closed while it looked for addresses",
        left::while_gathering,
    ),
    kind("refused while it connected", left::while_connecting),
    kind("the path broke", broken::while_idle),
    kind("the path broke under data", broken::under_data),
    kind("a peer that nobody answers for", failed::nobody_answers),
    kind("a description that is none", failed::no_description),
    kind("no relay where one is needed", failed::no_relay),
    kind("no address to bind", failed::no_address),
    kind("a full inbox", failed::full_inbox),
    kind("too many channels", hostile::too_many_channels),
    kind("nonsense on the control channel", hostile::control),
    kind("a panic of the crate", hostile::panic),
    kind("the backend dropped: nothing begun", dropped::at_first),
    kind("the backend dropped: gathering", dropped::gathering),
    kind("the backend dropped: connecting", dropped::connecting),
    kind("the backend dropped: open", dropped::open_link),
    kind("the backend dropped: lingering", dropped::lingering),
    kind(
        "the backend dropped: its runtime goes on",
        dropped::on_a_runtime,
    ),
    kind("the runtime gone first", dropped::runtime_first),
    kind(
        "the runtime gone while it lingers",
        dropped::runtime_first_lingering,
    ),
];

const fn kind(name: &'static str, cycle: fn(&mut Stage, u32)) -> Kind {
    Kind { name, cycle }
}

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    files: usize,
    threads: usize,
}

fn held() -> Held {
    let entries = |folder| read_dir(folder).expect("Linux").count();
    Held {
        files: entries("/proc/self/fd"),
        threads: entries("/proc/self/task"),
    }
}

/// Waits until something is so, and fails with what is told instead.
fn settle<T: Debug>(what: &str, now: impl Fn() -> T, is_settled: impl Fn(&T) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = now();
        if is_settled(&left) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {left:?} is left");
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// Has a kind of end happen some times, to backends of their own.
fn play(kind: &Kind, first: u32, last: u32) {
    let mut stage = Stage::new();
    for number in first..last {
        (kind.cycle)(&mut stage, number);
    }
    settle(kind.name, || stage.left(), |left| left.is_nothing());
}

#[test]
fn a_hundred_ends_of_every_kind_leave_nothing() {
    // What the libraries make once and keep.
    left::with_last_words(&mut Stage::new(), 0);
    settle("the first link", held, |held| held.threads <= 2);
    let before = held();

    let rounds = (0..CYCLES).step_by(ROUND as usize);
    let all: VecDeque<_> = rounds
        .flat_map(|first| KINDS.iter().map(move |kind| (kind, first)))
        .collect();
    let waiting = Mutex::new(all);
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front()
    };
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((kind, first)) = next() {
                    play(kind, first, CYCLES.min(first + ROUND));
                }
            });
        }
    });
    settle("all of them", held, |held| {
        held.files <= before.files && held.threads <= before.threads
    });
}
