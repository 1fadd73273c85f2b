//! Packets that arrive before the announcement of their sender.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use mesh_core::{ChannelIndex, Instant, PeerId, TransferMode};

const PACKETS: usize = 256;
const BYTES: usize = 64 * 1024;

/// How many ended peers are remembered.
const DEPARTED: usize = 1024;

/// How long a packet waits for the announcement of its sender, and how long an end is remembered.
const PATIENCE: Duration = Duration::from_secs(2);

/// Packets that a server passed on and whose sender it has not announced yet. That happens because no order is kept between
/// channels.
///
/// A packet that arrives after the end of its sender was most likely sent before that end, on another channel. So for a while
/// after an end nothing is kept for that id. Nothing in a packet tells it from one of the next peer with the same id, so two
/// mistakes remain: the next peer loses packets that overtake its announcement during that while, and a packet of the former
/// peer that arrives after that announcement is taken for one of the next peer.
#[derive(Debug)]
pub(crate) struct Unannounced {
    held: VecDeque<Held>,
    bytes: usize,
    /// Peers that have ended, in the order of their ends, with when to forget them.
    departed: VecDeque<(Instant, PeerId)>,
}

/// Why a packet was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotHeld {
    NoRoom,
    Departed,
}

#[derive(Debug)]
struct Held {
    deadline: Instant,
    packet: HeldPacket,
}

/// A packet that waits for the announcement of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldPacket {
    pub(crate) from: PeerId,
    pub(crate) mode: TransferMode,
    pub(crate) channel: ChannelIndex,
    pub(crate) data: Bytes,
}

impl Unannounced {
    /// Nothing waits.
    pub(crate) const fn new() -> Self {
        Self {
            held: VecDeque::new(),
            bytes: 0,
            departed: VecDeque::new(),
        }
    }

    /// Keeps a packet.
    pub(crate) fn hold(&mut self, now: Instant, packet: HeldPacket) -> Result<(), NotHeld> {
        while self.departed.pop_front_if(|(end, _)| *end <= now).is_some() {}
        if self.departed.iter().any(|(_, peer)| *peer == packet.from) {
            return Err(NotHeld::Departed);
        }
        let bytes = self.bytes.saturating_add(packet.data.len());
        if self.held.len() >= PACKETS || bytes > BYTES {
            return Err(NotHeld::NoRoom);
        }
        self.bytes = bytes;
        let deadline = now + PATIENCE;
        self.held.push_back(Held { deadline, packet });
        Ok(())
    }

    /// A sender has ended: discards its packets, and what arrives from that id for a while.
    pub(crate) fn depart(&mut self, now: Instant, from: PeerId) {
        self.take(from);
        if self.departed.len() == DEPARTED {
            self.departed.pop_front();
        }
        self.departed.push_back((now + PATIENCE, from));
    }

    /// A sender is announced: takes its packets, in their order.
    pub(crate) fn take(&mut self, from: PeerId) -> Vec<HeldPacket> {
        self.departed.retain(|(_, peer)| *peer != from);
        let (taken, held) = self
            .held
            .drain(..)
            .partition::<VecDeque<_>, _>(|held| held.packet.from == from);
        self.held = held;
        let taken: Vec<HeldPacket> = taken.into_iter().map(|held| held.packet).collect();
        self.bytes -= taken.iter().map(|packet| packet.data.len()).sum::<usize>();
        taken
    }

    /// Discards one packet that has waited long enough, and gives its sender.
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

    fn packet(from: u32, length: usize) -> HeldPacket {
        HeldPacket {
            from: PeerId::new(from).unwrap(),
            mode: TransferMode::Unreliable,
            channel: TransferMode::Unreliable.channel(),
            data: vec![0; length].into(),
        }
    }

    #[test]
    fn room_is_bounded_and_comes_back() {
        let now = Instant::from_micros(9);
        let mut unannounced = Unannounced::new();
        let no_room = Err(NotHeld::NoRoom);
        assert_eq!(unannounced.hold(now, packet(2, BYTES + 1)), no_room);
        for length in 0..PACKETS {
            let packet = packet(2 + u32::from(length > 9), length);
            assert_eq!(unannounced.hold(now, packet), Ok(()));
        }
        assert_eq!(unannounced.hold(now, packet(2, 0)), no_room, "too many");
        let taken = unannounced.take(PeerId::new(2).unwrap());
        assert_eq!(taken.len(), 10);
        assert!(taken.is_sorted_by_key(|packet| packet.data.len()));
        assert_eq!(unannounced.hold(now, packet(2, 0)), Ok(()));

        assert_eq!(unannounced.expired(now), None);
        let later = unannounced.deadline().unwrap();
        assert_eq!(
            core::iter::from_fn(|| unannounced.expired(later)).count(),
            247
        );
        assert_eq!(unannounced.bytes, 0);
        assert_eq!(unannounced.deadline(), None);
    }

    #[test]
    fn ends_are_remembered_for_a_while_and_not_without_end() {
        let now = Instant::from_micros(9);
        let mut unannounced = Unannounced::new();
        for peer in 0..u32::try_from(DEPARTED).unwrap() + 1 {
            unannounced.depart(now, PeerId::new(2 + peer).unwrap());
        }
        assert_eq!(unannounced.departed.len(), DEPARTED);
        assert_eq!(unannounced.hold(now, packet(2, 1)), Ok(()), "the oldest");
        assert_eq!(unannounced.hold(now, packet(3, 1)), Err(NotHeld::Departed));
        assert_eq!(unannounced.hold(now + PATIENCE, packet(3, 1)), Ok(()));
        assert!(unannounced.departed.is_empty());
    }
}
