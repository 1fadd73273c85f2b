//! Who is woken by a backend, or by a transport: the probe behind the clauses about wakers.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use mesh_core::{Backend, Instant};
use signaling::Transport;

use crate::observed::translate::Entry;
use crate::planted::{Dressed, FaultyTransport};
use crate::reply::Woken;

/// What may wake somebody.
pub(super) trait Source {
    /// The time on its clock.
    fn now(&self) -> Instant;

    /// Its next event.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Entry>;

    /// Rings at this moment. For a source without alarms nobody asks for one.
    fn set_alarm(&mut self, due: Instant) {
        let _ = due;
    }
}

impl<B: Backend> Source for Dressed<B> {
    fn now(&self) -> Instant {
        Backend::now(self)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Entry> {
        self.poll_event(cx).map(Entry::from)
    }

    fn set_alarm(&mut self, due: Instant) {
        Backend::set_alarm(self, Some(due));
    }
}

impl<T: Transport> Source for FaultyTransport<T> {
    /// It has no clock, and nobody asks when it woke somebody.
    fn now(&self) -> Instant {
        Instant::from_micros(0)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Entry> {
        self.poll_event(cx).map(Entry::from)
    }
}

/// Remembers that it was woken, and passes it on.
struct Bell {
    rung: AtomicBool,
    next: Option<Waker>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        if let Some(next) = &self.next {
            next.wake_by_ref();
        }
    }
}

fn bell(next: Option<Waker>) -> Arc<Bell> {
    Arc::new(Bell {
        rung: AtomicBool::new(false),
        next,
    })
}

/// Takes what is there, polls with a waker that is then replaced, and waits until the one that replaced it is woken.
///
/// `alarm` is how far ahead the alarm is set, and a timer of the platform's own that is as long and set at the same moment: a
/// busy machine, or a page that has something else to do, delays both.
pub(super) async fn watch(
    source: &mut impl Source,
    mut alarm: Option<(Duration, LocalBoxFuture<'static, ()>)>,
    mut limit: LocalBoxFuture<'static, ()>,
) -> (Woken, Vec<Entry>) {
    let mut entries = Vec::new();
    let asked = source.now();
    let due = alarm.as_ref().map_or(asked, |(span, _)| asked + *span);
    let mut watched: Option<Arc<Bell>> = None;
    let (mut woken_at, mut timer_at) = (None, None);
    let last = poll_fn(|cx| {
        let bell = watched.get_or_insert_with(|| {
            let (former, last) = (bell(None), bell(Some(cx.waker().clone())));
            for waker in [Waker::from(former), Waker::from(Arc::clone(&last))] {
                let mut cx = Context::from_waker(&waker);
                while let Poll::Ready(entry) = source.poll(&mut cx) {
                    entries.push(entry);
                }
            }
            if alarm.is_some() {
                source.set_alarm(due);
            }
            last
        });
        let now = source.now();
        if bell.rung.load(Ordering::Acquire) {
            woken_at.get_or_insert(now);
        }
        match &mut alarm {
            Some((_, timer)) if timer_at.is_none() => {
                timer_at = timer.as_mut().poll(cx).is_ready().then_some(now);
            }
            Some(_) => {}
            None => timer_at = Some(now),
        }
        if woken_at.is_some() && timer_at.is_some() {
            return Poll::Ready(true);
        }
        limit.as_mut().poll(cx).map(|()| woken_at.is_some())
    })
    .await;
    let at = woken_at.unwrap_or_else(|| source.now());
    let before = entries.len();
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(entry) = source.poll(&mut cx) {
        entries.push(entry);
    }
    let woken = Woken {
        last,
        at_micros: at.as_micros(),
        timer_at_micros: timer_at.map_or(due, |timer| timer.max(due)).as_micros(),
        by_event: entries.len() > before,
    };
    (woken, entries)
}
