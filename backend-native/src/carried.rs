//! How many bytes of messages a link has carried.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts for all channels of a link, also for those that are closed. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried(Arc<Bytes>);

#[derive(Debug, Default)]
struct Bytes {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Carried {
    /// The crate has taken a message.
    pub(crate) fn sent(&self, bytes: usize) {
        self.0.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A message has come.
    pub(crate) fn received(&self, bytes: usize) {
        self.0.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// What was sent, and what has come.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        let count = |bytes: &AtomicU64| bytes.load(Ordering::Relaxed);
        (count(&self.0.sent), count(&self.0.received))
    }
}
