//! A server that listens.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mesh_core::HintError;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Config;
use crate::cluster::{BrokerError, Cluster};
use crate::handshaking::accept;
use crate::relay::Relay;
use crate::resume::validity;
use crate::routes::{admin_routes, instance_routes, routes};
use crate::tls::{self, Tls, TlsError};

/// How many connections may wait until we accept them, as far as the system allows. With the usual 128 a lobby's worth of
/// players that reconnect at the same moment have to wait for a second or more, because the system drops what is too much.
const BACKLOG: u32 = 4096;

/// A signaling server on its own address, running on the tokio runtime it was bound on.
///
/// Dropping it stops it without waiting: the sockets are closed by the runtime, if that lives on.
pub struct Server {
    local_addr: SocketAddr,
    admin_addr: Option<SocketAddr>,
    relay: Relay,
    /// What listens and watches. Dropping it ends that.
    tasks: JoinSet<()>,
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
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Lobbies cannot be shared with other instances.
    #[error(transparent)]
    Cluster(#[from] BrokerError),
    /// [`Config::cluster`] needs [`Config::resume_key`], which all instances share.
    #[error("several instances need a key file, the same one for all")]
    NoSharedKey,
    /// Members cannot be told to come back to [`Config::drain_to`].
    #[error("members cannot be told to come back to {url:?}: {source}")]
    DrainTo {
        /// The address.
        url: String,
        /// What is wrong with it.
        source: HintError,
    },
    /// Other instances cannot connect to the address that they would be told: [`ClusterConfig::advertise`](crate::ClusterConfig::advertise),
    /// or else [`ClusterConfig::bind`](crate::ClusterConfig::bind), has no IP address or no port.
    #[error(
        "other instances cannot connect to {addr}: advertise the address at which they reach this one"
    )]
    NotAdvertised {
        /// The address.
        addr: SocketAddr,
    },
}

impl Server {
    /// Listens on an address, and on [`Config::admin_addr`] if there is one; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`BindError`] when the system does not allow it, or when the files of [`Config::tls`], the broker's URL or
    /// [`Config::drain_to`] cannot be used. A broker that cannot be reached is no error: the server waits for it.
    #[expect(
        clippy::unused_async,
        reason = "it has to be called on a runtime, and callers await it"
    )]
    pub async fn bind(addr: SocketAddr, config: Config) -> Result<Self, BindError> {
        if let Some(url) = &config.drain_to {
            signaling::check_hint(url, None).map_err(|source| BindError::DrainTo {
                url: url.clone(),
                source,
            })?;
        }
        let mut tasks = JoinSet::new();
        let tls = config.tls.as_ref().map(Tls::new).transpose()?;
        let (listener, local_addr) = listen(addr)?;
        let admin = match config.admin_addr {
            Some(addr) => Some(listen(addr)?),
            None => None,
        };
        if let (Some(tls), Some(files)) = (&tls, &config.tls) {
            tasks.spawn(tls.clone().watch(files.clone(), tls::LOOK));
        }
        let (cluster, inner) = join_cluster(&config)?.unzip();
        let relay = Relay::new(config, cluster);
        let router = routes(relay.clone(), true);
        tasks.spawn(accept(listener, relay.clone(), router, tls, false));
        if let Some(listener) = inner {
            let router = instance_routes(relay.clone());
            tasks.spawn(accept(listener, relay.clone(), router, None, true));
            tasks.spawn(relay.clone().keep_leases());
        }
        tracing::info!(%local_addr, "listening");
        let mut admin_addr = None;
        if let Some((listener, addr)) = admin {
            let router = admin_routes(relay.clone());
            tasks.spawn(accept(listener, relay.clone(), router, None, false));
            tracing::info!(admin_addr = %addr, "listening for operators");
            admin_addr = Some(addr);
        }
        Ok(Self {
            local_addr,
            admin_addr,
            relay,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where it listens for operators.
    #[must_use]
    pub const fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_addr
    }

    /// Takes nobody new any more, and waits until those who are there have left, at most so long. `/health` says 503
    /// meanwhile, so that a load balancer sends the next ones elsewhere. Handshakes under way are finished.
    ///
    /// Members that speak our extension are told at once how long that may take, and where to come back to
    /// ([`Config::drain_to`]). They stay until they have left, or [`shutdown`](Self::shutdown) closes their sockets.
    pub async fn drain(&self, at_most: Duration) {
        let told = self.relay.begin_to_drain(at_most);
        tracing::info!(?at_most, told, "draining");
        if timeout(at_most, self.relay.drained()).await.is_err() {
            tracing::info!("not everybody has left in time");
        }
    }

    /// Takes nobody any more, closes every socket with code 1001 and a reason, and waits until they are closed, at most
    /// [`Config::shutdown_deadline`].
    pub async fn shutdown(mut self) {
        // Until they have ended they hold the addresses.
        self.tasks.shutdown().await;
        self.relay.shut_down().await;
        // Nobody can ask for the figures any more.
        let closed = self.relay.metrics().closed();
        tracing::info!(local_addr = %self.local_addr, closed, "stopped");
    }
}

/// Listens for other instances, if there are to be some.
fn join_cluster(config: &Config) -> Result<Option<(Cluster, TcpListener)>, BindError> {
    let Some(cluster) = &config.cluster else {
        return Ok(None);
    };
    let key = config.resume_key.as_ref().ok_or(BindError::NoSharedKey)?;
    let (listener, addr) = listen(cluster.bind)?;
    tracing::info!(cluster_addr = %addr, "listening for other instances");
    let addr = cluster.advertise.unwrap_or(addr);
    // Who listens on all addresses, as 0.0.0.0, would have others connect to themselves.
    if addr.ip().to_canonical().is_unspecified() || addr.port() == 0 {
        return Err(BindError::NotAdvertised { addr });
    }
    let keep = validity(config.kept_term());
    let cluster = Cluster::new(cluster, addr, key, keep)?;
    Ok(Some((cluster, listener)))
}

fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let failed = |source| BindError::Listen { addr, source };
    let listener = listener(addr).map_err(failed)?;
    let local_addr = listener.local_addr().map_err(failed)?;
    Ok((listener, local_addr))
}

fn listener(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On Windows this would let another program take the address, too.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("local_addr", &self.local_addr)
            .field("admin_addr", &self.admin_addr)
            .finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.abort_all();
        self.relay.start_shut_down();
    }
}
