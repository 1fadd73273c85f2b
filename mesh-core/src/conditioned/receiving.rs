//! Events on their way in.

use super::link::{Link, cost};
use super::{Conditioned, OnTheWay};
use crate::{
    Backend, ChannelIndex, CloseReason, Command, ConnectionState, Duration, Instant, LinkEvent,
    LinkId, Payload, SendLimits,
};

impl<B: Backend> Conditioned<B> {
    /// Takes in what the backend inside reports.
    pub(super) fn receive(&mut self, event: LinkEvent) {
        let id = event.link();
        let is_cut = self.is_cut();
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        match event {
            LinkEvent::State { state, .. } => {
                link.state = state;
                self.show_states();
            }
            LinkEvent::Message {
                channel, payload, ..
            } => self.receive_message(id, channel, payload),
            LinkEvent::ChannelOpened {
                channel, actual, ..
            } => {
                link.add_channel(channel, actual, SendLimits::default());
                if is_cut {
                    link.held.push_back(event);
                    return;
                }
                if let Some(channel) = link.channels.get_mut(&channel) {
                    channel.is_open = !link.closing;
                }
                self.ready.push_back(event);
            }
            LinkEvent::ChannelClosed { .. } if is_cut => link.held.push_back(event),
            LinkEvent::ChannelClosed { channel, .. } => {
                let due = link.channels.get_mut(&channel).map(|channel| {
                    channel.is_open = false;
                    channel.last_in
                });
                self.follow(due, event);
            }
            LinkEvent::Closed {
                reason: CloseReason::Remote,
                ..
            } if is_cut && !link.closing => link.held.push_back(event),
            LinkEvent::Closed { .. } => {
                let due = (!link.closing).then_some(link.last_in);
                self.follow(due, event);
            }
            LinkEvent::BufferedAmountLow { channel, .. } => {
                self.room_inside(id, channel);
            }
            LinkEvent::Description { .. }
            | LinkEvent::Candidate { .. }
            | LinkEvent::Gathered { .. }
            | LinkEvent::InboxDropped { .. }
            | LinkEvent::Stats { .. } => self.ready.push_back(event),
        }
    }

    fn receive_message(&mut self, id: LinkId, index: ChannelIndex, payload: Payload) {
        let now = self.now;
        let is_cut = self.is_cut();
        let Some(channel) = self
            .links
            .get(&id)
            .filter(|link| !link.closing)
            .and_then(|link| link.channels.get(&index))
        else {
            return;
        };
        let reliable = channel.is_reliable();
        let delay = self.draw_delay(id, index);
        let Some(delay) = delay.filter(|_| reliable || !is_cut) else {
            return;
        };
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let size = cost(&payload);
        if link.bytes_in.saturating_add(size) > link.inbox_bytes {
            if reliable {
                self.overflow(id);
            }
            return;
        }
        link.bytes_in += size;
        let event = LinkEvent::Message {
            link: id,
            channel: index,
            payload,
        };
        if is_cut {
            link.held.push_back(event);
            return;
        }
        let due = link.due(index, now + delay);
        if due <= now {
            self.arrived(event);
        } else {
            self.delay(due, OnTheWay::In(event));
        }
    }

    /// Takes in again what a cut held up.
    pub(super) fn receive_held(&mut self, event: LinkEvent) {
        if let LinkEvent::Message { link, payload, .. } = &event
            && let Some(link) = self.links.get_mut(link)
        {
            link.bytes_in = link.bytes_in.saturating_sub(cost(payload));
        }
        self.receive(event);
    }

    /// Reports an event once all has arrived that came before it.
    fn follow(&mut self, after: Option<Instant>, event: LinkEvent) {
        match after.filter(|due| *due > self.now) {
            Some(due) => {
                if let Some(link) = self.links.get_mut(&event.link()) {
                    link.last_in = link.last_in.max(due);
                }
                self.delay(due, OnTheWay::In(event));
            }
            None => self.arrived(event),
        }
    }

    /// The delay of an event is over.
    pub(super) fn arrived(&mut self, event: LinkEvent) {
        let id = event.link();
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        if let LinkEvent::Message { payload, .. } = &event {
            link.bytes_in = link.bytes_in.saturating_sub(cost(payload));
            if link.closing {
                return;
            }
        }
        if let LinkEvent::Closed { .. } = &event {
            self.links.remove(&id);
        }
        self.ready.push_back(event);
    }

    /// A reliable message found no room: the link ends, as it would with a full inbox.
    fn overflow(&mut self, id: LinkId) {
        self.links.remove(&id);
        self.inner.execute(Command::Close {
            link: id,
            linger: Duration::ZERO,
        });
        self.ready.push_back(LinkEvent::Closed {
            link: id,
            reason: CloseReason::InboxFull,
        });
    }

    /// Reports the states of links that look different now, because of the backend inside or because of a cut.
    pub(super) fn show_states(&mut self) {
        for (id, link) in &mut self.links {
            let state = match self.cut {
                Some(cut) if link.state == ConnectionState::Connected => {
                    if cut.noticed && link.shown == ConnectionState::Connected {
                        ConnectionState::Disconnected
                    } else {
                        // A link that is not connected yet connects after the cut.
                        link.shown
                    }
                }
                _ => link.state,
            };
            if state != link.shown {
                link.shown = state;
                self.ready.push_back(LinkEvent::State { link: *id, state });
            }
        }
    }
}

impl Link {
    /// When a message arrives that could arrive at `earliest`: not before those it must follow.
    fn due(&mut self, index: ChannelIndex, earliest: Instant) -> Instant {
        let Some(channel) = self.channels.get_mut(&index) else {
            return earliest;
        };
        let due = if channel.ordered {
            earliest.max(channel.last_in)
        } else {
            earliest
        };
        channel.last_in = channel.last_in.max(due);
        self.last_in = self.last_in.max(due);
        due
    }
}
