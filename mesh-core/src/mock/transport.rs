//! Messages on their way: SCTP as an application sees it.

use alloc::format;
use core::time::Duration;

use super::channel::{Queued, Room};
use super::clock::Action;
use super::inbox::Overflow;
use super::link::End;
use super::slab::Key;
use super::world::World;
use crate::{BackendSendError, ChannelIndex, CloseReason, Instant, LinkEvent, LinkId, Payload};

/// Bytes of reliable messages a link may have on their way: what receivers commonly offer as their window.
const WINDOW: usize = 1024 * 1024;

/// What is written on a message.
#[derive(Clone, Copy, Debug)]
struct Label {
    from: Key,
    from_host: u32,
    to: Key,
    stream: u16,
    /// Number in the sender's counting of its channel.
    number: u64,
    ordered: bool,
    reliable: bool,
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct Flight {
    label: Label,
    /// Taken at the first arrival; what arrives later is a duplicate.
    payload: Option<Payload>,
    /// Arrivals still to come.
    copies: u8,
}

impl Flight {
    const fn new(label: Label, payload: Payload) -> Self {
        Self {
            label,
            payload: Some(payload),
            copies: 1,
        }
    }
}

/// What becomes of a message when it arrives.
enum Fate {
    Delivered,
    /// The route does not carry it.
    Blocked,
    /// The receiver's side of the handshake is not complete.
    Early(Instant),
    /// Nobody is there to take it.
    Pointless,
}

impl World {
    pub(super) fn send(
        &mut self,
        host: u32,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), BackendSendError> {
        let now = self.clock.now();
        let known = self
            .host(host)
            .and_then(|host| host.links.get(&link).copied());
        let key = known.ok_or(BackendSendError::NotOpen)?;
        let end = self.live_mut(key).ok_or(BackendSendError::NotOpen)?;
        let channel = end.channel_mut(channel).ok_or(BackendSendError::NotOpen)?;
        channel.accept(payload, now)?;
        self.schedule_transmit(key, now);
        Ok(())
    }

    pub(super) fn buffered_amount(&self, host: u32, link: LinkId, channel: ChannelIndex) -> usize {
        self.host(host)
            .and_then(|host| host.links.get(&link))
            .and_then(|key| self.live(*key))
            .and_then(|end| end.channel(channel))
            .map_or(0, |channel| channel.buffered())
    }

    pub(super) fn schedule_transmit(&mut self, key: Key, due: Instant) {
        let Some(end) = self.live_mut(key) else {
            return;
        };
        if end.transmit_scheduled || !end.is_associated() {
            return;
        }
        end.transmit_scheduled = true;
        let due = due.max(end.wire_free_at);
        self.clock.schedule(due, Action::Transmit { end: key });
    }

    /// Puts messages on the wire, one of each channel in turn, until none may go.
    pub(super) fn transmit(&mut self, key: Key) {
        let now = self.clock.now();
        if let Some(end) = self.live_mut(key) {
            end.transmit_scheduled = false;
        }
        while let Some(position) = self.next_channel(key) {
            let Some(end) = self.live_mut(key) else {
                return;
            };
            if end.wire_free_at > now {
                self.schedule_transmit(key, now);
                return;
            }
            let link = end.link;
            let Some(channel) = end.channels.get_mut(position) else {
                return;
            };
            let index = channel.index;
            let Some((queued, room)) = channel.take() else {
                return;
            };
            if room == Room::FellToLowWater {
                let event = LinkEvent::BufferedAmountLow {
                    link,
                    channel: index,
                };
                self.tell(key, event);
            }
            self.launch(key, position, queued);
        }
        self.progress_of_closing(key);
    }

    /// The next channel with a message that may go. Reliable ones wait for the window and for the route.
    fn next_channel(&mut self, key: Key) -> Option<usize> {
        let end = self.live_mut(key)?;
        let count = end.channels.len();
        let may_be_reliable = end.reachable && end.in_flight < WINDOW;
        let position = (0..count)
            .map(|offset| (end.turn + offset) % count)
            .find(|position| {
                end.channels.get(*position).is_some_and(|channel| {
                    channel.has_queued() && (may_be_reliable || !channel.is_reliable())
                })
            })?;
        end.turn = position + 1;
        Some(position)
    }

    /// Decides what becomes of a message.
    fn launch(&mut self, key: Key, position: usize, queued: Queued) {
        let now = self.clock.now();
        let Self {
            ends,
            paths,
            rng,
            clock,
            flights,
            ..
        } = self;
        let Some(to) = ends.get(key).and_then(|end| end.far) else {
            return;
        };
        let far_host = ends.get(to).map(|far| far.host);
        let Some(end) = ends.get_mut(key) else {
            return;
        };
        let size = queued.payload.len();
        end.bytes_sent += size as u64;
        let Some(channel) = end.channels.get_mut(position) else {
            return;
        };
        let reliability = channel.parameters.reliability;
        let waited = now - queued.accepted;
        let Some(far_host) = far_host.filter(|_| end.reachable) else {
            return;
        };
        let expired = reliability
            .lifetime()
            .is_some_and(|lifetime| waited > lifetime);
        if expired {
            return;
        }
        let path = paths.path(end.host, far_host);
        let mut arrival = now;
        if let Some(occupied) = path.occupies(size) {
            end.wire_free_at = now + occupied;
            arrival += occupied;
        }
        let Some(transit) = path.transit(rng, size, reliability, waited) else {
            return;
        };
        arrival += transit.delay;
        channel.sent += 1;
        let reliable = channel.is_reliable();
        if reliable {
            channel.in_flight += 1;
            end.in_flight += size;
        }
        let label = Label {
            from: key,
            from_host: end.host,
            to,
            stream: channel.stream(),
            number: channel.sent,
            ordered: channel.parameters.ordered,
            reliable,
        };
        let mut flight = Flight::new(label, queued.payload);
        flight.copies += u8::from(transit.copy.is_some());
        let flight = flights.insert(flight);
        clock.schedule(arrival, Action::Arrive { flight });
        if let Some(later) = transit.copy {
            clock.schedule(arrival + later, Action::Arrive { flight });
        }
    }

    pub(super) fn arrive(&mut self, key: Key) {
        let Some(flight) = self.flights.get_mut(key) else {
            return;
        };
        flight.copies -= 1;
        let Some(payload) = flight.payload.take() else {
            // A duplicate.
            if flight.copies == 0 {
                self.flights.remove(key);
            }
            return;
        };
        let label = flight.label;
        if flight.copies == 0 {
            self.flights.remove(key);
        }
        match self.fate(&label) {
            Fate::Delivered => {
                self.acknowledge(&label, payload.len());
                self.receive(&label, payload);
            }
            Fate::Blocked => self.hold(label, payload),
            Fate::Early(until) => {
                let flight = self.flights.insert(Flight::new(label, payload));
                self.clock.schedule(until, Action::Arrive { flight });
            }
            Fate::Pointless => self.acknowledge(&label, payload.len()),
        }
    }

    fn fate(&self, label: &Label) -> Fate {
        let Some(receiver) = self.live(label.to) else {
            return Fate::Pointless;
        };
        if !self.paths.is_up(label.from_host, receiver.host) {
            return Fate::Blocked;
        }
        if receiver.is_associated() {
            return Fate::Delivered;
        }
        if receiver.reachable {
            let soon = self.clock.now() + Duration::from_millis(1);
            return Fate::Early(receiver.associated_at.max(soon));
        }
        Fate::Blocked
    }

    /// Keeps a reliable message until the route answers again; any other is lost.
    fn hold(&mut self, label: Label, payload: Payload) {
        if !label.reliable || self.live(label.from).is_none() {
            return;
        }
        let flight = self.flights.insert(Flight::new(label, payload));
        if let Some(sender) = self.live_mut(label.from) {
            sender.held.push(flight);
        }
    }

    /// Sends what was held again, as after a retransmission timeout.
    pub(super) fn release_held(&mut self, key: Key) {
        let now = self.clock.now();
        let Some((end, _, far)) = self.pair(key) else {
            return;
        };
        let path = self.paths.path(end.host, far.host);
        let due = now + path.retransmit() + path.latency();
        let Some(end) = self.live_mut(key) else {
            return;
        };
        for flight in core::mem::take(&mut end.held) {
            self.clock.schedule(due, Action::Arrive { flight });
        }
    }

    /// The sender learns that a message arrived: there is room for another.
    fn acknowledge(&mut self, label: &Label, size: usize) {
        if !label.reliable {
            return;
        }
        let now = self.clock.now();
        let Some(sender) = self.live_mut(label.from) else {
            return;
        };
        let was_full = sender.in_flight >= WINDOW;
        sender.in_flight = sender.in_flight.saturating_sub(size);
        let mut ending = sender.closing;
        if let Some(channel) = sender.stream_mut(label.stream) {
            channel.in_flight = channel.in_flight.saturating_sub(1);
            ending |= !channel.is_open();
        }
        if was_full {
            self.schedule_transmit(label.from, now);
        }
        if ending {
            self.progress_of_closing(label.from);
        }
    }

    fn receive(&mut self, label: &Label, payload: Payload) {
        let Some(end) = self.live_mut(label.to).filter(|end| !end.closing) else {
            return;
        };
        let host = end.host;
        let limit = self.host(host).map(|host| host.config.max_message_size);
        if limit.is_some_and(|limit| payload.len() > limit) {
            let problem = format!("a message of {} bytes was not agreed on", payload.len());
            self.finish(label.to, CloseReason::Protocol(problem), true);
            return;
        }
        let Some(end) = self.live_mut(label.to) else {
            return;
        };
        let Some(channel) = end
            .stream_mut(label.stream)
            .filter(|channel| channel.is_receiving())
        else {
            // As real stacks do: nobody has claimed this stream, so what comes on it is dropped.
            let last = end.unclaimed.entry(label.stream).or_default();
            *last = label.number.max(*last);
            return;
        };
        let overflow = if !label.ordered {
            end.store(label.stream, payload)
        } else if label.reliable {
            channel.early.insert(label.number, payload);
            end.store_in_order(label.stream)
        } else if label.number > channel.delivered {
            channel.delivered = label.number;
            end.store(label.stream, payload)
        } else {
            // Overtaken: what would come late does not come.
            Ok(())
        };
        match overflow {
            Ok(()) => self.notify(label.to),
            Err(Overflow) => self.finish(label.to, CloseReason::InboxFull, true),
        }
    }
}

impl End {
    fn store(&mut self, stream: u16, payload: Payload) -> Result<(), Overflow> {
        let link = self.link;
        let Some(channel) = self.stream_mut(stream) else {
            return Ok(());
        };
        let (index, droppable) = (channel.index, !channel.is_reliable());
        self.bytes_received += payload.len() as u64;
        self.inbox.push_message(link, index, payload, droppable)
    }

    /// Stores what is next in order, as far as it is there.
    fn store_in_order(&mut self, stream: u16) -> Result<(), Overflow> {
        while let Some(channel) = self.stream_mut(stream) {
            let next = channel.delivered + 1;
            let Some(payload) = channel.early.remove(&next) else {
                break;
            };
            channel.delivered = next;
            self.store(stream, payload)?;
        }
        Ok(())
    }
}
