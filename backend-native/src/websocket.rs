//! [`WebSocketTransport`]: the socket under a signaling client, on tokio.

mod connection;

use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mesh_core::LostReason;
use signaling::{Transport, TransportError, TransportEvent, TransportOptions, TransportState};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;

use crate::executor::{Parting, Roll};
use crate::tls::RootCertificates;
use connection::Connection;

/// Texts that wait for the network. Joining a lobby of 32 says about 400 at once: a description and a dozen candidates for
/// each member.
const TEXTS: usize = 1024;

/// Events that wait for the application.
const EVENTS: usize = 256;

/// A WebSocket client that carries the texts of a signaling protocol (RFC 6455; `wss` through rustls with the platform's
/// root certificates).
///
/// Connecting and everything after it happens in one task on the given runtime, so every method returns at once. Dropping
/// the transport closes it: what was accepted goes out, then a close frame, for which the task takes two seconds at most. The runtime must
/// live as long; [`poll_closed`](Transport::poll_closed) waits for it.
pub struct WebSocketTransport {
    handle: Handle,
    /// Where it was told to connect to at first.
    home: Target,
    /// Where it has connected to last.
    target: Target,
    /// The task learns of our close because this end of the queue is gone.
    texts: Option<mpsc::Sender<String>>,
    events: mpsc::Receiver<TransportEvent>,
    state: TransportState,
    task: AbortHandle,
    /// Tells the task that its server is not to be told that we leave.
    abandoned: Arc<AtomicBool>,
    /// Whoever ends the runtime waits there for the goodbye.
    roll: Option<Arc<Roll>>,
    /// Hands the task a [`Parting`], which lasts until the task ends.
    parting: Option<oneshot::Sender<Parting>>,
    /// Ends with the task; `None` once that was seen.
    ended: Option<oneshot::Receiver<Infallible>>,
}

/// Where to connect to, and how.
#[derive(Clone)]
struct Target {
    url: String,
    request: Request,
    options: TransportOptions,
    roots: RootCertificates,
}

impl WebSocketTransport {
    /// Begins to connect to `url` (`ws://…` or `wss://…`) on a task of `handle`'s runtime.
    ///
    /// Whatever fails later is reported as [`TransportEvent::Closed`].
    ///
    /// # Errors
    ///
    /// [`TransportError::InvalidUrl`] when that cannot be connected to at all.
    pub fn connect(handle: &Handle, url: &str) -> Result<Self, TransportError> {
        Self::connect_with(
            handle,
            url,
            TransportOptions::default(),
            RootCertificates::default(),
        )
    }

    /// The same with options, and with these certificates trusted besides the platform's: for a server in the local network
    /// that has a certificate of its own.
    ///
    /// # Errors
    ///
    /// [`TransportError::InvalidUrl`] when that cannot be connected to at all.
    pub fn connect_with(
        handle: &Handle,
        url: &str,
        options: TransportOptions,
        roots: RootCertificates,
    ) -> Result<Self, TransportError> {
        Self::begin(handle, url, options, roots, None)
    }

    pub(crate) fn begin(
        handle: &Handle,
        url: &str,
        options: TransportOptions,
        roots: RootCertificates,
        roll: Option<Arc<Roll>>,
    ) -> Result<Self, TransportError> {
        let target = Target {
            url: url.to_owned(),
            request: request(url)?,
            options,
            roots,
        };
        Ok(Self::start(handle.clone(), target.clone(), target, roll))
    }

    fn start(handle: Handle, home: Target, target: Target, roll: Option<Arc<Roll>>) -> Self {
        let (texts, outgoing) = mpsc::channel(TEXTS);
        let (incoming, events) = mpsc::channel(EVENTS);
        let Target {
            request,
            options,
            roots,
            ..
        } = target.clone();
        let abandoned = Arc::new(AtomicBool::new(false));
        let connection = Connection {
            request,
            options,
            roots,
            texts: outgoing,
            events: incoming,
            abandoned: Arc::clone(&abandoned),
        };
        let (parting, waited_for) = oneshot::channel::<Parting>();
        let (ending, ended) = oneshot::channel();
        let task = handle.spawn(async move {
            // The task holds them until it ends, however it ends.
            let _held = (waited_for, ending);
            connection.run().await;
        });
        let task = task.abort_handle();
        Self {
            handle,
            home,
            target,
            texts: Some(texts),
            events,
            state: TransportState::default(),
            task,
            abandoned,
            roll,
            parting: Some(parting),
            ended: Some(ended),
        }
    }

    /// Abandons the connection and begins another one.
    fn start_again(&mut self, target: Target) {
        // The task may be at work on another thread, and see that its queue ends before it sees that it is aborted.
        self.abandoned.store(true, Ordering::Release);
        // The socket is dropped with it.
        self.task.abort();
        *self = Self::start(
            self.handle.clone(),
            self.home.clone(),
            target,
            self.roll.clone(),
        );
    }
}

impl Transport for WebSocketTransport {
    fn send(&mut self, text: String) -> Result<(), TransportError> {
        let (TransportState::Open, Some(texts)) = (self.state, &self.texts) else {
            return Err(TransportError::NotOpen);
        };
        texts.try_send(text).map_err(|error| match error {
            TrySendError::Full(_) => TransportError::Full,
            TrySendError::Closed(_) => TransportError::NotOpen,
        })
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<TransportEvent> {
        if self.state == TransportState::Closed {
            return Poll::Pending;
        }
        // A task that ends without a last word was torn down with its runtime.
        let event = ready!(self.events.poll_recv(cx)).unwrap_or_else(|| TransportEvent::Closed {
            reason: LostReason::Unreachable("the runtime of the connection has ended".into()),
        });
        self.state.follow(&event);
        Poll::Ready(event)
    }

    fn close(&mut self) {
        self.state = TransportState::Closed;
        if let (Some(roll), Some(parting)) = (&self.roll, self.parting.take()) {
            // A task that has ended does not take it, and nobody waits.
            let _ = parting.send(roll.part());
        }
        self.texts = None;
        self.events.close();
    }

    fn farewell(&mut self, texts: Vec<String>) {
        self.close();
        let Target {
            request,
            options,
            roots,
            ..
        } = self.target.clone();
        let parting = self.roll.as_ref().map(Roll::part);
        let (ending, ended) = oneshot::channel();
        self.ended = Some(ended);
        self.handle.spawn(async move {
            let _held = (parting, ending);
            connection::say(request, options, roots, texts).await;
        });
    }

    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(ended) = &mut self.ended {
            // Nothing is ever sent, so this is ready when the task has ended.
            let _ = ready!(Pin::new(ended).poll(cx));
        }
        self.ended = None;
        Poll::Ready(())
    }

    fn reopen(&mut self) -> Result<(), TransportError> {
        self.start_again(self.home.clone());
        Ok(())
    }

    fn reopen_at(&mut self, url: &str) -> Result<(), TransportError> {
        let target = Target {
            url: url.to_owned(),
            request: request(url)?,
            ..self.home.clone()
        };
        self.start_again(target);
        Ok(())
    }

    fn url(&self) -> Option<&str> {
        Some(&self.home.url)
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

/// The upgrade request, or what is wrong with the URL.
fn request(url: &str) -> Result<Request, TransportError> {
    read(url).map_err(|why| TransportError::InvalidUrl {
        url: url.into(),
        why,
    })
}

fn read(url: &str) -> Result<Request, String> {
    // As a browser reads it: white space around it does not count, nor does the case of the scheme.
    let url = url.trim();
    let url = match url.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => url.to_owned(),
    };
    let request = url
        .into_client_request()
        .map_err(|error| error.to_string())?;
    let uri = request.uri();
    if !matches!(uri.scheme_str(), Some("ws" | "wss")) {
        return Err("it must begin with ws:// or wss://".into());
    }
    let host = uri.host().filter(|host| !host.is_empty());
    let (Some(host), Some(authority)) = (host, uri.authority()) else {
        return Err("it names no host".into());
    };
    let Some(port) = authority.as_str().strip_prefix(host) else {
        return Err("a user name or password cannot be used here".into());
    };
    // A port that is no u16 reads as none at all.
    if !port.is_empty() && uri.port_u16().is_none_or(|port| port == 0) {
        return Err("its port is not in 1..=65535".into());
    }
    Ok(request)
}
