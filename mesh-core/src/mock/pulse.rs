//! What the pulses of the real backends would say of a link: its figures, and that its far side is stalled.
//!
//! No pulse is sent: the network knows all of it, and an idle one has nothing to do.

use core::time::Duration;

use super::end::End;
use super::ice::Phase;
use super::world::{Key, World};
use crate::{CandidateType, LinkStats};

impl World {
    /// A participant answers no pulse any more, or does again.
    pub(super) fn suspend(&mut self, index: u32, is_suspended: bool) {
        let now = self.clock.now;
        let Some(host) = self.hosts.get_mut(index as usize) else {
            return;
        };
        host.suspended_since = if is_suspended {
            host.suspended_since.or(Some(now))
        } else {
            // What has come meanwhile is to be taken.
            self.wakes.extend(host.waker.take());
            None
        };
    }

    /// Whether the far side has answered no pulse for so long that it counts as silent, though its end of the path answers.
    fn is_stalled(&self, key: Key, far: Key) -> bool {
        let host = self.hosts.get(far.0 as usize);
        let since = host.and_then(|host| host.suspended_since);
        let patience = self.config(key.0).ice_disconnected;
        since.is_some_and(|since| self.clock.now - since >= patience)
            && self.ends.get(&key).is_some_and(|end| end.reachable)
    }

    pub(super) fn stats(&self, key: Key) -> Option<LinkStats> {
        let end = self.ends.get(&key)?;
        let far = end.far.filter(|_| end.phase == Phase::Open);
        let candidate = far.map(|_| CandidateType::Host);
        let conditions = &self.paths.conditions;
        Some(LinkStats {
            round_trip: far.map(|far| conditions.latency * 2 + self.waits(key) + self.waits(far)),
            jitter: far.map(|_| conditions.jitter / 2),
            loss_sent: far.map(|_| conditions.loss_percent()),
            loss_received: far.map(|_| conditions.loss_percent()),
            stalled: far.is_some_and(|far| self.is_stalled(key, far)),
            bytes_sent: end.bytes_sent,
            bytes_received: end.bytes_received,
            local: candidate,
            remote: candidate,
            messages_dropped: 0,
        })
    }

    /// How long what an end sends now waits at the narrowest part of the path.
    fn waits(&self, key: Key) -> Duration {
        let waits = |end: &End| end.path_free_at - self.clock.now;
        self.ends.get(&key).map(waits).unwrap_or_default()
    }
}
