//! A timer of the page as a future. Dropping it wakes nobody, unlike `gloo_timers`' own: a host that looks at its signaling
//! makes a new one each time.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gloo_timers::callback::Timeout;

/// Ends once its time is over.
pub(super) struct Sleep {
    bell: Rc<Bell>,
    _timer: Timeout,
}

#[derive(Default)]
struct Bell {
    has_rung: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
}

impl Sleep {
    /// Not shorter than this.
    pub(super) fn new(span: Duration) -> Self {
        let milliseconds = span.as_micros().div_ceil(1000);
        let bell = Rc::new(Bell::default());
        let rung = Rc::clone(&bell);
        let timer = Timeout::new(u32::try_from(milliseconds).unwrap_or(u32::MAX), move || {
            rung.has_rung.set(true);
            let waiter = rung.waiter.take();
            if let Some(waiter) = waiter {
                waiter.wake();
            }
        });
        Self {
            bell,
            _timer: timer,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.bell.has_rung.get() {
            return Poll::Ready(());
        }
        self.bell.waiter.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}
