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
pub(super) async fn watch(
    backend: &mut impl Backend,
    alarm: Option<Duration>,
    mut limit: LocalBoxFuture<'static, ()>,
) -> (Woken, Vec<Entry>) {
    let mut entries = Vec::new();
    let asked = backend.now();
    let due = alarm.map_or(asked, |span| asked + span);
    let mut watched: Option<Arc<Bell>> = None;
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
        if bell.rung.load(Ordering::Acquire) {
            return Poll::Ready(true);
        }
        limit.as_mut().poll(cx).map(|()| false)
    })
    .await;
    let woken = Woken {
        last,
        due_micros: due.as_micros(),
        at_micros: backend.now().as_micros(),
    };
    (woken, entries)
}
