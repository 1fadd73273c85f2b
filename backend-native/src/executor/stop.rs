//! How links are told to end: because the backend is dropped, or because the runtime that it was given has ended.

use core::convert::Infallible;

use async_channel::{Receiver, Sender};

/// The end that links wait at.
#[derive(Clone)]
pub(super) struct Stop(Receiver<Infallible>);

/// The end that tells them.
#[derive(Clone)]
pub(super) struct Stopper(Sender<Infallible>);

/// Tells the links to end when it is dropped, unless it was put away before. A task holds it, and goes with its runtime.
pub(super) struct Sentinel(Option<Stopper>);

pub(super) fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = async_channel::bounded(1);
    (Stopper(sender), Stop(receiver))
}

impl Stop {
    /// Waits until the links are told to end.
    pub(super) async fn told(&self) {
        // Nothing is ever sent, so this returns when the queue is closed.
        let _ = self.0.recv().await;
    }
}

impl Stopper {
    /// Tells all links, those that are yet to begin as well.
    pub(super) fn stop(&self) {
        self.0.close();
    }

    pub(super) fn sentinel(&self) -> Sentinel {
        Sentinel(Some(self.clone()))
    }
}

impl Sentinel {
    pub(super) fn put_away(mut self) {
        self.0 = None;
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        if let Some(stopper) = self.0.take() {
            stopper.stop();
        }
    }
}
