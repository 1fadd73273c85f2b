//! How a channel ends: what it takes no more, and what must arrive before.

use super::{Channel, State};

impl Channel {
    /// Takes nothing more to send.
    pub(crate) fn stop_accepting(&self) {
        let before = self.state.get();
        if before != State::Closed {
            self.state.set(State::Stopped);
        }
        if before == State::Open {
            self.release();
        }
    }

    /// Takes nothing more to send, and forgets what the browser has not got.
    pub(crate) fn abandon(&self) {
        if let Some((pacer, _)) = &self.ends.pacer {
            while pacer.take().is_some() {}
        }
        self.ends.outbox.leaves(self.batch.take().cost());
        self.stop_accepting();
    }

    /// Closes it on both sides.
    pub(crate) fn close(&self) {
        self.stop_accepting();
        self.inner.close();
    }

    /// Whether it is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.get() == State::Closed
    }

    /// Whether it has sent messages that must arrive, and has not been closed.
    pub(crate) fn must_arrive(&self) -> bool {
        let has_sent = self.sent.get() != 0 || self.batched() != 0;
        self.ends.reliable && has_sent && self.state.get() != State::Closed
    }

    /// Its stream, and how many messages it has sent, if they must arrive.
    pub(crate) fn to_arrive(&self) -> Option<(u16, u32)> {
        let _ = self.flush();
        let stream = self.inner.id().filter(|_| self.must_arrive())?;
        Some((stream, self.sent.get()))
    }

    /// Goes on towards an end without loss, and says whether it is reached; whenever it is closer, a note tells.
    ///
    /// An empty buffer means that everything is on its way, and a connection that is closed then takes it all back. But a
    /// channel that is closed by itself is gone when the far side has everything (RFC 8831 section 6.7).
    pub(crate) fn drain(&self) -> bool {
        if !self.must_arrive() {
            return true;
        }
        self.stop_accepting();
        self.inner.set_buffered_amount_low_threshold(0);
        if self.browser_buffer() == 0 {
            self.inner.close();
        }
        false
    }
}
