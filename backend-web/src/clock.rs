//! The browser's clock, and the backend's one alarm on it.

use std::cell::{Cell, OnceCell};
use std::rc::{Rc, Weak};

use mesh_core::{Duration, Instant};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Performance;

use crate::inbox::Events;
use crate::js::{self, Callback};

/// Microseconds since the page was opened (W3C: `performance.now`).
#[derive(Clone)]
pub(crate) struct Clock(Performance);

impl Clock {
    /// `None` where there is no such thing.
    pub(crate) fn new() -> Option<Self> {
        let performance = js::get(&js_sys::global(), "performance")?;
        performance.dyn_into().ok().map(Self)
    }

    pub(crate) fn now(&self) -> Instant {
        instant(self.0.now())
    }
}

fn instant(milliseconds: f64) -> Instant {
    // A cast of a float saturates, and what is no number is 0.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates"
    )]
    let micros = (milliseconds * 1000.0) as u64;
    Instant::from_micros(micros)
}

/// A span as `setTimeout` takes it: in milliseconds, not too early. It reads more than an `i32` as 0, so a long one comes in
/// pieces.
pub(crate) fn timeout(span: Duration) -> i32 {
    let milliseconds = span.as_micros().div_ceil(1000);
    i32::try_from(milliseconds).unwrap_or(i32::MAX)
}

/// Wakes whoever waits for events when its moment comes.
pub(crate) struct Alarm(Rc<Inner>);

struct Inner {
    clock: Clock,
    events: Rc<Events>,
    deadline: Cell<Option<Instant>>,
    /// The running timer: when it rings and what the browser calls it.
    running: Cell<Option<(Instant, JsValue)>>,
    callback: OnceCell<Callback>,
}

impl Alarm {
    pub(crate) fn new(clock: Clock, events: Rc<Events>) -> Self {
        let inner = Rc::new(Inner {
            clock,
            events,
            deadline: Cell::new(None),
            running: Cell::new(None),
            callback: OnceCell::new(),
        });
        let alarm = Rc::downgrade(&inner);
        let _ = inner.callback.set(Callback::new(move |_| ring(&alarm)));
        Self(inner)
    }

    /// Replaces the former moment. Whoever waits already is woken by the new one.
    pub(crate) fn set(&self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else {
            self.0.deadline.set(None);
            return;
        };
        self.0.deadline.set(Some(deadline));
        self.0.settle();
    }

    /// For whoever has begun to wait: wakes at once where the moment passed while nobody did.
    pub(crate) fn check(&self) {
        // With a timer running it has not passed, or the timer will tell.
        let running = self.0.running.take();
        if running.is_none() {
            self.0.settle();
        } else {
            self.0.running.set(running);
        }
    }
}

fn ring(alarm: &Weak<Inner>) {
    if let Some(inner) = alarm.upgrade() {
        inner.running.set(None);
        inner.settle();
    }
}

impl Inner {
    /// Wakes if it is time, else has a timer running that rings no later than the deadline.
    ///
    /// One that rings too early is left to do so and set again then: deadlines move with every poll, and mostly away.
    fn settle(&self) {
        let Some(deadline) = self.deadline.get() else {
            return;
        };
        let left = deadline - self.clock.now();
        if left.is_zero() {
            // Once is enough: the waiter looks at the clock, acts, and sets the next one. Where nobody waits, `check` follows.
            if self.events.wake() {
                self.deadline.set(None);
            }
            return;
        }
        if let Some((at, timer)) = self.running.take() {
            if at <= deadline {
                self.running.set(Some((at, timer)));
                return;
            }
            self.stop(&timer);
        }
        self.start(deadline, left);
    }

    fn start(&self, deadline: Instant, left: Duration) {
        let Some(callback) = self.callback.get() else {
            return;
        };
        let span = JsValue::from(timeout(left));
        let timer = js::call(
            &js_sys::global(),
            "setTimeout",
            &[callback.function(), &span],
        );
        if let Ok(timer) = timer {
            self.running.set(Some((deadline, timer)));
        }
    }

    fn stop(&self, timer: &JsValue) {
        let _ = js::call(&js_sys::global(), "clearTimeout", &[timer]);
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some((_, timer)) = self.0.running.take() {
            self.0.stop(&timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_in_microseconds_and_never_mad() {
        assert_eq!(instant(1_234.567_9).as_micros(), 1_234_567);
        assert_eq!(instant(f64::NAN).as_micros(), 0);
        assert_eq!(instant(-1.0).as_micros(), 0);
        assert_eq!(instant(f64::INFINITY).as_micros(), u64::MAX);
    }

    #[test]
    fn a_timer_is_never_early_and_never_an_overflow() {
        assert_eq!(timeout(Duration::ZERO), 0);
        assert_eq!(timeout(Duration::from_micros(1)), 1);
        assert_eq!(timeout(Duration::from_micros(1000)), 1);
        assert_eq!(timeout(Duration::from_micros(1001)), 2);
        assert_eq!(timeout(Duration::MAX), i32::MAX);
    }
}
