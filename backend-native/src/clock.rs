//! The backend's clock, and its one alarm.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use mesh_core::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::time::Sleep;

/// Microseconds since the backend was made.
#[derive(Debug)]
pub(crate) struct Clock {
    start: std::time::Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        let elapsed = self.start.elapsed().as_micros();
        Instant::from_micros(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    fn until(&self, deadline: Instant) -> Duration {
        // Half a century is as good as never, and keeps the sum with any start in range.
        const NEVER: Duration = Duration::from_secs(50 * 365 * 86400);
        deadline.saturating_duration_since(self.now()).min(NEVER)
    }
}

/// Wakes the last waker given when its moment comes.
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    waker: Option<Waker>,
}

impl Alarm {
    pub(crate) const fn new() -> Self {
        Self {
            sleep: None,
            waker: None,
        }
    }

    /// Replaces the former moment. Whoever waits already is woken by the new one.
    pub(crate) fn set(&mut self, handle: &Handle, clock: &Clock, deadline: Option<Instant>) {
        let Some(deadline) = deadline else {
            self.sleep = None;
            return;
        };
        let due = tokio::time::Instant::now() + clock.until(deadline);
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(due),
            None => {
                // A timer belongs to a runtime, and the caller may be on none.
                let _guard = handle.enter();
                self.sleep = Some(Box::pin(tokio::time::sleep_until(due)));
            }
        }
        if let Some(waker) = self.waker.take() {
            self.wait(&mut Context::from_waker(&waker));
        }
    }

    /// Remembers whom to wake, and wakes at once where the moment has passed.
    pub(crate) fn wait(&mut self, cx: &mut Context<'_>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
        let Some(sleep) = &mut self.sleep else {
            return;
        };
        if sleep.as_mut().poll(cx).is_ready() {
            // Once is enough: the waiter looks at the clock, acts, and sets the next one.
            self.sleep = None;
            cx.waker().wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_in_the_past_is_due_now() {
        let clock = Clock::new();
        assert_eq!(clock.until(Instant::from_micros(0)), Duration::ZERO);
        assert!(clock.until(Instant::from_micros(u64::MAX)) > Duration::from_secs(86400));
    }

    #[tokio::test]
    async fn an_alarm_set_after_the_poll_wakes_the_poller() {
        let clock = Clock::new();
        let mut alarm = Alarm::new();
        let started = clock.now();
        let mut set = false;
        let wait = std::future::poll_fn(|cx| {
            alarm.wait(cx);
            if !set {
                set = true;
                let deadline = clock.now() + Duration::from_millis(20);
                alarm.set(&Handle::current(), &clock, Some(deadline));
            }
            if clock.now() - started >= Duration::from_millis(20) {
                return std::task::Poll::Ready(());
            }
            std::task::Poll::Pending
        });
        tokio::time::timeout(Duration::from_secs(5), wait)
            .await
            .expect("woken");
    }
}
