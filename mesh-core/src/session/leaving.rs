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
    /// Until when the signaling is waited for.
    pub(super) told_by: Instant,
}

impl<B: Backend, S: Signaling> Future for Leaving<'_, B, S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (deadline, told_by) = (self.deadline, self.told_by);
        let is_said = self.session.signaling.poll_closed(cx).is_ready();
        let multiplayer = &mut self.session.multiplayer;
        multiplayer.pump(cx);
        let now = multiplayer.backend().now();
        let is_told = is_said || now >= told_by;
        if is_told && !multiplayer.mesh().is_closing() || now >= deadline {
            return Poll::Ready(());
        }
        let next = if is_told { deadline } else { told_by };
        multiplayer.wake_at(Some(next.min(deadline)));
        Poll::Pending
    }
}
