//! The task of the `webrtc` crate that drives a connection, inside our guard.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use async_channel::Sender;
use mesh_core::platform::LinkFault;

use super::budget::{Budget, Workload, allowance};
use super::clock::thread_time;
use super::pulse::Pulse;
use super::workers::Workers;
use super::{Panicked, contained_poll};
use crate::note::Note;

/// For so many polls the work is measured after one that took long by the clock.
const SUSPICION: u32 = 256;

/// What a driver needs to be guarded.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// Where the end of the link is reported.
    pub(crate) notes: Sender<Note>,
    /// What keeps the other links from it.
    pub(crate) oversight: Oversight,
}

/// What watches over the polls of one driver. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oversight {
    /// Tells somebody outside that a poll is under way.
    pub(crate) pulse: Pulse,
    /// The threads it runs on; `None` where it may hold them all.
    pub(crate) workers: Option<Workers>,
}

/// A driver that ends when it panics, and when it has computed far more than its datagrams are worth. Its link is told.
///
/// The time is the thread's, so a busy machine convicts nobody. Reading that clock is a system call, so it is read only
/// after a poll that took long by the other clock.
pub(crate) struct Driver {
    /// `None` once it has ended.
    future: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    guard: Guard,
    workload: Workload,
    budget: Budget,
    /// How many polls are measured from here on.
    suspicion: u32,
}

impl Driver {
    pub(crate) fn new(
        future: Pin<Box<dyn Future<Output = ()> + Send>>,
        guard: Guard,
        workload: Workload,
    ) -> Self {
        Self {
            future: Some(future),
            guard,
            workload,
            budget: Budget::new(Instant::now()),
            suspicion: 0,
        }
    }

    /// Polls once. Returns whether the link may go on, too.
    fn measured_poll(&mut self, cx: &mut Context<'_>) -> (Poll<Result<(), Panicked>>, bool) {
        let Some(future) = self.future.as_mut() else {
            return (Poll::Ready(Ok(())), true);
        };
        let future = future.as_mut();
        let beat = self.guard.oversight.pulse.beat();
        let is_suspect = self.budget.is_in_debt();
        // A debt is paid off while it is measured.
        let is_measured = self.suspicion > 0 || is_suspect;
        let before = is_measured.then(thread_time).flatten();
        let began = Instant::now();
        self.workload.begin(began);
        let polled = match &self.guard.oversight.workers {
            Some(workers) => workers.poll(is_suspect, || contained_poll(future, cx)),
            None => contained_poll(future, cx),
        };
        drop(beat);
        let now = Instant::now();
        let datagrams = self.workload.take();
        let by_the_clock = now - began;
        self.suspicion = self.suspicion.saturating_sub(1);
        if by_the_clock > allowance(datagrams) {
            self.suspicion = SUSPICION;
        }
        let Some(before) = before else {
            return (polled, true);
        };
        let taken = thread_time().map_or(Duration::ZERO, |after| after.saturating_sub(before));
        let is_over = self.budget.spend(taken, datagrams, now);
        (polled, !is_over)
    }

    fn end(&mut self, fault: LinkFault) {
        // Before the future goes: its sockets report that the connection has stopped.
        let _ = self.guard.notes.try_send(Note::Fault(fault));
        self.let_go();
    }

    fn let_go(&mut self) {
        let future = self.future.take();
        // What a panic left may panic again.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(future)));
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let (polled, may_go_on) = this.measured_poll(cx);
        match polled {
            Poll::Ready(Ok(())) => this.let_go(),
            Poll::Ready(Err(Panicked)) => this.end(LinkFault::Panicked),
            Poll::Pending if may_go_on => return Poll::Pending,
            Poll::Pending => this.end(LinkFault::TooCostly),
        }
        Poll::Ready(())
    }
}

impl Drop for Driver {
    /// The runtime has ended, or the connection was given up.
    fn drop(&mut self) {
        self.let_go();
    }
}
