//! Messages on their way out and in.

use super::Conditioned;
use super::link::{Channel, follow};
use crate::platform::inbox::cost;
use crate::{
    Backend, BackendSendError, ChannelIndex, CloseReason, Command, Duration, LinkEvent, LinkId,
    Payload, Rejected, SendLimits,
};

impl<B: Backend> Conditioned<B> {
    pub(super) fn send_disturbed(
        &mut self,
        id: LinkId,
        index: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        let now = self.inner.now();
        let buffered = self.buffered_amount(id, index);
        let is_nothing = !self.is_cut() && self.disturbance.is_nothing();
        let link = self.links.get_mut(&id).filter(|link| !link.closing);
        let channel = link.and_then(|link| link.channels.get_mut(&index));
        let channel = channel.filter(|channel| channel.is_open);
        let Some(channel) = channel.filter(|channel| !is_nothing || channel.bytes_out > 0) else {
            return self.inner.send(id, index, payload);
        };
        let parameters = channel.parameters;
        if self.cut.is_some() && !channel.is_reliable() {
            return Ok(());
        }
        let size = payload.len().max(1);
        channel.is_above_low |= buffered + size > channel.limits.low_mark();
        if !channel.limits.admits(buffered, size) {
            let reason = BackendSendError::Full;
            return Err(Rejected { payload, reason });
        }
        let Some(delay) = self.draw_delay(parameters.reliability) else {
            return Ok(());
        };
        let number = self.next_number();
        if let Some(channel) = self.channel(id, index) {
            channel.bytes_out += size;
            let due = follow(parameters.ordered, &mut channel.last_out, now + delay);
            self.outgoing.insert((due, number), (id, index, payload));
        }
        self.pass_time();
        Ok(())
    }

    fn channel(&mut self, id: LinkId, index: ChannelIndex) -> Option<&mut Channel> {
        self.links.get_mut(&id)?.channels.get_mut(&index)
    }

    /// Hands a message that has been on its way, and those that were blocked before it, to the backend inside, as far as
    /// it takes them. Where it was due during a cut, an unreliable message is lost.
    pub(super) fn hand_over(
        &mut self,
        id: LinkId,
        index: ChannelIndex,
        payload: Option<Payload>,
        in_cut: bool,
    ) {
        let link = self.links.get_mut(&id);
        let Some(channel) = link.and_then(|link| link.channels.get_mut(&index)) else {
            return;
        };
        channel.blocked.extend(payload);
        while let Some(payload) = channel.blocked.pop_front() {
            let size = payload.len().max(1);
            let is_lost = in_cut && !channel.is_reliable();
            if !is_lost
                && let Err(Rejected { payload, reason }) = self.inner.send(id, index, payload)
                && reason == BackendSendError::Full
                && channel.is_reliable()
            {
                channel.blocked.push_front(payload);
                break;
            }
            // An unreliable message for which there is no room inside is lost.
            channel.bytes_out = channel.bytes_out.saturating_sub(size);
        }
        let buffered = self.inner.buffered_amount(id, index) + channel.buffered(false);
        if channel.is_above_low && buffered <= channel.limits.low_mark() {
            channel.is_above_low = false;
            let (link, channel) = (id, index);
            self.ready
                .push_back(LinkEvent::BufferedAmountLow { link, channel });
        }
    }

    /// Hands all messages of a channel, or of all channels of a link, to the backend inside, because it is about to be
    /// closed. During a cut they are lost.
    pub(super) fn hand_over_all(&mut self, id: LinkId, only: Option<ChannelIndex>) {
        let is_cut = self.is_cut();
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        link.closing |= only.is_none();
        let concerns = |channel: ChannelIndex| only.is_none_or(|only| only == channel);
        for (index, channel) in link
            .channels
            .iter_mut()
            .filter(|(index, _)| concerns(**index))
        {
            channel.is_open = false;
            for payload in core::mem::take(&mut channel.blocked) {
                let _ = self.inner.send(id, *index, payload);
            }
        }
        self.outgoing.retain(|_, (link, channel, payload)| {
            let goes = *link == id && concerns(*channel);
            if goes && !is_cut {
                let _ = self.inner.send(id, *channel, payload.clone());
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
        let now = self.inner.now();
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
                link.add_channel(*channel, *actual, SendLimits::default());
                now
            }
            LinkEvent::ChannelClosed { channel, .. } => {
                let channel = link.channels.get(channel);
                channel.map_or(now, |channel| channel.last_in)
            }
            LinkEvent::Closed { .. } if link.closing => return self.arrived(event, false),
            LinkEvent::Closed { .. } => link.last_in,
            LinkEvent::BufferedAmountLow { channel, .. } => {
                let known = link.channels.get(channel);
                if known.is_some_and(|channel| !channel.blocked.is_empty()) {
                    return self.hand_over(id, *channel, None, false);
                }
                return self.ready.push_back(event);
            }
            LinkEvent::Description { .. }
            | LinkEvent::Candidate { .. }
            | LinkEvent::Gathered { .. }
            | LinkEvent::InboxDropped { .. }
            | LinkEvent::Stats { .. } => return self.ready.push_back(event),
        };
        let due = follow(true, &mut link.last_in, due.max(now));
        let number = self.next_number();
        self.incoming.insert((due, number), event);
    }

    fn receive_message(&mut self, index: ChannelIndex, cost: usize, event: LinkEvent) {
        let id = event.link();
        let is_cut = self.is_cut();
        let now = self.inner.now();
        let Some(channel) = self.channel(id, index) else {
            return;
        };
        let (parameters, reliable) = (channel.parameters, channel.is_reliable());
        let delay = self.draw_delay(parameters.reliability);
        let number = self.next_number();
        let link = self.links.get_mut(&id).filter(|link| !link.closing);
        let (Some(link), Some(delay)) = (link, delay.filter(|_| reliable || !is_cut)) else {
            return;
        };
        if link.bytes_in.saturating_add(cost) > link.inbox_bytes {
            if reliable {
                self.overflow(id);
            }
            return;
        }
        link.bytes_in += cost;
        if let Some(channel) = link.channels.get_mut(&index) {
            let due = follow(parameters.ordered, &mut channel.last_in, now + delay);
            link.last_in = link.last_in.max(due);
            self.incoming.insert((due, number), event);
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
        if let LinkEvent::ChannelOpened { channel, .. } | LinkEvent::ChannelClosed { channel, .. } =
            &event
            && let Some(channel) = link.channels.get_mut(channel)
        {
            channel.is_open = matches!(event, LinkEvent::ChannelOpened { .. }) && !link.closing;
        }
        if let LinkEvent::Closed { .. } = &event {
            self.links.remove(&id);
        }
        self.ready.push_back(event);
    }

    /// A reliable message found no room: the link ends, as it would with a full inbox.
    fn overflow(&mut self, id: LinkId) {
        self.forget_incoming(id);
        let linger = Duration::ZERO;
        self.inner.execute(Command::Close { link: id, linger });
        let reason = CloseReason::InboxFull;
        self.arrived(LinkEvent::Closed { link: id, reason }, false);
    }
}
