//! A server that listens.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::Config;
use crate::relay::Relay;
use crate::routes::{Remote, routes};

/// How many connections may be on their way to becoming a WebSocket; more wait in the system's queue.
const MAX_HANDSHAKES: usize = 1024;

/// The longest request head, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// How long to wait when the system has no more sockets for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A signaling server on its own address, running on the tokio runtime it was bound on.
///
/// Dropping it stops it without waiting: the sockets are closed by the runtime, if that lives on.
pub struct Server {
    local_addr: SocketAddr,
    relay: Relay,
    accepting: JoinHandle<()>,
}

/// Why a server could not listen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl Server {
    /// Listens on an address; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`BindError`] when the system does not allow it.
    pub async fn bind(addr: SocketAddr, config: Config) -> Result<Self, BindError> {
        let failed = |source| BindError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let relay = Relay::new(config);
        let accepting = tokio::spawn(accept(listener, relay.clone()));
        tracing::info!(%local_addr, "listening");
        Ok(Self {
            local_addr,
            relay,
            accepting,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Takes nobody any more, closes every socket with code 1001 and a reason, and waits until they are closed, at most
    /// [`Config::shutdown_deadline`].
    pub async fn shutdown(mut self) {
        self.accepting.abort();
        // Until it has ended it holds the address. An error is its being aborted.
        let _ = (&mut self.accepting).await;
        self.relay.shut_down().await;
        tracing::info!(local_addr = %self.local_addr, "stopped");
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("local_addr", &self.local_addr)
            .finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.relay.start_shut_down();
    }
}

/// Takes connections for ever. Those that are no WebSocket yet end with this future.
async fn accept(listener: TcpListener, relay: Relay) {
    let deadline = relay.config().handshake_deadline;
    let router = routes(relay, true);
    let places = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    let mut handshakes = JoinSet::new();
    loop {
        while handshakes.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, remote)) => {
                let answering = answer(stream, Remote(remote), router.clone());
                handshakes.spawn(async move {
                    if timeout(deadline, answering).await.is_err() {
                        tracing::debug!(%remote, "not a WebSocket in time");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers HTTP; a connection that becomes a WebSocket lives on elsewhere.
async fn answer(stream: TcpStream, remote: Remote, router: Router) {
    // Signals are small and wait for each other.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(remote);
        router.call(request)
    });
    let connection = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(?remote, %error, "not HTTP");
    }
}
