//! Trying again: a member whose connection failed or was lost is called once more.

use alloc::vec::Vec;
use core::time::Duration;

use super::Session;
use crate::{Backend, DisconnectReason, Event, Instant, PeerId, Signaling};

/// The longest wait between two attempts to connect to the same peer.
const LONGEST_RETRY: Duration = Duration::from_secs(32);

/// A member to call again.
#[derive(Debug)]
pub(super) struct Retry {
    /// `None` while an attempt is under way.
    pub(super) due: Option<Instant>,
    next_delay: Duration,
}

impl<B: Backend, S: Signaling> Session<B, S> {
    /// Notes whom to try again. At the time the game hears of it, so that it hears of the end before the new beginning.
    pub(super) fn observe(&mut self, event: &Event) {
        if let Event::PeerConnected(peer) = event {
            self.retries.remove(peer);
        } else if let Event::PeerDisconnected {
            peer,
            reason: DisconnectReason::Lost,
        }
        | Event::PeerFailed {
            peer,
            reason: DisconnectReason::ConnectFailed(_),
        } = event
        {
            self.plan_retry(*peer);
        }
    }

    /// Only who offers tries again; the other side takes the offer as it comes.
    fn plan_retry(&mut self, peer: PeerId) {
        let Some(first_delay) = self.config.retry_after else {
            return;
        };
        if !self.present.contains(&peer) || self.multiplayer.unique_id() < Some(peer) {
            return;
        }
        let now = self.multiplayer.backend().now();
        let retry = self.retries.entry(peer).or_insert(Retry {
            due: None,
            next_delay: first_delay,
        });
        retry.due = Some(now + retry.next_delay);
        retry.next_delay = LONGEST_RETRY.min(retry.next_delay.saturating_mul(2));
    }

    pub(super) fn retry(&mut self, now: Instant) {
        let due: Vec<PeerId> = self
            .retries
            .iter()
            .filter(|(_, retry)| retry.due.is_some_and(|due| due <= now))
            .map(|(peer, _)| *peer)
            .collect();
        for peer in due {
            if let Some(retry) = self.retries.get_mut(&peer) {
                retry.due = None;
            }
            if !self.multiplayer.has_peer(peer) {
                self.meet(peer);
            }
        }
    }
}
