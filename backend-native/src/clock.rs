//! The backend's clock, and its one alarm.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use futures_util::task::AtomicWaker;
use mesh_core::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::sleep_until;

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
        (deadline - self.now()).min(NEVER)
    }
}

/// Wakes the last waker given when its moment comes.
///
/// A task of its own sleeps: a timer that the caller polls would panic once its runtime has ended.
pub(crate) struct Alarm {
    shared: Arc<Shared>,
    task: Option<AbortHandle>,
}

#[derive(Default)]
struct Shared {
    moment: Mutex<Moment>,
    /// The moment is earlier than what the task sleeps for.
    earlier: Notify,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Moment {
    due: Option<tokio::time::Instant>,
    /// What the task sleeps for.
    sleeps_until: Option<tokio::time::Instant>,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::default(),
            task: None,
        }
    }

    /// Replaces the former moment. Whoever waits already is woken by the new one.
    pub(crate) fn set(&mut self, handle: &Handle, clock: &Clock, deadline: Option<Instant>) {
        let due = deadline.map(|deadline| tokio::time::Instant::now() + clock.until(deadline));
        let mut moment = self.shared.moment();
        moment.due = due;
        // A later moment costs nothing: the task wakes once for nothing, and sleeps on.
        let is_earlier = due.is_some_and(|due| moment.sleeps_until.is_none_or(|until| due < until));
        drop(moment);
        if !is_earlier {
            return;
        }
        match &self.task {
            Some(_) => self.shared.earlier.notify_one(),
            None => {
                let task = handle.spawn(ring(Arc::clone(&self.shared)));
                self.task = Some(task.abort_handle());
            }
        }
    }

    /// Remembers whom to wake, and wakes at once where the moment has passed.
    pub(crate) fn wait(&mut self, cx: &mut Context<'_>) {
        self.shared.waker.register(cx.waker());
        let mut moment = self.shared.moment();
        if moment
            .due
            .is_some_and(|due| due <= tokio::time::Instant::now())
        {
            // Once is enough: the waiter looks at the clock, acts, and sets the next one.
            moment.due = None;
            cx.waker().wake_by_ref();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Shared {
    fn moment(&self) -> MutexGuard<'_, Moment> {
        self.moment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sleeps until the moment, and wakes.
async fn ring(shared: Arc<Shared>) {
    loop {
        let until = {
            let mut moment = shared.moment();
            if moment
                .due
                .is_some_and(|due| due <= tokio::time::Instant::now())
            {
                moment.due = None;
                shared.waker.wake();
            }
            moment.sleeps_until = moment.due;
            moment.due
        };
        let sleep = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = sleep => {}
            () = shared.earlier.notified() => {}
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

    #[test]
    fn a_runtime_that_has_ended_does_no_harm() {
        for set_before in [true, false] {
            let runtime = tokio::runtime::Runtime::new().expect("threads");
            let handle = runtime.handle().clone();
            let clock = Clock::new();
            let mut alarm = Alarm::new();
            let soon = |clock: &Clock| Some(clock.now() + Duration::from_millis(5));
            if set_before {
                alarm.set(&handle, &clock, soon(&clock));
            }
            drop(runtime);
            for _ in 0..3 {
                alarm.wait(&mut Context::from_waker(std::task::Waker::noop()));
                alarm.set(&handle, &clock, soon(&clock));
            }
        }
    }

    #[tokio::test]
    async fn a_moment_that_moves_rings_when_it_is_due() {
        let clock = Clock::new();
        let mut alarm = Alarm::new();
        let later = |milliseconds| Some(clock.now() + Duration::from_millis(milliseconds));
        // Later, then earlier again, then none, then soon.
        for deadline in [later(10_000), later(20_000), later(30), None, later(40)] {
            alarm.set(&Handle::current(), &clock, deadline);
            tokio::task::yield_now().await;
        }
        let due = clock.now() + Duration::from_millis(40);
        let mut polls = 0;
        let rung = std::future::poll_fn(|cx| {
            alarm.wait(cx);
            polls += 1;
            if clock.now() + Duration::from_millis(1) >= due {
                return std::task::Poll::Ready(());
            }
            std::task::Poll::Pending
        });
        tokio::time::timeout(Duration::from_secs(5), rung)
            .await
            .expect("rung");
        assert!(polls <= 4, "woken {polls} times");
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
