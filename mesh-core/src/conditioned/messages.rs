//! Messages on their way out and in.

use super::Conditioned;
use crate::platform::inbox::cost;
use crate::{
    Backend, BackendSendError, ChannelIndex, ChannelParameters, CloseReason, Command,
    ConnectionState, Duration, Instant, LinkEvent, LinkId, Payload, Rejected, Reliability,
    SendLimits,
};

/// How many bytes of an unreliable channel may be on their way out. What is beyond is lost.
const WINDOW: usize = 1024 * 1024;

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    inbox_bytes: usize,
    /// What occupies the inbox: messages on their way in.
    bytes_in: usize,
    /// When the last event on its way in arrives.
    last_in: Instant,
    /// Its state in the backend inside.
    pub(super) state: ConnectionState,
    /// The state that was reported last.
    pub(super) shown: ConnectionState,
    /// Nothing that still arrives is of interest.
    closing: bool,
}

/// One channel of a link.
#[derive(Debug)]
pub(super) struct Channel {
    parameters: ChannelParameters,
    limits: SendLimits,
    is_open: bool,
    /// When the last message on its way in arrives.
    last_in: Instant,
    /// When the last message on its way out leaves.
    last_out: Instant,
    /// Bytes of messages on their way out.
    bytes_out: usize,
    /// Whether the buffered amount has been above the low-water mark since that was last reported.
    is_above_low: bool,
}

impl Link {
    pub(super) const fn new(inbox_bytes: usize) -> Self {
        Self {
            inbox_bytes,
            bytes_in: 0,
            last_in: Instant::from_micros(0),
            state: ConnectionState::New,
            shown: ConnectionState::New,
            closing: false,
        }
    }
}

impl Channel {
    pub(super) const fn new(parameters: ChannelParameters, limits: SendLimits) -> Self {
        Self {
            parameters,
            limits,
            is_open: false,
            last_in: Instant::from_micros(0),
            last_out: Instant::from_micros(0),
            bytes_out: 0,
            is_above_low: false,
        }
    }

    fn is_reliable(&self) -> bool {
        self.parameters.reliability == Reliability::Reliable
    }

    /// What counts as buffered: reliable messages on their way out. Unreliable ones have left.
    pub(super) fn buffered(&self) -> usize {
        if self.is_reliable() {
            self.bytes_out
        } else {
            0
        }
    }
}

/// When something is due that would be at `earliest`: where there is an order, not before what it must follow.
fn follow(ordered: bool, last: &mut Instant, earliest: Instant) -> Instant {
    let due = if ordered {
        earliest.max(*last)
    } else {
        earliest
    };
    *last = due.max(*last);
    due
}

impl<B: Backend> Conditioned<B> {
    /// When a message of a channel is due; `None` when it is lost.
    fn draw(&mut self, reliability: Reliability) -> Option<Instant> {
        let jitter = self.disturbance.jitter;
        let delay = self
            .rng
            .delay(jitter, self.loss, 1, reliability, Duration::ZERO)?;
        let is_lost = self.is_cut() && reliability != Reliability::Reliable;
        let due = self.inner.now() + self.disturbance.latency.saturating_add(delay);
        (!is_lost).then_some(due)
    }

    pub(super) fn send_disturbed(
        &mut self,
        id: LinkId,
        index: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        let buffered = self.buffered_amount(id, index);
        let is_nothing = !self.is_cut() && self.disturbance.is_nothing();
        let channel = self.channels.get_mut(&(id, index));
        let channel = channel.filter(|channel| channel.is_open);
        let Some(channel) = channel.filter(|channel| !is_nothing || channel.bytes_out > 0) else {
            return self.inner.send(id, index, payload);
        };
        let size = payload.len().max(1);
        channel.is_above_low |= buffered + size > channel.limits.low_mark();
        if !channel.limits.admits(buffered, size) {
            let reason = BackendSendError::Full;
            return Err(Rejected { payload, reason });
        }
        let ChannelParameters {
            ordered,
            reliability,
            ..
        } = channel.parameters;
        let due = self.draw(reliability);
        let number = self.next_number();
        let channel = self.channels.get_mut(&(id, index));
        let has_room = |channel: &&mut Channel| channel.is_reliable() || channel.bytes_out < WINDOW;
        if let (Some(due), Some(channel)) = (due, channel.filter(has_room)) {
            channel.bytes_out += size;
            let due = follow(ordered, &mut channel.last_out, due);
            self.outgoing.insert((due, number), (id, index, payload));
        }
        self.pass_time();
        Ok(())
    }

    /// Hands a message that has been on its way to the backend inside. An unreliable one is lost if there is no room for it,
    /// or if it was due during a cut.
    pub(super) fn hand_over(
        &mut self,
        id: LinkId,
        index: ChannelIndex,
        payload: Payload,
        in_cut: bool,
    ) {
        let Some(channel) = self.channels.get_mut(&(id, index)) else {
            return;
        };
        channel.bytes_out = channel.bytes_out.saturating_sub(payload.len().max(1));
        if channel.is_reliable() || !in_cut {
            // There is room for a reliable one, because it counted as buffered.
            let _ = self.inner.send(id, index, payload);
        }
        let buffered = self.inner.buffered_amount(id, index) + channel.buffered();
        if channel.is_above_low && buffered <= channel.limits.low_mark() {
            channel.is_above_low = false;
            let (link, channel) = (id, index);
            let low = LinkEvent::BufferedAmountLow { link, channel };
            self.ready.push_back(low);
        }
    }

    /// Hands all messages of a channel, or of all channels of a link, to the backend inside, because it is about to be
    /// closed. During a cut they are lost.
    pub(super) fn hand_over_all(&mut self, id: LinkId, only: Option<ChannelIndex>) {
        let is_cut = self.is_cut();
        if let Some(link) = self.links.get_mut(&id) {
            link.closing |= only.is_none();
        }
        let concerns = |link: LinkId, channel: ChannelIndex| {
            link == id && only.is_none_or(|only| only == channel)
        };
        for (_, channel) in self
            .channels
            .iter_mut()
            .filter(|(of, _)| concerns(of.0, of.1))
        {
            channel.is_open = false;
        }
        self.outgoing.retain(|_, (link, index, payload)| {
            let goes = concerns(*link, *index);
            if goes && !is_cut {
                let _ = self.inner.send(id, *index, payload.clone());
            }
            !goes
        });
    }

    /// Forgets what is on its way in on a link.
    pub(super) fn forget_incoming(&mut self, id: LinkId) {
        self.incoming.retain(|_, event| event.link() != id);
    }

    /// Takes in what the backend inside reports.
    pub(super) fn receive(&mut self, event: LinkEvent) {
        let id = event.link();
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let after = match &event {
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
                let channel_of = || Channel::new(*actual, SendLimits::default());
                let channel = self.channels.entry((id, *channel));
                channel.or_insert_with(channel_of).last_in
            }
            LinkEvent::ChannelClosed { channel, .. } => {
                let channel = self.channels.get(&(id, *channel));
                channel.map_or(link.last_in, |channel| channel.last_in)
            }
            LinkEvent::Closed { .. } if link.closing => return self.arrived(event, false),
            LinkEvent::Closed { .. } => link.last_in,
            LinkEvent::Description { .. }
            | LinkEvent::Candidate { .. }
            | LinkEvent::Gathered { .. }
            | LinkEvent::BufferedAmountLow { .. }
            | LinkEvent::InboxDropped { .. }
            | LinkEvent::Stats { .. } => return self.ready.push_back(event),
        };
        let due = follow(false, &mut link.last_in, after.max(self.inner.now()));
        let number = self.next_number();
        self.incoming.insert((due, number), event);
    }

    fn receive_message(&mut self, index: ChannelIndex, cost: usize, event: LinkEvent) {
        let id = event.link();
        let Some(channel) = self.channels.get(&(id, index)) else {
            return;
        };
        let (parameters, reliable) = (channel.parameters, channel.is_reliable());
        let due = self.draw(parameters.reliability);
        let number = self.next_number();
        let link = self.links.get_mut(&id).filter(|link| !link.closing);
        let channel = self.channels.get_mut(&(id, index));
        let (Some(link), Some(channel), Some(due)) = (link, channel, due) else {
            return;
        };
        if link.bytes_in.saturating_add(cost) <= link.inbox_bytes {
            link.bytes_in += cost;
            let due = follow(parameters.ordered, &mut channel.last_in, due);
            link.last_in = link.last_in.max(due);
            self.incoming.insert((due, number), event);
        } else if reliable {
            // The link ends, as it would with a full inbox.
            self.forget_incoming(id);
            let linger = Duration::ZERO;
            self.inner.execute(Command::Close { link: id, linger });
            let reason = CloseReason::InboxFull;
            self.arrived(LinkEvent::Closed { link: id, reason }, false);
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
            let channel = self.channels.get(&(id, *channel));
            if in_cut && !channel.is_some_and(Channel::is_reliable) {
                return;
            }
        }
        if let LinkEvent::ChannelOpened { channel, .. } = &event
            && let Some(channel) = self.channels.get_mut(&(id, *channel))
        {
            channel.is_open = !link.closing;
        }
        if let LinkEvent::ChannelClosed { channel, .. } = &event {
            self.channels.remove(&(id, *channel));
        }
        if let LinkEvent::Closed { .. } = &event {
            self.links.remove(&id);
            self.channels.retain(|(link, _), _| *link != id);
        }
        self.ready.push_back(event);
    }
}
