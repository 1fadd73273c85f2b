//! What is known of a peer's link at any time, without asking for it.

use crate::{LinkStats, TransferMode};

/// The latest figures of a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerStats {
    /// How the link is. It is measured all the time and is about a second old at most.
    pub link: LinkStats,
    /// Messages that were accepted for the peer. Of an unreliable channel, those that were dropped before they were sent count,
    /// too: see [`LinkStats::messages_dropped`].
    pub sent: ModeTraffic,
    /// Messages that came from the peer, taken by the game or not.
    pub received: ModeTraffic,
}

/// Messages by their mode, on the built-in channel of the mode and all custom ones together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModeTraffic {
    /// In reliable mode.
    pub reliable: Traffic,
    /// In unreliable ordered mode.
    pub unreliable_ordered: Traffic,
    /// In unreliable mode.
    pub unreliable: Traffic,
}

impl ModeTraffic {
    /// Those of one mode.
    #[must_use]
    pub const fn of(&self, mode: TransferMode) -> Traffic {
        match mode {
            TransferMode::Reliable => self.reliable,
            TransferMode::UnreliableOrdered => self.unreliable_ordered,
            TransferMode::Unreliable => self.unreliable,
        }
    }

    pub(crate) const fn add(&mut self, mode: TransferMode, other: Traffic) {
        let traffic = match mode {
            TransferMode::Reliable => &mut self.reliable,
            TransferMode::UnreliableOrdered => &mut self.unreliable_ordered,
            TransferMode::Unreliable => &mut self.unreliable,
        };
        traffic.packets = traffic.packets.saturating_add(other.packets);
        traffic.bytes = traffic.bytes.saturating_add(other.bytes);
    }
}

/// How many messages, and how many bytes were in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages.
    pub packets: u64,
    /// Their bytes, without what the protocols below add.
    pub bytes: u64,
}

impl Traffic {
    pub(crate) const fn count(&mut self, bytes: usize) {
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Adds what another link of the same peer has carried.
    pub(crate) const fn add(&mut self, other: Self) {
        self.packets = self.packets.saturating_add(other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    /// Takes back one that was counted and refused after all.
    pub(crate) const fn take_back(&mut self, bytes: usize) {
        self.packets = self.packets.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes as u64);
    }
}
