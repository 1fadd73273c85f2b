//! What the pulses of the real backends would say of a link: its figures, and that its far side is stalled.
//!
//! No pulse is sent: the network knows all of it, and an idle one has nothing to do.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::end::End;
use super::ice::Phase;
use super::world::{Key, World};
use crate::platform::{PairEnd, SelectedPair};
use crate::{CandidateType, LinkEvent, LinkStats, TransportProtocol};

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

    pub(super) fn stats(&mut self, key: Key) -> Option<LinkStats> {
        let pair = self.pair(key);
        let end = self.ends.get_mut(&key)?;
        let far = end.far.filter(|_| end.phase == Phase::Open);
        let mut stats = LinkStats {
            bytes_sent: end.bytes_sent,
            bytes_received: end.bytes_received,
            ..LinkStats::default()
        };
        // What has changed was told when it did.
        let _ = end.pairs.look(pair, &mut stats);
        let conditions = &self.paths.conditions;
        Some(LinkStats {
            round_trip: far.map(|far| conditions.latency * 2 + self.waits(key) + self.waits(far)),
            jitter: far.map(|_| conditions.jitter / 2),
            loss_sent: far.map(|_| conditions.loss_percent()),
            loss_received: far.map(|_| conditions.loss_percent()),
            stalled: far.is_some_and(|far| self.is_stalled(key, far)),
            ..stats
        })
    }

    /// The links of a participant go through a TURN server from now on, or do not.
    pub(super) fn set_relayed(&mut self, index: u32, is_relayed: bool) {
        let Some(host) = self.hosts.get_mut(index as usize) else {
            return;
        };
        host.is_relayed = is_relayed;
        let ends: Vec<Key> = self.ends.keys().copied().collect();
        for key in ends {
            self.look_at_pair(key);
        }
    }

    /// Reports the pair that an end uses, if it is its first one or another one.
    pub(super) fn look_at_pair(&mut self, key: Key) {
        let pair = self.pair(key);
        let Some(end) = self.ends.get_mut(&key) else {
            return;
        };
        if let Some(path) = end.pairs.look(pair, &mut LinkStats::default()) {
            let link = key.1;
            self.tell(key, LinkEvent::PairSelected { link, path });
        }
    }

    /// The pair that an end uses, once its route stands.
    fn pair(&self, key: Key) -> Option<SelectedPair> {
        let end = self.ends.get(&key)?;
        let far = end.far.filter(|_| end.phase == Phase::Open)?;
        Some(SelectedPair {
            local: self.candidate(key),
            remote: self.candidate(far),
            protocol: Some(TransportProtocol::Udp),
        })
    }

    /// The candidate of an end in a pair.
    fn candidate(&self, (index, _): Key) -> PairEnd {
        let host = self.hosts.get(index as usize);
        let kind = if host.is_some_and(|host| host.is_relayed) {
            CandidateType::Relay
        } else {
            CandidateType::Host
        };
        PairEnd {
            kind: Some(kind),
            address: None,
            name: format!("{index} {kind:?}"),
        }
    }

    /// How long what an end sends now waits at the narrowest part of the path.
    fn waits(&self, key: Key) -> Duration {
        let waits = |end: &End| end.path_free_at - self.clock.now;
        self.ends.get(&key).map(waits).unwrap_or_default()
    }
}
