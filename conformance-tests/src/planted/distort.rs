//! What a planted fault makes of an event.

use bytes::Bytes;

use super::fault::Fault;
use super::faulty::Faulty;
use mesh_core::{
    Backend, ChannelIndex, CloseReason, ConnectionState, LinkEvent, LinkId, Payload, Reliability,
    TransferMode,
};

impl<B: Backend> Faulty<B> {
    pub(super) fn distort(&mut self, event: LinkEvent) {
        if self.is_swallowed(&event) {
            return;
        }
        match event {
            LinkEvent::Message {
                link,
                channel,
                payload,
            } => self.distort_message(link, channel, payload),
            LinkEvent::ChannelOpened {
                link,
                channel,
                remote,
                mut actual,
            } => {
                let echoes = [
                    Fault::EchoesReliability,
                    Fault::EchoesOrder,
                    Fault::EchoesLifetime,
                ];
                if let Some(wanted) = self.wanted.get(&(link, channel))
                    && echoes.into_iter().any(|fault| self.has(fault))
                {
                    actual = *wanted;
                }
                if self.has(Fault::WrongActualId) {
                    actual.id += 1;
                }
                if self.has(Fault::WrongActualOrder) {
                    actual.ordered = !actual.ordered;
                }
                if self.has(Fault::WrongActualReliability) {
                    actual.reliability = match actual.reliability {
                        Reliability::Reliable => Reliability::Retransmits(0),
                        Reliability::Retransmits(_) | Reliability::Lifetime(_) => {
                            Reliability::Reliable
                        }
                    };
                }
                let event = LinkEvent::ChannelOpened {
                    link,
                    channel,
                    remote,
                    actual,
                };
                if self.has(Fault::OpensTwice) {
                    self.report(event.clone());
                }
                self.report(event);
            }
            LinkEvent::Closed { link, reason } => {
                let event = LinkEvent::Closed { link, reason };
                if self.has(Fault::ClosedTwice) {
                    self.report(event.clone());
                }
                self.report(event);
                if self.has(Fault::EventAfterClosed) {
                    let state = ConnectionState::Closed;
                    self.report(LinkEvent::State { link, state });
                }
            }
            LinkEvent::Description { .. } => self.distort_description(event),
            LinkEvent::Candidate { link, .. } | LinkEvent::Gathered { link, .. } => {
                self.report(event);
                if let Some(description) = self.descriptions.remove(&link) {
                    self.report(description);
                }
            }
            LinkEvent::State { .. }
            | LinkEvent::ChannelClosed { .. }
            | LinkEvent::BufferedAmountLow { .. }
            | LinkEvent::InboxDropped { .. }
            | LinkEvent::Stats { .. }
            | LinkEvent::PairSelected { .. }
            | LinkEvent::Kicked { .. }
            | LinkEvent::Taken { .. }
            | LinkEvent::Goodbye { .. } => self.report(event),
        }
    }

    fn is_swallowed(&self, event: &LinkEvent) -> bool {
        match event {
            LinkEvent::Closed { reason, .. } => match reason {
                CloseReason::Local => self.has(Fault::SwallowsClosed),
                CloseReason::Remote => self.has(Fault::MissesRemoteClose),
                CloseReason::Failed(_) => self.has(Fault::SwallowsFailure),
                _ => false,
            },
            LinkEvent::ChannelClosed { .. } => self.has(Fault::MissesRemoteClose),
            LinkEvent::State { state, .. } => {
                let silent = matches!(
                    state,
                    ConnectionState::Disconnected | ConnectionState::Failed
                );
                silent && self.has(Fault::MissesSilence)
            }
            LinkEvent::ChannelOpened { remote: true, .. } => self.has(Fault::IgnoresInBand),
            LinkEvent::ChannelOpened { channel, .. } => {
                *channel == TransferMode::Unreliable.channel() && self.has(Fault::NeverOpens)
            }
            LinkEvent::BufferedAmountLow { .. } => self.has(Fault::NoLowEvent),
            LinkEvent::InboxDropped { .. } => self.has(Fault::SilentInboxDrop),
            LinkEvent::Stats { .. } => self.has(Fault::NoStats),
            LinkEvent::Description { .. }
            | LinkEvent::Candidate { .. }
            | LinkEvent::Gathered { .. }
            | LinkEvent::PairSelected { .. }
            | LinkEvent::Kicked { .. }
            | LinkEvent::Taken { .. }
            | LinkEvent::Goodbye { .. }
            | LinkEvent::Message { .. } => false,
        }
    }

    fn distort_description(&mut self, mut event: LinkEvent) {
        if let LinkEvent::Description { description, .. } = &mut event
            && self.has(Fault::WrongMaxMessageSize)
        {
            let lines = description.sdp.lines();
            let others = lines.filter(|line| !line.starts_with("a=max-message-size:"));
            let mut sdp: String = others.map(|line| format!("{line}\r\n")).collect();
            sdp += "a=max-message-size:2000\r\n";
            description.sdp = sdp;
        }
        if self.has(Fault::CandidateBeforeDescription) {
            self.descriptions.insert(event.link(), event);
            return;
        }
        self.report(event);
    }

    fn distort_message(&mut self, link: LinkId, mut channel: ChannelIndex, mut payload: Payload) {
        let [reliable, ordered, unreliable] = TransferMode::ALL.map(TransferMode::channel);
        if payload.is_empty() && self.has(Fault::DropsEmpty) {
            return;
        }
        if channel == reliable && self.has(Fault::LosesReliable) {
            self.reliable_messages += 1;
            if self.reliable_messages.is_multiple_of(3) {
                return;
            }
        }
        if channel == unreliable && self.has(Fault::LosesFew) {
            self.unreliable_messages += 1;
            if self.unreliable_messages.is_multiple_of(50) {
                return;
            }
        }
        if channel == unreliable && self.has(Fault::WrongChannel) {
            channel = ordered;
        }
        if payload.len() > 65535 && self.has(Fault::TruncatesLarge) {
            payload = rewrap(&payload, payload.bytes().slice(..65535));
        }
        if self.has(Fault::FlipsKind) {
            payload = match payload {
                Payload::Binary(bytes) => Payload::Text(bytes),
                Payload::Text(bytes) => Payload::Binary(bytes),
            };
        }
        if self.has(Fault::CorruptsMessages) {
            let mut bytes = payload.bytes().to_vec();
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            payload = rewrap(&payload, bytes.into());
        }
        let message = |payload| LinkEvent::Message {
            link,
            channel,
            payload,
        };
        if payload.len() > 1024 && self.has(Fault::SplitsMessages) {
            let bytes = payload.bytes();
            let halves = [bytes.slice(..1024), bytes.slice(1024..)];
            for half in halves {
                self.report(message(rewrap(&payload, half)));
            }
            return;
        }
        if self.has(Fault::DuplicatesMessages) {
            self.report(message(payload.clone()));
        }
        let pairs = self.has(Fault::MergesMessages)
            || (channel != unreliable && self.has(Fault::ReordersOrdered));
        if !pairs {
            self.report(message(payload));
            return;
        }
        let Some(former) = self.held.remove(&(link, channel)) else {
            self.held.insert((link, channel), payload);
            return;
        };
        if self.has(Fault::MergesMessages) {
            let both = [former.bytes().as_ref(), payload.bytes().as_ref()].concat();
            self.report(message(rewrap(&former, both.into())));
        } else {
            self.report(message(payload));
            self.report(message(former));
        }
    }

    fn report(&mut self, event: LinkEvent) {
        self.ready.push_back(event);
    }
}

fn rewrap(like: &Payload, bytes: Bytes) -> Payload {
    if like.is_text() {
        Payload::Text(bytes)
    } else {
        Payload::Binary(bytes)
    }
}
