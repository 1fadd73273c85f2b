//! The packets that wait for one receiver, and who sent them.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::ops::Bound;

use bytes::Bytes;
use mesh_core::platform::inbox::OVERHEAD;
use mesh_core::{ChannelIndex, PeerId};

/// Packets for one receiver. A channel or a sender without a packet is not in it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) bytes: usize,
    channels: BTreeMap<ChannelIndex, VecDeque<Waiting>>,
    senders: BTreeMap<PeerId, Account>,
    next_arrival: u64,
}

/// What a sender has in a queue.
#[derive(Debug, Default)]
struct Account {
    bytes: usize,
    /// The channels on which a packet was discarded: those behind it must not arrive without it.
    cut: BTreeSet<ChannelIndex>,
}

#[derive(Debug)]
struct Waiting {
    arrival: u64,
    from: PeerId,
    packet: Bytes,
}

impl Waiting {
    fn cost(&self) -> usize {
        cost(&self.packet)
    }
}

/// How much room a packet takes while it waits, in bytes.
pub(super) fn cost(packet: &Bytes) -> usize {
    packet.len() + OVERHEAD
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// Bytes of the server's own packets.
    pub(super) fn of_server(&self) -> usize {
        self.senders
            .get(&PeerId::SERVER)
            .map_or(0, |account| account.bytes)
    }

    /// How many packets are not the server's own.
    pub(super) fn of_others(&self) -> u64 {
        let waiting = self.channels.values().flatten();
        waiting
            .map(|waiting| u64::from(!waiting.from.is_server()))
            .sum()
    }

    /// Whether a sender's packets on this channel are discarded, because one before them was.
    pub(super) fn is_cut(&self, from: PeerId, channel: ChannelIndex) -> bool {
        let account = self.senders.get(&from);
        account.is_some_and(|account| account.cut.contains(&channel))
    }

    /// The next packet of a channel, as a cheap copy, and its sender.
    pub(super) fn first(&self, channel: ChannelIndex) -> Option<(PeerId, Bytes)> {
        let first = self.channels.get(&channel)?.front()?;
        Some((first.from, first.packet.clone()))
    }

    /// The lowest channel above the given one on which something waits.
    pub(super) fn channel_after(&self, channel: Option<ChannelIndex>) -> Option<ChannelIndex> {
        let after = channel.map_or(Bound::Unbounded, Bound::Excluded);
        let mut later = self.channels.range((after, Bound::Unbounded));
        later.next().map(|(channel, _)| *channel)
    }

    /// Puts a packet behind all others of its channel.
    pub(super) fn push(&mut self, from: PeerId, channel: ChannelIndex, packet: Bytes) {
        let waiting = Waiting {
            arrival: self.next_arrival,
            from,
            packet,
        };
        self.next_arrival += 1;
        self.bytes += waiting.cost();
        self.senders.entry(from).or_default().bytes += waiting.cost();
        self.channels.entry(channel).or_default().push_back(waiting);
    }

    /// The sender that has most here, `preferred` where several have as much. Never the server: `None` if there is no other.
    pub(super) fn greatest(&self, preferred: PeerId) -> Option<PeerId> {
        self.senders
            .iter()
            .filter(|(sender, _)| !sender.is_server())
            .max_by_key(|(sender, account)| (account.bytes, **sender == preferred))
            .map(|(sender, _)| *sender)
    }

    /// Discards the newest packet of a sender, on whichever channel, and from now on all that would come behind it there.
    pub(super) fn cut_newest(&mut self, from: PeerId) {
        let newest = self.channels.iter().filter_map(|(channel, queue)| {
            let mut places = queue.iter().enumerate();
            let (at, waiting) = places.rfind(|(_, waiting)| waiting.from == from)?;
            Some((waiting.arrival, *channel, at))
        });
        if let Some((_, channel, at)) = newest.max() {
            if let Some(account) = self.senders.get_mut(&from) {
                account.cut.insert(channel);
            }
            self.remove(channel, at);
        }
    }

    /// Discards all packets of a sender, and gives their number.
    pub(super) fn remove_all(&mut self, from: PeerId) -> u64 {
        let Some(account) = self.senders.remove(&from) else {
            return 0;
        };
        self.bytes -= account.bytes;
        let mut removed = 0;
        self.channels.retain(|_, queue| {
            queue.retain(|waiting| {
                let goes = waiting.from == from;
                removed += u64::from(goes);
                !goes
            });
            !queue.is_empty()
        });
        removed
    }

    /// Removes the packet at a position of a channel.
    pub(super) fn remove(&mut self, channel: ChannelIndex, at: usize) {
        let Some(queue) = self.channels.get_mut(&channel) else {
            return;
        };
        let Some(waiting) = queue.remove(at) else {
            return;
        };
        if queue.is_empty() {
            self.channels.remove(&channel);
        }
        self.bytes -= waiting.cost();
        if let Some(account) = self.senders.get_mut(&waiting.from) {
            account.bytes -= waiting.cost();
            if account.bytes == 0 {
                self.senders.remove(&waiting.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_lasts_as_long_as_anything_of_its_sender_waits() {
        let sender = PeerId::new(2).unwrap();
        let [cut, other] = [0, 3].map(ChannelIndex);
        let mut queue = Queue::default();
        for channel in [cut, other, cut] {
            queue.push(sender, channel, Bytes::from_static(b"x"));
        }
        queue.cut_newest(sender);
        assert!(queue.is_cut(sender, cut) && !queue.is_cut(sender, other));
        assert!(!queue.is_cut(PeerId::new(3).unwrap(), cut));
        queue.remove(cut, 0);
        assert!(queue.is_cut(sender, cut));
        queue.remove(other, 0);
        assert!(!queue.is_cut(sender, cut));
        assert!(queue.is_empty());
    }

    #[test]
    fn of_one_who_is_gone_nothing_is_left() {
        let [gone, here] = [2, 3].map(|id| PeerId::new(id).unwrap());
        let mut queue = Queue::default();
        for (from, channel) in [(gone, 0), (here, 0), (gone, 3), (PeerId::SERVER, 0)] {
            queue.push(from, ChannelIndex(channel), Bytes::from_static(b"x"));
        }
        assert_eq!(queue.of_others(), 3);
        assert_eq!(queue.remove_all(gone), 2);
        assert_eq!(queue.remove_all(gone), 0);
        assert_eq!((queue.bytes, queue.of_others()), (2 * (1 + OVERHEAD), 1));
        assert_eq!(queue.channel_after(Some(ChannelIndex(0))), None);
        assert_eq!(queue.greatest(gone), Some(here));
    }
}
