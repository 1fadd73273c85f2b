//! The other members, and which of their signals have come.

use std::collections::BTreeMap;

use mesh_core::{Instant, PeerId};

use crate::SignalNumber;

/// How many members a lobby may have for a client; a server that names more is broken or hostile.
pub const MAX_MEMBERS: usize = 65_536;

/// Of how many members that have left it is remembered which of their signals have come.
const MAX_DEPARTED: usize = 1024;

/// Later than anything.
const NEVER: Instant = Instant::from_micros(u64::MAX);

/// Who is in the lobby.
#[derive(Debug)]
pub(super) struct Members {
    members: BTreeMap<PeerId, Member>,
    /// Those that the server has not named since we came back, and until when that may last.
    missing: BTreeMap<PeerId, Instant>,
    /// The last number of those who have left: they may only have been away for too long.
    departed: BTreeMap<PeerId, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    /// Whether it speaks our extension.
    is_ours: bool,
    /// The number of its last signal that has come.
    heard: u32,
    /// Whether its data, as told last, are not empty.
    has_data: bool,
}

impl Members {
    pub(super) const fn new() -> Self {
        Self {
            members: BTreeMap::new(),
            missing: BTreeMap::new(),
            departed: BTreeMap::new(),
        }
    }

    pub(super) fn contains(&self, peer: PeerId) -> bool {
        self.members.contains_key(&peer)
    }

    pub(super) fn is_ours(&self, peer: PeerId) -> bool {
        self.members.get(&peer).is_some_and(|member| member.is_ours)
    }

    pub(super) fn is_missing(&self, peer: PeerId) -> bool {
        self.missing.contains_key(&peer)
    }

    /// What the server says of a member now: it may have been started again without our extension. Whether it is one.
    pub(super) fn set_ours(&mut self, peer: PeerId, is_ours: bool) -> bool {
        let member = self.members.get_mut(&peer);
        let is_member = member.is_some();
        if let Some(member) = member {
            member.is_ours = is_ours;
        }
        is_member
    }

    /// Adds a member, if there is room.
    pub(super) fn insert(&mut self, peer: PeerId, is_ours: bool) -> bool {
        if self.members.len() >= MAX_MEMBERS {
            return false;
        }
        let heard = self.departed.remove(&peer).unwrap_or_default();
        let has_data = false;
        let member = Member {
            is_ours,
            heard,
            has_data,
        };
        self.members.insert(peer, member);
        true
    }

    /// Removes a member; whether it was one.
    pub(super) fn remove(&mut self, peer: PeerId) -> bool {
        self.missing.remove(&peer);
        let Some(member) = self.members.remove(&peer) else {
            return false;
        };
        if member.heard > 0 {
            if self.departed.len() >= MAX_DEPARTED {
                self.departed.clear();
            }
            self.departed.insert(peer, member.heard);
        }
        true
    }

    /// Notes whether a member has data now; whether it had some before.
    pub(super) fn set_data(&mut self, peer: PeerId, has_data: bool) -> bool {
        let member = self.members.get_mut(&peer);
        member.is_some_and(|member| std::mem::replace(&mut member.has_data, has_data))
    }

    /// Whether a member's signal is to be taken: it is the next one, as far as it has a number.
    pub(super) fn hear(&mut self, from: PeerId, number: Option<SignalNumber>) -> bool {
        let Some(member) = self.members.get_mut(&from) else {
            return false;
        };
        let Some(SignalNumber { this, previous }) = number else {
            return true;
        };
        // One that comes too early comes again, after those that are missing.
        let is_next = this > member.heard && previous <= member.heard;
        if is_next {
            member.heard = this;
        }
        is_next
    }

    /// The connection has broken: nobody is known to be there.
    pub(super) fn miss_all(&mut self) {
        let peers = self.members.keys();
        self.missing = peers.map(|peer| (*peer, NEVER)).collect();
    }

    /// We are back: who is missing may be so until then.
    pub(super) fn set_patience(&mut self, until: Instant) {
        for patience in self.missing.values_mut() {
            *patience = until;
        }
    }

    /// The server has named somebody; whether it was missing.
    pub(super) fn find(&mut self, peer: PeerId) -> bool {
        self.missing.remove(&peer).is_some()
    }

    /// When a missing member is given up.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.missing.values().min().copied()
    }

    /// Removes a member that has been missing for too long.
    pub(super) fn give_up(&mut self, now: Instant) -> Option<PeerId> {
        let mut missing = self.missing.iter();
        let (peer, _) = missing.find(|(_, until)| **until <= now)?;
        let peer = *peer;
        self.remove(peer);
        Some(peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(id: u32) -> PeerId {
        PeerId::new(id).expect("an id")
    }

    fn hear(members: &mut Members, this: u32, previous: u32) -> bool {
        members.hear(peer(2), Some(SignalNumber { this, previous }))
    }

    #[test]
    fn a_signal_is_taken_once_and_in_its_turn() {
        let mut members = Members::new();
        assert!(!hear(&mut members, 1, 0), "nobody's");
        assert!(members.insert(peer(2), true));
        assert!(hear(&mut members, 3, 0));
        assert!(!hear(&mut members, 3, 0), "it comes again");
        assert!(!hear(&mut members, 9, 7), "7 is missing");
        assert!(hear(&mut members, 7, 3));
        assert!(hear(&mut members, 9, 7));
        // Those before it are forgotten by their sender.
        assert!(hear(&mut members, 20, 0));
        assert!(members.hear(peer(2), None), "of Godot's protocol");
    }

    #[test]
    fn who_has_left_is_remembered_if_there_is_something_to_remember() {
        let mut members = Members::new();
        members.insert(peer(2), true);
        members.remove(peer(2));
        assert!(members.departed.is_empty(), "it has said nothing");
        for (id, remembered) in (1..).zip((1..=MAX_DEPARTED).chain([1])) {
            members.insert(peer(id), true);
            let number = SignalNumber {
                this: 1,
                previous: 0,
            };
            assert!(members.hear(peer(id), Some(number)));
            assert!(members.remove(peer(id)));
            assert_eq!(members.departed.len(), remembered, "after {id}");
        }
    }

    #[test]
    fn who_comes_back_has_not_begun_to_count_anew() {
        let mut members = Members::new();
        members.insert(peer(2), true);
        assert!(hear(&mut members, 5, 0));
        assert!(members.remove(peer(2)));
        members.insert(peer(2), true);
        assert!(!hear(&mut members, 5, 0));
        assert!(hear(&mut members, 6, 5));
    }
}
