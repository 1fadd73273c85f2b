//! One end of a link: its state, its inbox, and how it ends.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::channel::Channel;
use super::ice::Phase;
use super::wire::Content;
use super::world::{Action, Key, World};
use crate::platform::control::Word;
use crate::platform::{self, InboxFull, PairWatch, Relay};
use crate::{
    ChannelIndex, ChannelState, CloseReason, ConnectionState, Goodbye, Instant, LinkConfig,
    LinkEvent, LinkId, Payload, TransferMode,
};

/// How far the exchange of descriptions is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negotiation {
    New,
    Offered,
    Done,
}

/// One end of a link.
#[derive(Debug)]
pub(super) struct End {
    pub(super) relay: Relay,
    pub(super) negotiation: Negotiation,
    /// The far end, as its description names it.
    pub(super) far: Option<Key>,
    /// Whether a candidate of the far side was added.
    pub(super) has_far_candidate: bool,
    pub(super) state: ConnectionState,
    pub(super) phase: Phase,
    /// Whether the far side answers.
    pub(super) reachable: bool,
    /// Whether its path is gone for good: the address of one of the two has changed.
    pub(super) stranded: bool,
    pub(super) channels: Vec<Channel>,
    /// The position of the channel to be served next.
    pub(super) turn: usize,
    pub(super) transmit_scheduled: bool,
    /// When the narrowest part of the path has carried all that waits there.
    pub(super) path_free_at: Instant,
    /// Until when the sender holds back, because the narrowest part of the path had no room.
    pub(super) paused_until: Instant,
    pub(super) inbox: Inbox,
    pub(super) closing: bool,
    /// Whether messages that are sent in one go share a packet.
    pub(super) coalesces: bool,
    /// What the far side is told when it is closed.
    pub(super) parting: Option<Goodbye>,
    /// How much has been said on the control channel, and heard; what has come too early waits.
    pub(super) words_said: u64,
    pub(super) words_heard: u64,
    pub(super) early_words: BTreeMap<u64, Word>,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    /// Which pair it uses, and how often it was another one.
    pub(super) pairs: PairWatch,
}

impl End {
    pub(super) fn new(link: LinkId, config: &LinkConfig, limit: usize, now: Instant) -> Self {
        Self {
            relay: Relay::new(config),
            negotiation: Negotiation::New,
            far: None,
            has_far_candidate: false,
            state: ConnectionState::New,
            phase: Phase::Idle,
            reachable: false,
            stranded: false,
            channels: Vec::new(),
            turn: 0,
            transmit_scheduled: false,
            path_free_at: now,
            paused_until: now,
            inbox: Inbox::new(link, limit),
            closing: false,
            coalesces: false,
            parting: None,
            words_said: 0,
            words_heard: 0,
            early_words: BTreeMap::new(),
            bytes_sent: 0,
            bytes_received: 0,
            pairs: PairWatch::default(),
        }
    }

    pub(super) fn channel(&mut self, index: ChannelIndex) -> Option<&mut Channel> {
        let mut channels = self.channels.iter_mut();
        channels.find(|channel| channel.index == index)
    }

    pub(super) fn stream(&mut self, stream: u16) -> Option<&mut Channel> {
        let mut channels = self.channels.iter_mut();
        channels.find(|channel| channel.parameters.id == stream)
    }
}

/// Events in the order of their arrival. Messages are bounded; the other events are few.
#[derive(Debug)]
pub(super) struct Inbox {
    link: LinkId,
    messages: platform::Inbox,
    /// Each with the number of the message that comes next after it.
    events: VecDeque<(u64, LinkEvent)>,
    /// Messages that were dropped, by channel.
    dropped: BTreeMap<ChannelIndex, u64>,
}

impl Inbox {
    fn new(link: LinkId, limit: usize) -> Self {
        Self {
            link,
            messages: platform::Inbox::new(&[], limit),
            events: VecDeque::new(),
            dropped: BTreeMap::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.dropped.is_empty() && self.messages.is_empty()
    }

    pub(super) fn push(&mut self, event: LinkEvent) {
        if let LinkEvent::Taken { .. } = event {
            // The first one may be what another link goes on from. Of the others the last one says all.
            let is_taken = |(_, event): &(u64, LinkEvent)| matches!(event, LinkEvent::Taken { .. });
            let mut waiting = 0;
            self.events.retain(|event| {
                waiting += usize::from(is_taken(event));
                waiting < 2 || !is_taken(event)
            });
        }
        // Between two that are taken, a buffer may fall to its low-water mark any number of times.
        let is_told = matches!(event, LinkEvent::BufferedAmountLow { .. })
            && self.events.iter().any(|(_, other)| *other == event);
        if !is_told {
            self.events.push_back((self.messages.arrivals(), event));
        }
    }

    /// Takes a message in; older ones that are not reliable may go for it.
    pub(super) fn push_message(
        &mut self,
        channel: ChannelIndex,
        mode: TransferMode,
        payload: Payload,
    ) -> Result<(), InboxFull> {
        self.messages.set_channel(channel, mode);
        let dropped = &mut self.dropped;
        self.messages.push(channel, payload, |channel| {
            *dropped.entry(channel).or_default() += 1;
        })
    }

    pub(super) fn pop(&mut self) -> Option<LinkEvent> {
        let link = self.link;
        if let Some((channel, messages)) = self.dropped.pop_first() {
            return Some(LinkEvent::InboxDropped {
                link,
                channel,
                messages,
            });
        }
        let first = self.messages.first_arrival().unwrap_or(u64::MAX);
        if self.events.front().is_some_and(|(next, _)| first >= *next) {
            return self.events.pop_front().map(|(_, event)| event);
        }
        let (channel, _, payload) = self.messages.pop()?;
        Some(LinkEvent::Message {
            link,
            channel,
            payload,
        })
    }
}

impl World {
    /// Takes nothing more, sends what reliable channels have accepted for at most `linger`, then closes.
    pub(super) fn close(&mut self, key: Key, linger: Duration) {
        let Some(end) = self.ends.get_mut(&key) else {
            return;
        };
        end.closing = true;
        // After a close, no further event of the link is required.
        end.inbox = Inbox::new(key.1, 0);
        for channel in &mut end.channels {
            channel.close();
        }
        if linger.is_zero() || end.phase != Phase::Open {
            self.finish(key, CloseReason::Local);
            return;
        }
        let due = self.clock.now + linger;
        self.clock.schedule(due, Action::LingerOver(key));
        self.close_drained(key);
    }

    /// Completes the close of a link, or of single channels, whose data has arrived.
    pub(super) fn close_drained(&mut self, key: Key) {
        let Some(end) = self.ends.get(&key) else {
            return;
        };
        if end.closing {
            if end.channels.iter().all(Channel::is_drained) {
                self.finish(key, CloseReason::Local);
            }
            return;
        }
        let closing = |channel: &&Channel| channel.state == ChannelState::Closing;
        let channels = end.channels.iter().filter(closing);
        let drained = channels.filter(|channel| channel.is_drained());
        let drained: Vec<u16> = drained.map(|channel| channel.parameters.id).collect();
        let far = end.far;
        for stream in drained {
            self.channel_closed(key, stream);
            self.post(key, far, Content::Reset(stream));
        }
    }

    pub(super) fn channel_closed(&mut self, key: Key, stream: u16) {
        let Some(end) = self.ends.get_mut(&key) else {
            return;
        };
        let closed = end.stream(stream).map(|channel| channel.index);
        if let Some(channel) = closed {
            end.channels.retain(|other| other.index != channel);
            let link = key.1;
            self.tell(key, LinkEvent::ChannelClosed { link, channel });
        }
    }

    /// Ends a link: its last events are queued, and the far side is told if it can be.
    pub(super) fn finish(&mut self, key: Key, reason: CloseReason) {
        let Some(mut end) = self.remove_end(key) else {
            return;
        };
        let link = key.1;
        let said = end.parting.take().or_else(|| Goodbye::of_fault(&reason));
        let may_be_heard = end.reachable || said.is_some();
        let says_goodbye =
            end.phase == Phase::Open && may_be_heard && reason != CloseReason::Remote;
        // Closed channels mean that the far side has left. An end of our own is reported by its reason alone.
        let is_quiet = end.closing || reason == CloseReason::InboxFull;
        if let Some(host) = self.hosts.get_mut(key.0 as usize) {
            host.ended.extend(core::iter::from_fn(|| end.inbox.pop()));
            let channels = end.channels.iter();
            let heard = channels.filter(|channel| !is_quiet && channel.was_open());
            let closed = |channel: &Channel| LinkEvent::ChannelClosed {
                link,
                channel: channel.index,
            };
            host.ended.extend(heard.map(closed));
            host.ended.push_back(LinkEvent::Closed { link, reason });
            self.wakes.extend(host.waker.take());
        }
        if says_goodbye {
            self.part(key, end.far, said);
        }
        if let Some(far) = end.far {
            self.refresh(far);
        }
    }

    /// Ends a backend, with a goodbye on every link or without.
    pub(super) fn end_host(&mut self, index: u32, says_goodbye: bool) {
        let ends: Vec<Key> = self.ends.keys().copied().collect();
        for key in ends.into_iter().filter(|(host, _)| *host == index) {
            if says_goodbye {
                self.finish(key, CloseReason::Local);
            } else if let Some(far) = self.remove_end(key).and_then(|end| end.far) {
                self.refresh(far);
            }
        }
        self.set_alarm(index, None);
        if let Some(host) = self.hosts.get_mut(index as usize) {
            host.alive = false;
            host.ready.clear();
            host.ended.clear();
            self.old_wakers.extend(host.waker.take());
        }
    }
}
