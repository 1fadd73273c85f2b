//! The queue all links of a backend report through.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};

use mesh_core::platform::Entry;

use crate::burst::Burst;

/// Events of control, and one token for each channel that has something; and who waits for them.
///
/// Bounded by what goes in: a token a channel, and events of control that somebody here caused. `C` is the inbox
/// of a channel.
pub(crate) struct Events<C> {
    queue: RefCell<VecDeque<Entry<C>>>,
    waiter: Waiter,
    /// Where there is none, every message wakes by itself.
    burst: OnceCell<Burst>,
    closed: Cell<bool>,
}

impl<C> Default for Events<C> {
    fn default() -> Self {
        Self {
            queue: RefCell::default(),
            waiter: Waiter::default(),
            burst: OnceCell::new(),
            closed: Cell::new(false),
        }
    }
}

impl<C: 'static> Events<C> {
    /// Those of a backend in a browser.
    pub(crate) fn new() -> Rc<Self> {
        let events = Rc::new(Self::default());
        let ended = Rc::downgrade(&events);
        let burst = Burst::new(move || {
            if let Some(events) = ended.upgrade() {
                events.burst_ended();
            }
        });
        if let Some(burst) = burst {
            let _ = events.burst.set(burst);
        }
        events
    }

    pub(crate) fn push(&self, entry: Entry<C>) {
        if self.closed.get() {
            return;
        }
        let is_message = matches!(entry, Entry::Readable(_));
        self.queue.borrow_mut().push_back(entry);
        if is_message {
            self.wake_for_messages();
        } else {
            self.wake();
        }
    }

    pub(crate) fn pop(&self) -> Option<Entry<C>> {
        self.queue.borrow_mut().pop_front()
    }

    /// Nobody will take anything any more. Without it, what is left would keep itself: an inbox holds the queue that holds its
    /// token.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        // Outside the borrow: it may hold the last handle of something.
        let left = self.queue.take();
        drop(left);
    }

    /// Remembers whom to wake: the last one who asked.
    pub(crate) fn wait(&self, cx: &Context<'_>) {
        self.waiter.wait(cx);
    }

    /// Wakes whoever waits, once; whether anybody did.
    pub(crate) fn wake(&self) -> bool {
        self.waiter.wake()
    }

    fn wake_for_messages(&self) {
        match self.burst.get() {
            Some(burst) if burst.is_on() => {}
            Some(burst) => {
                if self.wake() {
                    burst.begin();
                }
            }
            None => {
                self.wake();
            }
        }
    }

    fn burst_ended(&self) {
        if let Some(burst) = self.burst.get() {
            burst.end();
        }
        if !self.queue.borrow().is_empty() {
            self.wake_for_messages();
        }
    }
}

/// Whoever waits for something.
#[derive(Default)]
pub(crate) struct Waiter(RefCell<Option<Waker>>);

impl Waiter {
    /// Remembers whom to wake: the last one who asked.
    pub(crate) fn wait(&self, cx: &Context<'_>) {
        let mut waker = self.0.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
    }

    /// Wakes whoever waits, once; whether anybody did.
    pub(crate) fn wake(&self) -> bool {
        // Taken out first: a waker may well come back here at once.
        let waker = self.0.borrow_mut().take();
        let waited = waker.is_some();
        if let Some(waker) = waker {
            waker.wake();
        }
        waited
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_last_waker_is_woken_and_once() {
        let waiter = Waiter::default();
        let (first, last) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        for bell in [&first, &last] {
            waiter.wait(&Context::from_waker(&Waker::from(Arc::clone(bell))));
        }
        assert!(waiter.wake());
        assert!(!waiter.wake());
        assert_eq!(first.0.load(Ordering::Relaxed), 0);
        assert_eq!(last.0.load(Ordering::Relaxed), 1);
    }
}
