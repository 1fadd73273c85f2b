//! Two participants, their signals carried by hand.

use alloc::vec::Vec;
use core::task::{Context, Poll, Waker};

use crate::mock::{MockBackend, Network};
use crate::{
    Backend, BackendSendError, ChannelIndex, ChannelParameters, ChannelSpec, CloseReason, Command,
    ConnectionState, Duration, LinkConfig, LinkEvent, LinkId, LinkStats, Payload, Reliability,
    SendLimits, TransferMode,
};

pub(crate) const LINK: LinkId = LinkId {
    slot: 0,
    generation: 0,
};
pub(crate) const RELIABLE: ChannelIndex = ChannelIndex(0);
pub(crate) const ORDERED: ChannelIndex = ChannelIndex(1);
pub(crate) const UNRELIABLE: ChannelIndex = ChannelIndex(2);

/// One participant with one link, and all it was told.
pub(crate) struct Peer<B = MockBackend> {
    pub(crate) backend: B,
    pub(crate) seen: Vec<LinkEvent>,
    /// Whether its events are taken; a stalled application does not.
    pub(crate) polls: bool,
    outbox: Vec<Command>,
}

impl<B: Backend> Peer<B> {
    pub(crate) fn new(backend: B) -> Self {
        Self {
            backend,
            seen: Vec::new(),
            polls: true,
            outbox: Vec::new(),
        }
    }

    pub(crate) fn open(&mut self, config: LinkConfig, inbox_bytes: usize) {
        self.backend.execute(Command::Open {
            link: LINK,
            config,
            inbox_bytes,
        });
    }

    pub(crate) fn create_channels(&mut self, unreliable: Reliability, limits: SendLimits) {
        for mode in TransferMode::ALL {
            self.create_channel(
                mode.channel(),
                ChannelSpec::built_in(mode, unreliable, limits),
            );
        }
    }

    pub(crate) fn create_channel(&mut self, channel: ChannelIndex, spec: ChannelSpec) {
        self.backend.execute(Command::CreateChannel {
            link: LINK,
            channel,
            spec,
        });
    }

    pub(crate) fn offer(&mut self) {
        self.backend.execute(Command::CreateOffer { link: LINK });
    }

    pub(crate) fn close(&mut self, linger: Duration) {
        self.backend.execute(Command::Close { link: LINK, linger });
    }

    pub(crate) fn send(
        &mut self,
        channel: ChannelIndex,
        payload: impl Into<Payload>,
    ) -> Result<(), BackendSendError> {
        let sent = self.backend.send(LINK, channel, payload.into());
        sent.map_err(|rejected| rejected.reason)
    }

    /// Takes all events there are; those that are signals are kept for the far side, too.
    pub(crate) fn drain(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        while self.polls
            && let Poll::Ready(event) = self.backend.poll_event(&mut cx)
        {
            if let LinkEvent::Description { description, .. } = &event {
                self.outbox.push(Command::SetRemote {
                    link: LINK,
                    description: description.clone(),
                });
            }
            if let LinkEvent::Candidate { candidate, .. } = &event {
                self.outbox.push(Command::AddCandidate {
                    link: LINK,
                    candidate: candidate.clone(),
                });
            }
            self.seen.push(event);
        }
    }

    fn pick<T>(&self, what: impl FnMut(&LinkEvent) -> Option<T>) -> Vec<T> {
        self.seen.iter().filter_map(what).collect()
    }

    pub(crate) fn messages(&self, of: ChannelIndex) -> Vec<Payload> {
        self.pick(|event| {
            let LinkEvent::Message {
                channel, payload, ..
            } = event
            else {
                return None;
            };
            (*channel == of).then(|| payload.clone())
        })
    }

    /// The numbers sent by [`numbered`].
    pub(crate) fn numbers(&self, of: ChannelIndex) -> Vec<u32> {
        let messages = self.messages(of);
        messages
            .iter()
            .map(|payload| u32::from_be_bytes(payload.bytes()[..4].try_into().unwrap()))
            .collect()
    }

    pub(crate) fn states(&self) -> Vec<ConnectionState> {
        self.pick(|event| {
            let LinkEvent::State { state, .. } = event else {
                return None;
            };
            Some(*state)
        })
    }

    /// Channels that opened, and what they are.
    pub(crate) fn opened(&self) -> Vec<(ChannelIndex, ChannelParameters)> {
        self.pick(|event| {
            let LinkEvent::ChannelOpened {
                channel, actual, ..
            } = event
            else {
                return None;
            };
            Some((*channel, *actual))
        })
    }

    pub(crate) fn closed_channels(&self) -> usize {
        let closed = |event: &LinkEvent| matches!(event, LinkEvent::ChannelClosed { .. });
        self.pick(|event| closed(event).then_some(())).len()
    }

    pub(crate) fn stats(&self) -> Vec<LinkStats> {
        self.pick(|event| {
            let LinkEvent::Stats { stats, .. } = event else {
                return None;
            };
            Some(*stats)
        })
    }

    pub(crate) fn closed(&self) -> Option<&CloseReason> {
        self.seen.iter().find_map(|event| {
            let LinkEvent::Closed { reason, .. } = event else {
                return None;
            };
            Some(reason)
        })
    }
}

/// A message that begins with its number.
pub(crate) fn numbered(number: u32) -> Payload {
    Payload::from(&number.to_be_bytes())
}

/// Two participants whose signals arrive at once.
pub(crate) struct Duo<B = MockBackend> {
    pub(crate) network: Network,
    pub(crate) a: Peer<B>,
    pub(crate) b: Peer<B>,
    /// Whether candidates are carried; without them there is no route.
    pub(crate) carries_candidates: bool,
}

impl Duo {
    /// Two participants, nothing opened.
    pub(crate) fn bare(seed: u64) -> Self {
        let network = Network::new(seed);
        let (a, b) = (network.backend(), network.backend());
        Self::of(network, a, b)
    }

    /// Two participants with an open link and their three channels, not offered yet.
    pub(crate) fn new(seed: u64) -> Self {
        let mut duo = Self::bare(seed);
        for peer in [&mut duo.a, &mut duo.b] {
            peer.open(LinkConfig::default(), 16 << 20);
            peer.create_channels(Reliability::Retransmits(0), SendLimits::default());
        }
        duo
    }

    /// Two connected participants.
    pub(crate) fn connected(seed: u64) -> Self {
        let mut duo = Self::new(seed);
        duo.connect();
        duo
    }

    pub(crate) fn partition(&self) {
        self.network
            .partition(&[self.a.backend.id()], &[self.b.backend.id()]);
    }

    pub(crate) fn connect(&mut self) {
        self.a.offer();
        self.run(Duration::from_secs(1));
        assert_eq!((self.a.opened().len(), self.b.opened().len()), (3, 3));
    }
}

impl<B: Backend> Duo<B> {
    /// Two participants on these backends.
    pub(crate) fn of(network: Network, a: B, b: B) -> Self {
        Self {
            network,
            a: Peer::new(a),
            b: Peer::new(b),
            carries_candidates: true,
        }
    }

    /// Lets time pass, signals carried.
    pub(crate) fn run(&mut self, span: Duration) {
        let target = self.network.now() + span;
        loop {
            self.carry();
            match self.network.next_due() {
                Some(due) if due <= target => self.network.step(),
                _ => break,
            };
        }
        self.network.advance(target - self.network.now());
        self.carry();
    }

    fn carry(&mut self) {
        loop {
            self.a.drain();
            self.b.drain();
            if self.a.outbox.is_empty() && self.b.outbox.is_empty() {
                return;
            }
            carry(&mut self.a, &mut self.b, self.carries_candidates);
            carry(&mut self.b, &mut self.a, self.carries_candidates);
        }
    }
}

fn carry<B: Backend>(from: &mut Peer<B>, to: &mut Peer<B>, candidates: bool) {
    for command in from.outbox.drain(..) {
        if candidates || !matches!(command, Command::AddCandidate { .. }) {
            to.backend.execute(command);
        }
    }
}
