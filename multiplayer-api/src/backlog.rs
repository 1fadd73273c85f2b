//! Packets that wait at a server for clients whose channels are full.

use alloc::collections::{BTreeMap, VecDeque};
use core::mem;
use core::ops::Bound;

use bytes::Bytes;
use mesh_core::{
    ChannelIndex, MultiplayerPeer, PeerId, RefusedReason, SendError, Target, TransferMode,
};

use self::queue::Queue;
use crate::wire;

mod queue;

/// The channel of Godot's system commands: 0, reliable.
pub(crate) const CONTROL: ChannelIndex = TransferMode::Reliable.channel();

/// The largest packet of the server's own that waits. It counts as accepted, so it must still fit when it is sent.
const OWN_BYTES: usize = wire::RAW_LENGTH + wire::DATA_BYTES;

/// Reliable packets that wait for room, by receiver and channel, each channel in its order.
///
/// All senders to a receiver share its room. Where there is no room left, the newest packet of the sender that has most
/// there is discarded. So a flood costs its sender's own packets; it does not cost the receiver its connection, and it
/// costs another sender nothing as long as that one has less waiting. After a packet is discarded, all later packets of
/// that sender on that channel are discarded until those before it have been sent: a stream is cut once and does not
/// arrive full of holes. The server's own packets are never discarded.
#[derive(Debug)]
pub(crate) struct Backlog {
    receivers: BTreeMap<PeerId, Queue>,
    losses: VecDeque<Loss>,
    /// Packets of clients that waited and cannot be sent any more, for any reason but lack of room.
    undeliverable: u64,
}

/// A packet that was discarded for lack of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) from: PeerId,
    pub(crate) to: PeerId,
}

impl Backlog {
    /// Nothing waits.
    pub(crate) const fn new() -> Self {
        Self {
            receivers: BTreeMap::new(),
            losses: VecDeque::new(),
            undeliverable: 0,
        }
    }

    /// Passes a packet on, or keeps it while no more than `limit` bytes wait. A [`Loss`] says if it, or another one, was
    /// discarded. `false` if it cannot be sent, now or later.
    pub(crate) fn pass_on(
        &mut self,
        network: &mut impl MultiplayerPeer,
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
            .is_some_and(|queue| queue.is_cut(from, channel))
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

    /// Sends a system command, or keeps it. `false` if more than `limit` bytes of the server's own wait for that receiver.
    pub(crate) fn tell(
        &mut self,
        network: &mut impl MultiplayerPeer,
        to: PeerId,
        packet: Bytes,
        limit: usize,
    ) -> bool {
        let is_full = !self.is_clear(network, to, CONTROL)
            || send(network, to, CONTROL, packet.clone()) == Ok(Err(RefusedReason::Full));
        !is_full || self.keep(PeerId::SERVER, to, CONTROL, packet, limit)
    }

    /// Keeps data of the server's own, which may not overtake what waits, and which must find room beside a flood. `false` if
    /// there is too much of it; what is kept is not discarded later.
    pub(crate) fn keep_own(
        &mut self,
        to: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
        limit: usize,
    ) -> bool {
        let waiting = self.receivers.get(&to).map_or(0, Queue::of_server);
        packet.len() <= OWN_BYTES
            && waiting + queue::cost(&packet) <= limit / 2
            && self.keep(PeerId::SERVER, to, channel, packet, limit)
    }

    /// The next packet that was discarded.
    pub(crate) fn take_loss(&mut self) -> Option<Loss> {
        self.losses.pop_front()
    }

    /// How many packets of clients could not be sent after they had waited, since the last call.
    pub(crate) const fn take_undeliverable(&mut self) -> u64 {
        mem::replace(&mut self.undeliverable, 0)
    }

    /// Sends what waits for a channel, as far as there is room. `true` if nothing waits any more.
    pub(crate) fn is_clear(
        &mut self,
        network: &mut impl MultiplayerPeer,
        to: PeerId,
        channel: ChannelIndex,
    ) -> bool {
        let Some(queue) = self.receivers.get_mut(&to) else {
            return true;
        };
        while let Some((from, packet)) = queue.first(channel) {
            match send(network, to, channel, packet) {
                Ok(Ok(())) => {}
                Ok(Err(RefusedReason::Full)) => return false,
                Ok(Err(_)) | Err(_) => self.undeliverable += u64::from(!from.is_server()),
            }
            queue.remove(channel, 0);
        }
        if queue.is_empty() {
            self.receivers.remove(&to);
        }
        true
    }

    /// Sends what waits for all channels, as far as there is room.
    pub(crate) fn flush(&mut self, network: &mut impl MultiplayerPeer) {
        let mut next = self.first_after(None);
        while let Some((to, channel)) = next {
            self.is_clear(network, to, channel);
            next = self.first_after(Some((to, channel)));
        }
    }

    /// The receiver is gone.
    pub(crate) fn forget(&mut self, to: PeerId) {
        if let Some(queue) = self.receivers.remove(&to) {
            self.undeliverable += queue.of_others();
        }
    }

    /// From here on another peer has this id: what waits from the former one would be taken for the new one's.
    pub(crate) fn forget_sender(&mut self, from: PeerId) {
        self.receivers.retain(|_, queue| {
            self.undeliverable += queue.remove_all(from);
            !queue.is_empty()
        });
    }

    /// All receivers are gone.
    pub(crate) fn clear(&mut self) {
        let queues = mem::take(&mut self.receivers);
        self.undeliverable += queues.values().map(Queue::of_others).sum::<u64>();
    }

    fn first_after(&self, key: Option<(PeerId, ChannelIndex)>) -> Option<(PeerId, ChannelIndex)> {
        let Some((to, channel)) = key else {
            let (to, queue) = self.receivers.first_key_value()?;
            return Some((*to, queue.channel_after(None)?));
        };
        let same = self
            .receivers
            .get(&to)
            .and_then(|queue| queue.channel_after(Some(channel)));
        if let Some(channel) = same {
            return Some((to, channel));
        }
        let others = (Bound::Excluded(to), Bound::Unbounded);
        let (to, queue) = self.receivers.range(others).next()?;
        Some((*to, queue.channel_after(None)?))
    }

    /// `false` if there is no room, and nothing but the server's own packets could be discarded.
    fn keep(
        &mut self,
        from: PeerId,
        to: PeerId,
        channel: ChannelIndex,
        packet: Bytes,
        limit: usize,
    ) -> bool {
        let queue = self.receivers.entry(to).or_default();
        queue.push(from, channel, packet);
        while queue.bytes > limit {
            let Some(loser) = queue.greatest(from) else {
                return false;
            };
            queue.cut_newest(loser);
            self.losses.push_back(Loss { from: loser, to });
        }
        if queue.is_empty() {
            self.receivers.remove(&to);
        }
        true
    }
}

/// Sends to one receiver.
pub(crate) fn send(
    network: &mut impl MultiplayerPeer,
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
