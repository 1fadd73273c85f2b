//! The few things a WebSocket must do for a [`Client`](crate::Client).

use std::task::{Context, Poll};

use mesh_core::LostReason;
use thiserror::Error;

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
}

/// What happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
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
