//! A platform whose channels hold as much as they are told to, and lose it to the network when a test says so.

use std::collections::{BTreeMap, VecDeque};
use std::task::{Context, Poll};

use mesh_core::{
    Backend, BackendSendError, Capabilities, ChannelIndex, CloseReason, Command, ConnectionState,
    Instant, LinkEvent, LinkId, Payload, Rejected, SendLimits,
};

#[derive(Debug)]
pub(crate) struct Narrow {
    pub(crate) now: Instant,
    channels: BTreeMap<(LinkId, ChannelIndex), Channel>,
    events: VecDeque<LinkEvent>,
}

#[derive(Debug)]
struct Channel {
    limits: SendLimits,
    waiting: VecDeque<usize>,
    buffered: usize,
    /// Each message it took, by its number, and when.
    log: Vec<(u32, Instant)>,
}

impl Default for Narrow {
    fn default() -> Self {
        Self {
            now: Instant::from_micros(1),
            channels: BTreeMap::new(),
            events: VecDeque::new(),
        }
    }
}

impl Narrow {
    pub(crate) fn log(&self, link: LinkId, channel: ChannelIndex) -> &[(u32, Instant)] {
        &self.channels[&(link, channel)].log
    }

    /// The network takes messages until so many bytes have gone, or nothing is left.
    pub(crate) fn leaves(&mut self, link: LinkId, channel: ChannelIndex, bytes: usize) {
        let Some(entry) = self.channels.get_mut(&(link, channel)) else {
            return;
        };
        let low = entry.limits.low_mark();
        let mut gone = 0;
        while gone < bytes {
            let Some(next) = entry.waiting.pop_front() else {
                break;
            };
            gone += next;
            let before = entry.buffered;
            entry.buffered -= next;
            if before > low && entry.buffered <= low {
                let event = LinkEvent::BufferedAmountLow { link, channel };
                self.events.push_back(event);
            }
        }
    }

    pub(crate) fn ends(&mut self, link: LinkId) {
        self.channels.retain(|(of, _), _| *of != link);
        let reason = CloseReason::Remote;
        self.events.push_back(LinkEvent::Closed { link, reason });
    }
}

impl Backend for Narrow {
    fn now(&self) -> Instant {
        self.now
    }

    fn execute(&mut self, command: Command) {
        if let Command::CreateChannel {
            link,
            channel,
            spec,
        } = command
        {
            if channel.0 == 0 {
                let state = ConnectionState::Connected;
                self.events.push_back(LinkEvent::State { link, state });
            }
            let entry = Channel {
                limits: spec.limits,
                waiting: VecDeque::new(),
                buffered: 0,
                log: Vec::new(),
            };
            self.channels.insert((link, channel), entry);
            self.events.push_back(LinkEvent::ChannelOpened {
                link,
                channel,
                remote: false,
                actual: spec.parameters,
            });
        }
    }

    fn send(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        let Some(entry) = self.channels.get_mut(&(link, channel)) else {
            let reason = BackendSendError::NotOpen;
            return Err(Rejected { payload, reason });
        };
        if !entry.limits.admits(entry.buffered, payload.len()) {
            let reason = BackendSendError::Full;
            return Err(Rejected { payload, reason });
        }
        let number = payload.bytes()[..4].try_into().map(u32::from_be_bytes);
        entry.log.push((number.unwrap(), self.now));
        entry.buffered += payload.len();
        entry.waiting.push_back(payload.len());
        Ok(())
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        let entry = self.channels.get(&(link, channel));
        entry.map_or(0, |entry| entry.buffered)
    }

    fn poll_event(&mut self, _: &mut Context<'_>) -> Poll<LinkEvent> {
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn set_alarm(&mut self, _: Option<Instant>) {}

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
}
