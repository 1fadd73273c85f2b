//! A model of the tasks that share it: senders that wait for room, a writer that waits for texts, and an end, in any order. A task runs
//! only when it has been woken, so a wake-up that gets lost stops it for ever. What two threads do within one step of a task is not in it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// A sender's share is two of the longest texts.
const LONGEST: usize = 100;
const LIMIT: usize = PARTS * 2 * (LONGEST + TEXT_COST);

#[derive(Clone, Debug)]
enum Step {
    /// A sender has another text.
    Write { sender: usize, length: usize },
    /// A thread runs one task that was woken.
    Run(usize),
    /// The socket is closed after what waits, or at once.
    Close { is_impatient: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..3_usize, 0..=LONGEST).prop_map(|(sender, length)| Step::Write { sender, length }),
        20 => (0..4_usize).prop_map(Step::Run),
        1 => any::<bool>().prop_map(|is_impatient| Step::Close { is_impatient }),
    ]
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A task, and whether it has been woken.
struct Task<'a> {
    future: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    flag: Arc<Flag>,
}

impl<'a> Task<'a> {
    fn new(future: impl Future<Output = ()> + 'a) -> Self {
        Self {
            future: Some(Box::pin(future)),
            flag: Arc::new(Flag(AtomicBool::new(true))),
        }
    }

    /// Runs it if it was woken; whether it was.
    fn run(&mut self) -> bool {
        let Some(future) = self.future.as_mut() else {
            return false;
        };
        if !self.flag.0.swap(false, Ordering::SeqCst) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.flag));
        if future.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(()) {
            self.future = None;
        }
        true
    }
}

/// Texts that a sender has not got rid of, and a way to be told of new ones.
#[derive(Default)]
struct Sender {
    texts: RefCell<VecDeque<Arc<str>>>,
    added: Notify,
}

impl Sender {
    /// Sends all that there ever is, in order, as the task of a socket does.
    async fn send(&self, id: PeerId, outbox: &Outbox, is_closed: &Cell<bool>) {
        loop {
            let text = self.texts.borrow().front().cloned();
            let Some(text) = text else {
                self.added.notified().await;
                continue;
            };
            if is_closed.get() {
                return;
            }
            match outbox.relay(id, text) {
                Ok(()) => _ = self.texts.borrow_mut().pop_front(),
                Err(full) => {
                    // Another thread may run here.
                    others_run().await;
                    outbox.emptied(&full).await;
                }
            }
        }
    }
}

/// Lets other tasks run, any number of them.
async fn others_run() {
    let mut is_first = true;
    poll_fn(|cx| match std::mem::replace(&mut is_first, false) {
        true => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        false => Poll::Ready(()),
    })
    .await;
}

proptest! {
    #[test]
    fn nobody_waits_for_ever_and_texts_arrive_in_order(steps in prop::collection::vec(step(), 1..120)) {
        let outbox = Outbox::new(LIMIT, PARTS);
        let senders: [Sender; 3] = Default::default();
        let ids = [1, 2, 3].map(|id| PeerId::new(id).expect("an id"));
        let is_closed = Cell::new(false);
        let written = RefCell::new(Vec::new());
        let writer = async {
            while let Outgoing::Text(text) = outbox.next().await {
                written.borrow_mut().push(text);
            }
        };
        let mut tasks = vec![Task::new(writer)];
        for (sender, id) in senders.iter().zip(ids) {
            tasks.push(Task::new(sender.send(id, &outbox, &is_closed)));
        }

        let mut ended_impatiently = None;
        let mut said = [0_usize; 3];
        for step in steps {
            match step {
                Step::Write { sender, length } => {
                    let text = format!("{sender} {} {}", said[sender], "x".repeat(length));
                    said[sender] += 1;
                    let mut texts = senders[sender].texts.borrow_mut();
                    texts.push_back(text[..text.len().min(LONGEST)].into());
                    senders[sender].added.notify_one();
                }
                Step::Run(task) => _ = tasks[task].run(),
                Step::Close { is_impatient } => {
                    let goodbye = match is_impatient {
                        true => Goodbye::Silent { within: Duration::ZERO },
                        false => Goodbye::HostLeft,
                    };
                    prop_assert_eq!(goodbye.is_impatient(), is_impatient);
                    is_closed.set(true);
                    outbox.close(goodbye);
                    ended_impatiently = Some(is_impatient | ended_impatiently.unwrap_or(false));
                }
            }
        }
        // Everybody goes on for as long as anybody was woken.
        while tasks.iter_mut().fold(false, |ran, task| task.run() | ran) {}

        let written = written.borrow();
        for sender in 0..3 {
            let own = written.iter().filter(|text| text.starts_with(&format!("{sender} ")));
            let numbers = own.map(|text| text.split(' ').nth(1).and_then(|number| number.parse::<usize>().ok()));
            let numbers: Vec<_> = numbers.map(|number| number.expect("a number")).collect();
            let left = senders[sender].texts.borrow().len();
            prop_assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
            match ended_impatiently {
                // It ends only with all that was sent.
                None => prop_assert_eq!((numbers.len(), left), (said[sender], 0)),
                Some(false) => prop_assert_eq!(numbers.len() + left, said[sender]),
                Some(true) => prop_assert!(numbers.len() + left <= said[sender]),
            }
        }
        // The writer has ended if there was an end, and then nobody waits for room.
        prop_assert_eq!(tasks[0].future.is_none(), ended_impatiently.is_some());
        for (sender, task) in senders.iter().zip(&tasks[1..]) {
            let is_through = sender.texts.borrow().is_empty();
            prop_assert!(is_through || task.future.is_none());
        }
    }
}
