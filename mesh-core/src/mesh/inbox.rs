//! What a peer sent and the game has not taken, bounded in bytes.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::{ChannelIndex, Payload};

/// What a queued message costs beside its bytes, so that a flood of empty ones is bounded, too.
const OVERHEAD: usize = 64;

/// Received messages of one link: a queue a channel, taken in the order of arrival.
#[derive(Debug)]
pub(super) struct Inbox {
    channels: Vec<VecDeque<Received>>,
    messages: usize,
    bytes: usize,
    limit: usize,
    next_arrival: u64,
}

#[derive(Debug)]
struct Received {
    arrival: u64,
    payload: Payload,
}

/// The inbox of a reliable channel is full: the link cannot be kept without a loss.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

impl Inbox {
    pub(super) fn new(channels: usize, limit: usize) -> Self {
        Self {
            channels: (0..channels).map(|_| VecDeque::new()).collect(),
            messages: 0,
            bytes: 0,
            limit,
            next_arrival: 0,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    pub(super) const fn len(&self) -> usize {
        self.messages
    }

    /// Queues a message; says how many older ones of an unreliable channel had to go for it.
    pub(super) fn push(
        &mut self,
        channel: ChannelIndex,
        reliable: bool,
        payload: Payload,
    ) -> Result<u64, Overflow> {
        let Some(queue) = self.channels.get_mut(usize::from(channel.0)) else {
            return Ok(0);
        };
        let cost = payload.len() + OVERHEAD;
        let mut dropped = 0;
        while self.bytes + cost > self.limit {
            if reliable {
                return Err(Overflow);
            }
            let Some(oldest) = queue.pop_front() else {
                // The room is taken by other channels: the newcomer is the oldest of its own.
                return Ok(dropped + 1);
            };
            self.bytes -= oldest.payload.len() + OVERHEAD;
            self.messages -= 1;
            dropped += 1;
        }
        queue.push_back(Received {
            arrival: self.next_arrival,
            payload,
        });
        self.next_arrival += 1;
        self.bytes += cost;
        self.messages += 1;
        Ok(dropped)
    }

    /// Takes the message that arrived first.
    pub(super) fn pop(&mut self) -> Option<(ChannelIndex, Payload)> {
        let (index, queue) = self
            .channels
            .iter_mut()
            .enumerate()
            .filter_map(|(index, queue)| Some((queue.front()?.arrival, index, queue)))
            .min_by_key(|(arrival, ..)| *arrival)
            .map(|(_, index, queue)| (index, queue))?;
        let received = queue.pop_front()?;
        self.bytes -= received.payload.len() + OVERHEAD;
        self.messages -= 1;
        let channel = ChannelIndex(u16::try_from(index).unwrap_or(u16::MAX));
        Some((channel, received.payload))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const RELIABLE: ChannelIndex = ChannelIndex(0);
    const UNRELIABLE: ChannelIndex = ChannelIndex(2);

    fn message(bytes: usize, tag: u8) -> Payload {
        Payload::from(vec![tag; bytes])
    }

    #[test]
    fn messages_come_out_in_the_order_of_arrival() {
        let mut inbox = Inbox::new(3, 10_000);
        for (channel, tag) in [(UNRELIABLE, 1), (RELIABLE, 2), (UNRELIABLE, 3)] {
            assert_eq!(inbox.push(channel, false, message(1, tag)), Ok(0));
        }
        let taken: Vec<_> = core::iter::from_fn(|| inbox.pop()).collect();
        assert_eq!(
            taken,
            [
                (UNRELIABLE, message(1, 1)),
                (RELIABLE, message(1, 2)),
                (UNRELIABLE, message(1, 3)),
            ]
        );
        assert!(inbox.is_empty());
    }

    #[test]
    fn an_unreliable_channel_loses_its_oldest() {
        let mut inbox = Inbox::new(3, 3 * (100 + OVERHEAD));
        for tag in 0..5 {
            let dropped = inbox.push(UNRELIABLE, false, message(100, tag)).unwrap();
            assert_eq!(dropped, u64::from(tag >= 3));
        }
        assert_eq!(inbox.len(), 3);
        assert_eq!(inbox.pop(), Some((UNRELIABLE, message(100, 2))));
    }

    #[test]
    fn a_reliable_channel_overflows() {
        let mut inbox = Inbox::new(3, 2 * (100 + OVERHEAD));
        inbox.push(RELIABLE, true, message(100, 0)).unwrap();
        inbox.push(RELIABLE, true, message(100, 1)).unwrap();
        assert_eq!(inbox.push(RELIABLE, true, message(0, 2)), Err(Overflow));
        inbox.pop().unwrap();
        assert_eq!(inbox.push(RELIABLE, true, message(0, 2)), Ok(0));
    }

    #[test]
    fn a_newcomer_that_finds_no_room_is_dropped_itself() {
        let mut inbox = Inbox::new(3, 100 + OVERHEAD);
        inbox.push(RELIABLE, true, message(100, 0)).unwrap();
        assert_eq!(inbox.push(UNRELIABLE, false, message(1, 1)), Ok(1));
        assert_eq!(inbox.len(), 1);
    }

    #[test]
    fn empty_messages_count() {
        let mut inbox = Inbox::new(3, 10 * OVERHEAD);
        let kept = (0..100)
            .filter(|_| inbox.push(RELIABLE, true, message(0, 0)).is_ok())
            .count();
        assert_eq!(kept, 10);
    }
}
