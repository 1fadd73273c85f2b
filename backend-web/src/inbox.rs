//! What a link has received and nobody has taken yet, bounded in bytes.

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use mesh_core::{
    ChannelIndex, ChannelParameters, CloseReason, LinkEvent, LinkId, Payload, Reliability,
};

use crate::events::{Events, Incoming};

/// What a message costs besides its bytes, so that a flood of empty ones is bounded, too.
const OVERHEAD: usize = 64;

/// One thing a channel has to report.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Opened(Opened),
    Dropped(u64),
    Message(Payload),
    Closed,
}

/// What is known of a channel when it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Whether the far side made it.
    pub(crate) remote: bool,
    /// What the platform says it is.
    pub(crate) actual: ChannelParameters,
}

/// A reliable message found no room: the link must end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InboxFull;

/// What the channels of a link share: the bytes they may hold together.
pub(crate) struct LinkInbox {
    link: LinkId,
    events: Rc<Events>,
    limit: usize,
    bytes: Cell<usize>,
    tokens_out: Cell<usize>,
    discarding: Cell<bool>,
    /// A reliable message has found no room, and the link is about to end.
    overflowed: Cell<bool>,
    droppable: RefCell<Vec<Weak<ChannelInbox>>>,
}

impl LinkInbox {
    pub(crate) fn new(link: LinkId, events: Rc<Events>, limit: usize) -> Rc<Self> {
        Rc::new(Self {
            link,
            events,
            limit,
            bytes: Cell::new(0),
            tokens_out: Cell::new(0),
            discarding: Cell::new(false),
            overflowed: Cell::new(false),
            droppable: RefCell::default(),
        })
    }

    pub(crate) const fn link(&self) -> LinkId {
        self.link
    }

    /// The inbox of a new channel.
    pub(crate) fn channel(
        self: &Rc<Self>,
        channel: ChannelIndex,
        reliability: Reliability,
    ) -> Rc<ChannelInbox> {
        let inbox = Rc::new(ChannelInbox {
            link: Rc::clone(self),
            channel,
            reliable: reliability == Reliability::Reliable,
            opened: Cell::new(None),
            dropped: Cell::new(0),
            messages: RefCell::default(),
            closed: Cell::new(false),
            token_out: Cell::new(false),
        });
        if !inbox.reliable {
            let mut droppable = self.droppable.borrow_mut();
            droppable.retain(|channel| channel.strong_count() > 0);
            droppable.push(Rc::downgrade(&inbox));
        }
        inbox
    }

    /// Reports an event of control.
    pub(crate) fn report(&self, event: LinkEvent) {
        self.events.push(Incoming::Event(event));
    }

    /// Reports the end, behind everything the channels hold.
    pub(crate) fn report_closed(self: &Rc<Self>, reason: CloseReason) {
        self.events.push(Incoming::Closed(Rc::clone(self), reason));
    }

    /// Whether no channel has anything to report.
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens_out.get() == 0
    }

    /// From now on nothing is kept: nobody wants it any more.
    pub(crate) fn discard(&self) {
        self.discarding.set(true);
    }

    fn has_room(&self, cost: usize) -> bool {
        self.bytes.get().saturating_add(cost) <= self.limit
    }

    /// Drops the oldest messages of the unreliable channels, `first` before the others, until there is room.
    fn make_room(&self, cost: usize, first: Option<&ChannelInbox>) -> bool {
        if let Some(first) = first {
            first.drop_oldest(cost);
        }
        for channel in self.droppable.borrow().iter() {
            if self.has_room(cost) {
                break;
            }
            if let Some(channel) = channel.upgrade() {
                channel.drop_oldest(cost);
            }
        }
        self.has_room(cost)
    }
}

/// The inbox of one channel.
///
/// It has at most one token ([`Incoming::Readable`]) in the queue of events, however much it holds: whoever puts the first
/// thing in sends it, whoever finds it empty gives it back. So a flood of packets neither delays events of control nor makes
/// the queue of events long, and whoever waits for events is woken once a flood, not once a packet.
pub(crate) struct ChannelInbox {
    link: Rc<LinkInbox>,
    channel: ChannelIndex,
    reliable: bool,
    opened: Cell<Option<Opened>>,
    dropped: Cell<u64>,
    messages: RefCell<VecDeque<Payload>>,
    closed: Cell<bool>,
    token_out: Cell<bool>,
}

impl ChannelInbox {
    pub(crate) fn link(&self) -> LinkId {
        self.link.link
    }

    pub(crate) const fn channel(&self) -> ChannelIndex {
        self.channel
    }

    /// Reports an event of control.
    pub(crate) fn report(&self, event: LinkEvent) {
        self.link.report(event);
    }

    /// The channel is open; before its first message.
    pub(crate) fn push_opened(self: &Rc<Self>, opened: Opened) {
        self.opened.set(Some(opened));
        self.send_token();
    }

    /// A message arrived. Where there is no room, older unreliable ones go; where there is still none, an unreliable message
    /// goes itself.
    pub(crate) fn push(self: &Rc<Self>, payload: Payload) -> Result<(), InboxFull> {
        let link = &*self.link;
        // After a reliable message that found no room nothing may come: it would come out of order.
        if link.discarding.get() || link.overflowed.get() {
            return Ok(());
        }
        let cost = cost(&payload);
        let first = (!self.reliable).then_some(&**self);
        if link.has_room(cost) || link.make_room(cost, first) {
            link.bytes.set(link.bytes.get() + cost);
            self.messages.borrow_mut().push_back(payload);
        } else if self.reliable {
            link.overflowed.set(true);
            return Err(InboxFull);
        } else {
            self.dropped.set(self.dropped.get() + 1);
        }
        self.send_token();
        Ok(())
    }

    /// The channel is closed; after its last message.
    pub(crate) fn push_closed(self: &Rc<Self>) {
        self.closed.set(true);
        self.send_token();
    }

    fn send_token(self: &Rc<Self>) {
        if self.token_out.replace(true) {
            return;
        }
        self.link.tokens_out.set(self.link.tokens_out.get() + 1);
        self.link.events.push(Incoming::Readable(Rc::clone(self)));
    }

    fn drop_oldest(&self, cost: usize) {
        while !self.link.has_room(cost) && self.take().is_some() {
            self.dropped.set(self.dropped.get() + 1);
        }
    }

    fn take(&self) -> Option<Payload> {
        let payload = self.messages.borrow_mut().pop_front()?;
        self.link.bytes.set(self.link.bytes.get() - cost(&payload));
        Some(payload)
    }

    /// Takes the next thing. For the holder of the token; `None` gives it back.
    pub(crate) fn pop(&self) -> Option<Item> {
        let item = self.next();
        if item.is_none() {
            self.token_out.set(false);
            self.link.tokens_out.set(self.link.tokens_out.get() - 1);
        }
        item
    }

    fn next(&self) -> Option<Item> {
        if let Some(opened) = self.opened.take() {
            return Some(Item::Opened(opened));
        }
        if self.link.discarding.get() {
            self.dropped.set(0);
            while self.take().is_some() {}
        }
        match self.dropped.take() {
            0 => {}
            dropped => return Some(Item::Dropped(dropped)),
        }
        if let Some(payload) = self.take() {
            return Some(Item::Message(payload));
        }
        self.closed.take().then_some(Item::Closed)
    }
}

const fn cost(payload: &Payload) -> usize {
    payload.len().saturating_add(OVERHEAD)
}
