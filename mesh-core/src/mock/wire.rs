//! What is on its way between two ends, and its arrival.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::channel::{cost, sent_in};
use super::ice::Phase;
use super::world::{Action, Key, World};
use crate::platform::GOODBYE;
use crate::platform::control::Word;
use crate::rng::SENT_AGAIN_AFTER;
use crate::{
    ChannelParameters, ChannelState, CloseReason, ConnectionState, Goodbye, Instant, LinkEvent,
    Payload, Reliability,
};

/// Something on its way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) from: Key,
    pub(super) to: Key,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Message(Message),
    /// A channel was made in-band.
    Channel(ChannelParameters),
    /// The channel on this stream was closed.
    Reset(u16),
    /// What is said on the control channel, numbered because that is in order.
    Word(u64, Word),
    /// The link was closed. A reason for that, if there is one, is repeated until this time.
    Goodbye {
        said: Option<Goodbye>,
        until: Instant,
    },
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) stream: u16,
    /// Its number on its channel.
    pub(super) number: u64,
    pub(super) ordered: bool,
    pub(super) reliable: bool,
    pub(super) payload: Payload,
}

impl World {
    /// Sends something that is no message and arrives in the end.
    pub(super) fn post(&mut self, from: Key, to: Option<Key>, content: Content) {
        let delay = self.paths.conditions.word(&mut self.rng);
        self.depart(from, to, content, delay);
    }

    /// Tells the far side that a link was closed. It may not hear of it.
    pub(super) fn part(&mut self, from: Key, to: Option<Key>, said: Option<Goodbye>) {
        let path = self.paths.conditions;
        let mut sent = |reliability| path.transit(&mut self.rng, 1, reliability, Duration::ZERO);
        let is_up = to.is_some_and(|to| self.paths.is_up(from.0, to.0));
        let told = said.as_ref().and_then(|_| {
            let repeated = u16::try_from(GOODBYE.as_millis()).unwrap_or(u16::MAX);
            let lost = (!is_up).then_some(SENT_AGAIN_AFTER);
            lost.or_else(|| sent(Reliability::Lifetime(repeated)))
        });
        let mut until = self.clock.now;
        if told.is_some() {
            until += GOODBYE;
        }
        let said = said.filter(|_| told.is_some());
        // Without a word it is an ABORT and a DTLS alert, each of which is sent once.
        let mut once = || sent(Reliability::Retransmits(0));
        if let Some(delay) = told.or_else(&mut once).or_else(once) {
            self.depart(from, to, Content::Goodbye { said, until }, delay);
        }
    }

    fn depart(&mut self, from: Key, to: Option<Key>, content: Content, delay: Duration) {
        if let Some(to) = to {
            let flight = Flight { from, to, content };
            self.clock
                .schedule(self.clock.now + delay, Action::Arrive(flight));
        }
    }

    pub(super) fn arrive(&mut self, flight: Flight) {
        let Flight { from, to, content } = &flight;
        let Some(receiver) = self.ends.get(to) else {
            self.acknowledge(&flight);
            return;
        };
        let is_stranded = |key| self.ends.get(key).is_some_and(|end| end.stranded);
        let is_lost = is_stranded(from) || is_stranded(to);
        if is_lost || !self.paths.is_up(from.0, to.0) || receiver.phase != Phase::Open {
            // What is reliable is sent again, unless the sender has given up.
            let due = self.clock.now + SENT_AGAIN_AFTER;
            let sender = self.ends.get(from);
            let tries = sender.is_some_and(|sender| sender.state != ConnectionState::Failed);
            let is_sent_again = match content {
                Content::Message(message) => tries && message.reliable,
                Content::Channel(_) | Content::Reset(_) | Content::Word(..) => tries,
                Content::Goodbye { until, .. } => due <= *until,
            };
            if is_sent_again {
                self.clock.schedule(due, Action::Arrive(flight));
            } else if let Content::Message(message) = content {
                self.lost += sent_in(&message.payload);
            }
            return;
        }
        self.acknowledge(&flight);
        match flight.content {
            Content::Message(message) => self.receive(flight.to, message),
            Content::Channel(actual) => self.channel_announced(flight.to, actual),
            Content::Reset(stream) => self.channel_closed(flight.to, stream),
            Content::Word(number, word) => self.hear(flight.to, number, word),
            Content::Goodbye { said, .. } => {
                let link = flight.to.1;
                if let Some(goodbye) = said {
                    self.tell(flight.to, LinkEvent::Goodbye { link, goodbye });
                }
                self.finish(flight.to, CloseReason::Remote);
            }
        }
    }

    /// Says something on the control channel.
    pub(super) fn say(&mut self, from: Key, word: Word) {
        let Some(end) = self.ends.get_mut(&from) else {
            return;
        };
        end.words_said += 1;
        let content = Content::Word(end.words_said, word);
        let to = end.far;
        self.post(from, to, content);
    }

    fn hear(&mut self, to: Key, number: u64, word: Word) {
        let Some(end) = self.ends.get_mut(&to) else {
            return;
        };
        end.early_words.insert(number, word);
        while let Some(end) = self.ends.get_mut(&to) {
            let Some(word) = end.early_words.remove(&(end.words_heard + 1)) else {
                break;
            };
            end.words_heard += 1;
            self.tell(to, word.into_event(to.1));
        }
    }

    /// Tells the sender that a message arrived, so that it may send another.
    fn acknowledge(&mut self, flight: &Flight) {
        let from = flight.from;
        let Content::Message(message) = &flight.content else {
            return;
        };
        let Some(sender) = self.ends.get_mut(&from).filter(|_| message.reliable) else {
            return;
        };
        let was_full = sender.has_full_window();
        let Some(channel) = sender.stream(message.stream) else {
            return;
        };
        channel.in_flight = channel.in_flight.saturating_sub(cost(&message.payload));
        let is_closing = channel.state == ChannelState::Closing;
        if was_full {
            self.schedule_transmit(from);
        }
        if is_closing {
            self.close_drained(from);
        }
    }

    fn receive(&mut self, to: Key, message: Message) {
        let Message {
            number, payload, ..
        } = message;
        let limit = self.config(to.0).max_message_size;
        let Some(end) = self.ends.get_mut(&to).filter(|end| !end.closing) else {
            return;
        };
        if payload.len() > limit {
            let problem = format!("a message of {} bytes was not agreed on", payload.len());
            self.finish(to, CloseReason::Protocol(problem));
            return;
        }
        // Real stacks, too, drop messages on streams that have no channel.
        let channel = end.stream(message.stream);
        let Some(channel) = channel.filter(|channel| channel.was_open()) else {
            return;
        };
        let mut arrived = Vec::new();
        if !message.ordered {
            arrived.push(payload);
        } else if message.reliable {
            channel.early.insert(number, payload);
            while let Some(payload) = channel.early.remove(&(channel.delivered + 1)) {
                channel.delivered += 1;
                arrived.push(payload);
            }
        } else if number > channel.delivered {
            // One that a later one has overtaken is dropped.
            channel.delivered = number;
            arrived.push(payload);
        } else {
            self.lost += sent_in(&payload);
        }
        let (index, mode) = (channel.index, channel.parameters.mode());
        for payload in arrived {
            end.bytes_received += payload.len() as u64;
            if end.inbox.push_message(index, mode, payload).is_err() {
                self.finish(to, CloseReason::InboxFull);
                return;
            }
        }
        if !end.inbox.is_empty() {
            self.notify(to);
        }
    }
}
