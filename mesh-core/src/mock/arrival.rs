//! The arrival of messages at the far side.

use alloc::format;
use core::time::Duration;

use super::clock::Action;
use super::endpoint::Endpoint;
use super::key::Key;
use super::transport::{Flight, Label, WINDOW};
use super::world::World;
use crate::platform::InboxFull;
use crate::{CloseReason, Instant, Payload, TransferMode};

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
    pub(super) fn arrive(&mut self, key: Key) {
        let Some(Flight { label, payload }) = self.flights.remove(key) else {
            return;
        };
        match self.fate(&label) {
            Fate::Delivered => {
                self.acknowledge(&label, payload.len());
                self.receive(&label, payload);
            }
            Fate::Blocked => self.hold(label, payload),
            Fate::Early(until) => {
                let flight = self.flights.insert(|_| Flight { label, payload });
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
        let flight = self.flights.insert(|_| Flight { label, payload });
        if let Some(sender) = self.live_mut(label.from) {
            sender.held.push(flight);
        }
    }

    /// Sends the held messages again, after the time of a retransmission.
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

    /// Tells the sender that a message arrived, so that it may send another.
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
            // There is no channel for this stream. Real stacks drop such messages, too.
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
            // A later message has overtaken this one, so it is dropped.
            Ok(())
        };
        match overflow {
            Ok(()) => self.notify(label.to),
            Err(InboxFull) => self.finish(label.to, CloseReason::InboxFull, true),
        }
    }
}

impl Endpoint {
    fn store(&mut self, stream: u16, payload: Payload) -> Result<(), InboxFull> {
        let Some(channel) = self.stream_mut(stream) else {
            return Ok(());
        };
        let mode = if channel.is_reliable() {
            TransferMode::Reliable
        } else {
            TransferMode::Unreliable
        };
        let index = channel.index;
        self.bytes_received += payload.len() as u64;
        self.inbox.push_message(index, mode, payload)
    }

    /// Stores the messages that are next in order, as far as they have arrived.
    fn store_in_order(&mut self, stream: u16) -> Result<(), InboxFull> {
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
