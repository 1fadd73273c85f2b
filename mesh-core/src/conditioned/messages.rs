//! Messages on their way out and in.

use alloc::collections::BTreeMap;

use super::{Conditioned, Disturbance};
use crate::platform::inbox::cost;
use crate::{
    Backend, BackendSendError, ChannelIndex, ChannelParameters, CloseReason, Command,
    ConnectionState, Duration, Goodbye, Instant, LinkEvent, LinkId, Payload, Rejected, Reliability,
    SendLimits,
};

/// How many bytes of an unreliable channel may be on their way out. What is beyond is lost.
const WINDOW: usize = 1024 * 1024;

/// Something on its way.
#[derive(Debug)]
pub(super) enum Travel {
    /// An event of the backend inside.
    In(LinkEvent),
    /// A message for the backend inside.
    Out(LinkId, ChannelIndex, Payload),
}

/// One link.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Its state in the backend inside.
    pub(super) state: ConnectionState,
    /// The state that was reported last.
    pub(super) shown: ConnectionState,
    pub(super) inbox_bytes: usize,
    /// What occupies the inbox: messages on their way in.
    bytes_in: usize,
    /// When the last message on its way in arrives.
    last_in: Option<Instant>,
    /// Nothing that still arrives is of interest but its end.
    closing: bool,
    channels: BTreeMap<ChannelIndex, Channel>,
}

/// One channel of a link.
#[derive(Debug)]
pub(super) struct Channel {
    parameters: ChannelParameters,
    limits: SendLimits,
    is_open: bool,
    /// When the last message on its way in arrives, and the last one on its way out leaves.
    last_in: Option<Instant>,
    last_out: Option<Instant>,
    /// Bytes of messages on their way out.
    bytes_out: usize,
    /// Whether the buffered amount has been above the low-water mark since that was last reported.
    is_above_low: bool,
}

impl Link {
    /// Adds a channel unless it is there.
    pub(super) fn add(
        &mut self,
        index: ChannelIndex,
        parameters: ChannelParameters,
        limits: SendLimits,
    ) {
        self.channels.entry(index).or_insert(Channel {
            parameters,
            limits,
            is_open: false,
            last_in: None,
            last_out: None,
            bytes_out: 0,
            is_above_low: false,
        });
    }

    /// Bytes of a channel that count as buffered: reliable messages on their way out. Unreliable ones have left.
    pub(super) fn buffered(&self, index: ChannelIndex) -> usize {
        let channel = self.channels.get(&index);
        channel.map_or(0, Channel::buffered)
    }
}

impl Channel {
    fn is_reliable(&self) -> bool {
        self.parameters.reliability == Reliability::Reliable
    }

    fn buffered(&self) -> usize {
        if self.is_reliable() {
            self.bytes_out
        } else {
            0
        }
    }
}

/// When a message is due that would be at `earliest`: where there is an order, not before what it must follow.
fn follow(ordered: bool, last: &mut Option<Instant>, earliest: Instant) -> Instant {
    let before = last.filter(|_| ordered);
    let due = before.map_or(earliest, |before| before.max(earliest));
    *last = (*last).max(Some(due));
    due
}

impl<B: Backend> Conditioned<B> {
    /// When a message is due; `None` when it is lost.
    fn draw(&mut self, reliability: Reliability) -> Option<Instant> {
        let Disturbance {
            latency,
            jitter,
            loss,
        } = self.disturbance;
        let delay = self
            .rng
            .delay(jitter, loss, 1, reliability, Duration::ZERO)?;
        let is_lost = self.is_cut() && reliability != Reliability::Reliable;
        (!is_lost).then(|| self.inner.now() + latency.saturating_add(delay))
    }

    fn put(&mut self, due: Instant, travel: Travel) {
        self.order += 1;
        self.travelling.insert((due, self.order), travel);
    }

    fn channel(&mut self, id: LinkId, index: ChannelIndex) -> Option<&mut Channel> {
        self.links.get_mut(&id)?.channels.get_mut(&index)
    }

    pub(super) fn send_disturbed(
        &mut self,
        id: LinkId,
        index: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        let buffered = self.buffered_amount(id, index);
        let is_nothing = !self.is_cut() && self.disturbance == Disturbance::default();
        let channel = self.channel(id, index).filter(|channel| channel.is_open);
        let Some(channel) = channel.filter(|channel| !is_nothing || channel.bytes_out > 0) else {
            return self.inner.send(id, index, payload);
        };
        let size = payload.len().max(1);
        channel.is_above_low |= buffered + size > channel.limits.low_mark();
        if !channel.limits.admits(buffered, size) {
            let reason = BackendSendError::Full;
            return Err(Rejected { payload, reason });
        }
        let parameters = channel.parameters;
        let due = self.draw(parameters.reliability);
        let has_room = |channel: &&mut Channel| channel.is_reliable() || channel.bytes_out < WINDOW;
        let channel = self.channel(id, index).filter(has_room);
        if let (Some(due), Some(channel)) = (due, channel) {
            channel.bytes_out += size;
            let due = follow(parameters.ordered, &mut channel.last_out, due);
            self.put(due, Travel::Out(id, index, payload));
        }
        self.pass_time();
        Ok(())
    }

    /// Hands a message that has been on its way to the backend inside. An unreliable one is lost if there is no room for it,
    /// or if it was due during a cut.
    pub(super) fn hand_over(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
        in_cut: bool,
    ) {
        let of_link = self.links.get_mut(&link);
        let Some(entry) = of_link.and_then(|link| link.channels.get_mut(&channel)) else {
            return;
        };
        entry.bytes_out = entry.bytes_out.saturating_sub(payload.len().max(1));
        if entry.is_reliable() || !in_cut {
            // There is room for a reliable one, because it counted as buffered.
            let _ = self.inner.send(link, channel, payload);
        }
        let buffered = self.inner.buffered_amount(link, channel) + entry.buffered();
        if entry.is_above_low && buffered <= entry.limits.low_mark() {
            entry.is_above_low = false;
            let low = LinkEvent::BufferedAmountLow { link, channel };
            self.ready.push_back(low);
        }
    }

    /// Hands all messages of a channel, or of all channels of a link, to the backend inside, because it is about to be
    /// closed. During a cut they are lost.
    pub(super) fn hand_over_all(&mut self, id: LinkId, only: Option<ChannelIndex>) {
        let is_cut = self.is_cut();
        let concerns = |channel: ChannelIndex| only.is_none_or(|only| only == channel);
        if let Some(link) = self.links.get_mut(&id) {
            link.closing |= only.is_none();
            for (index, channel) in &mut link.channels {
                channel.is_open &= !concerns(*index);
            }
        }
        self.travelling.retain(|_, travel| match travel {
            Travel::Out(link, index, payload) if *link == id && concerns(*index) => {
                if !is_cut {
                    let _ = self.inner.send(id, *index, payload.clone());
                }
                false
            }
            Travel::Out(..) | Travel::In(_) => true,
        });
    }

    /// Forgets what is on its way out on a channel.
    pub(super) fn abandon(&mut self, id: LinkId, channel: ChannelIndex) {
        if let Some(channel) = self.channel(id, channel) {
            channel.is_open = false;
            channel.bytes_out = 0;
        }
        self.travelling.retain(|_, travel| {
            !matches!(travel, Travel::Out(link, index, _) if (*link, *index) == (id, channel))
        });
    }

    /// Takes in what the backend inside reports.
    pub(super) fn receive(&mut self, event: LinkEvent) {
        let (id, now) = (event.link(), self.inner.now());
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let due = match &event {
            LinkEvent::State { state, .. } => {
                link.state = *state;
                return self.show_states();
            }
            LinkEvent::Message {
                channel, payload, ..
            } => {
                let (channel, cost) = (*channel, cost(payload));
                return self.receive_message(channel, cost, event);
            }
            LinkEvent::ChannelOpened {
                channel, actual, ..
            } => {
                link.add(*channel, *actual, SendLimits::default());
                now
            }
            LinkEvent::Closed { .. } if link.closing => now,
            LinkEvent::ChannelClosed { .. }
            | LinkEvent::Goodbye { .. }
            | LinkEvent::Closed { .. } => link.last_in.map_or(now, |last| last.max(now)),
            LinkEvent::Description { .. }
            | LinkEvent::Candidate { .. }
            | LinkEvent::Gathered { .. }
            | LinkEvent::BufferedAmountLow { .. }
            | LinkEvent::InboxDropped { .. }
            | LinkEvent::Stats { .. }
            | LinkEvent::PairSelected { .. }
            | LinkEvent::Taken { .. }
            | LinkEvent::Kicked { .. } => return self.ready.push_back(event),
        };
        self.put(due, Travel::In(event));
    }

    fn receive_message(&mut self, index: ChannelIndex, cost: usize, event: LinkEvent) {
        let id = event.link();
        let Some(parameters) = self.channel(id, index).map(|channel| channel.parameters) else {
            return;
        };
        let due = self.draw(parameters.reliability);
        let link = self.links.get_mut(&id).filter(|link| !link.closing);
        let (Some(due), Some(link)) = (due, link) else {
            return;
        };
        if link.bytes_in.saturating_add(cost) > link.inbox_bytes {
            if parameters.reliability == Reliability::Reliable {
                // The link ends, as it would with a full inbox.
                let goodbye = Goodbye::InboxFull;
                self.inner.execute(Command::Goodbye { link: id, goodbye });
                let linger = Duration::ZERO;
                self.inner.execute(Command::Close { link: id, linger });
                let reason = CloseReason::InboxFull;
                self.arrived(LinkEvent::Closed { link: id, reason }, false);
            }
        } else if let Some(channel) = link.channels.get_mut(&index) {
            let due = follow(parameters.ordered, &mut channel.last_in, due);
            link.last_in = link.last_in.max(Some(due));
            link.bytes_in += cost;
            self.put(due, Travel::In(event));
        }
    }

    /// An event is no longer on its way. Where it was due during a cut, an unreliable message is lost.
    pub(super) fn arrived(&mut self, event: LinkEvent, in_cut: bool) {
        let id = event.link();
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        if let LinkEvent::Message {
            channel, payload, ..
        } = &event
        {
            link.bytes_in = link.bytes_in.saturating_sub(cost(payload));
            let channel = link.channels.get(channel);
            if in_cut && !channel.is_some_and(Channel::is_reliable) {
                return;
            }
        }
        if let LinkEvent::ChannelOpened { channel, .. } = &event
            && let Some(channel) = link.channels.get_mut(channel)
        {
            channel.is_open = !link.closing;
        }
        if let LinkEvent::ChannelClosed { channel, .. } = &event {
            link.channels.remove(channel);
        }
        if let LinkEvent::Closed { .. } = &event {
            self.links.remove(&id);
        }
        self.ready.push_back(event);
    }
}
