//! A backend with planted faults: any backend, made to break its contract.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Deref, DerefMut};
use std::task::{Context, Poll, Waker};

use super::fault::Fault;
use mesh_core::{
    Backend, BackendSendError, Capabilities, ChannelIndex, ChannelParameters, CloseReason, Command,
    Duration, Instant, LinkEvent, LinkId, Payload, Rejected, Reliability,
};

/// A [`Backend`] that breaks the contract as planted, and is faithful in everything else.
#[derive(Debug)]
pub struct Faulty<B: 'static> {
    inner: Holder<B>,
    faults: BTreeSet<Fault>,
    /// What is to be reported next.
    pub(super) ready: VecDeque<LinkEvent>,
    /// Messages that wait for the next one of their channel.
    pub(super) held: BTreeMap<(LinkId, ChannelIndex), Payload>,
    /// Descriptions that wait for the first candidate of their link.
    pub(super) descriptions: BTreeMap<LinkId, LinkEvent>,
    /// First commands of links, which wait for the second.
    first: BTreeMap<LinkId, Command>,
    /// What channels were wanted to be that are made otherwise.
    pub(super) wanted: BTreeMap<(LinkId, ChannelIndex), ChannelParameters>,
    /// Messages accepted beyond the high-water mark.
    backlog: VecDeque<(LinkId, ChannelIndex, Payload)>,
    /// Links that were to be closed.
    leaked: BTreeSet<LinkId>,
    pub(super) reliable_messages: u32,
    pub(super) unreliable_messages: u32,
    /// The first waker ever given.
    first_waker: Option<Waker>,
    /// The last waker that was told to wait.
    waiting: Option<Waker>,
    /// A poll was given up: the next event is lost.
    cancelled: bool,
}

/// Owns a backend, or has forgotten how to drop it.
#[derive(Debug)]
enum Holder<B: 'static> {
    Owned(Box<B>),
    Leaked(&'static mut B),
}

impl<B> Deref for Holder<B> {
    type Target = B;

    fn deref(&self) -> &B {
        match self {
            Self::Owned(backend) => backend,
            Self::Leaked(backend) => backend,
        }
    }
}

impl<B> DerefMut for Holder<B> {
    fn deref_mut(&mut self) -> &mut B {
        match self {
            Self::Owned(backend) => backend,
            Self::Leaked(backend) => backend,
        }
    }
}

impl<B: Backend> Faulty<B> {
    /// Without a fault it changes nothing.
    #[must_use]
    pub fn new(backend: B) -> Self {
        Self {
            inner: Holder::Owned(Box::new(backend)),
            faults: BTreeSet::new(),
            ready: VecDeque::new(),
            held: BTreeMap::new(),
            descriptions: BTreeMap::new(),
            first: BTreeMap::new(),
            wanted: BTreeMap::new(),
            backlog: VecDeque::new(),
            leaked: BTreeSet::new(),
            reliable_messages: 0,
            unreliable_messages: 0,
            first_waker: None,
            waiting: None,
            cancelled: false,
        }
    }

    /// Plants a fault; several may be planted.
    #[must_use]
    pub fn plant(mut self, fault: Fault) -> Self {
        self.faults.insert(fault);
        if fault == Fault::SilentDrop
            && let Holder::Owned(backend) = self.inner
        {
            self.inner = Holder::Leaked(Box::leak(backend));
        }
        self
    }

    /// The backend itself.
    pub(super) fn bare(&mut self) -> &mut B {
        &mut self.inner
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// Sends again what should have been refused.
    fn send_backlog(&mut self) {
        while let Some((link, channel, payload)) = self.backlog.pop_front() {
            if let Err(Rejected {
                payload,
                reason: BackendSendError::Full,
            }) = self.inner.send(link, channel, payload)
            {
                self.backlog.push_front((link, channel, payload));
                return;
            }
        }
    }

    /// Makes a channel otherwise than it was wanted.
    fn make_otherwise(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        parameters: &mut ChannelParameters,
    ) {
        let wanted = *parameters;
        if self.has(Fault::EchoesReliability) {
            parameters.reliability = Reliability::Reliable;
        }
        if self.has(Fault::EchoesLifetime) && matches!(wanted.reliability, Reliability::Lifetime(_))
        {
            parameters.reliability = Reliability::Reliable;
        }
        if self.has(Fault::EchoesOrder) {
            parameters.ordered = true;
        }
        self.wanted.insert((link, channel), wanted);
    }
}

impl<B: Backend> Backend for Faulty<B> {
    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn execute(&mut self, mut command: Command) {
        let link = command.link();
        if let Command::SetRemote { description, .. } = &command
            && self.has(Fault::PanicsOnGarbage)
        {
            assert!(
                description.sdp.starts_with("v=0"),
                "a planted panic: {}",
                description.sdp
            );
        }
        if let Command::Open { inbox_bytes, .. } = &mut command
            && self.has(Fault::UnboundedInbox)
        {
            *inbox_bytes = usize::MAX;
        }
        if let Command::Close { linger, .. } = &mut command
            && self.has(Fault::IgnoresLinger)
        {
            *linger = Duration::ZERO;
        }
        if let Command::CreateChannel { channel, spec, .. } = &mut command {
            self.make_otherwise(link, *channel, &mut spec.parameters);
        }
        match &command {
            Command::Open { .. } if self.has(Fault::CommandsOutOfOrder) => {
                self.first.insert(link, command);
            }
            Command::AddCandidate { .. } if self.has(Fault::IgnoresCandidates) => {}
            Command::Close { .. } if self.has(Fault::LeaksLinks) => {
                if self.leaked.insert(link) {
                    let reason = CloseReason::Local;
                    self.ready.push_back(LinkEvent::Closed { link, reason });
                    if let Some(waker) = &self.waiting {
                        waker.wake_by_ref();
                    }
                }
            }
            Command::Open { .. }
            | Command::CreateChannel { .. }
            | Command::SendLast { .. }
            | Command::Abandon { .. }
            | Command::CloseChannel { .. }
            | Command::CreateOffer { .. }
            | Command::SetRemote { .. }
            | Command::AddCandidate { .. }
            | Command::RequestStats { .. }
            | Command::Coalesce { .. }
            | Command::TellKick { .. }
            | Command::TellTaken { .. }
            | Command::Goodbye { .. }
            | Command::Close { .. } => {
                self.inner.execute(command);
                if let Some(first) = self.first.remove(&link) {
                    self.inner.execute(first);
                }
            }
        }
    }

    fn send(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        if self.leaked.contains(&link) {
            return Err(Rejected {
                payload,
                reason: BackendSendError::NotOpen,
            });
        }
        if !self.has(Fault::NeverFull) {
            return self.inner.send(link, channel, payload);
        }
        self.send_backlog();
        match self.inner.send(link, channel, payload) {
            Err(Rejected {
                payload,
                reason: BackendSendError::Full,
            }) => {
                self.backlog.push_back((link, channel, payload));
                Ok(())
            }
            other => other,
        }
    }

    fn flush(&mut self) {
        self.inner.flush();
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        if self.has(Fault::ZeroBufferedAmount) {
            return 0;
        }
        let backlog = self.backlog.iter();
        let beyond: usize = backlog
            .filter(|(of, on, _)| (*of, *on) == (link, channel))
            .map(|(_, _, payload)| payload.len())
            .sum();
        self.inner.buffered_amount(link, channel) + beyond
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        self.send_backlog();
        let moved = self
            .waiting
            .take()
            .is_some_and(|former| !former.will_wake(cx.waker()));
        self.cancelled |= moved && self.has(Fault::LosesEventOnCancel);
        let first_waker = self
            .first_waker
            .get_or_insert_with(|| cx.waker().clone())
            .clone();
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(event);
            }
            let poll = if self.has(Fault::NeverWakes) {
                self.inner
                    .poll_event(&mut Context::from_waker(Waker::noop()))
            } else if self.has(Fault::WakesFirstWaker) {
                self.inner
                    .poll_event(&mut Context::from_waker(&first_waker))
            } else {
                self.inner.poll_event(cx)
            };
            match poll {
                Poll::Ready(event) if self.leaked.contains(&event.link()) => {}
                Poll::Ready(_) if std::mem::take(&mut self.cancelled) => {}
                Poll::Ready(event) => self.distort(event),
                Poll::Pending => {
                    self.waiting = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        let deadline = if self.has(Fault::IgnoresAlarm) {
            None
        } else if self.has(Fault::LateAlarm) {
            deadline.map(|deadline| deadline + Duration::from_secs(1))
        } else {
            deadline
        };
        self.inner.set_alarm(deadline);
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
}
