//! What a far side sent and nobody has taken, bounded in bytes: the rule, and a container that keeps it.
//!
//! The rule: a link may hold so many bytes ([`cost`] of each message). A message for which there is no room pushes out the
//! oldest ones of the unreliable channels, whichever channel it is of itself. Where nothing is left to push out, an
//! unreliable message is dropped, and a reliable one ends the link ([`InboxFull`]), because the link could not be kept
//! without a loss. [`admit`] is that rule. [`Inbox`] is a container for one thread; a backend whose messages cross
//! threads keeps a container of its own and asks [`admit`], too.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::batch;
use crate::{ChannelIndex, Payload, TransferMode};

/// What a queued message costs besides its bytes, so that a flood of empty ones is bounded, too.
pub const OVERHEAD: usize = 64;

/// What a message counts for in an inbox, in bytes. What looks like a [`batch`] counts as all the messages that may be in
/// it, so that a flood of batches costs what a flood of their messages does.
#[must_use]
pub fn cost(payload: &Payload) -> usize {
    let messages = batch::count(payload);
    payload
        .len()
        .saturating_add(messages.saturating_mul(OVERHEAD))
}

/// A reliable message found no room, and nothing that may be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxFull;

/// What becomes of a message that there is no error about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is kept.
    Kept,
    /// It is dropped itself, and counted.
    Dropped,
}

/// Decides about a message that `queue` is to take. `has_room` says whether the message fits now, and `drop_oldest` drops
/// the oldest unreliable message, or says that there is none.
///
/// # Errors
///
/// [`InboxFull`] where a reliable message does not fit.
pub fn admit<Q>(
    queue: &mut Q,
    reliable: bool,
    has_room: impl Fn(&Q) -> bool,
    mut drop_oldest: impl FnMut(&mut Q) -> bool,
) -> Result<Admission, InboxFull> {
    while !has_room(queue) {
        if !drop_oldest(queue) {
            return if reliable {
                Err(InboxFull)
            } else {
                Ok(Admission::Dropped)
            };
        }
    }
    Ok(Admission::Kept)
}

/// Received messages of one link: a queue for each channel, taken in the order of arrival.
#[derive(Debug)]
pub struct Inbox {
    channels: Vec<Queue>,
    messages: usize,
    bytes: usize,
    limit: usize,
    arrivals: u64,
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

impl Inbox {
    /// An inbox of so many bytes, for channels of these modes.
    #[must_use]
    pub fn new(modes: &[TransferMode], limit: usize) -> Self {
        Self {
            channels: modes.iter().copied().map(Queue::new).collect(),
            messages: 0,
            bytes: 0,
            limit,
            arrivals: 0,
        }
    }

    /// Sets the mode of a channel, and makes a queue for it if it has none. Where the place was another channel's before,
    /// what waits there becomes the new one's.
    pub fn set_channel(&mut self, channel: ChannelIndex, mode: TransferMode) {
        let index = usize::from(channel.0);
        if self.channels.len() <= index {
            self.channels.resize_with(index + 1, || Queue::new(mode));
        }
        if let Some(queue) = self.channels.get_mut(index) {
            queue.mode = mode;
        }
    }

    /// Whether there is no message.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// How many messages there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.messages
    }

    /// How many messages were ever kept. The next one gets this number.
    #[must_use]
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// The number of the message that [`pop`](Self::pop) would give.
    #[must_use]
    pub fn first_arrival(&self) -> Option<u64> {
        let queues = self.channels.iter();
        let first = queues.filter_map(|queue| queue.messages.front());
        first.map(|received| received.arrival).min()
    }

    /// Queues a message by the rule of this module; `dropped` is told the channel of each message that goes. A channel
    /// without a queue takes nothing.
    ///
    /// # Errors
    ///
    /// [`InboxFull`] where a reliable message finds no room.
    pub fn push(
        &mut self,
        channel: ChannelIndex,
        payload: Payload,
        mut dropped: impl FnMut(ChannelIndex),
    ) -> Result<(), InboxFull> {
        let Some(reliable) = self.queue(channel).map(|queue| queue.mode.is_reliable()) else {
            return Ok(());
        };
        let cost = cost(&payload);
        let admission = admit(
            self,
            reliable,
            |inbox| inbox.bytes.saturating_add(cost) <= inbox.limit,
            |inbox| {
                let gone = inbox.pop_first(|queue| !queue.mode.is_reliable());
                let from = gone.map(|(from, ..)| from);
                from.inspect(|from| dropped(*from)).is_some()
            },
        )?;
        if admission == Admission::Dropped {
            dropped(channel);
            return Ok(());
        }
        let arrival = self.arrivals;
        if let Some(queue) = self.queue(channel) {
            queue.messages.push_back(Received { arrival, payload });
            self.arrivals += 1;
            self.bytes += cost;
            self.messages += 1;
        }
        Ok(())
    }

    fn queue(&mut self, channel: ChannelIndex) -> Option<&mut Queue> {
        self.channels.get_mut(usize::from(channel.0))
    }

    /// Takes the message that arrived first.
    pub fn pop(&mut self) -> Option<(ChannelIndex, TransferMode, Payload)> {
        self.pop_first(|_| true)
    }

    /// Takes the first message of one channel.
    pub fn pop_of(&mut self, channel: ChannelIndex) -> Option<Payload> {
        let received = self.queue(channel)?.messages.pop_front()?;
        Some(self.taken(received))
    }

    /// Forgets all messages.
    pub fn clear(&mut self) {
        for queue in &mut self.channels {
            queue.messages = VecDeque::new();
        }
        (self.messages, self.bytes) = (0, 0);
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
        let channel = ChannelIndex(u16::try_from(index).unwrap_or(u16::MAX));
        Some((channel, mode, self.taken(received)))
    }

    fn taken(&mut self, received: Received) -> Payload {
        self.bytes -= cost(&received.payload);
        self.messages -= 1;
        received.payload
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
    ) -> Result<Vec<ChannelIndex>, InboxFull> {
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
        assert_eq!(push(&mut inbox, RELIABLE, message(0, 2)), Err(InboxFull));
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

    #[test]
    fn a_place_between_others_takes_messages_too() {
        let mut inbox = Inbox::new(&[], 1000);
        let far = ChannelIndex(5);
        assert_eq!(push(&mut inbox, far, message(1, 1)), Ok(vec![]));
        assert!(inbox.is_empty(), "it has no queue yet");
        inbox.set_channel(far, TransferMode::Reliable);
        push(&mut inbox, far, message(1, 1)).unwrap();
        assert_eq!(inbox.pop_of(RELIABLE), None);
        assert_eq!(inbox.pop_of(far), Some(message(1, 1)));
    }

    #[test]
    fn one_channel_is_taken_from_without_the_others() {
        let mut inbox = inbox(1000);
        for (channel, tag) in [(UNRELIABLE, 1), (RELIABLE, 2), (UNRELIABLE, 3)] {
            push(&mut inbox, channel, message(1, tag)).unwrap();
        }
        assert_eq!(inbox.pop_of(RELIABLE), Some(message(1, 2)));
        assert_eq!((inbox.first_arrival(), inbox.arrivals()), (Some(0), 3));
        inbox.clear();
        assert_eq!((inbox.pop(), inbox.first_arrival()), (None, None));
        assert_eq!(push(&mut inbox, RELIABLE, message(900, 4)), Ok(vec![]));
    }
}
