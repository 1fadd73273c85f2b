//! An executor for futures on the virtual clock. When all of them wait, time moves to what is due next.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};

use thiserror::Error;

use super::network::Network;
use crate::{Duration, Instant};

/// How often a future may be polled while no time passes.
const MAX_POLLS_AT_ONCE: u32 = 10_000_000;

/// Why [`Network::block_on`] gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Stalled {
    /// The future waits, and nothing is due that could wake it.
    #[error("deadlock at {at:?}: the future waits and nothing is due")]
    Deadlock {
        /// The time on the network's clock.
        at: Instant,
    },
    /// The future wakes itself over and over, so that time cannot pass.
    #[error("livelock at {at:?}: the future keeps waking itself and time cannot pass")]
    Livelock {
        /// The time on the network's clock.
        at: Instant,
    },
}

/// A future took longer than [`Network::timeout`] allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the deadline passed")]
pub struct Elapsed;

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Network {
    /// Runs a future to its end on this thread. Whenever it waits, the clock moves to the next moment something is due.
    ///
    /// Join the futures of several participants into one to run them side by side.
    ///
    /// # Errors
    ///
    /// [`Stalled`] if the future can never end.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Stalled> {
        let mut future = pin!(future);
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(flag.clone());
        let mut cx = Context::from_waker(&waker);
        let mut polls_at_once = 0;
        loop {
            while flag.0.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return Ok(output);
                }
                polls_at_once += 1;
                if polls_at_once > MAX_POLLS_AT_ONCE {
                    return Err(Stalled::Livelock { at: self.now() });
                }
            }
            let before = self.now();
            if !self.step() && !flag.0.load(Ordering::Acquire) {
                return Err(Stalled::Deadlock { at: before });
            }
            if self.now() > before {
                polls_at_once = 0;
            }
        }
    }

    /// Waits for a span of the network's time.
    pub fn sleep(&self, span: Duration) -> Sleep {
        Sleep {
            key: self.with(|world| (world.clock.now + span, world.clock.unique())),
            network: self.clone(),
        }
    }

    /// Waits for a future, but not longer than a span of the network's time.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] when the span passes first.
    pub async fn timeout<F: Future>(
        &self,
        span: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        let mut sleep = pin!(self.sleep(span));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| Err(Elapsed)),
        })
        .await
    }
}

/// A future that waits for a moment of the network's time, made by [`Network::sleep`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Sleep {
    network: Network,
    /// When it is over, and a number of its own.
    key: (Instant, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.network.with(|world| {
            if world.clock.now >= self.key.0 {
                return Poll::Ready(());
            }
            let former = world.clock.sleepers.insert(self.key, cx.waker().clone());
            world.old_wakers.extend(former);
            Poll::Pending
        })
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.network.with(|world| {
            let waker = world.clock.sleepers.remove(&self.key);
            world.old_wakers.extend(waker);
        });
    }
}

#[cfg(test)]
mod tests {
    use core::future::{pending, poll_fn, ready};

    use super::*;

    #[test]
    fn time_jumps_to_what_is_due() {
        let network = Network::new(1);
        let start = network.now();
        let slept = network.block_on(async {
            network.sleep(Duration::from_secs(3600)).await;
            network.now() - start
        });
        assert_eq!(slept, Ok(Duration::from_secs(3600)));
    }

    #[test]
    fn a_deadlock_is_reported() {
        let network = Network::new(1);
        let at = network.now();
        assert_eq!(
            network.block_on(pending::<()>()),
            Err(Stalled::Deadlock { at })
        );
    }

    #[test]
    fn a_livelock_is_reported() {
        let network = Network::new(1);
        let at = network.now();
        let spinning = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert_eq!(network.block_on(spinning), Err(Stalled::Livelock { at }));
    }

    #[test]
    fn a_timeout_gives_up_and_leaves_nothing_behind() {
        let network = Network::new(1);
        let result = network.block_on(network.timeout(Duration::from_secs(1), pending::<()>()));
        assert_eq!(result, Ok(Err(Elapsed)));
        let result = network.block_on(network.timeout(Duration::from_secs(1), ready(7)));
        assert_eq!(result, Ok(Ok(7)));
        assert_eq!(network.next_due(), None);
    }

    #[test]
    fn everything_can_move_to_another_thread() {
        const fn is_send<T: Send>() {}
        is_send::<Network>();
        is_send::<Sleep>();
        is_send::<super::super::MockBackend>();
    }
}
