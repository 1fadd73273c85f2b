//! What an operator can set.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::admission::Admission;
use crate::cluster::ClusterConfig;
use crate::resume::ResumeKey;
use crate::turn::TurnAccess;

/// Behaviour and limits of a server. Every field has a default that suits a public server for small games.
///
/// Name the fields that you change, and take the others from the default. A later version may have more fields, and such a program
/// still compiles then. That is why the struct is not `non_exhaustive`: Rust allows no `..Config::default()` for such a struct outside
/// of its crate, and a method for each of so many fields would say nothing more than this does.
///
/// ```
/// use std::time::Duration;
///
/// use signaling_server::Config;
///
/// let config = Config {
///     max_lobby_peers: 8,
///     seal_duration: Duration::from_secs(30),
///     ..Config::default()
/// };
/// assert_eq!(config.max_peers, 4096);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Answer as Godot's Node demo server does, see the [crate's documentation](crate#strict).
    pub strict: bool,
    /// Whether to refuse a join of a lobby that does not exist, so that a mistyped name is an error and not an empty room:
    /// false. A lobby is made by a join without a name then, and the server gives it one.
    pub no_create: bool,
    /// How many sockets at most: 4096.
    pub max_peers: usize,
    /// How many lobbies at most: 1024.
    pub max_lobbies: usize,
    /// How many members a lobby has at most: 128, strict 4096.
    pub max_lobby_peers: usize,
    /// What each address may have and do.
    pub address: AddressLimits,
    /// The networks of the proxies whose word is taken for where a request comes from: none.
    ///
    /// Behind a proxy that is not named here all players have one address, the proxy's.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they say it: `X-Forwarded-For`.
    pub forwarded_header: ForwardedHeader,
    /// The pages that may open a socket, as `https://game.example`: all. Programs that are no browser may always.
    pub allowed_origins: Vec<String>,
    /// The longest message taken, in bytes: 32768. A Godot client takes no more than 65535.
    pub max_message_size: usize,
    /// The longest name of a lobby, in characters: 64.
    pub max_lobby_name: usize,
    /// How many messages a second a socket may send for ever: 128. One counts once for every 256 bytes
    /// begun; pings count, and so does every piece of a message in pieces.
    pub messages_per_second: u32,
    /// How many it may send at once after a silence: 2048, enough to greet a full lobby.
    pub message_burst: u32,
    /// How many bytes may wait for a socket that does not read, 64 for each message included: 1 MiB.
    ///
    /// Each sender has a sixteenth of it, and when all of it is taken up an equal part for each of `max_lobby_peers`, which
    /// comes on top. A sender whose share is waiting is slowed for two seconds; after that what it sends there is dropped, and
    /// costs it eight times as many messages as usual.
    pub max_outgoing: usize,
    /// How many sockets that are being refused may exist besides those that are served: 256. More get a plain HTTP error.
    pub max_refused: usize,
    /// How many connections may be on their way to becoming a WebSocket, or ask for `/health`: 1024. When there are more, one
    /// of the address that has most of them is cut: the oldest that has said nothing, or else the oldest.
    pub max_handshakes: usize,
    /// How many of those one address may have: 64; then one of its own is cut. Trusted proxies are not held to it.
    pub max_handshakes_per_address: usize,
    /// How long a connection may take for TLS, and how long it may wait for the head of a request: 5 s.
    pub handshake_deadline: Duration,
    /// How long a socket may take to join: 3 s, strict 1 s.
    pub join_deadline: Duration,
    /// How long a message may take from its first byte to its last, in however many pieces it comes: 10 s.
    pub message_deadline: Duration,
    /// How long a lobby lives once it is sealed: 10 s.
    pub seal_duration: Duration,
    /// How long a seat is kept for a member whose connection has broken, if it speaks our extension: 60 s, and an hour at most.
    /// Fractions of a second do not count. Nobody comes back where it is less than a second, and in a strict server.
    pub resume_term: Duration,
    /// What members' tokens are signed with: none, so a key of the server's own, which is forgotten with it. One from a file lets
    /// the members of a lobby come back to the next server, too.
    ///
    /// A server whose key was in the file already takes nobody into a lobby of a new name for one and a half times
    /// `resume_term`, but for those who come back to it: else somebody could be the host of another's lobby.
    pub resume_key: Option<ResumeKey>,
    /// How often a socket is pinged: 10 s.
    pub ping_interval: Duration,
    /// How long it may take to answer a ping, or to take what is sent to it: 10 s.
    pub ping_deadline: Duration,
    /// How long a close waits for the other side's close: 1 s.
    pub close_deadline: Duration,
    /// How long a shutdown waits for the sockets to close: 5 s.
    pub shutdown_deadline: Duration,
    /// The address at which members come back when the server stops, as `wss://b.example`. The default is `None`: they come back to
    /// the address where they are. It is told to those that speak our extension, when [`Server::drain`](crate::Server::drain)
    /// begins. [`signaling::check_hint`] says what may be told.
    pub drain_to: Option<String>,
    /// Who may join: everybody. A member that comes back to its seat always may.
    pub admission: Option<Admission>,
    /// The TURN server for which `GET /turn` gives credentials to whoever may join: none.
    pub turn: Option<TurnAccess>,
    /// Where operators ask for `/metrics` and `/health`, in plain HTTP: nowhere.
    pub admin_addr: Option<SocketAddr>,
    /// The certificate to speak TLS with: none, so plain HTTP is spoken.
    pub tls: Option<TlsFiles>,
    /// How lobbies are shared with other instances: not at all. It takes the crate's feature `redis`.
    pub cluster: Option<ClusterConfig>,
}

/// The header in which a proxy says where a request comes from.
///
/// Only one is looked at. A client can send the other one, and a proxy passes on what it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: 203.0.113.9, 192.0.2.1`, which nginx, Caddy, HAProxy and most others write.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=203.0.113.9`, RFC 7239.
    Forwarded,
}

/// What one address may have and do. An address is a whole one of IPv4, or the first 64 bits of one of IPv6.
///
/// The defaults are generous, because many players may be behind one address: a household, a school, a mobile network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressLimits {
    /// How many sockets it may have at once: 256.
    pub sockets: usize,
    /// How many lobbies may exist that it made: 64.
    pub lobbies: usize,
    /// How many joins a second it may ask for for ever: 16.
    pub joins_per_second: u32,
    /// How many joins it may ask for at once after a silence: 256.
    pub join_burst: u32,
    /// How many bytes a second are read from all its sockets for ever: 1 MiB. What comes faster waits.
    pub bytes_per_second: u32,
    /// How many bytes are read at once after a silence: 8 MiB.
    pub byte_burst: u32,
}

/// The files of a certificate, in PEM. They are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those between it and its root.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strict: false,
            no_create: false,
            max_peers: 4096,
            max_lobbies: 1024,
            max_lobby_peers: 128,
            address: AddressLimits::default(),
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
            allowed_origins: Vec::new(),
            max_message_size: signaling::MAX_MESSAGE_SIZE,
            max_lobby_name: 64,
            messages_per_second: 128,
            message_burst: 2048,
            max_outgoing: 1024 * 1024,
            max_refused: 256,
            max_handshakes: 1024,
            max_handshakes_per_address: 64,
            handshake_deadline: Duration::from_secs(5),
            join_deadline: Duration::from_secs(3),
            message_deadline: Duration::from_secs(10),
            seal_duration: Duration::from_secs(10),
            resume_term: Duration::from_secs(60),
            resume_key: None,
            ping_interval: Duration::from_secs(10),
            ping_deadline: Duration::from_secs(10),
            close_deadline: Duration::from_secs(1),
            shutdown_deadline: Duration::from_secs(5),
            drain_to: None,
            admission: None,
            turn: None,
            admin_addr: None,
            tls: None,
            cluster: None,
        }
    }
}

impl Default for AddressLimits {
    fn default() -> Self {
        Self {
            sockets: 256,
            lobbies: 64,
            joins_per_second: 16,
            join_burst: 256,
            bytes_per_second: 1024 * 1024,
            byte_burst: 8 * 1024 * 1024,
        }
    }
}

impl AddressLimits {
    /// No limits: for a network where everybody is trusted, and for tests, where everybody has the same address.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            sockets: usize::MAX,
            lobbies: usize::MAX,
            joins_per_second: u32::MAX,
            join_burst: u32::MAX,
            bytes_per_second: u32::MAX,
            byte_burst: u32::MAX,
        }
    }
}

impl Config {
    /// The longest [`resume_term`](Self::resume_term) that counts: an hour.
    pub const MAX_RESUME_TERM: Duration = Duration::from_secs(60 * 60);

    /// How long a seat is kept; nothing if none is.
    pub(crate) fn kept_term(&self) -> Duration {
        match self.strict {
            true => Duration::ZERO,
            false => {
                let term = self.resume_term.min(Self::MAX_RESUME_TERM);
                // Members are told it in whole seconds.
                Duration::from_secs(term.as_secs())
            }
        }
    }

    /// The settings of Godot's Node demo server; what it does not bound keeps our bound.
    #[must_use]
    pub fn strict() -> Self {
        Self {
            strict: true,
            max_lobby_peers: 4096,
            join_deadline: Duration::from_secs(1),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_whole_seconds_and_an_hour_at_most() {
        let term = |resume_term| {
            let config = Config {
                resume_term,
                ..Config::default()
            };
            config.kept_term()
        };
        assert_eq!(term(Duration::MAX), Config::MAX_RESUME_TERM);
        assert_eq!(term(Duration::from_millis(999)), Duration::ZERO);
        assert_eq!(term(Duration::from_millis(1999)), Duration::from_secs(1));
        assert_eq!(Config::strict().kept_term(), Duration::ZERO);
    }

    #[test]
    fn a_strict_server_has_the_numbers_of_godots() {
        let strict = Config::strict();
        assert_eq!(strict.max_lobby_peers, 4096);
        assert_eq!(strict.join_deadline, Duration::from_secs(1));
    }
}
