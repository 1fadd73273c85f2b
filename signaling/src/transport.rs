//! The few things a WebSocket must do for a [`Client`](crate::Client).

use std::task::{Context, Poll};
use std::time::Duration;

use mesh_core::LostReason;
use thiserror::Error;

use crate::MAX_NOTICE_SIZE;

/// A connection to a server that carries texts. The library's backends bring one over WebSocket.
///
/// The contract:
///
/// 1. `Opened` comes first, once. A server that cannot be reached gives `Closed` with `Unreachable` instead.
/// 2. Texts come whole, once, and in the order sent, between `Opened` and `Closed`. So do ours arrive.
/// 3. `send` never blocks and its queue is bounded: a text is taken between `Opened` and `Closed` while there is room. An
///    accepted one is sent, or `Closed` follows.
/// 4. `Closed` is the last event and comes once; `poll_event` is pending for ever after. The server's close code and its
///    words come as [`LostReason::Refused`] exactly as it sent them (no code: 0), an end without a close frame as `Closed`,
///    a frame that is no text, or too long a one, as `Protocol`. The client above judges and escapes them.
/// 5. `poll_event` is cancel-safe and wakes the last waker given.
/// 6. After `close` nothing is reported. What was accepted before goes out first, as far as a short, bounded wait allows.
///    Dropping closes.
/// 7. After `reopen` and `reopen_at` the contract begins anew. The connection before is abandoned without a goodbye, so that its server does not
///    take us for one who leaves: no close frame, or one with a code other than 1000 and 1001.
/// 8. `farewell` is a `close`, after which one attempt is made to say the texts to the server of the last connection on one of their
///    own, in their order and before a close in good order. Nothing of it is reported, it takes no longer than connecting and a close may, and dropping
///    the transport does not end it.
pub trait Transport {
    /// Queues a text.
    ///
    /// # Errors
    ///
    /// [`TransportError`] when it is not taken; nothing of it is sent then.
    fn send(&mut self, text: String) -> Result<(), TransportError>;

    /// The next event.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<TransportEvent>;

    /// Ends the connection in good order. Does nothing if it has ended.
    fn close(&mut self);

    /// After a `close` or a `farewell`: waits until what was to go out has gone out, or cannot. It takes no longer than the wait that 6 and 8
    /// of the contract allow. A program that ends its runtime sooner may lose the goodbye. After a `farewell` only that is waited for.
    ///
    /// Unless it is implemented, there is nothing to wait for. Cancel-safe; wakes the last waker given.
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }

    /// Abandons the connection, if there is one, and begins to connect again to the address that the transport was made for.
    ///
    /// # Errors
    ///
    /// [`TransportError`] where that is not possible, which is what this method says unless it is implemented: a client over
    /// such a transport cannot come back to its seat.
    fn reopen(&mut self) -> Result<(), TransportError> {
        Err(TransportError::NotOpen)
    }

    /// The same at another address, as long as `reopen` is not called.
    ///
    /// # Errors
    ///
    /// [`TransportError`] where that is not possible, which is what this method says unless it is implemented. `reopen` still is then.
    fn reopen_at(&mut self, url: &str) -> Result<(), TransportError> {
        let _ = url;
        Err(TransportError::NotOpen)
    }

    /// The address that `reopen` connects to, if the transport can connect to another one, too. A client does not take the hint of
    /// a server otherwise.
    fn url(&self) -> Option<&str> {
        None
    }

    /// Ends the connection, if there is one, and says these texts to the same server on a new one. A client that leaves while its
    /// connection is broken gives up its seat so.
    ///
    /// Unless it is implemented, this method only closes.
    fn farewell(&mut self, texts: Vec<String>) {
        let _ = texts;
        self.close();
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn send(&mut self, text: String) -> Result<(), TransportError> {
        (**self).send(text)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<TransportEvent> {
        (**self).poll_event(cx)
    }

    fn close(&mut self) {
        (**self).close();
    }

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        (**self).poll_closed(cx)
    }

    fn reopen(&mut self) -> Result<(), TransportError> {
        (**self).reopen()
    }

    fn reopen_at(&mut self, url: &str) -> Result<(), TransportError> {
        (**self).reopen_at(url)
    }

    fn url(&self) -> Option<&str> {
        (**self).url()
    }

    fn farewell(&mut self, texts: Vec<String>) {
        (**self).farewell(texts);
    }
}

/// What happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportEvent {
    /// It stands: texts can be sent.
    Opened,
    /// A text came.
    Text(String),
    /// It has ended, or never stood.
    Closed {
        /// Why.
        reason: LostReason,
    },
}

/// Where a [`Transport`] is in its life, as its implementation needs to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportState {
    /// `Opened` has not come.
    #[default]
    Connecting,
    /// Texts can be sent.
    Open,
    /// This side has closed it, or `Closed` has been reported.
    Closed,
}

impl TransportState {
    /// Takes in an event that is about to be reported.
    pub const fn follow(&mut self, event: &TransportEvent) {
        match event {
            TransportEvent::Opened => *self = Self::Open,
            TransportEvent::Text(_) => {}
            TransportEvent::Closed { .. } => *self = Self::Closed,
        }
    }
}

/// What can be chosen about a WebSocket under a [`Client`](crate::Client).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportOptions {
    /// How long name resolution, TCP, TLS and the upgrade may take together.
    pub connect_timeout: Duration,
    /// The longest text to take, in bytes. A longer one ends the connection.
    pub max_message_size: usize,
}

impl Default for TransportOptions {
    /// 10 s to connect, texts of [`MAX_NOTICE_SIZE`].
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            max_message_size: MAX_NOTICE_SIZE,
        }
    }
}

/// Why a transport did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The address is none of a WebSocket.
    #[error("{url:?} is not a WebSocket address: {why}")]
    InvalidUrl {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is not open yet, or not any more.
    #[error("the connection is not open")]
    NotOpen,
    /// Too much is waiting to be sent.
    #[error("too much is waiting to be sent")]
    Full,
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Writes down what it is asked for.
    #[derive(Default)]
    struct Log {
        asked: Vec<String>,
    }

    impl Transport for Log {
        fn send(&mut self, text: String) -> Result<(), TransportError> {
            self.asked.push(text);
            Err(TransportError::Full)
        }

        fn poll_event(&mut self, _cx: &mut Context<'_>) -> Poll<TransportEvent> {
            Poll::Ready(TransportEvent::Opened)
        }

        fn close(&mut self) {
            self.asked.push("close".to_owned());
        }

        fn reopen(&mut self) -> Result<(), TransportError> {
            self.asked.push("reopen".to_owned());
            Err(TransportError::NotOpen)
        }

        fn reopen_at(&mut self, url: &str) -> Result<(), TransportError> {
            self.asked.push(url.to_owned());
            Ok(())
        }

        fn url(&self) -> Option<&str> {
            Some("ws://a.example")
        }

        fn farewell(&mut self, texts: Vec<String>) {
            self.asked.extend(texts);
        }
    }

    /// A transport from before there was `reopen`.
    #[derive(Default)]
    struct Old {
        is_closed: bool,
    }

    impl Transport for Old {
        fn send(&mut self, _text: String) -> Result<(), TransportError> {
            Ok(())
        }

        fn poll_event(&mut self, _cx: &mut Context<'_>) -> Poll<TransportEvent> {
            Poll::Pending
        }

        fn close(&mut self) {
            self.is_closed = true;
        }
    }

    #[test]
    fn a_box_does_what_is_in_it() {
        let mut boxed = Box::new(Log::default());
        let transport: &mut dyn Transport = &mut boxed;
        assert_eq!(transport.send("text".to_owned()), Err(TransportError::Full));
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(
            transport.poll_event(&mut cx),
            Poll::Ready(TransportEvent::Opened)
        );
        assert_eq!(transport.reopen(), Err(TransportError::NotOpen));
        assert_eq!(transport.reopen_at("elsewhere"), Ok(()));
        assert_eq!(transport.url(), Some("ws://a.example"));
        transport.close();
        transport.farewell(vec!["bye".to_owned()]);
        assert_eq!(boxed.asked, ["text", "reopen", "elsewhere", "close", "bye"]);
    }

    #[test]
    fn a_transport_that_does_not_say_how_cannot_be_opened_again() {
        let mut old = Old::default();
        assert_eq!(old.reopen(), Err(TransportError::NotOpen));
        assert_eq!(old.reopen_at("ws://b"), Err(TransportError::NotOpen));
        assert_eq!(old.url(), None);
        old.farewell(vec!["bye".to_owned()]);
        assert!(old.is_closed);
    }

    #[test]
    fn a_state_follows_the_events() {
        let mut state = TransportState::default();
        assert_eq!(state, TransportState::Connecting);
        let reason = LostReason::Closed;
        for (event, expected) in [
            (TransportEvent::Opened, TransportState::Open),
            (
                TransportEvent::Text("text".to_owned()),
                TransportState::Open,
            ),
            (TransportEvent::Closed { reason }, TransportState::Closed),
        ] {
            state.follow(&event);
            assert_eq!(state, expected);
        }
    }
}
