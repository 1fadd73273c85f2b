//! Whose turn it is in a poll of a connection's task: the driver's, or that of the tasks aboard.
//!
//! One wakes the other all the time: what a task hands over is for the driver to send, and what the driver reads is for a task to
//! take. By themselves these wake-ups would be polls of the whole task, and each of those looks at all that the driver waits for.
//! Here they are turns in one poll, and whoever is not due has none.

use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use futures_util::task::AtomicWaker;

/// How many turns each has in one poll. What is due afterwards waits for the next one, so that other tasks get theirs.
const TURNS: usize = 2;

/// The two, and the task that they share.
#[derive(Debug)]
pub(super) struct Turns {
    driver: Turn,
    aboard: Turn,
    task: Arc<Task>,
}

#[derive(Debug)]
struct Turn {
    due: Arc<Due>,
    /// Makes it due.
    waker: Waker,
}

/// Whether somebody is to be polled.
#[derive(Debug)]
struct Due {
    is_due: AtomicBool,
    task: Arc<Task>,
}

#[derive(Debug, Default)]
struct Task {
    /// A poll is under way, which looks at the end who is due.
    is_polled: AtomicBool,
    waker: AtomicWaker,
}

impl Turns {
    /// Both are due.
    pub(super) fn new() -> Self {
        let task = Arc::new(Task::default());
        Self {
            driver: Turn::new(&task),
            aboard: Turn::new(&task),
            task,
        }
    }

    /// Something aboard is to be polled.
    pub(super) fn wake_aboard(&self) {
        self.aboard.waker.wake_by_ref();
    }

    /// A turn of the tasks aboard, if it is theirs, in the middle of the driver's.
    pub(super) fn poll_aboard(&self, mut aboard: impl FnMut(&mut Context<'_>)) {
        self.aboard.take(&mut aboard);
    }

    /// A poll of the task. The tasks aboard go first: what they hand over leaves with the driver's turn after theirs.
    pub(super) fn poll<T>(
        &self,
        cx: &Context<'_>,
        mut aboard: impl FnMut(&mut Context<'_>),
        mut driver: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let polled = {
            let _under_way = UnderWay::begin(&self.task, cx.waker());
            let mut polled = Poll::Pending;
            for _ in 0..TURNS {
                self.aboard.take(&mut aboard);
                polled = self.driver.take(&mut driver).unwrap_or(Poll::Pending);
                if polled.is_ready() || !self.aboard.is_due() {
                    break;
                }
            }
            polled
        };
        // From here on a wake-up wakes the task. One that came before is seen here.
        if polled.is_pending() && (self.aboard.is_due() || self.driver.is_due()) {
            cx.waker().wake_by_ref();
        }
        polled
    }
}

impl Turn {
    fn new(task: &Arc<Task>) -> Self {
        let due = Arc::new(Due {
            is_due: AtomicBool::new(true),
            task: Arc::clone(task),
        });
        Self {
            waker: Waker::from(Arc::clone(&due)),
            due,
        }
    }

    fn is_due(&self) -> bool {
        self.due.is_due.load(Ordering::SeqCst)
    }

    /// Polls if it is due. What comes before the poll is seen by it, so that is no reason for another one.
    fn take<T>(&self, poll: &mut impl FnMut(&mut Context<'_>) -> T) -> Option<T> {
        let is_due = self.due.is_due.swap(false, Ordering::SeqCst);
        is_due.then(|| poll(&mut Context::from_waker(&self.waker)))
    }
}

impl Wake for Due {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Not a store: a turn sees what all who woke it have done before, not the last of them alone.
        self.is_due.swap(true, Ordering::SeqCst);
        if !self.task.is_polled.load(Ordering::SeqCst) {
            self.task.waker.wake();
        }
    }
}

/// A poll of the task, until this is dropped.
struct UnderWay<'a>(&'a Task);

impl<'a> UnderWay<'a> {
    fn begin(task: &'a Task, waker: &Waker) -> Self {
        task.waker.register(waker);
        task.is_polled.store(true, Ordering::SeqCst);
        Self(task)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.is_polled.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Counts how often the task was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The turns of one task, and what it did.
    struct Fixture {
        turns: Turns,
        woken: Arc<Woken>,
        log: RefCell<Vec<char>>,
    }

    impl Fixture {
        fn new() -> Self {
            let fixture = Self {
                turns: Turns::new(),
                woken: Arc::default(),
                log: RefCell::default(),
            };
            assert_eq!(fixture.poll(|_| {}, |_| {}), "ad", "both are due at first");
            fixture
        }

        /// Who had a turn: `a`board or `d`river.
        fn poll(&self, aboard: impl Fn(&Turns), driver: impl Fn(&Turns)) -> String {
            let waker = Waker::from(Arc::clone(&self.woken));
            let polled: Poll<()> = self.turns.poll(
                &Context::from_waker(&waker),
                |_| {
                    self.log.borrow_mut().push('a');
                    aboard(&self.turns);
                },
                |_| {
                    self.log.borrow_mut().push('d');
                    driver(&self.turns);
                    Poll::Pending
                },
            );
            assert!(polled.is_pending());
            self.log.take().into_iter().collect()
        }

        fn woken(&self) -> usize {
            self.woken.0.load(Ordering::SeqCst)
        }
    }

    fn wake_driver(turns: &Turns) {
        turns.driver.waker.wake_by_ref();
    }

    #[test]
    fn whoever_is_not_due_has_no_turn() {
        let fixture = Fixture::new();
        assert_eq!(fixture.poll(|_| {}, |_| {}), "");
        fixture.turns.wake_aboard();
        assert_eq!(
            (fixture.woken(), fixture.poll(|_| {}, |_| {})),
            (1, "a".to_owned())
        );
        wake_driver(&fixture.turns);
        assert_eq!(
            (fixture.woken(), fixture.poll(|_| {}, |_| {})),
            (2, "d".to_owned())
        );
        assert_eq!(fixture.woken(), 2);
    }

    #[test]
    fn what_a_task_hands_over_leaves_in_the_same_poll() {
        let fixture = Fixture::new();
        fixture.turns.wake_aboard();
        assert_eq!(fixture.poll(wake_driver, |_| {}), "ad");
        assert_eq!(fixture.woken(), 1, "the first time, from outside");
    }

    #[test]
    fn what_the_driver_reads_is_taken_and_answered_in_the_same_poll() {
        let fixture = Fixture::new();
        wake_driver(&fixture.turns);
        let has_read = Cell::new(false);
        let read = |turns: &Turns| {
            if !has_read.replace(true) {
                turns.wake_aboard();
            }
        };
        assert_eq!(fixture.poll(wake_driver, read), "dad");
        assert_eq!(fixture.woken(), 1, "the first time, from outside");
    }

    #[test]
    fn what_is_read_in_several_rounds_is_taken_in_between() {
        let fixture = Fixture::new();
        wake_driver(&fixture.turns);
        let taken = Cell::new(0);
        let rounds = |turns: &Turns| {
            for round in 1..=3 {
                turns.wake_aboard();
                turns.poll_aboard(|_| taken.set(taken.get() + 1));
                turns.poll_aboard(|_| unreachable!("nothing has come since"));
                assert_eq!(taken.get(), round);
            }
        };
        assert_eq!(fixture.poll(|_| {}, rounds), "d");
        assert_eq!(fixture.woken(), 1);
    }

    #[test]
    fn two_that_wake_each_other_for_ever_let_others_go_first() {
        let fixture = Fixture::new();
        wake_driver(&fixture.turns);
        assert_eq!(fixture.poll(wake_driver, Turns::wake_aboard), "dad");
        assert_eq!(fixture.woken(), 2);
        assert_eq!(fixture.poll(|_| {}, |_| {}), "a");
        assert_eq!(fixture.woken(), 2);
    }

    #[test]
    fn one_that_wakes_itself_lets_others_go_first() {
        let fixture = Fixture::new();
        wake_driver(&fixture.turns);
        assert_eq!(fixture.poll(|_| {}, wake_driver), "d");
        assert_eq!(fixture.woken(), 2);
        fixture.turns.wake_aboard();
        assert_eq!(fixture.poll(Turns::wake_aboard, |_| {}), "ada");
        assert_eq!(fixture.woken(), 4);
    }

    #[test]
    fn an_end_is_passed_on() {
        let turns = Turns::new();
        let mut polls = 0;
        let polled = turns.poll(
            &Context::from_waker(Waker::noop()),
            |_| turns.wake_aboard(),
            |_| {
                polls += 1;
                Poll::Ready(7)
            },
        );
        assert_eq!((polled, polls), (Poll::Ready(7), 1));
    }

    #[test]
    fn no_wake_up_from_another_thread_is_lost() {
        const ROUNDS: usize = 20_000;
        let turns = Arc::new(Turns::new());
        let (asked, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let waking = {
            let (turns, asked, done) = (Arc::clone(&turns), Arc::clone(&asked), Arc::clone(&done));
            std::thread::spawn(move || {
                for round in 1..=ROUNDS {
                    asked.store(round, Ordering::SeqCst);
                    turns.wake_aboard();
                    while done.load(Ordering::SeqCst) < round {
                        std::hint::spin_loop();
                    }
                }
            })
        };
        // A task whose executor polls it only when it is woken.
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let (mut seen, mut is_first) = (0, true);
        while done.load(Ordering::SeqCst) < ROUNDS {
            let count = woken.0.load(Ordering::SeqCst);
            if count == seen && !is_first {
                std::hint::spin_loop();
                continue;
            }
            (seen, is_first) = (count, false);
            let _: Poll<()> = turns.poll(
                &Context::from_waker(&waker),
                |_| done.store(asked.load(Ordering::SeqCst), Ordering::SeqCst),
                |_| Poll::Pending,
            );
        }
        waking.join().expect("it ends");
    }
}
