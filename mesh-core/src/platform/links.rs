//! The table of a backend's links, and the order in which their events come out.

#[cfg(test)]
mod tests;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::ops::Deref;

use crate::{
    ChannelIndex, ChannelParameters, CloseReason, ConnectionState, LinkEvent, LinkId, Payload,
};

/// How many messages of one channel come in a row before the next channel has its turn.
pub const TURN: u32 = 64;

/// One entry of the queue that all links of a backend report through.
///
/// The queue is short however much arrives: it has events of control, and one [`Readable`](Self::Readable) for each channel
/// that has something.
#[derive(Debug)]
pub enum Entry<C> {
    /// An event of control, as it is.
    Event(LinkEvent),
    /// The far side has said how many messages it has taken. What it said is asked of the link.
    Taken(LinkId),
    /// The token of a channel that has something to report.
    Readable(C),
    /// The token of a channel that is closed. To be reported after what was in the queue when that was found: the far side may have said
    /// before why it closes.
    Closing(C),
    /// A link has ended. To be reported after everything that its channels still hold.
    Closed(LinkId, CloseReason),
}

/// One thing that a channel has to report.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<S> {
    /// The channel is open.
    Opened(Opened<S>),
    /// So many messages were dropped for want of room.
    Dropped(u64),
    /// A message arrived.
    Message(Payload),
    /// The channel is closed.
    Closed,
}

/// What is known of a channel when it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<S> {
    /// Whether the far side made it.
    pub remote: bool,
    /// What the platform says it is.
    pub actual: ChannelParameters,
    /// What its backend sends with.
    pub sender: S,
}

/// What one channel has received and not reported yet.
pub trait ChannelInbox {
    /// What the backend sends with on the channel.
    type Sender;

    /// The link of the channel.
    fn link(&self) -> LinkId;

    /// The position of the channel.
    fn channel(&self) -> ChannelIndex;

    /// Takes the next thing; for whoever holds the channel's token. `None` gives the token back.
    ///
    /// `hand` is kept for the holder of the token: messages that were taken in a batch and come before anything else. It is
    /// empty when a channel's turn begins and when this gives `None`. A platform that takes messages singly leaves it alone.
    fn pop(&self, hand: &mut VecDeque<Payload>) -> Option<Item<Self::Sender>>;
}

/// The backend's end of a link.
pub trait LinkEnd {
    /// What the backend sends with on a channel.
    type Sender;

    /// Whether no channel of the link has a token out.
    fn has_reported_all(&self) -> bool;

    /// The next word of the far side about how many messages it has taken.
    fn taken(&mut self) -> Option<Vec<(u16, u64)>>;

    /// A channel opened: `send` is asked for it from now on.
    fn opened(&mut self, channel: ChannelIndex, sender: Self::Sender);
}

/// The links of a backend by their names, and whose turn it is to report.
///
/// The core gives the names: a slot, and how often it was used. A link stays in the table until its `Closed` is reported.
#[derive(Debug)]
pub struct Links<L, C> {
    links: BTreeMap<LinkId, L>,
    turn: Option<(C, u32)>,
    /// What the channel whose turn it is has handed over already. Empty between turns.
    hand: VecDeque<Payload>,
}

impl<L, C> Default for Links<L, C> {
    fn default() -> Self {
        Self {
            links: BTreeMap::new(),
            turn: None,
            hand: VecDeque::new(),
        }
    }
}

impl<L, C> Links<L, C> {
    /// Puts a link into the table.
    pub fn insert(&mut self, link: LinkId, end: L) {
        self.links.insert(link, end);
    }

    /// The link of this name.
    #[must_use]
    pub fn get(&self, link: LinkId) -> Option<&L> {
        self.links.get(&link)
    }

    /// All links.
    pub fn values(&self) -> impl Iterator<Item = &L> {
        self.links.values()
    }

    /// The link of this name.
    pub fn get_mut(&mut self, link: LinkId) -> Option<&mut L> {
        self.links.get_mut(&link)
    }
}

impl<L, C> Links<L, C>
where
    C: Deref,
    C::Target: ChannelInbox<Sender = L::Sender>,
    L: LinkEnd,
{
    /// The next event. `take` gives the first entry of the backend's queue, and `put_back` puts one behind all others.
    pub fn next_event(
        &mut self,
        mut take: impl FnMut() -> Option<Entry<C>>,
        mut put_back: impl FnMut(Entry<C>),
    ) -> Option<LinkEvent> {
        loop {
            if let Some(event) = self.next_of_turn(&mut put_back) {
                return Some(event);
            }
            match take()? {
                Entry::Readable(channel) => self.turn = Some((channel, TURN)),
                Entry::Closing(closed) => {
                    let (link, channel) = (closed.link(), closed.channel());
                    self.turn = Some((closed, TURN));
                    return Some(LinkEvent::ChannelClosed { link, channel });
                }
                // A failed connection is the peer's end to whoever hears of it, so what the peer sent before comes first.
                Entry::Event(
                    event @ LinkEvent::State {
                        link,
                        state: ConnectionState::Failed,
                    },
                ) if self.holds(link) => put_back(Entry::Event(event)),
                Entry::Event(event) => return Some(event),
                Entry::Taken(link) => {
                    if let Some(counts) = self.get_mut(link).and_then(LinkEnd::taken) {
                        return Some(LinkEvent::Taken { link, counts });
                    }
                }
                Entry::Closed(link, reason) if self.holds(link) => {
                    put_back(Entry::Closed(link, reason));
                }
                Entry::Closed(link, reason) => {
                    self.links.remove(&link);
                    return Some(LinkEvent::Closed { link, reason });
                }
            }
        }
    }

    /// Whether a link has something to report.
    fn holds(&self, link: LinkId) -> bool {
        self.get(link).is_some_and(|end| !end.has_reported_all())
    }

    /// The next thing of the channel whose turn it is.
    fn next_of_turn(&mut self, put_back: &mut impl FnMut(Entry<C>)) -> Option<LinkEvent> {
        let (channel, left) = self.turn.take()?;
        let item = channel.pop(&mut self.hand)?;
        if matches!(item, Item::Closed) {
            put_back(Entry::Closing(channel));
            return None;
        }
        let (link, index) = (channel.link(), channel.channel());
        if left > 1 || !self.hand.is_empty() {
            self.turn = Some((channel, left.saturating_sub(1)));
        } else {
            // It may have more; the others first.
            put_back(Entry::Readable(channel));
        }
        Some(self.event(link, index, item))
    }

    fn event(&mut self, link: LinkId, channel: ChannelIndex, item: Item<L::Sender>) -> LinkEvent {
        match item {
            Item::Opened(opened) => {
                if let Some(end) = self.get_mut(link) {
                    end.opened(channel, opened.sender);
                }
                LinkEvent::ChannelOpened {
                    link,
                    channel,
                    remote: opened.remote,
                    actual: opened.actual,
                }
            }
            Item::Dropped(messages) => LinkEvent::InboxDropped {
                link,
                channel,
                messages,
            },
            Item::Message(payload) => LinkEvent::Message {
                link,
                channel,
                payload,
            },
            Item::Closed => LinkEvent::ChannelClosed { link, channel },
        }
    }
}
