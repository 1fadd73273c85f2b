//! What keeps a hostile member's damage to its own link.
//!
//! The `webrtc` crate processes what a member sends in one task, the connection's driver. There are packets at which it
//! panics, and others over which it computes for seconds (docs/upstream.md). So the driver runs inside [`Driver`], which
//! catches the panic, measures the work, and ends the link either way.

mod budget;
mod clock;
mod crypto;
mod driver;
mod leaps;
mod pulse;
mod workers;

use core::pin::Pin;
use core::task::{Context, Poll};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use self::budget::Workload;
pub(crate) use self::crypto::Inspected;
pub(crate) use self::driver::{Driver, Guard, Oversight};
pub(crate) use self::pulse::Pulse;
pub(crate) use self::workers::Workers;

/// The future panicked. What it held is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs a future and gives a panic of it back as an error.
///
/// What the future shares with others is used after a panic only to be closed and dropped.
pub(crate) async fn contain<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = Box::pin(future);
    core::future::poll_fn(|cx| contained_poll(future.as_mut(), cx)).await
}

fn contained_poll<F: Future + ?Sized>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<Result<F::Output, Panicked>> {
    match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Panicked, contain};

    #[tokio::test]
    async fn a_panic_comes_back_as_an_error() {
        assert_eq!(contain(async { 7 }).await, Ok(7));
        let outcome = contain(async {
            tokio::task::yield_now().await;
            std::panic::resume_unwind(Box::new(()));
        });
        assert_eq!(outcome.await, Err(Panicked));
    }
}
