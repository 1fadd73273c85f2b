//! What a link has received and nobody has taken yet, and the queue that all links report through.

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use mesh_core::platform::{self, Entry, Inbox, InboxFull, Taken};
use mesh_core::{ChannelIndex, CloseReason, LinkEvent, LinkId, Payload, Reliability, TransferMode};

use crate::events;

/// The queue that all links report through.
pub(crate) type Events = events::Events<Rc<ChannelInbox>>;

/// One thing that a channel has to report. The browser's own object sends, so there is nothing to send with.
pub(crate) type Item = platform::Item<()>;

/// What is known of a channel when it opens.
pub(crate) type Opened = platform::Opened<()>;

/// What the channels of a link share: the bytes they may hold together.
pub(crate) struct LinkInbox {
    link: LinkId,
    events: Rc<Events>,
    messages: RefCell<Inbox>,
    /// How many messages of each channel were dropped and not reported yet.
    dropped: RefCell<BTreeMap<ChannelIndex, u64>>,
    tokens_out: Cell<usize>,
    taken: RefCell<Taken>,
    discarding: Cell<bool>,
    /// A reliable message has found no room, and the link is about to end.
    overflowed: Cell<bool>,
}

impl LinkInbox {
    pub(crate) fn new(link: LinkId, events: Rc<Events>, limit: usize) -> Rc<Self> {
        Rc::new(Self {
            link,
            events,
            messages: RefCell::new(Inbox::new(&[], limit)),
            dropped: RefCell::default(),
            tokens_out: Cell::new(0),
            taken: RefCell::default(),
            discarding: Cell::new(false),
            overflowed: Cell::new(false),
        })
    }

    /// The inbox of a new channel.
    pub(crate) fn channel(
        self: &Rc<Self>,
        channel: ChannelIndex,
        reliability: Reliability,
    ) -> Rc<ChannelInbox> {
        let mode = match reliability {
            Reliability::Reliable => TransferMode::Reliable,
            Reliability::Lifetime(_) | Reliability::Retransmits(_) => TransferMode::Unreliable,
        };
        self.messages.borrow_mut().set_channel(channel, mode);
        Rc::new(ChannelInbox {
            link: Rc::clone(self),
            channel,
            opened: Cell::new(None),
            closed: Cell::new(false),
            token_out: Cell::new(false),
        })
    }

    /// Reports an event of control.
    pub(crate) fn report(&self, event: LinkEvent) {
        self.events.push(Entry::Event(event));
    }

    /// Reports how many messages the far side has taken.
    pub(crate) fn report_taken(&self, counts: Vec<(u16, u64)>) {
        if self.taken.borrow_mut().push(counts) {
            self.events.push(Entry::Taken(self.link));
        }
    }

    /// What was reported of that.
    pub(crate) fn taken(&self) -> Option<Vec<(u16, u64)>> {
        self.taken.borrow_mut().pop()
    }

    /// Reports the end, behind everything the channels hold.
    pub(crate) fn report_closed(&self, reason: CloseReason) {
        self.events.push(Entry::Closed(self.link, reason));
    }

    /// From now on nothing is kept: nobody wants it any more.
    pub(crate) fn discard(&self) {
        self.discarding.set(true);
    }

    pub(crate) const fn link(&self) -> LinkId {
        self.link
    }

    /// Whether no channel of it has a token out.
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens_out.get() == 0
    }
}

/// The inbox of one channel.
///
/// It has at most one token ([`Entry::Readable`]) in the queue of events, however much it holds: whoever puts the first
/// thing in sends it, whoever finds it empty gives it back. So a flood of packets neither delays events of control nor makes
/// the queue of events long, and whoever waits for events is woken once a flood, not once a packet.
pub(crate) struct ChannelInbox {
    link: Rc<LinkInbox>,
    channel: ChannelIndex,
    opened: Cell<Option<Opened>>,
    closed: Cell<bool>,
    token_out: Cell<bool>,
}

impl ChannelInbox {
    /// Reports an event of control.
    pub(crate) fn report(&self, event: LinkEvent) {
        self.link.report(event);
    }

    /// The channel is open; before its first message.
    pub(crate) fn push_opened(self: &Rc<Self>, opened: Opened) {
        self.opened.set(Some(opened));
        self.send_token();
    }

    /// A message arrived. What happens where there is no room is the rule of [`mesh_core::platform::inbox`].
    pub(crate) fn push(self: &Rc<Self>, payload: Payload) -> Result<(), InboxFull> {
        let link = &*self.link;
        // After a reliable message that found no room nothing may come: it would come out of order.
        if link.discarding.get() || link.overflowed.get() {
            return Ok(());
        }
        let pushed = link
            .messages
            .borrow_mut()
            .push(self.channel, payload, |dropped| {
                // A channel that loses a message has a token out, because it had the message.
                *link.dropped.borrow_mut().entry(dropped).or_insert(0) += 1;
            });
        match pushed {
            Ok(()) => self.send_token(),
            Err(InboxFull) => link.overflowed.set(true),
        }
        pushed
    }

    /// The channel is closed; after its last message.
    pub(crate) fn push_closed(self: &Rc<Self>) {
        self.closed.set(true);
        self.send_token();
    }

    /// Whether nothing of it is still to be taken.
    pub(crate) const fn has_reported_all(&self) -> bool {
        !self.token_out.get()
    }

    fn send_token(self: &Rc<Self>) {
        if self.token_out.replace(true) {
            return;
        }
        self.link.tokens_out.set(self.link.tokens_out.get() + 1);
        self.link.events.push(Entry::Readable(Rc::clone(self)));
    }

    fn next(&self) -> Option<Item> {
        if let Some(opened) = self.opened.take() {
            return Some(Item::Opened(opened));
        }
        let link = &*self.link;
        if link.discarding.get() {
            link.messages.borrow_mut().clear();
            link.dropped.borrow_mut().clear();
        }
        if let Some(dropped) = link.dropped.borrow_mut().remove(&self.channel) {
            return Some(Item::Dropped(dropped));
        }
        if let Some(payload) = link.messages.borrow_mut().pop_of(self.channel) {
            return Some(Item::Message(payload));
        }
        self.closed.take().then_some(Item::Closed)
    }
}

impl platform::ChannelInbox for ChannelInbox {
    type Sender = ();

    fn link(&self) -> LinkId {
        self.link.link
    }

    fn channel(&self) -> ChannelIndex {
        self.channel
    }

    fn pop(&self, _hand: &mut VecDeque<Payload>) -> Option<Item> {
        let item = self.next();
        if item.is_none() {
            self.token_out.set(false);
            self.link.tokens_out.set(self.link.tokens_out.get() - 1);
        }
        item
    }
}
