//! The signaling service: who is in the lobby, and what is on its way to whom.

use std::collections::{BTreeMap, BTreeSet};

use mesh_core::{Duration, Instant, LostReason, PeerId, Signal, SignalingEvent, Topology};

/// Something on its way to a member.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) to: PeerId,
    /// Of which of its stays it is; void in another.
    stay: u64,
    pub(crate) event: SignalingEvent,
}

/// The service. Order holds between each two members, and nothing comes before `Joined`.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    /// Who is in, and which stay this is.
    members: BTreeMap<PeerId, u64>,
    stays: u64,
    /// When the last letter arrives, by sender and receiver.
    last: BTreeMap<(PeerId, PeerId), Instant>,
    /// By arrival; the number keeps the order of those that arrive together.
    mail: BTreeMap<(Instant, u64), Letter>,
    letters: u64,
    pub(crate) slow: u64,
    pub(crate) double: bool,
    pub(crate) full: BTreeSet<PeerId>,
}

impl Lobby {
    pub(crate) fn is_member(&self, id: PeerId) -> bool {
        self.members.contains_key(&id)
    }

    pub(crate) fn join(&mut self, now: Instant, id: PeerId) {
        self.stays += 1;
        self.last.retain(|(_, to), _| *to != id);
        let others: Vec<PeerId> = self.members.keys().copied().collect();
        self.members.insert(id, self.stays);
        let joined = SignalingEvent::Joined {
            id,
            topology: Topology::Mesh,
            lobby: String::from("demo"),
        };
        self.post(now, id, id, joined);
        for other in others {
            self.post(now, other, id, SignalingEvent::PeerJoined(other));
            self.post(now, id, other, SignalingEvent::PeerJoined(id));
        }
    }

    /// A member's connection with the service is gone.
    pub(crate) fn leave(&mut self, now: Instant, id: PeerId) {
        if self.members.remove(&id).is_none() {
            return;
        }
        self.full.remove(&id);
        let others: Vec<PeerId> = self.members.keys().copied().collect();
        for other in others {
            self.post(now, id, other, SignalingEvent::PeerLeft(id));
        }
    }

    pub(crate) fn lost() -> SignalingEvent {
        SignalingEvent::Lost {
            reason: LostReason::Closed,
        }
    }

    pub(crate) fn send(&mut self, now: Instant, from: PeerId, to: PeerId, signal: Signal) {
        if !self.is_member(to) {
            return;
        }
        let event = SignalingEvent::Signal { from, signal };
        self.post(now, from, to, event.clone());
        if self.double {
            // A double may come after what was sent later.
            let late = now + Duration::from_millis(self.slow + 300);
            self.deliver_at(late, to, event);
        }
    }

    fn post(&mut self, now: Instant, from: PeerId, to: PeerId, event: SignalingEvent) {
        // Each pair has a delay of its own, so that senders overtake each other.
        let share = u64::from(from.get() * 7 + to.get() * 13) % 8;
        let due = now + Duration::from_millis(1 + self.slow * share / 8);
        let joined = self.last.get(&(to, to)).copied();
        let last = self.last.get(&(from, to)).copied();
        let due = due.max(joined.unwrap_or(due)).max(last.unwrap_or(due));
        self.last.insert((from, to), due);
        self.deliver_at(due, to, event);
    }

    fn deliver_at(&mut self, due: Instant, to: PeerId, event: SignalingEvent) {
        let Some(&stay) = self.members.get(&to) else {
            return;
        };
        self.letters += 1;
        let letter = Letter { to, stay, event };
        self.mail.insert((due, self.letters), letter);
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.mail.first_key_value().map(|((due, _), _)| *due)
    }

    /// The next letter that has arrived, unless its stay is over.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Letter> {
        while self.next_due()? <= now {
            let (_, letter) = self.mail.pop_first()?;
            if self.members.get(&letter.to) == Some(&letter.stay) {
                return Some(letter);
            }
        }
        None
    }
}
