//! What went through a seam, as text: the same run gives the same text.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::{self, Write};
use core::task::{Context, Poll};
use std::sync::{Mutex, PoisonError};

use crate::{
    Backend, BackendSendError, Capabilities, ChannelIndex, Command, Instant, LinkEvent, LinkId,
    Payload,
};

/// A growing text, shared by everybody who writes it.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    text: Arc<Mutex<String>>,
}

impl Trace {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line of one's own.
    pub fn line(&self, now: Instant, who: &str, what: fmt::Arguments<'_>) {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {who} {what}", now.as_micros());
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone()
    }
}

/// A [`Backend`] that writes down every command, every message sent, every event and every alarm, with its time.
///
/// One line each: `1234567891 alice > CreateOffer { … }`, `>` for what the backend is told and `<` for what it tells.
#[derive(Debug)]
pub struct Recorder<B> {
    name: String,
    backend: B,
    trace: Trace,
}

impl<B: Backend> Recorder<B> {
    /// Records a backend under a name.
    #[must_use]
    pub fn new(name: impl Into<String>, backend: B, trace: Trace) -> Self {
        Self {
            name: name.into(),
            backend,
            trace,
        }
    }

    /// The backend inside.
    #[must_use]
    pub const fn inner(&self) -> &B {
        &self.backend
    }

    fn line(&self, what: fmt::Arguments<'_>) {
        self.trace.line(self.backend.now(), &self.name, what);
    }
}

impl<B: Backend> Backend for Recorder<B> {
    fn now(&self) -> Instant {
        self.backend.now()
    }

    fn execute(&mut self, command: Command) {
        self.line(format_args!("> {command:?}"));
        self.backend.execute(command);
    }

    fn send(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), BackendSendError> {
        let sent = self.backend.send(link, channel, payload.clone());
        self.line(format_args!("> {link:?} {channel:?} {payload:?} {sent:?}"));
        sent
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        self.backend.buffered_amount(link, channel)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        let poll = self.backend.poll_event(cx);
        if let Poll::Ready(event) = &poll {
            self.line(format_args!("< {event:?}"));
        }
        poll
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.line(format_args!("> alarm {deadline:?}"));
        self.backend.set_alarm(deadline);
    }

    fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }
}
