//! What a link has to do with STUN and TURN servers, and why none gave it an address.

mod book;
pub(crate) mod fuzz;
mod resolver;
mod socket;
mod stun;
#[cfg(test)]
mod tests;
mod tunnel;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mesh_core::{ConnectFailure, IceServer, IceTransportPolicy, LinkConfig, TransportProtocol};
use rtc::ice::url::Url;
use tokio::task::JoinSet;

use self::book::Book;
use self::socket::ServerSockets;
use crate::socket::SocketSource;
use crate::tls::RootCertificates;
use crate::translate;

pub(crate) use self::book::resolve;
pub(crate) use self::resolver::Resolver;

/// The STUN and TURN servers of a link.
pub(crate) struct Relay {
    book: Arc<Book>,
    /// Each URL of a TURN server as it was configured, and which server that is, if it can be used.
    turn: Vec<(String, Option<usize>)>,
    /// The servers as the `webrtc` crate is told.
    servers: Vec<IceServer>,
    /// Nothing else may be used.
    only: bool,
    found: bool,
    /// There was no address to bind but loopback's.
    is_offline: bool,
    /// Ends with the link.
    resolving: JoinSet<()>,
}

impl Relay {
    /// # Errors
    ///
    /// [`ConnectFailure::Config`] where a URL is none, or a credential is missing.
    pub(crate) fn new(config: &LinkConfig) -> Result<Self, ConnectFailure> {
        let mut book = Book::default();
        let mut turn = Vec::new();
        let mut servers = Vec::new();
        for server in &config.ice_servers {
            let unusable =
                |error| ConnectFailure::Config(format!("{}: {error}", server.urls.join(", ")));
            let parsed = translate::ice_server(server).urls().map_err(unusable)?;
            let mut known = server.clone();
            known.urls.clear();
            for (url, parsed) in server.urls.iter().zip(&parsed) {
                let index = book.enter(parsed);
                if url.starts_with("turn") {
                    turn.push((url.clone(), index));
                }
                known.urls.extend(index.map(|index| as_told(parsed, index)));
            }
            if !known.urls.is_empty() {
                servers.push(known);
            }
        }
        Ok(Self {
            book: Arc::new(book),
            turn,
            servers,
            only: config.ice_transport_policy == IceTransportPolicy::Relay,
            found: false,
            is_offline: false,
            resolving: JoinSet::new(),
        })
    }

    /// Begins to ask for the servers' addresses.
    pub(crate) fn resolve(&mut self, resolver: &Arc<Resolver>) {
        for index in 0..self.book.servers().len() {
            let (book, resolver) = (Arc::clone(&self.book), Arc::clone(resolver));
            self.resolving.spawn(async move {
                if let Some(server) = book.server(index) {
                    server.settle(resolver.resolve(&server.host, server.port).await);
                }
            });
        }
    }

    /// The servers under names of ours.
    pub(crate) fn servers(&self) -> &[IceServer] {
        &self.servers
    }

    /// Tells whether one of the servers has this address, once that is known.
    pub(crate) fn is_server(&self) -> impl Fn(IpAddr) -> bool + Send + Sync + 'static {
        let book = Arc::clone(&self.book);
        move |ip| {
            let mut addresses = book.servers().iter().filter_map(book::Server::addresses);
            addresses.any(|addresses| addresses.iter().any(|address| address.ip() == ip))
        }
    }

    /// Whether the link may end up at a relay of ours.
    pub(crate) fn is_possible(&self) -> bool {
        self.turn.iter().any(|(_, index)| index.is_some())
    }

    /// What goes to the TURN server of a candidate, given as the crate was told of it. `None` where it could be one of several
    /// that are reached in different ways.
    pub(crate) fn protocol(&self, server: Option<&str>) -> Option<TransportProtocol> {
        if let Some(index) = server.and_then(book::index_of_url) {
            return Some(self.book.server(index)?.protocol());
        }
        let servers = self.turn.iter().filter_map(|(_, index)| *index);
        let mut servers = servers.filter_map(|index| self.book.server(index));
        let protocol = servers.next()?.protocol();
        servers
            .all(|server| server.protocol() == protocol)
            .then_some(protocol)
    }

    /// A candidate of ours as the far side is told: where only relays may be used, without the address from which we reach ours.
    pub(crate) fn as_told(&self, candidate: String) -> String {
        if self.only {
            translate::without_related(&candidate)
        } else {
            candidate
        }
    }

    /// Which addresses may be used.
    pub(crate) const fn policy(&self) -> IceTransportPolicy {
        if self.only {
            IceTransportPolicy::Relay
        } else {
            IceTransportPolicy::All
        }
    }

    /// Nothing can be reached but this machine.
    pub(crate) fn offline(&mut self) {
        self.is_offline = true;
    }

    /// A server gave an address.
    pub(crate) fn found(&mut self) {
        self.found = true;
    }

    /// Why the link cannot be, now that no more addresses come: it needs one of a relay and has none.
    pub(crate) fn failure(&self) -> Option<ConnectFailure> {
        (self.only && !self.found).then(|| ConnectFailure::NoRelay {
            cause: self.cause(),
        })
    }

    /// Makes the link's sockets know the servers.
    pub(crate) fn sockets(
        &self,
        source: Arc<dyn SocketSource>,
        roots: &RootCertificates,
    ) -> Arc<dyn SocketSource> {
        if self.book.servers().is_empty() {
            return source;
        }
        Arc::new(ServerSockets {
            book: Arc::clone(&self.book),
            roots: roots.clone(),
            source,
        })
    }

    /// What became of the TURN servers, or that there is no network, for a player; empty where nothing stood in the way.
    pub(crate) fn trouble(&self) -> String {
        if self.is_offline {
            return String::from("this machine has no network address");
        }
        if self.found || self.turn.is_empty() {
            return String::new();
        }
        self.cause()
    }

    fn cause(&self) -> String {
        if self.turn.is_empty() {
            return String::from("only relays may be used, and no TURN server is set");
        }
        let words = self.turn.iter().map(|(url, index)| {
            let words = match index {
                None => String::from("TURN over DTLS is not supported here"),
                Some(index) => self
                    .book
                    .server(*index)
                    .and_then(book::Server::trouble)
                    .unwrap_or_else(|| String::from("no answer")),
            };
            format!("{url}: {words}")
        });
        words.collect::<Vec<_>>().join("; ")
    }
}

/// Whether this address stands for a server.
pub(crate) fn is_server(address: SocketAddr) -> bool {
    book::index_of(address).is_some()
}

/// The URL under which the crate asks our sockets for a server: over UDP, whatever is really between.
fn as_told(url: &Url, index: usize) -> String {
    format!("{}:{}:{}", plain(url), book::name(index), url.port)
}

/// The scheme without its encryption, which is ours to do.
fn plain(url: &Url) -> &'static str {
    use rtc::ice::url::SchemeType;
    if url.scheme == SchemeType::Stun {
        "stun"
    } else {
        "turn"
    }
}
