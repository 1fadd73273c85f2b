//! What a server owes its clients whose channels are full.

use alloc::collections::{BTreeMap, VecDeque};
use core::mem;
use core::ops::Bound;

use bytes::Bytes;
use mesh_core::{
    ChannelIndex, MultiplayerPeer, PeerId, RefusedReason, SendError, Target, TransferMode,
};

use self::debt::Debt;
use crate::wire;

mod debt;

/// The channel of Godot's own commands: 0, reliable.
pub(crate) const CONTROL: ChannelIndex = TransferMode::Reliable.channel();

/// The largest packet of our own that waits. It counts as accepted, so it should not turn out to be too large when it is late:
/// to a peer that takes less than others do it is lost.
const OWN_BYTES: usize = wire::RAW_LENGTH + wire::DATA_BYTES;

/// Reliable packets that wait for room, by receiver and channel, each in its order.
///
/// A receiver's room is shared by all who send to it. Where it ends, the newest packet of whoever has most of it goes: a
/// flood costs its sender's own packets, never the receiver its place, and nobody else a packet as long as he has less there.
/// From then on none of his waits on that channel until all that he still has there has gone: a stream is cut once, not full of
/// holes. What is the server's own does not go.
#[derive(Debug)]
pub(crate) struct Backlog {
    receivers: BTreeMap<PeerId, Debt>,
    losses: VecDeque<Loss>,
    /// Packets of others that waited and cannot go any more, for any reason but want of room.
    undeliverable: u64,
}

/// A packet that had to go for want of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) from: PeerId,
    pub(crate) to: PeerId,
}

impl Backlog {
    /// Without a packet.
    pub(crate) const fn new() -> Self {
        Self {
            receivers: BTreeMap::new(),
            losses: VecDeque::new(),
            undeliverable: 0,
        }
    }

    /// Passes a packet on, or keeps it while not more than `limit` bytes wait: a [`Loss`] says so if it has lost its place at
    /// once. `false` if it cannot be sent, now or later.
    pub(crate) fn pass_on(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        from: PeerId,
        to: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
        limit: usize,
    ) -> bool {
        let is_clear = self.is_clear(network, to, channel);
        if self
            .receivers
            .get(&to)
            .is_some_and(|debt| debt.is_cut(from, channel))
        {
            self.losses.push_back(Loss { from, to });
            return true;
        }
        if is_clear {
            match send(network, to, channel, packet.clone()) {
                Ok(Ok(())) => return true,
                Ok(Err(RefusedReason::Full)) => {}
                Ok(Err(_)) | Err(_) => return false,
            }
        }
        self.keep(from, to, channel, packet, limit);
        true
    }

    /// Sends one of the server's own commands, or keeps it. `false` if the server alone has more than `limit` bytes to tell
    /// that receiver.
    pub(crate) fn tell(
        &mut self,
        network: &mut dyn MultiplayerPeer,
        to: PeerId,
        packet: Bytes,
        limit: usize,
    ) -> bool {
        let is_full = !self.is_clear(network, to, CONTROL)
            || send(network, to, CONTROL, packet.clone()) == Ok(Err(RefusedReason::Full));
        !is_full || self.keep(PeerId::SERVER, to, CONTROL, packet, limit)
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
        packet.len() <= OWN_BYTES
            && waiting + debt::cost(&packet) <= limit / 2
            && self.keep(PeerId::SERVER, to, channel, packet, limit)
    }

    /// The next packet that had to go.
    pub(crate) fn take_loss(&mut self) -> Option<Loss> {
        self.losses.pop_front()
    }

    /// How many packets of others that waited cannot go any more since the last time.
    pub(crate) const fn take_undeliverable(&mut self) -> u64 {
        mem::replace(&mut self.undeliverable, 0)
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
        while let Some((from, packet)) = debt.first(channel) {
            match send(network, to, channel, packet) {
                Ok(Ok(())) => {}
                Ok(Err(RefusedReason::Full)) => return false,
                Ok(Err(_)) | Err(_) => self.undeliverable += u64::from(!from.is_server()),
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
        if let Some(debt) = self.receivers.remove(&to) {
            self.undeliverable += debt.of_others();
        }
    }

    /// The sender is another one from here on: what still waits of the former would be taken for his.
    pub(crate) fn forget_sender(&mut self, from: PeerId) {
        self.receivers.retain(|_, debt| {
            self.undeliverable += debt.remove_all(from);
            !debt.is_empty()
        });
    }

    /// Nobody is there any more.
    pub(crate) fn clear(&mut self) {
        let debts = mem::take(&mut self.receivers);
        self.undeliverable += debts.values().map(Debt::of_others).sum::<u64>();
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

    /// `false` if there is no room, and only the server's own to make some.
    fn keep(
        &mut self,
        from: PeerId,
        to: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
        limit: usize,
    ) -> bool {
        let debt = self.receivers.entry(to).or_default();
        debt.push(from, channel, packet);
        while debt.bytes > limit {
            let Some(loser) = debt.greatest(from) else {
                return false;
            };
            debt.cut_newest(loser);
            self.losses.push_back(Loss { from: loser, to });
        }
        if debt.is_empty() {
            self.receivers.remove(&to);
        }
        true
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
