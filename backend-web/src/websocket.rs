//! [`WebSocketTransport`]: the socket under a signaling client, in the browser.

mod address;
mod socket;

use core::fmt;
use core::task::{Context, Poll};
use std::rc::Rc;
use std::time::Duration;

use signaling::{Transport, TransportError, TransportEvent};

use socket::Socket;

/// A WebSocket client that carries the texts of a signaling protocol, on the browser's `WebSocket`.
///
/// Every method returns at once. Dropping the transport closes it: what was accepted goes out, then a close frame, both by the
/// browser's own hand.
pub struct WebSocketTransport {
    socket: Rc<Socket>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Open,
    /// By us, or `Closed` has been reported.
    Closed,
}

/// What can be chosen about a [`WebSocketTransport`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketOptions {
    connect_timeout: Duration,
    max_message_size: usize,
}

impl Default for WebSocketOptions {
    /// 10 s to connect, texts of [`signaling::MAX_NOTICE_SIZE`].
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            max_message_size: signaling::MAX_NOTICE_SIZE,
        }
    }
}

impl WebSocketOptions {
    /// How long name resolution, TCP, TLS and the upgrade may take together.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The longest text to take, in bytes. A longer one ends the connection.
    #[must_use]
    pub const fn with_max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }
}

impl WebSocketTransport {
    /// Begins to connect to `url` (`ws://…` or `wss://…`).
    ///
    /// Whatever fails later is reported as [`TransportEvent::Closed`].
    ///
    /// # Errors
    ///
    /// [`TransportError::InvalidUrl`] when that cannot be connected to at all: no WebSocket address, or one without TLS from a
    /// page that came over TLS.
    pub fn connect(url: &str) -> Result<Self, TransportError> {
        Self::connect_with(url, WebSocketOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_with(url: &str, options: WebSocketOptions) -> Result<Self, TransportError> {
        let invalid = |why| TransportError::InvalidUrl {
            url: url.into(),
            why,
        };
        let host = address::check(url).map_err(invalid)?;
        let socket = Socket::open(url, host, options).map_err(invalid)?;
        Ok(Self {
            socket,
            state: State::Connecting,
        })
    }
}

impl Transport for WebSocketTransport {
    fn send(&mut self, text: String) -> Result<(), TransportError> {
        match self.state {
            State::Open => self.socket.send(&text),
            State::Connecting | State::Closed => Err(TransportError::NotOpen),
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<TransportEvent> {
        if self.state == State::Closed {
            return Poll::Pending;
        }
        let Some(event) = self.socket.take() else {
            self.socket.wait(cx);
            return Poll::Pending;
        };
        match event {
            TransportEvent::Opened => self.state = State::Open,
            TransportEvent::Text(_) => {}
            TransportEvent::Closed { .. } => self.state = State::Closed,
        }
        Poll::Ready(event)
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.socket.close();
    }
}

impl Drop for WebSocketTransport {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for WebSocketTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketTransport")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
