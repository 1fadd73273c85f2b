//! The sending of messages, as an application sees SCTP.

use super::channel::{Channel, Queued, Room, rejected};
use super::clock::Action;
use super::key::Key;
use super::world::World;
use crate::{BackendSendError, ChannelIndex, Instant, LinkEvent, LinkId, Payload, Rejected};

/// How many bytes of reliable messages a link may have on their way. It is the window that receivers commonly offer.
pub(super) const WINDOW: usize = 1024 * 1024;

/// What accompanies a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    pub(super) from: Key,
    pub(super) from_host: u32,
    pub(super) to: Key,
    pub(super) stream: u16,
    /// Its number on its channel.
    pub(super) number: u64,
    pub(super) ordered: bool,
    pub(super) reliable: bool,
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) label: Label,
    pub(super) payload: Payload,
}

impl World {
    pub(super) fn send(
        &mut self,
        host: u32,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        let now = self.clock.now();
        let known = self
            .host(host)
            .and_then(|host| host.links.get(&link).copied());
        let channel = known
            .and_then(|key| Some((key, self.live_mut(key)?)))
            .and_then(|(key, end)| Some((key, end.channel_mut(channel)?)));
        let Some((key, channel)) = channel else {
            return Err(rejected(payload, BackendSendError::NotOpen));
        };
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
        let due = due.max(end.paused_until);
        self.clock.schedule(due, Action::Transmit { end: key });
    }

    /// Sends messages, one of each channel in turn, until none may be sent.
    pub(super) fn transmit(&mut self, key: Key) {
        let now = self.clock.now();
        if let Some(end) = self.live_mut(key) {
            end.transmit_scheduled = false;
        }
        while let Some(position) = self.next_channel(key) {
            let Some(end) = self.live_mut(key) else {
                return;
            };
            if end.paused_until > now {
                self.schedule_transmit(key, now);
                return;
            }
            let has_room = self.has_room(key);
            let Some(end) = self.live_mut(key) else {
                return;
            };
            if !has_room && end.channels.get(position).is_some_and(Channel::sends_again) {
                continue;
            }
            end.turn = position + 1;
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
            if has_room {
                self.launch(key, position, queued);
            }
        }
        self.progress_of_closing(key);
    }

    /// The next channel with a message that may be sent. Reliable ones wait for room in the window and for the route.
    fn next_channel(&self, key: Key) -> Option<usize> {
        let end = self.live(key)?;
        let count = end.channels.len();
        let may_be_reliable = end.reachable && end.in_flight < WINDOW;
        (0..count)
            .map(|offset| (end.turn + offset) % count)
            .find(|position| {
                end.channels.get(*position).is_some_and(|channel| {
                    channel.has_queued() && (may_be_reliable || !channel.is_reliable())
                })
            })
    }

    /// Whether the queue of the narrowest part of the path has room. If not, the sender pauses until half of it is free.
    fn has_room(&mut self, key: Key) -> bool {
        let now = self.clock.now();
        let Some((end, _, far)) = self.pair(key).filter(|(end, ..)| end.reachable) else {
            return true;
        };
        let path = self.paths.path(end.host, far.host);
        let (limit, waits) = (path.queue(), end.path_free_at - now);
        if !path.is_narrow() || waits <= limit {
            return true;
        }
        if let Some(end) = self.live_mut(key) {
            end.paused_until = now + (waits - limit / 2);
        }
        false
    }

    /// Sends one message, which arrives later or is lost.
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
            arrival = now.max(end.path_free_at) + occupied;
            end.path_free_at = arrival;
            if path.queue().is_zero() {
                end.paused_until = arrival;
            }
        }
        let Some(delay) = path.transit(rng, size, reliability, waited) else {
            return;
        };
        arrival += delay;
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
        let flight = flights.insert(|_| Flight {
            label,
            payload: queued.payload,
        });
        clock.schedule(arrival, Action::Arrive { flight });
    }
}
