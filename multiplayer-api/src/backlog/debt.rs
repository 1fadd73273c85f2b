//! What waits for one receiver, and whose it is.

use alloc::collections::{BTreeMap, VecDeque};
use core::ops::Bound;

use bytes::Bytes;
use mesh_core::{ChannelIndex, PeerId};

/// What a waiting packet costs beside its bytes, roughly; a flood of tiny ones is to be bounded, too.
const OVERHEAD: usize = 64;

/// Packets for one receiver. Neither a channel nor a sender is in it without one.
#[derive(Debug, Default)]
pub(super) struct Debt {
    pub(super) bytes: usize,
    channels: BTreeMap<ChannelIndex, VecDeque<Waiting>>,
    senders: BTreeMap<PeerId, usize>,
    next_arrival: u64,
}

#[derive(Debug)]
struct Waiting {
    arrival: u64,
    from: PeerId,
    packet: Bytes,
}

impl Waiting {
    fn cost(&self) -> usize {
        self.packet.len() + OVERHEAD
    }
}

impl Debt {
    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// Bytes of what is the server's own.
    pub(super) fn of_server(&self) -> usize {
        self.senders.get(&PeerId::SERVER).copied().unwrap_or(0)
    }

    /// The packet that is next on a channel; a cheap copy.
    pub(super) fn first(&self, channel: ChannelIndex) -> Option<Bytes> {
        let first = self.channels.get(&channel)?.front()?;
        Some(first.packet.clone())
    }

    /// The lowest channel on which something waits, above that one.
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
        *self.senders.entry(from).or_default() += waiting.cost();
        self.channels.entry(channel).or_default().push_back(waiting);
    }

    /// Who has most here: of several `preferred`. Not the server; `None` if there is only that.
    pub(super) fn greatest(&self, preferred: PeerId) -> Option<PeerId> {
        self.senders
            .iter()
            .filter(|(sender, _)| !sender.is_server())
            .max_by_key(|(sender, bytes)| (**bytes, **sender == preferred))
            .map(|(sender, _)| *sender)
    }

    /// Takes a sender's newest packet away, whichever channel it is for.
    pub(super) fn remove_newest(&mut self, from: PeerId) {
        let newest = self.channels.iter().filter_map(|(channel, queue)| {
            let mut places = queue.iter().enumerate();
            let (at, waiting) = places.rfind(|(_, waiting)| waiting.from == from)?;
            Some((waiting.arrival, *channel, at))
        });
        if let Some((_, channel, at)) = newest.max() {
            self.remove(channel, at);
        }
    }

    /// Takes away what is at a position of a channel.
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
        if let Some(bytes) = self.senders.get_mut(&waiting.from) {
            *bytes -= waiting.cost();
            if *bytes == 0 {
                self.senders.remove(&waiting.from);
            }
        }
    }
}
