//! How many bytes of messages a link has carried.

use std::cell::Cell;

/// Counts for all channels of a link, also for those that are closed, of which a browser says nothing any more.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    sent: Cell<u64>,
    received: Cell<u64>,
}

impl Carried {
    /// The browser has taken a message.
    pub(crate) fn sent(&self, bytes: usize) {
        add(&self.sent, bytes);
    }

    /// A message has come.
    pub(crate) fn received(&self, bytes: usize) {
        add(&self.received, bytes);
    }

    /// What was sent, and what has come.
    pub(crate) const fn so_far(&self) -> (u64, u64) {
        (self.sent.get(), self.received.get())
    }
}

fn add(count: &Cell<u64>, bytes: usize) {
    count.set(count.get().saturating_add(bytes as u64));
}
