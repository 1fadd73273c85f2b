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

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.inner.poll_closed(cx)
    }

    fn reopen(&mut self) -> Result<(), TransportError> {
        self.is_told = false;
        self.is_stale = self.is_unplugged();
        if self.is_stale {
            return Ok(());
        }
        self.inner.reopen()
    }

    fn reopen_at(&mut self, url: &str) -> Result<(), TransportError> {
        self.is_told = false;
        self.is_stale = self.is_unplugged();
        if self.is_stale {
            return Ok(());
        }
        self.inner.reopen_at(url)
    }

    fn url(&self) -> Option<&str> {
        self.inner.url()
    }

    fn farewell(&mut self, texts: Vec<String>) {
        self.is_told = true;
        self.inner.farewell(texts);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Always has something to say, and counts how often it was opened again.
    #[derive(Default)]
    struct Chatty(u32);

    impl Transport for Chatty {
        fn send(&mut self, _text: String) -> Result<(), TransportError> {
            Ok(())
        }

        fn poll_event(&mut self, _cx: &mut Context<'_>) -> Poll<TransportEvent> {
            Poll::Ready(TransportEvent::Opened)
        }

        fn close(&mut self) {}

        fn reopen(&mut self) -> Result<(), TransportError> {
            self.0 += 1;
            Ok(())
        }
    }

    #[test]
    fn what_is_unplugged_is_out_of_reach_until_it_is_opened_again() {
        let (mut plug, switch) = Plug::new(Chatty::default());
        let mut cx = Context::from_waker(Waker::noop());
        let opened = Poll::Ready(TransportEvent::Opened);
        assert_eq!(plug.poll_event(&mut cx), opened);
        switch.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            let closed = plug.poll_event(&mut cx);
            assert!(matches!(closed, Poll::Ready(TransportEvent::Closed { .. })));
            assert!(plug.poll_event(&mut cx).is_pending(), "it is told once");
            assert!(plug.send("text".to_owned()).is_err());
            assert_eq!(plug.reopen(), Ok(()));
        }
        assert_eq!(plug.inner.0, 0);
        switch.store(false, Ordering::Relaxed);
        assert!(plug.poll_event(&mut cx).is_ready(), "the last attempt ends");
        assert!(plug.poll_event(&mut cx).is_pending());
        assert_eq!(plug.reopen(), Ok(()));
        assert_eq!(plug.inner.0, 1);
        assert_eq!(plug.poll_event(&mut cx), opened);
    }
}
