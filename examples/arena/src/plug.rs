//! A way to the signaling server that can be unplugged, to see that play goes on without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use webrtc_multiplayer::LostReason;
use webrtc_multiplayer::signaling::{Transport, TransportError, TransportEvent};

/// A transport with a plug. While it is unplugged the server is as good as gone; the client above comes back by itself.
pub(crate) struct Plug<T> {
    inner: T,
    unplugged: Arc<AtomicBool>,
    /// Whether the end of the connection has been told already.
    is_told: bool,
    /// Whether the connection inside was given up and has to be made anew.
    is_stale: bool,
}

impl<T: Transport> Plug<T> {
    /// Plugged in; `true` in the switch unplugs it.
    pub(crate) fn new(inner: T) -> (Self, Arc<AtomicBool>) {
        let unplugged = Arc::new(AtomicBool::new(false));
        let plug = Self {
            inner,
            unplugged: Arc::clone(&unplugged),
            is_told: false,
            is_stale: false,
        };
        (plug, unplugged)
    }

    fn is_unplugged(&self) -> bool {
        self.unplugged.load(Ordering::Relaxed)
    }
}

impl<T: Transport> Transport for Plug<T> {
    fn send(&mut self, text: String) -> Result<(), TransportError> {
        if self.is_stale || self.is_unplugged() {
            return Err(TransportError::NotOpen);
        }
        self.inner.send(text)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<TransportEvent> {
        if !self.is_stale && !self.is_unplugged() {
            return self.inner.poll_event(cx);
        }
        self.is_stale = true;
        if std::mem::replace(&mut self.is_told, true) {
            // Until the client opens it again.
            return Poll::Pending;
        }
        let reason = LostReason::Unreachable("it is unplugged".to_owned());
        Poll::Ready(TransportEvent::Closed { reason })
    }

    fn close(&mut self) {
        self.is_told = true;
        self.inner.close();
    }

    fn reopen(&mut self) -> Result<(), TransportError> {
        self.is_told = false;
        self.is_stale = self.is_unplugged();
        if self.is_stale {
            return Ok(());
        }
        self.inner.reopen()
    }

    fn farewell(&mut self, texts: Vec<String>) {
        self.is_told = true;
        self.inner.farewell(texts);
    }
}
