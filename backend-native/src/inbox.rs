//! What a link has received and nobody has taken yet, bounded in bytes.
//!
//! The rule is that of [`mesh_core::platform::inbox`]. The container is not: here the link's task puts messages in while
//! the game's thread takes them out, so each channel has a queue behind a lock of its own, the bytes of the link are one
//! atomic number, and messages cross in batches. For want of one order of arrival, an unreliable message that needs room
//! pushes out the oldest of its own channel first.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use mesh_core::platform::inbox::{Admission, admit, cost};
use mesh_core::platform::{self, Entry, InboxFull, Taken};
use mesh_core::{ChannelIndex, CloseReason, LinkEvent, LinkId, Payload, Reliability};
use tokio::sync::mpsc::UnboundedSender;

use crate::outbox::Outbox;

/// How many messages, and bytes of them, move in one step from one thread to the other. Two threads that touch the same
/// counters for each single message spend more on that than on the message.
pub(crate) const BATCH_MESSAGES: usize = 64;
pub(crate) const BATCH_BYTES: usize = 64 * 1024;

/// The queue all links report through: events of control, and one token for each channel that has something.
pub(crate) type Events = UnboundedSender<Incoming>;

/// One entry of that queue.
pub(crate) type Incoming = Entry<Arc<ChannelInbox>>;

/// One thing that a channel has to report.
pub(crate) type Item = platform::Item<Arc<Outbox>>;

/// What is known of a channel when it opens.
pub(crate) type Opened = platform::Opened<Arc<Outbox>>;

/// What the channels of a link share: the bytes they may hold together.
pub(crate) struct LinkInbox {
    link: LinkId,
    events: Events,
    limit: usize,
    bytes: AtomicUsize,
    tokens_out: AtomicUsize,
    discarding: AtomicBool,
    has_ended: AtomicBool,
    taken: Mutex<Taken>,
    // Taken when a channel is made and when there is no room; never on the way of a packet.
    droppable: Mutex<Vec<Weak<ChannelInbox>>>,
}

impl LinkInbox {
    pub(crate) fn new(link: LinkId, events: Events, limit: usize) -> Arc<Self> {
        Arc::new(Self {
            link,
            events,
            limit,
            bytes: AtomicUsize::new(0),
            tokens_out: AtomicUsize::new(0),
            discarding: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            taken: Mutex::default(),
            droppable: Mutex::new(Vec::new()),
        })
    }

    /// The inbox of a new channel.
    pub(crate) fn channel(
        self: &Arc<Self>,
        channel: ChannelIndex,
        reliability: Reliability,
    ) -> Arc<ChannelInbox> {
        let inbox = Arc::new(ChannelInbox {
            link: Arc::clone(self),
            channel,
            reliable: reliability == Reliability::Reliable,
            messages: Mutex::default(),
            token_out: AtomicBool::new(false),
            opened: Mutex::new(None),
            has_opened: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            has_closed: AtomicBool::new(false),
        });
        if !inbox.reliable {
            let mut droppable = self
                .droppable
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            droppable.retain(|channel| channel.strong_count() > 0);
            droppable.push(Arc::downgrade(&inbox));
        }
        inbox
    }

    /// Reports an event of control.
    pub(crate) fn report(&self, event: LinkEvent) {
        // A thread that was stuck may still have something to say.
        if self.has_ended.load(Ordering::Acquire) {
            return;
        }
        // Fails only once the backend is gone, and then nobody listens.
        let _ = self.events.send(Incoming::Event(event));
    }

    /// Reports how many messages the far side has taken.
    pub(crate) fn report_taken(&self, counts: Vec<(u16, u64)>) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.push(counts) && !self.has_ended.load(Ordering::Acquire) {
            let _ = self.events.send(Incoming::Taken(self.link));
        }
    }

    /// What was reported of that.
    pub(crate) fn taken(&self) -> Option<Vec<(u16, u64)>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.pop()
    }

    /// Reports the end, behind everything the channels hold. Only the first one counts.
    pub(crate) fn report_closed(&self, reason: CloseReason) {
        if self.has_ended.swap(true, Ordering::AcqRel) {
            return;
        }
        let _ = self.events.send(Incoming::Closed(self.link, reason));
    }

    /// From now on nothing is kept: nobody wants it any more.
    pub(crate) fn discard(&self) {
        self.discarding.store(true, Ordering::Release);
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Acquire) > self.limit
    }

    /// Drops the oldest message of an unreliable channel, of `first` before the others.
    fn drop_oldest(&self, first: Option<&ChannelInbox>) -> bool {
        if first.is_some_and(ChannelInbox::drop_oldest) {
            return true;
        }
        let droppable = self
            .droppable
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        droppable
            .iter()
            .filter_map(Weak::upgrade)
            .any(|channel| channel.drop_oldest())
    }

    pub(crate) const fn link(&self) -> LinkId {
        self.link
    }

    /// Whether no channel of it has a token out.
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens_out.load(Ordering::Acquire) == 0
    }
}

/// The inbox of one channel.
///
/// It has at most one token ([`Incoming::Readable`]) in the queue of events, however much it holds: whoever puts the first
/// thing in sends it, whoever finds it empty gives it back. So a flood of packets neither delays events of control nor makes
/// the queue of events long, and whoever waits for events is woken once a flood, not once a packet.
pub(crate) struct ChannelInbox {
    link: Arc<LinkInbox>,
    channel: ChannelIndex,
    reliable: bool,
    // Bounded in bytes, by the link. Taken once a batch, and never while anything is awaited.
    messages: Mutex<VecDeque<Payload>>,
    token_out: AtomicBool,
    opened: Mutex<Option<Opened>>,
    has_opened: AtomicBool,
    dropped: AtomicU64,
    has_closed: AtomicBool,
}

impl ChannelInbox {
    /// Reports an event of control.
    pub(crate) fn report(&self, event: LinkEvent) {
        self.link.report(event);
    }

    /// The channel is open; before its first message.
    pub(crate) fn push_opened(self: &Arc<Self>, opened: Opened) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        self.has_opened.store(true, Ordering::Release);
        self.send_token();
    }

    /// Messages arrived. Where there is no room, older unreliable ones go; where there is still none, an unreliable message
    /// goes itself. Empties `batch` in any case.
    pub(crate) fn push(self: &Arc<Self>, batch: &mut Vec<Payload>) -> Result<(), InboxFull> {
        if batch.is_empty() {
            return Ok(());
        }
        let link = &*self.link;
        if link.discarding.load(Ordering::Acquire) {
            batch.clear();
            return Ok(());
        }
        let costs = batch.iter().map(cost).sum();
        let held = link.bytes.fetch_add(costs, Ordering::AcqRel) + costs;
        let result = if held <= link.limit {
            self.messages().extend(batch.drain(..));
            Ok(())
        } else {
            link.bytes.fetch_sub(costs, Ordering::AcqRel);
            batch
                .drain(..)
                .try_for_each(|payload| self.push_with_force(payload))
        };
        self.send_token();
        result
    }

    fn push_with_force(&self, payload: Payload) -> Result<(), InboxFull> {
        let link = &*self.link;
        let cost = cost(&payload);
        // Counted before it is put in: whoever takes messages counts them off.
        link.bytes.fetch_add(cost, Ordering::AcqRel);
        let first = (!self.reliable).then_some(self);
        let admission = admit(
            &mut &*self.link,
            self.reliable,
            |link| !link.is_full(),
            |link| link.drop_oldest(first),
        );
        if admission == Ok(Admission::Kept) {
            self.messages().push_back(payload);
            return Ok(());
        }
        link.bytes.fetch_sub(cost, Ordering::AcqRel);
        if admission == Ok(Admission::Dropped) {
            self.dropped.fetch_add(1, Ordering::AcqRel);
        }
        admission.map(drop)
    }

    /// The channel is closed; after its last message.
    pub(crate) fn push_closed(self: &Arc<Self>) {
        self.has_closed.store(true, Ordering::Release);
        self.send_token();
    }

    /// Whether nothing of it is still to be taken.
    pub(crate) fn has_reported_all(&self) -> bool {
        !self.token_out.load(Ordering::Acquire)
    }

    fn send_token(self: &Arc<Self>) {
        if self.token_out.swap(true, Ordering::AcqRel) {
            return;
        }
        self.link.tokens_out.fetch_add(1, Ordering::AcqRel);
        let token = Incoming::Readable(Arc::clone(self));
        let _ = self.link.events.send(token);
    }

    fn drop_oldest(&self) -> bool {
        let Some(payload) = self.messages().pop_front() else {
            return false;
        };
        self.link.bytes.fetch_sub(cost(&payload), Ordering::AcqRel);
        self.dropped.fetch_add(1, Ordering::AcqRel);
        true
    }

    fn next(&self, hand: &mut VecDeque<Payload>) -> Option<Item> {
        if let Some(message) = self.next_in(hand) {
            return Some(message);
        }
        if self.has_opened.load(Ordering::Acquire) {
            self.has_opened.store(false, Ordering::Release);
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(opened) = opened.take() {
                return Some(Item::Opened(opened));
            }
        }
        if self.dropped.load(Ordering::Acquire) > 0 {
            return Some(Item::Dropped(self.dropped.swap(0, Ordering::AcqRel)));
        }
        // Looked at before the messages: all of them were put in before it.
        let closed = self.has_closed.load(Ordering::Acquire);
        self.take_in(hand);
        if let Some(message) = self.next_in(hand) {
            return Some(message);
        }
        if closed && self.has_closed.swap(false, Ordering::AcqRel) {
            return Some(Item::Closed);
        }
        None
    }

    fn next_in(&self, hand: &mut VecDeque<Payload>) -> Option<Item> {
        if !hand.is_empty() && self.link.discarding.load(Ordering::Acquire) {
            hand.clear();
        }
        hand.pop_front().map(Item::Message)
    }

    /// Takes a batch in hand.
    fn take_in(&self, hand: &mut VecDeque<Payload>) {
        let mut messages = self.messages();
        // A queue that nobody wants any more goes whole.
        let nobody = self.link.discarding.load(Ordering::Acquire);
        let (mut costs, mut bytes) = (0, 0);
        while nobody || (hand.len() < BATCH_MESSAGES && bytes < BATCH_BYTES) {
            let Some(payload) = messages.pop_front() else {
                break;
            };
            costs += cost(&payload);
            bytes += payload.len();
            hand.push_back(payload);
        }
        drop(messages);
        if costs > 0 {
            self.link.bytes.fetch_sub(costs, Ordering::AcqRel);
        }
    }

    fn messages(&self) -> MutexGuard<'_, VecDeque<Payload>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_something(&self) -> bool {
        !self.messages().is_empty()
            || self.has_opened.load(Ordering::Acquire)
            || self.has_closed.load(Ordering::Acquire)
            || self.dropped.load(Ordering::Acquire) > 0
    }
}

impl platform::ChannelInbox for ChannelInbox {
    type Sender = Arc<Outbox>;

    fn link(&self) -> LinkId {
        self.link.link
    }

    fn channel(&self) -> ChannelIndex {
        self.channel
    }

    /// Messages in `hand` count no more, and can be dropped no more.
    fn pop(&self, hand: &mut VecDeque<Payload>) -> Option<Item> {
        loop {
            if let Some(item) = self.next(hand) {
                return Some(item);
            }
            // A read-modify-write, so that what was put in by somebody who saw the token out is seen here.
            self.token_out.swap(false, Ordering::AcqRel);
            self.link.tokens_out.fetch_sub(1, Ordering::AcqRel);
            if !self.has_something() || self.token_out.swap(true, Ordering::AcqRel) {
                return None;
            }
            self.link.tokens_out.fetch_add(1, Ordering::AcqRel);
        }
    }
}
