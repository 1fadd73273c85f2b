//! Waiting for a leave to go out.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::Session;
use crate::{Backend, Instant, Signaling};

/// Waits until a [`Session::leave`] has gone out. Dropping it changes nothing: the leave was done at the call.
#[derive(Debug)]
pub struct Leaving<'a, B, S> {
    pub(super) session: &'a mut Session<B, S>,
    pub(super) deadline: Instant,
}

impl<B: Backend, S: Signaling> Future for Leaving<'_, B, S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let is_said = self.session.signaling.poll_closed(cx).is_ready();
        let multiplayer = &mut self.session.multiplayer;
        multiplayer.pump(cx);
        let is_done = is_said && !multiplayer.mesh().is_closing();
        if is_done || multiplayer.backend().now() >= deadline {
            return Poll::Ready(());
        }
        multiplayer.wake_at(Some(deadline));
        Poll::Pending
    }
}
