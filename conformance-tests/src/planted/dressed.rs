//! A backend as it is, or with a fault.

use std::task::{Context, Poll};

use mesh_core::{
    Backend, Capabilities, ChannelIndex, Command, Instant, LinkEvent, LinkId, Payload, Rejected,
};

use super::fault::Fault;
use super::faulty::Faulty;

/// The backend of a participant. Without a fault nothing stands between it and its user.
#[derive(Debug)]
pub enum Dressed<B: 'static> {
    /// As it is.
    Plain(B),
    /// Breaking its contract.
    Faulty(Box<Faulty<B>>),
}

impl<B: Backend> Dressed<B> {
    /// This backend, with this fault if there is one.
    #[must_use]
    pub fn new(backend: B, fault: Option<Fault>) -> Self {
        match fault {
            None => Self::Plain(backend),
            Some(fault) => Self::Faulty(Box::new(Faulty::new(backend).plant(fault))),
        }
    }

    /// The backend itself, for what is no part of the contract.
    pub fn bare(&mut self) -> &mut B {
        match self {
            Self::Plain(backend) => backend,
            Self::Faulty(backend) => backend.bare(),
        }
    }

    fn inner(&self) -> &dyn Backend {
        match self {
            Self::Plain(backend) => backend,
            Self::Faulty(backend) => &**backend,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Backend {
        match self {
            Self::Plain(backend) => backend,
            Self::Faulty(backend) => &mut **backend,
        }
    }
}

impl<B: Backend> Backend for Dressed<B> {
    fn now(&self) -> Instant {
        self.inner().now()
    }

    fn execute(&mut self, command: Command) {
        self.inner_mut().execute(command);
    }

    fn send(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        self.inner_mut().send(link, channel, payload)
    }

    fn flush(&mut self) {
        self.inner_mut().flush();
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        self.inner().buffered_amount(link, channel)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        self.inner_mut().poll_event(cx)
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.inner_mut().set_alarm(deadline);
    }

    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }
}
