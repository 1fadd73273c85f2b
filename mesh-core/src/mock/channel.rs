//! One side of a data channel, and the sending of its messages, as an application sees SCTP.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use super::conditions::Conditions;
use super::end::End;
use super::ice::Phase;
use super::wire::{Content, Flight, Message};
use super::world::{Action, Key, World};
use crate::platform::batch::{self, Batch, Packed};
use crate::platform::{MAX_REMOTE_CHANNELS, RemoteChannels};
use crate::{
    BUILT_IN_CHANNELS, BackendSendError, ChannelIndex, ChannelParameters, ChannelSpec,
    ChannelState, Instant, LinkEvent, Payload, Rejected, Reliability, SendLimits,
};

/// How many bytes of reliable messages a link may have on their way. It is the window that receivers commonly offer, and what
/// makes a flood take time.
const WINDOW: usize = 1024 * 1024;

/// One side of a data channel: its parameters, and what waits to be sent.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) index: ChannelIndex,
    pub(super) parameters: ChannelParameters,
    pub(super) state: ChannelState,
    /// Whether the far side is told of it, and does not make it, too.
    pub(super) in_band: bool,
    /// Bytes of reliable messages on their way.
    pub(super) in_flight: usize,
    /// Number that the far side gave to the last message delivered.
    pub(super) delivered: u64,
    /// Messages that arrived before the ones they must follow.
    pub(super) early: BTreeMap<u64, Payload>,
    /// Number of the last message sent.
    sent: u64,
    limits: SendLimits,
    /// Messages that were accepted and are not on the wire yet, each with the moment at which it was.
    queue: VecDeque<(Instant, Payload)>,
    buffered: usize,
}

impl Channel {
    pub(super) const fn new(index: ChannelIndex, spec: &ChannelSpec) -> Self {
        Self {
            index,
            parameters: spec.parameters,
            state: ChannelState::Connecting,
            in_band: false,
            in_flight: 0,
            delivered: 0,
            early: BTreeMap::new(),
            sent: 0,
            limits: spec.limits,
            queue: VecDeque::new(),
            buffered: 0,
        }
    }

    pub(super) fn is_reliable(&self) -> bool {
        self.parameters.reliability == Reliability::Reliable
    }

    /// Whether messages of the far side are taken.
    pub(super) fn was_open(&self) -> bool {
        self.state != ChannelState::Connecting
    }

    /// Whether everything accepted that may not be lost has arrived.
    pub(super) fn is_drained(&self) -> bool {
        !self.is_reliable() || (self.queue.is_empty() && self.in_flight == 0)
    }

    /// Accepts nothing more; what was accepted is still on its way.
    pub(super) fn close(&mut self) {
        if self.state == ChannelState::Open {
            self.state = ChannelState::Closing;
        }
    }

    /// Accepts nothing more, and forgets what is not on the wire.
    pub(super) fn abandon(&mut self) {
        self.close();
        self.queue.clear();
        self.buffered = 0;
    }

    fn accept(&mut self, now: Instant, payload: Payload) {
        self.buffered += cost(&payload);
        self.queue.push_back((now, payload));
    }

    /// Takes the next message to put on the wire, and whether the buffer fell to its low-water mark. What was sent at one moment
    /// leaves together if it may.
    fn take(&mut self, coalesces: bool) -> Option<(Instant, Payload, bool)> {
        let (accepted, payload) = self.queue.pop_front()?;
        let packed = if coalesces {
            let mut batch = Batch::default();
            let [_, alone] = batch.join(payload);
            let joins = |batch: &Batch, (at, next): &(Instant, Payload)| {
                *at == accepted && batch.cost() > 0 && batch.fits(next)
            };
            while let Some((_, next)) = self.queue.pop_front_if(|next| joins(&batch, next)) {
                batch.add(next);
            }
            alone.or_else(|| batch.take())?
        } else {
            let cost = cost(&payload);
            Packed { payload, cost }
        };
        let low = self.limits.low_mark();
        let was_above = self.buffered > low;
        self.buffered -= packed.cost;
        let fell = was_above && self.buffered <= low;
        Some((accepted, packed.payload, fell))
    }
}

/// How many bytes a message occupies. An empty one is sent as one byte (RFC 8831, section 6.6).
pub(super) fn cost(payload: &Payload) -> usize {
    payload.len().max(1)
}

/// How many messages of the game share this packet.
pub(super) fn sent_in(payload: &Payload) -> u64 {
    batch::count(payload) as u64
}

impl World {
    /// Opens every channel, whether the far side has made it or not (W3C), when the association is complete.
    pub(super) fn open_channels(&mut self, key: Key) {
        let link = key.1;
        let Some(end) = self.ends.get_mut(&key) else {
            return;
        };
        let far = end.far;
        let (mut opened, mut announced) = (Vec::new(), Vec::new());
        for channel in &mut end.channels {
            if channel.state == ChannelState::Connecting {
                channel.state = ChannelState::Open;
                if channel.in_band {
                    announced.push(channel.parameters);
                }
                opened.push(LinkEvent::ChannelOpened {
                    link,
                    channel: channel.index,
                    remote: false,
                    actual: channel.parameters,
                });
            }
        }
        for parameters in announced {
            self.post(key, far, Content::Channel(parameters));
        }
        for event in opened {
            self.tell(key, event);
        }
    }

    /// The far side has made a channel in-band.
    pub(super) fn channel_announced(&mut self, key: Key, actual: ChannelParameters) {
        let Some(end) = self.ends.get_mut(&key).filter(|end| !end.closing) else {
            return;
        };
        let mut positions = RemoteChannels::default();
        for channel in &end.channels {
            positions.plan(channel.index, channel.parameters.id);
        }
        let index = ChannelIndex(positions.planned());
        let has_room = positions.planned() < BUILT_IN_CHANNELS + MAX_REMOTE_CHANNELS;
        if !has_room || end.stream(actual.id).is_some() {
            return;
        }
        let spec = ChannelSpec {
            label: String::new(),
            parameters: actual,
            limits: SendLimits::of(actual.reliability),
            bulk: false,
        };
        let mut channel = Channel::new(index, &spec);
        channel.state = ChannelState::Open;
        end.channels.push(channel);
        let opened = LinkEvent::ChannelOpened {
            link: key.1,
            channel: index,
            remote: true,
            actual,
        };
        self.tell(key, opened);
    }

    pub(super) fn send(
        &mut self,
        key: Key,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        let reason = match self.ends.get_mut(&key).and_then(|end| end.channel(channel)) {
            Some(channel) if channel.state == ChannelState::Open => {
                if channel.limits.admits(channel.buffered, cost(&payload)) {
                    channel.accept(self.clock.now, payload);
                    self.schedule_transmit(key);
                    return Ok(());
                }
                BackendSendError::Full
            }
            _ => BackendSendError::NotOpen,
        };
        Err(Rejected { payload, reason })
    }

    /// Takes a message however much is buffered.
    pub(super) fn send_last(&mut self, key: Key, channel: ChannelIndex, payload: Payload) {
        let now = self.clock.now;
        let channel = self.ends.get_mut(&key).and_then(|end| end.channel(channel));
        if let Some(channel) = channel.filter(|channel| channel.state == ChannelState::Open) {
            channel.accept(now, payload);
            self.schedule_transmit(key);
        }
    }

    pub(super) fn buffered_amount(&mut self, key: Key, channel: ChannelIndex) -> usize {
        let end = self.ends.get_mut(&key);
        let channel = end.and_then(|end| end.channel(channel));
        channel.map_or(0, |channel| channel.buffered)
    }

    pub(super) fn schedule_transmit(&mut self, key: Key) {
        if let Some(end) = self.ends.get_mut(&key)
            && end.phase == Phase::Open
            && !core::mem::replace(&mut end.transmit_scheduled, true)
        {
            let due = end.paused_until;
            self.clock.schedule(due, Action::Transmit(key));
        }
    }

    /// Sends messages, one of each channel in turn, until none may be sent. Each arrives later or is lost.
    pub(super) fn transmit(&mut self, key: Key) {
        let now = self.clock.now;
        let Some(end) = self.ends.get_mut(&key) else {
            return;
        };
        end.transmit_scheduled = false;
        let mut has_news = false;
        let far = end.far.filter(|_| end.reachable);
        let path = self.paths.conditions;
        while end.paused_until <= now
            && let Some(position) = end.next_channel()
        {
            let has_room = far.is_none() || end.has_room(&path, now);
            let Some(channel) = end.channels.get_mut(position) else {
                break;
            };
            let reliability = channel.parameters.reliability;
            if !has_room && reliability != Reliability::Retransmits(0) {
                continue;
            }
            let Some((accepted, payload, fell)) = channel.take(end.coalesces) else {
                break;
            };
            end.turn = position + 1;
            if fell && !end.closing {
                end.inbox.push(LinkEvent::BufferedAmountLow {
                    link: key.1,
                    channel: channel.index,
                });
                has_news = true;
            }
            let (size, waited) = (payload.len(), now - accepted);
            end.bytes_sent += size as u64;
            let expired = reliability.lifetime().is_some_and(|most| waited > most);
            let Some(to) = far.filter(|_| has_room && !expired) else {
                self.lost += sent_in(&payload);
                continue;
            };
            let mut arrival = now;
            if let Some(occupied) = path.occupies(size) {
                arrival = now.max(end.path_free_at) + occupied;
                end.path_free_at = arrival;
                if path.queue.is_zero() {
                    end.paused_until = arrival;
                }
            }
            let Some(delay) = path.transit(&mut self.rng, size, reliability, waited) else {
                self.lost += sent_in(&payload);
                continue;
            };
            channel.sent += 1;
            let reliable = channel.is_reliable();
            if reliable {
                channel.in_flight += cost(&payload);
            }
            let content = Content::Message(Message {
                stream: channel.parameters.id,
                number: channel.sent,
                ordered: channel.parameters.ordered,
                reliable,
                payload,
            });
            let from = key;
            let flight = Flight { from, to, content };
            self.clock.schedule(arrival + delay, Action::Arrive(flight));
        }
        let has_more = end.next_channel().is_some();
        if has_news {
            self.notify(key);
        }
        if has_more {
            self.schedule_transmit(key);
        }
        self.close_drained(key);
    }
}

impl End {
    pub(super) fn has_full_window(&self) -> bool {
        let in_flight = self.channels.iter().map(|channel| channel.in_flight);
        in_flight.sum::<usize>() >= WINDOW
    }

    /// The next channel with a message that may be sent. Reliable ones wait for room in the window and for the route.
    fn next_channel(&self) -> Option<usize> {
        let may_be_reliable = self.reachable && !self.has_full_window();
        let may_send = |channel: &Channel| {
            !channel.queue.is_empty() && (may_be_reliable || !channel.is_reliable())
        };
        let count = self.channels.len();
        let mut turns = (0..count).map(|offset| (self.turn + offset) % count);
        turns.find(|position| self.channels.get(*position).is_some_and(may_send))
    }

    /// Whether the queue of the narrowest part of the path has room. If not, the sender pauses until half of it is free.
    fn has_room(&mut self, path: &Conditions, now: Instant) -> bool {
        let waits = self.path_free_at - now;
        if path.bandwidth.is_none() || waits <= path.queue {
            return true;
        }
        self.paused_until = now + (waits - path.queue / 2);
        false
    }
}
