//! Packets that came before the announcement of their sender.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use mesh_core::{ChannelIndex, Instant, PeerId, TransferMode};

const PACKETS: usize = 256;
const BYTES: usize = 64 * 1024;

/// Peers whose end is remembered.
const DEPARTED: usize = 1024;

/// An announcement is reliable, and a packet was at most so much faster, or slower.
const PATIENCE: Duration = Duration::from_secs(2);

/// Packets that a server passed on and whose sender it has not announced yet: no order is kept between channels.
///
/// What comes after the end of its sender is most likely its own, on another channel, and not of the next one of that id: for a
/// while nothing is kept for it. Which of the two it is of nothing tells, so two mistakes are left: a next one loses packets that
/// overtake its announcement in that while, and a packet of the former that comes after that announcement is taken for its own.
/// (A server of ours takes back what waits at it; what is in its platform's buffer it cannot.)
#[derive(Debug)]
pub(crate) struct Early {
    held: VecDeque<Held>,
    bytes: usize,
    /// In the order of their ends, with when to forget them.
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
            departed: VecDeque::new(),
        }
    }

    /// Keeps a packet.
    pub(crate) fn hold(&mut self, now: Instant, packet: EarlyPacket) -> Result<(), NotHeld> {
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

    /// A sender is gone, if it ever was there: what came of it is nobody's, and so is what comes of that id for a while.
    pub(crate) fn depart(&mut self, now: Instant, from: PeerId) {
        self.take(from);
        if self.departed.len() == DEPARTED {
            self.departed.pop_front();
        }
        self.departed.push_back((now + PATIENCE, from));
    }

    /// A sender is there: takes its packets, in their order.
    pub(crate) fn take(&mut self, from: PeerId) -> Vec<EarlyPacket> {
        self.departed.retain(|(_, peer)| *peer != from);
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
        let no_room = Err(NotHeld::NoRoom);
        assert_eq!(early.hold(now, packet(2, BYTES + 1)), no_room);
        for length in 0..PACKETS {
            let packet = packet(2 + u32::from(length > 9), length);
            assert_eq!(early.hold(now, packet), Ok(()));
        }
        assert_eq!(early.hold(now, packet(2, 0)), no_room, "too many");
        let taken = early.take(PeerId::new(2).unwrap());
        assert_eq!(taken.len(), 10);
        assert!(taken.is_sorted_by_key(|packet| packet.data.len()));
        assert_eq!(early.hold(now, packet(2, 0)), Ok(()));

        assert_eq!(early.expired(now), None);
        let later = early.deadline().unwrap();
        assert_eq!(core::iter::from_fn(|| early.expired(later)).count(), 247);
        assert_eq!(early.bytes, 0);
        assert_eq!(early.deadline(), None);
    }

    #[test]
    fn ends_are_remembered_for_a_while_and_not_without_end() {
        let now = Instant::from_micros(9);
        let mut early = Early::new();
        for peer in 0..u32::try_from(DEPARTED).unwrap() + 1 {
            early.depart(now, PeerId::new(2 + peer).unwrap());
        }
        assert_eq!(early.departed.len(), DEPARTED);
        assert_eq!(early.hold(now, packet(2, 1)), Ok(()), "the oldest");
        assert_eq!(early.hold(now, packet(3, 1)), Err(NotHeld::Departed));
        assert_eq!(early.hold(now + PATIENCE, packet(3, 1)), Ok(()));
        assert!(early.departed.is_empty());
    }
}
