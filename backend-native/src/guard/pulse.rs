//! Whether a driver is inside a poll, for somebody outside who wonders why nothing else happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the beginnings and the ends of the polls of one task. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<AtomicU64>);

/// A poll is under way until this is dropped.
pub(crate) struct Beat<'a>(&'a AtomicU64);

impl Pulse {
    /// A poll begins.
    pub(crate) fn beat(&self) -> Beat<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Beat(&self.0)
    }

    /// Which poll is under way; `None` where none is. No number comes twice.
    pub(crate) fn poll_under_way(&self) -> Option<u64> {
        let count = self.0.load(Ordering::Relaxed);
        (count % 2 == 1).then_some(count)
    }
}

impl Drop for Beat<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Pulse;

    #[test]
    fn a_poll_is_under_way_from_its_beginning_to_its_end() {
        let pulse = Pulse::default();
        let [first, second] = [(), ()].map(|()| {
            let _beat = pulse.beat();
            pulse.poll_under_way()
        });
        assert!(first.is_some() && second.is_some() && first != second);
        assert_eq!(pulse.poll_under_way(), None);
    }
}
