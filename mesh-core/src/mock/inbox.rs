//! What a link has to tell its application, bounded in bytes.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::{ChannelIndex, LinkEvent, LinkId, Payload};

/// What a message costs besides its bytes, so that a flood of empty ones is bounded, too.
const OVERHEAD: usize = 64;

/// A message that may not be dropped found no room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

#[derive(Debug)]
struct Entry {
    event: LinkEvent,
    cost: usize,
    droppable: bool,
}

/// Events in order. Control events are few and never dropped; messages are bounded.
#[derive(Debug)]
pub(super) struct Inbox {
    entries: VecDeque<Entry>,
    limit: usize,
    used: usize,
    /// No entry before this one is droppable: a search for the oldest need not begin at the front.
    searched: usize,
    /// Messages dropped by channel, since the last report of it was taken.
    dropped: Vec<(ChannelIndex, u64)>,
}

impl Inbox {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            limit,
            used: 0,
            searched: 0,
            dropped: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn push(&mut self, event: LinkEvent) {
        self.entries.push_back(Entry {
            event,
            cost: 0,
            droppable: false,
        });
    }

    /// Takes a message in; drops the oldest droppable ones to make room.
    pub(super) fn push_message(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
        droppable: bool,
    ) -> Result<(), Overflow> {
        let cost = payload.len().saturating_add(OVERHEAD);
        while self.used.saturating_add(cost) > self.limit {
            if self.drop_oldest() {
                continue;
            }
            if droppable {
                self.count_drop(link, channel);
                return Ok(());
            }
            return Err(Overflow);
        }
        self.used += cost;
        self.entries.push_back(Entry {
            event: LinkEvent::Message {
                link,
                channel,
                payload,
            },
            cost,
            droppable,
        });
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<LinkEvent> {
        let entry = self.entries.pop_front()?;
        self.used -= entry.cost;
        self.searched = self.searched.saturating_sub(1);
        let LinkEvent::InboxDropped { link, channel, .. } = entry.event else {
            return Some(entry.event);
        };
        Some(LinkEvent::InboxDropped {
            link,
            channel,
            messages: self.take_count(channel),
        })
    }

    /// Forgets everything, for a link that is closing: nobody will ask for it.
    pub(super) fn clear(&mut self) {
        self.entries = VecDeque::new();
        self.dropped = Vec::new();
        self.used = 0;
        self.searched = 0;
    }

    fn drop_oldest(&mut self) -> bool {
        let oldest = self
            .entries
            .range(self.searched..)
            .position(|entry| entry.droppable);
        let Some(offset) = oldest else {
            self.searched = self.entries.len();
            return false;
        };
        self.searched += offset;
        let Some(entry) = self.entries.remove(self.searched) else {
            return false;
        };
        self.used -= entry.cost;
        if let LinkEvent::Message { link, channel, .. } = entry.event {
            self.count_drop(link, channel);
        }
        true
    }

    /// One report a channel waits at most; its number is filled in when it is taken.
    fn count_drop(&mut self, link: LinkId, channel: ChannelIndex) {
        if let Some((_, count)) = self.dropped.iter_mut().find(|(of, _)| *of == channel) {
            *count += 1;
            return;
        }
        self.dropped.push((channel, 1));
        self.push(LinkEvent::InboxDropped {
            link,
            channel,
            messages: 0,
        });
    }

    fn take_count(&mut self, channel: ChannelIndex) -> u64 {
        let position = self.dropped.iter().position(|(of, _)| *of == channel);
        position.map_or(0, |position| self.dropped.swap_remove(position).1)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const LINK: LinkId = LinkId {
        slot: 0,
        generation: 0,
    };
    const RELIABLE: ChannelIndex = ChannelIndex(0);
    const UNRELIABLE: ChannelIndex = ChannelIndex(2);

    fn payload(byte: u8) -> Payload {
        Payload::from(vec![byte; 100 - OVERHEAD])
    }

    fn messages(inbox: &mut Inbox) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(event) = inbox.pop() {
            if let LinkEvent::Message { payload, .. } = &event {
                bytes.extend(payload.bytes().first());
            }
            if let LinkEvent::InboxDropped { messages, .. } = event {
                bytes.push(u8::try_from(messages).unwrap() + 100);
            }
        }
        bytes
    }

    #[test]
    fn unreliable_messages_give_way_oldest_first() {
        let mut inbox = Inbox::new(300);
        for byte in 0..6 {
            inbox
                .push_message(LINK, UNRELIABLE, payload(byte), true)
                .unwrap();
        }
        assert_eq!(messages(&mut inbox), [103, 3, 4, 5]);
        assert_eq!((inbox.used, inbox.dropped.len()), (0, 0));
    }

    #[test]
    fn reliable_messages_push_unreliable_ones_out_and_then_overflow() {
        let mut inbox = Inbox::new(300);
        inbox
            .push_message(LINK, RELIABLE, payload(1), false)
            .unwrap();
        inbox
            .push_message(LINK, UNRELIABLE, payload(2), true)
            .unwrap();
        inbox
            .push_message(LINK, RELIABLE, payload(3), false)
            .unwrap();
        inbox
            .push_message(LINK, RELIABLE, payload(4), false)
            .unwrap();
        assert_eq!(
            inbox.push_message(LINK, RELIABLE, payload(5), false),
            Err(Overflow)
        );
        inbox
            .push_message(LINK, UNRELIABLE, payload(6), true)
            .unwrap();
        assert_eq!(messages(&mut inbox), [1, 3, 102, 4]);
    }

    #[test]
    fn empty_messages_are_bounded_too() {
        let mut inbox = Inbox::new(OVERHEAD * 10);
        for _ in 0..1000 {
            inbox
                .push_message(LINK, UNRELIABLE, Payload::from(vec![]), true)
                .unwrap();
        }
        assert_eq!(inbox.entries.len(), 11, "ten messages and one report");
    }
}
