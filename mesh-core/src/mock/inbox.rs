//! What a link has to tell its application: events of control, and messages in a bounded inbox.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::platform::{self, InboxFull};
use crate::{ChannelIndex, LinkEvent, LinkId, Payload, TransferMode};

/// Events in the order of their arrival. Events of control are few and never dropped; messages are bounded.
#[derive(Debug)]
pub(super) struct Inbox {
    link: LinkId,
    messages: platform::Inbox,
    /// Each with the number of the message that comes next after it.
    control: VecDeque<(u64, LinkEvent)>,
    /// Messages dropped by channel, since the last report of it was taken.
    dropped: Vec<(ChannelIndex, u64)>,
}

impl Inbox {
    pub(super) fn new(link: LinkId, limit: usize) -> Self {
        Self {
            link,
            messages: platform::Inbox::new(&[], limit),
            control: VecDeque::new(),
            dropped: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.control.is_empty() && self.messages.is_empty()
    }

    pub(super) fn push(&mut self, event: LinkEvent) {
        self.control.push_back((self.messages.arrivals(), event));
    }

    /// Takes a message of a channel of this mode in; older ones may go for it.
    pub(super) fn push_message(
        &mut self,
        channel: ChannelIndex,
        mode: TransferMode,
        payload: Payload,
    ) -> Result<(), InboxFull> {
        self.messages.set_channel(channel, mode);
        let (link, next) = (self.link, self.messages.arrivals());
        let (control, counts) = (&mut self.control, &mut self.dropped);
        self.messages.push(channel, payload, |channel| {
            if let Some((_, count)) = counts.iter_mut().find(|(of, _)| *of == channel) {
                *count += 1;
                return;
            }
            // One report a channel waits at most; its number is filled in when it is taken.
            counts.push((channel, 1));
            let report = LinkEvent::InboxDropped {
                link,
                channel,
                messages: 0,
            };
            control.push_back((next, report));
        })
    }

    pub(super) fn pop(&mut self) -> Option<LinkEvent> {
        let first = self.messages.first_arrival();
        let control = self.control.front().is_some_and(|(next, _)| {
            // Those with a smaller number arrived before the event.
            first.is_none_or(|first| first >= *next)
        });
        if !control {
            let (channel, _, payload) = self.messages.pop()?;
            return Some(LinkEvent::Message {
                link: self.link,
                channel,
                payload,
            });
        }
        let (_, event) = self.control.pop_front()?;
        let LinkEvent::InboxDropped { link, channel, .. } = event else {
            return Some(event);
        };
        Some(LinkEvent::InboxDropped {
            link,
            channel,
            messages: self.take_count(channel),
        })
    }

    /// Forgets everything, for a link that is closing: nobody will ask for it.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.control = VecDeque::new();
        self.dropped = Vec::new();
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
    use crate::ConnectionState;
    use crate::platform::inbox::OVERHEAD;

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
        let mut inbox = Inbox::new(LINK, 300);
        for byte in 0..6 {
            inbox
                .push_message(UNRELIABLE, TransferMode::Unreliable, payload(byte))
                .unwrap();
        }
        assert_eq!(messages(&mut inbox), [103, 3, 4, 5]);
        assert!(inbox.is_empty() && inbox.dropped.is_empty());
    }

    #[test]
    fn reliable_messages_push_unreliable_ones_out_and_then_overflow() {
        let mut inbox = Inbox::new(LINK, 300);
        inbox
            .push_message(RELIABLE, TransferMode::Reliable, payload(1))
            .unwrap();
        inbox
            .push_message(UNRELIABLE, TransferMode::Unreliable, payload(2))
            .unwrap();
        inbox
            .push_message(RELIABLE, TransferMode::Reliable, payload(3))
            .unwrap();
        inbox
            .push_message(RELIABLE, TransferMode::Reliable, payload(4))
            .unwrap();
        assert_eq!(
            inbox.push_message(RELIABLE, TransferMode::Reliable, payload(5)),
            Err(InboxFull)
        );
        inbox
            .push_message(UNRELIABLE, TransferMode::Unreliable, payload(6))
            .unwrap();
        assert_eq!(messages(&mut inbox), [1, 3, 102, 4]);
    }

    #[test]
    fn empty_messages_are_bounded_too() {
        let mut inbox = Inbox::new(LINK, OVERHEAD * 10);
        for _ in 0..1000 {
            inbox
                .push_message(UNRELIABLE, TransferMode::Unreliable, Payload::from(vec![]))
                .unwrap();
        }
        let kept = core::iter::from_fn(|| inbox.pop()).count();
        assert_eq!(kept, 11, "ten messages and one report");
    }

    #[test]
    fn an_event_stays_between_the_messages_it_came_between() {
        let mut inbox = Inbox::new(LINK, 1000);
        let event = LinkEvent::State {
            link: LINK,
            state: ConnectionState::Disconnected,
        };
        let push = |inbox: &mut Inbox, byte| {
            inbox.push_message(RELIABLE, TransferMode::Reliable, payload(byte))
        };
        push(&mut inbox, 1).unwrap();
        inbox.push(event.clone());
        inbox.push(event.clone());
        push(&mut inbox, 2).unwrap();
        let taken: Vec<_> = core::iter::from_fn(|| inbox.pop()).collect();
        assert!(matches!(taken[0], LinkEvent::Message { .. }));
        assert_eq!(taken[1..3], [event.clone(), event]);
        assert!(matches!(taken[3], LinkEvent::Message { .. }));
    }
}
