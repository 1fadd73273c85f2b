//! Who is woken by a backend: the probe behind clause 8.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use mesh_core::Backend;

use crate::observed::translate::Entry;
use crate::reply::Woken;

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
    backend: &mut impl Backend,
    mut alarm: Option<(Duration, LocalBoxFuture<'static, ()>)>,
    mut limit: LocalBoxFuture<'static, ()>,
) -> (Woken, Vec<Entry>) {
    let mut entries = Vec::new();
    let asked = backend.now();
    let due = alarm.as_ref().map_or(asked, |(span, _)| asked + *span);
    let mut watched: Option<Arc<Bell>> = None;
    let (mut woken_at, mut timer_at) = (None, None);
    let last = poll_fn(|cx| {
        let bell = watched.get_or_insert_with(|| {
            let (former, last) = (bell(None), bell(Some(cx.waker().clone())));
            for waker in [Waker::from(former), Waker::from(Arc::clone(&last))] {
                let mut cx = Context::from_waker(&waker);
                while let Poll::Ready(event) = backend.poll_event(&mut cx) {
                    entries.push(Entry::from(event));
                }
            }
            if alarm.is_some() {
                backend.set_alarm(Some(due));
            }
            last
        });
        let now = backend.now();
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
    let at = woken_at.unwrap_or_else(|| backend.now());
    let woken = Woken {
        last,
        at_micros: at.as_micros(),
        timer_at_micros: timer_at.map_or(due, |timer| timer.max(due)).as_micros(),
    };
    (woken, entries)
}
