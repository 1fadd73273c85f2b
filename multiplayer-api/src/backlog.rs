//! What a server owes a client whose channels are full.

use alloc::collections::{BTreeMap, VecDeque};
use core::ops::Bound;

use bytes::Bytes;
use mesh_core::{
    ChannelIndex, MultiplayerPeer, PeerId, RefusedReason, SendError, Target, TransferMode,
};

/// The channel of Godot's own commands: 0, reliable.
pub(crate) const CONTROL: ChannelIndex = TransferMode::Reliable.channel();

/// What a waiting packet costs beside its bytes, roughly; a flood of tiny ones is to be bounded, too.
const OVERHEAD: usize = 64;

/// Reliable packets that wait for room, by receiver and channel, each in its order.
#[derive(Debug)]
pub(crate) struct Backlog {
    receivers: BTreeMap<PeerId, Debt>,
}

#[derive(Debug, Default)]
struct Debt {
    bytes: usize,
    channels: BTreeMap<ChannelIndex, VecDeque<Bytes>>,
}

/// What became of a packet for one receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    /// It is on its way, or waits.
    Accepted,
    /// It cannot be sent, now or later.
    Dropped,
    /// More waits for that receiver than is allowed.
    Overrun,
}

impl Backlog {
    /// Without a packet.
    pub(crate) const fn new() -> Self {
        Self {
            receivers: BTreeMap::new(),
        }
    }

    /// Sends a packet that may not be lost, or keeps it while not more than `limit` bytes wait.
    pub(crate) fn send(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        to: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
        limit: usize,
    ) -> Owed {
        if !self.is_clear(network, to, channel) {
            return self.keep(to, channel, packet, limit);
        }
        match send(network, to, channel, packet.clone()) {
            Ok(Ok(())) => Owed::Accepted,
            Ok(Err(RefusedReason::Full)) => self.keep(to, channel, packet, limit),
            Ok(Err(_)) | Err(_) => Owed::Dropped,
        }
    }

    /// Sends what waits for a channel, as far as there is room. Whether nothing waits any more.
    pub(crate) fn is_clear(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        to: PeerId,
        channel: ChannelIndex,
    ) -> bool {
        let Some(debt) = self.receivers.get_mut(&to) else {
            return true;
        };
        let Some(queue) = debt.channels.get_mut(&channel) else {
            return true;
        };
        while let Some(packet) = queue.front() {
            if send(network, to, channel, packet.clone()) == Ok(Err(RefusedReason::Full)) {
                return false;
            }
            debt.bytes = debt.bytes.saturating_sub(packet.len() + OVERHEAD);
            queue.pop_front();
        }
        debt.channels.remove(&channel);
        if debt.channels.is_empty() {
            self.receivers.remove(&to);
        }
        true
    }

    /// Sends whatever there is room for.
    pub(crate) fn flush(&mut self, network: &mut dyn MultiplayerPeer) {
        let mut next = self.first_after(None);
        while let Some((to, channel)) = next {
            self.is_clear(network, to, channel);
            next = self.first_after(Some((to, channel)));
        }
    }

    /// The receiver is gone.
    pub(crate) fn forget(&mut self, to: PeerId) {
        self.receivers.remove(&to);
    }

    /// Nobody is there any more.
    pub(crate) fn clear(&mut self) {
        self.receivers.clear();
    }

    fn first_after(&self, key: Option<(PeerId, ChannelIndex)>) -> Option<(PeerId, ChannelIndex)> {
        let Some((to, channel)) = key else {
            let (to, debt) = self.receivers.first_key_value()?;
            return Some((*to, *debt.channels.first_key_value()?.0));
        };
        let later = (Bound::Excluded(channel), Bound::Unbounded);
        let same = self
            .receivers
            .get(&to)
            .and_then(|debt| debt.channels.range(later).next());
        if let Some((channel, _)) = same {
            return Some((to, *channel));
        }
        let others = (Bound::Excluded(to), Bound::Unbounded);
        let (to, debt) = self.receivers.range(others).next()?;
        Some((*to, *debt.channels.first_key_value()?.0))
    }

    fn keep(&mut self, to: PeerId, channel: ChannelIndex, packet: Bytes, limit: usize) -> Owed {
        let debt = self.receivers.entry(to).or_default();
        let bytes = debt.bytes.saturating_add(packet.len() + OVERHEAD);
        if bytes > limit {
            if debt.channels.is_empty() {
                self.receivers.remove(&to);
            }
            return Owed::Overrun;
        }
        debt.bytes = bytes;
        debt.channels.entry(channel).or_default().push_back(packet);
        Owed::Accepted
    }
}

/// Sends to one receiver.
pub(crate) fn send(
    network: &mut dyn MultiplayerPeer,
    to: PeerId,
    channel: ChannelIndex,
    packet: Bytes,
) -> Result<Result<(), RefusedReason>, SendError> {
    let sent = network.send_on(Target::One(to), channel, packet.into())?;
    Ok(sent
        .refused
        .first()
        .map_or(Ok(()), |refused| Err(refused.reason)))
}
