//! What a server owes its clients whose channels are full.

use alloc::collections::{BTreeMap, VecDeque};
use core::ops::Bound;

use bytes::Bytes;
use mesh_core::{
    ChannelIndex, MultiplayerPeer, PeerId, RefusedReason, SendError, Target, TransferMode,
};

use self::debt::Debt;

mod debt;

/// The channel of Godot's own commands: 0, reliable.
pub(crate) const CONTROL: ChannelIndex = TransferMode::Reliable.channel();

/// The largest packet of our own that waits: it goes over every wire, and so cannot turn out to be too large when it is late.
const OWN_BYTES: usize = 60_000;

/// Reliable packets that wait for room, by receiver and channel, each in its order.
///
/// A receiver's room is shared by all who send to it. Where it ends, the newest packet of whoever has most of it goes: a
/// flood costs its sender's own packets, never the receiver its place, and nobody else a packet as long as he has less there.
/// What is the server's own does not go.
#[derive(Debug)]
pub(crate) struct Backlog {
    receivers: BTreeMap<PeerId, Debt>,
    losses: VecDeque<Loss>,
}

/// A packet that had to go for want of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) from: PeerId,
    pub(crate) to: PeerId,
}

/// What became of a packet for one receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    /// It is on its way, or waits; a [`Loss`] says so if it has lost its place at once.
    Accepted,
    /// It cannot be sent, now or later.
    Dropped,
    /// The server alone has more to tell that receiver than is allowed.
    Overrun,
}

impl Backlog {
    /// Without a packet.
    pub(crate) const fn new() -> Self {
        Self {
            receivers: BTreeMap::new(),
            losses: VecDeque::new(),
        }
    }

    /// Sends a packet that may not be lost, or keeps it while not more than `limit` bytes wait. The server's own are from it.
    pub(crate) fn send(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        from: PeerId,
        to: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
        limit: usize,
    ) -> Owed {
        if self.is_clear(network, to, channel) {
            match send(network, to, channel, packet.clone()) {
                Ok(Ok(())) => return Owed::Accepted,
                Ok(Err(RefusedReason::Full)) => {}
                Ok(Err(_)) | Err(_) => return Owed::Dropped,
            }
        }
        self.keep(from, to, channel, packet, limit)
    }

    /// Keeps data of the server's own, which may not overtake what waits and would never find room beside a flood. `false` if
    /// it is too much; what is kept does not go any more.
    pub(crate) fn keep_own(
        &mut self,
        to: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
        limit: usize,
    ) -> bool {
        let waiting = self.receivers.get(&to).map_or(0, Debt::of_server);
        let is_kept = packet.len() <= OWN_BYTES && waiting + packet.len() <= limit / 2;
        is_kept && self.keep(PeerId::SERVER, to, channel, packet, limit) == Owed::Accepted
    }

    /// The next packet that had to go.
    pub(crate) fn take_loss(&mut self) -> Option<Loss> {
        self.losses.pop_front()
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
        while let Some(packet) = debt.first(channel) {
            if send(network, to, channel, packet) == Ok(Err(RefusedReason::Full)) {
                return false;
            }
            debt.remove(channel, 0);
        }
        if debt.is_empty() {
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
            return Some((*to, debt.channel_after(None)?));
        };
        let same = self
            .receivers
            .get(&to)
            .and_then(|debt| debt.channel_after(Some(channel)));
        if let Some(channel) = same {
            return Some((to, channel));
        }
        let others = (Bound::Excluded(to), Bound::Unbounded);
        let (to, debt) = self.receivers.range(others).next()?;
        Some((*to, debt.channel_after(None)?))
    }

    fn keep(
        &mut self,
        from: PeerId,
        to: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
        limit: usize,
    ) -> Owed {
        let debt = self.receivers.entry(to).or_default();
        debt.push(from, channel, packet);
        while debt.bytes > limit {
            let Some(loser) = debt.greatest(from) else {
                self.receivers.remove(&to);
                return Owed::Overrun;
            };
            debt.remove_newest(loser);
            self.losses.push_back(Loss { from: loser, to });
        }
        if debt.is_empty() {
            self.receivers.remove(&to);
        }
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
