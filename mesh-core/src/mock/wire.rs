//! What is on its way between two ends, and its arrival.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::channel::{cost, sent_in};
use super::ice::Phase;
use super::world::{Action, Key, World};
use crate::platform::control::Word;
use crate::rng::SENT_AGAIN_AFTER;
use crate::{
    ChannelParameters, ChannelState, CloseReason, ConnectionState, Goodbye, LinkEvent, Payload,
    Reliability,
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
    /// The link was closed, with or without a word.
    Goodbye(Option<Goodbye>),
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
    /// Sends something that is no message.
    pub(super) fn post(&mut self, from: Key, to: Option<Key>, content: Content) {
        let Some(to) = to else {
            return;
        };
        let path = self.paths.conditions;
        let rng = &mut self.rng;
        let delay = if matches!(content, Content::Goodbye(_)) {
            // It is an ABORT and a DTLS alert, each of which is sent once.
            let mut once = || path.transit(rng, 1, Reliability::Retransmits(0), Duration::ZERO);
            once().or_else(once)
        } else {
            Some(path.word(rng))
        };
        if let Some(delay) = delay {
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
            let sender = self.ends.get(from);
            let gave_up = sender.is_none_or(|sender| sender.state == ConnectionState::Failed);
            let may_be_lost = match content {
                Content::Message(message) => !message.reliable,
                Content::Channel(_) | Content::Reset(_) | Content::Word(..) => false,
                Content::Goodbye(_) => true,
            };
            if !gave_up && !may_be_lost {
                let due = self.clock.now + SENT_AGAIN_AFTER;
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
            Content::Goodbye(said) => {
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
