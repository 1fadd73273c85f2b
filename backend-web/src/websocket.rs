//! [`WebSocketTransport`]: the socket under a signaling client, in the browser.

mod address;
mod known;
mod probe;
mod socket;

use core::fmt;
use core::task::{Context, Poll};
use std::rc::Rc;

use signaling::{Transport, TransportError, TransportEvent, TransportOptions, TransportState};

use known::Known;
use socket::Socket;

/// A WebSocket client that carries the texts of a signaling protocol, on the browser's `WebSocket`.
///
/// Every method returns at once. Dropping the transport closes it: what was accepted goes out, then a close frame, both by the
/// browser's own hand.
pub struct WebSocketTransport {
    /// Where it was told to connect to at first.
    home: String,
    /// Where it has connected to last.
    url: String,
    options: TransportOptions,
    socket: Rc<Socket>,
    state: TransportState,
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
        Self::connect_with(url, TransportOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// [`TransportError::InvalidUrl`] when that cannot be connected to at all.
    pub fn connect_with(url: &str, options: TransportOptions) -> Result<Self, TransportError> {
        Ok(Self {
            home: url.to_owned(),
            url: url.to_owned(),
            options,
            socket: open(url, options, Known::default())?,
            state: TransportState::default(),
        })
    }

    /// Abandons the connection and begins another one.
    fn start_again(&mut self, url: String) -> Result<(), TransportError> {
        self.socket.abandon();
        // The links were closed with the page, so there is nothing to come back to.
        if !self.socket.tells_that_page_was_left() {
            // Another address is that of another instance of the same server.
            self.socket = open(&url, self.options, self.socket.known())?;
            self.url = url;
        }
        self.state = TransportState::default();
        Ok(())
    }
}

fn open(url: &str, options: TransportOptions, known: Known) -> Result<Rc<Socket>, TransportError> {
    let invalid = |why| TransportError::InvalidUrl {
        url: url.into(),
        why,
    };
    let host = address::check(url).map_err(invalid)?;
    Socket::open(url, host, options, known).map_err(invalid)
}

impl Transport for WebSocketTransport {
    fn send(&mut self, text: String) -> Result<(), TransportError> {
        match self.state {
            TransportState::Open => self.socket.send(&text),
            TransportState::Connecting | TransportState::Closed => Err(TransportError::NotOpen),
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<TransportEvent> {
        if self.state == TransportState::Closed {
            return Poll::Pending;
        }
        let Some(event) = self.socket.take() else {
            self.socket.wait(cx);
            return Poll::Pending;
        };
        self.state.follow(&event);
        Poll::Ready(event)
    }

    fn close(&mut self) {
        self.state = TransportState::Closed;
        self.socket.close();
    }

    fn farewell(&mut self, texts: Vec<String>) {
        self.close();
        // A page that is left opens no sockets.
        if !self.socket.is_away()
            && let Ok(socket) = open(&self.url, self.options, self.socket.known())
        {
            socket.say(texts);
        }
    }

    fn reopen(&mut self) -> Result<(), TransportError> {
        self.start_again(self.home.clone())
    }

    fn reopen_at(&mut self, url: &str) -> Result<(), TransportError> {
        self.start_again(url.to_owned())
    }

    fn url(&self) -> Option<&str> {
        Some(&self.home)
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
