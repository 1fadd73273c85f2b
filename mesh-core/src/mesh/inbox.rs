//! What a peer sent and the game has not taken, bounded in bytes.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::{ChannelIndex, Payload, TransferMode};

/// What a queued message costs beside its bytes, so that a flood of empty ones is bounded, too.
const OVERHEAD: usize = 64;

/// Received messages of one link: a queue a channel, taken in the order of arrival.
#[derive(Debug)]
pub(super) struct Inbox {
    channels: Vec<Queue>,
    messages: usize,
    bytes: usize,
    limit: usize,
    next_arrival: u64,
}

#[derive(Debug)]
struct Queue {
    messages: VecDeque<Received>,
    mode: TransferMode,
}

#[derive(Debug)]
struct Received {
    arrival: u64,
    payload: Payload,
}

impl Queue {
    const fn new(mode: TransferMode) -> Self {
        Self {
            messages: VecDeque::new(),
            mode,
        }
    }
}

/// A reliable message found no room, and nothing that may be dropped: the link cannot be kept without a loss.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

impl Inbox {
    /// An inbox for channels of these modes.
    pub(super) fn new(modes: &[TransferMode], limit: usize) -> Self {
        Self {
            channels: modes.iter().copied().map(Queue::new).collect(),
            messages: 0,
            bytes: 0,
            limit,
            next_arrival: 0,
        }
    }

    /// Makes room for one more channel, after all others.
    pub(super) fn add_channel(&mut self, mode: TransferMode) {
        self.channels.push(Queue::new(mode));
    }

    /// Gives the place of a channel that is closed to another one. What waits there becomes the new one's.
    pub(super) fn reuse_channel(&mut self, channel: ChannelIndex, mode: TransferMode) {
        if let Some(queue) = self.queue(channel) {
            queue.mode = mode;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    pub(super) const fn len(&self) -> usize {
        self.messages
    }

    /// Queues a message. The oldest of the unreliable channels go for it, whichever channel it is of; `dropped` hears of
    /// each. An unreliable one that finds no room even so is dropped itself.
    pub(super) fn push(
        &mut self,
        channel: ChannelIndex,
        payload: Payload,
        mut dropped: impl FnMut(ChannelIndex),
    ) -> Result<(), Overflow> {
        let Some(reliable) = self.queue(channel).map(|queue| queue.mode.is_reliable()) else {
            return Ok(());
        };
        let cost = payload.len() + OVERHEAD;
        while self.bytes + cost > self.limit {
            let Some((from, ..)) = self.pop_first(|queue| !queue.mode.is_reliable()) else {
                if reliable {
                    return Err(Overflow);
                }
                dropped(channel);
                return Ok(());
            };
            dropped(from);
        }
        let arrival = self.next_arrival;
        if let Some(queue) = self.queue(channel) {
            queue.messages.push_back(Received { arrival, payload });
            self.next_arrival += 1;
            self.bytes += cost;
            self.messages += 1;
        }
        Ok(())
    }

    fn queue(&mut self, channel: ChannelIndex) -> Option<&mut Queue> {
        self.channels.get_mut(usize::from(channel.0))
    }

    /// Takes the message that arrived first.
    pub(super) fn pop(&mut self) -> Option<(ChannelIndex, TransferMode, Payload)> {
        self.pop_first(|_| true)
    }

    fn pop_first(
        &mut self,
        of: impl Fn(&Queue) -> bool,
    ) -> Option<(ChannelIndex, TransferMode, Payload)> {
        let (index, queue) = self
            .channels
            .iter_mut()
            .enumerate()
            .filter(|(_, queue)| of(queue))
            .filter_map(|(index, queue)| Some((queue.messages.front()?.arrival, index, queue)))
            .min_by_key(|(arrival, ..)| *arrival)
            .map(|(_, index, queue)| (index, queue))?;
        let received = queue.messages.pop_front()?;
        let mode = queue.mode;
        self.bytes -= received.payload.len() + OVERHEAD;
        self.messages -= 1;
        let channel = ChannelIndex(u16::try_from(index).unwrap_or(u16::MAX));
        Some((channel, mode, received.payload))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const RELIABLE: ChannelIndex = ChannelIndex(0);
    const ORDERED: ChannelIndex = ChannelIndex(1);
    const UNRELIABLE: ChannelIndex = ChannelIndex(2);

    fn inbox(limit: usize) -> Inbox {
        Inbox::new(&TransferMode::ALL, limit)
    }

    fn message(bytes: usize, tag: u8) -> Payload {
        Payload::from(vec![tag; bytes])
    }

    fn pop(inbox: &mut Inbox) -> Option<(ChannelIndex, Payload)> {
        inbox.pop().map(|(channel, _, payload)| (channel, payload))
    }

    /// What had to go for it.
    fn push(
        inbox: &mut Inbox,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Vec<ChannelIndex>, Overflow> {
        let mut gone = Vec::new();
        inbox.push(channel, payload, |dropped| gone.push(dropped))?;
        Ok(gone)
    }

    #[test]
    fn messages_come_out_in_the_order_of_arrival() {
        let mut inbox = inbox(10_000);
        for (channel, tag) in [(UNRELIABLE, 1), (RELIABLE, 2), (UNRELIABLE, 3)] {
            assert_eq!(push(&mut inbox, channel, message(1, tag)), Ok(vec![]));
        }
        let taken: Vec<_> = core::iter::from_fn(|| inbox.pop()).collect();
        assert_eq!(
            taken,
            [
                (UNRELIABLE, TransferMode::Unreliable, message(1, 1)),
                (RELIABLE, TransferMode::Reliable, message(1, 2)),
                (UNRELIABLE, TransferMode::Unreliable, message(1, 3)),
            ]
        );
        assert!(inbox.is_empty());
    }

    #[test]
    fn an_unreliable_channel_loses_its_oldest() {
        let mut inbox = inbox(3 * (100 + OVERHEAD));
        for tag in 0..5 {
            let gone = push(&mut inbox, UNRELIABLE, message(100, tag)).unwrap();
            assert_eq!(gone.len(), usize::from(tag >= 3));
        }
        assert_eq!(inbox.len(), 3);
        assert_eq!(pop(&mut inbox), Some((UNRELIABLE, message(100, 2))));
    }

    #[test]
    fn a_reliable_channel_overflows() {
        let mut inbox = inbox(2 * (100 + OVERHEAD));
        push(&mut inbox, RELIABLE, message(100, 0)).unwrap();
        push(&mut inbox, RELIABLE, message(100, 1)).unwrap();
        assert_eq!(push(&mut inbox, RELIABLE, message(0, 2)), Err(Overflow));
        inbox.pop().unwrap();
        assert_eq!(push(&mut inbox, RELIABLE, message(0, 2)), Ok(vec![]));
    }

    #[test]
    fn a_flood_of_unreliable_messages_costs_no_reliable_one() {
        let mut inbox = inbox(3 * (100 + OVERHEAD));
        push(&mut inbox, ORDERED, message(100, 0)).unwrap();
        push(&mut inbox, UNRELIABLE, message(100, 1)).unwrap();
        push(&mut inbox, UNRELIABLE, message(100, 2)).unwrap();
        let gone = push(&mut inbox, RELIABLE, message(200, 3));
        assert_eq!(gone, Ok(vec![ORDERED, UNRELIABLE]));
        assert_eq!(pop(&mut inbox), Some((UNRELIABLE, message(100, 2))));
        assert_eq!(pop(&mut inbox), Some((RELIABLE, message(200, 3))));
    }

    #[test]
    fn a_newcomer_that_finds_no_room_is_dropped_itself() {
        let mut inbox = inbox(100 + OVERHEAD);
        push(&mut inbox, RELIABLE, message(100, 0)).unwrap();
        let gone = push(&mut inbox, UNRELIABLE, message(1, 1));
        assert_eq!(gone, Ok(vec![UNRELIABLE]));
        assert_eq!(inbox.len(), 1);
    }

    #[test]
    fn empty_messages_count() {
        let mut inbox = inbox(10 * OVERHEAD);
        let kept = (0..100)
            .filter(|_| push(&mut inbox, RELIABLE, message(0, 0)).is_ok())
            .count();
        assert_eq!(kept, 10);
    }
}
