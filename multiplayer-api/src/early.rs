//! Packets that came before the announcement of their sender.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use mesh_core::{ChannelIndex, Instant, PeerId, TransferMode};

const PACKETS: usize = 256;
const BYTES: usize = 64 * 1024;

/// An announcement is reliable, and the packet was at most so much faster.
const PATIENCE: Duration = Duration::from_secs(2);

/// Packets that a server passed on and whose sender it has not announced yet: no order is kept between channels.
#[derive(Debug)]
pub(crate) struct Early {
    held: VecDeque<Held>,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    deadline: Instant,
    packet: EarlyPacket,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EarlyPacket {
    pub(crate) from: PeerId,
    pub(crate) mode: TransferMode,
    pub(crate) channel: ChannelIndex,
    pub(crate) data: Bytes,
}

impl Early {
    /// Without a packet.
    pub(crate) const fn new() -> Self {
        Self {
            held: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Keeps a packet; `false` if there is no room.
    pub(crate) fn hold(&mut self, now: Instant, packet: EarlyPacket) -> bool {
        let bytes = self.bytes.saturating_add(packet.data.len());
        if self.held.len() >= PACKETS || bytes > BYTES {
            return false;
        }
        self.bytes = bytes;
        let deadline = now + PATIENCE;
        self.held.push_back(Held { deadline, packet });
        true
    }

    /// Takes a sender's packets, in their order.
    pub(crate) fn take(&mut self, from: PeerId) -> Vec<EarlyPacket> {
        let (taken, held) = self
            .held
            .drain(..)
            .partition::<VecDeque<_>, _>(|held| held.packet.from == from);
        self.held = held;
        let taken: Vec<EarlyPacket> = taken.into_iter().map(|held| held.packet).collect();
        self.bytes -= taken.iter().map(|packet| packet.data.len()).sum::<usize>();
        taken
    }

    /// Takes the sender of one packet that has waited long enough.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<PeerId> {
        let held = self.held.pop_front_if(|held| held.deadline <= now)?;
        self.bytes -= held.packet.data.len();
        Some(held.packet.from)
    }

    /// When the next one expires.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.held.front().map(|held| held.deadline)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn packet(from: u32, length: usize) -> EarlyPacket {
        EarlyPacket {
            from: PeerId::new(from).unwrap(),
            mode: TransferMode::Unreliable,
            channel: TransferMode::Unreliable.channel(),
            data: vec![0; length].into(),
        }
    }

    #[test]
    fn room_is_bounded_and_comes_back() {
        let now = Instant::from_micros(9);
        let mut early = Early::new();
        assert!(!early.hold(now, packet(2, BYTES + 1)));
        for length in 0..PACKETS {
            assert!(early.hold(now, packet(2 + u32::from(length > 9), length)));
        }
        assert!(!early.hold(now, packet(2, 0)), "too many");
        let taken = early.take(PeerId::new(2).unwrap());
        assert_eq!(taken.len(), 10);
        assert!(taken.is_sorted_by_key(|packet| packet.data.len()));
        assert!(early.hold(now, packet(2, 0)));

        assert_eq!(early.expired(now), None);
        let later = early.deadline().unwrap();
        assert_eq!(core::iter::from_fn(|| early.expired(later)).count(), 247);
        assert_eq!(early.bytes, 0);
        assert_eq!(early.deadline(), None);
    }
}
