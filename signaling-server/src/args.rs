//! The command line; every flag can be given by an environment variable, too.

mod cluster;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use ipnet::IpNet;
use signaling_server::{AddressLimits, Config, ForwardedHeader, TlsFiles};

use cluster::ClusterArgs;

/// A signaling server for WebRTC games; speaks the protocol of Godot's 4.x demo.
///
/// Times are given as `250ms`, `10s` or `2m`. Logs go to standard error, by RUST_LOG.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Where to listen; port 0 takes a free one, which is printed
    #[arg(long, env = "SIGNALING_BIND", default_value = "127.0.0.1:9080")]
    pub(crate) bind: SocketAddr,
    /// Answer as Godot's demo servers do: joining an unknown lobby is an error
    #[arg(long, env = "SIGNALING_STRICT")]
    strict: bool,
    /// Refuse a join of a lobby that does not exist; a lobby is made by a join without a name, and gets one
    #[arg(long, env = "SIGNALING_NO_CREATE")]
    no_create: bool,
    /// The certificate to speak TLS with, in PEM, those between it and its root after it; read again when it changes
    #[arg(long, env = "SIGNALING_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, env = "SIGNALING_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Where to answer /metrics and /health for operators, in plain HTTP; not to be reached from outside
    #[arg(long, env = "SIGNALING_ADMIN_BIND")]
    admin_bind: Option<SocketAddr>,
    /// A network whose proxies are believed where a request comes from, as 10.0.0.0/8 or one address; may be repeated
    #[arg(long, env = "SIGNALING_TRUSTED_PROXY", value_delimiter = ',', value_parser = network)]
    trusted_proxy: Vec<IpNet>,
    /// The header in which they say it
    #[arg(
        long,
        env = "SIGNALING_FORWARDED_HEADER",
        default_value = "x-forwarded-for"
    )]
    forwarded_header: Header,
    /// A page that may open a socket, as https://game.example; may be repeated [default: every page]
    #[arg(long, env = "SIGNALING_ALLOW_ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<String>,
    /// How to write the log
    #[arg(long, env = "SIGNALING_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// How long a stop waits for everybody to leave before it closes their sockets; a second signal ends the wait
    /// [default: not at all]
    #[arg(long, env = "SIGNALING_DRAIN", value_parser = duration)]
    pub(crate) drain: Option<Duration>,
    /// Where the players' clients come back to after a drain, as wss://b.example [default: where they are]
    #[arg(long, env = "SIGNALING_DRAIN_TO", requires = "drain", value_parser = hint)]
    drain_to: Option<String>,
    /// How many sockets an address may have at once [default: 256]
    #[arg(long, env = "SIGNALING_ADDRESS_SOCKETS")]
    address_sockets: Option<usize>,
    /// How many lobbies that it made may exist [default: 64]
    #[arg(long, env = "SIGNALING_ADDRESS_LOBBIES")]
    address_lobbies: Option<usize>,
    /// How many joins a second an address may ask for for ever [default: 16]
    #[arg(long, env = "SIGNALING_ADDRESS_JOINS_PER_SECOND")]
    address_joins_per_second: Option<u32>,
    /// How many joins it may ask for at once after a silence [default: 256]
    #[arg(long, env = "SIGNALING_ADDRESS_JOIN_BURST")]
    address_join_burst: Option<u32>,
    /// How many bytes a second are read from an address for ever [default: 1048576]
    #[arg(long, env = "SIGNALING_ADDRESS_BYTES_PER_SECOND")]
    address_bytes_per_second: Option<u32>,
    /// How many bytes are read from it at once after a silence [default: 8388608]
    #[arg(long, env = "SIGNALING_ADDRESS_BYTE_BURST")]
    address_byte_burst: Option<u32>,
    /// How many sockets at most [default: 4096]
    #[arg(long, env = "SIGNALING_MAX_PEERS")]
    max_peers: Option<usize>,
    /// How many lobbies at most [default: 1024]
    #[arg(long, env = "SIGNALING_MAX_LOBBIES")]
    max_lobbies: Option<usize>,
    /// How many members a lobby has at most [default: 128, strict 4096]
    #[arg(long, env = "SIGNALING_MAX_LOBBY_PEERS")]
    max_lobby_peers: Option<usize>,
    /// The longest message, in bytes [default: 32768]
    #[arg(long, env = "SIGNALING_MAX_MESSAGE_SIZE")]
    max_message_size: Option<usize>,
    /// The longest name of a lobby, in characters [default: 64]
    #[arg(long, env = "SIGNALING_MAX_LOBBY_NAME")]
    max_lobby_name: Option<usize>,
    /// How many messages a second a socket may send for ever, counting every 256 bytes begun [default: 128]
    #[arg(long, env = "SIGNALING_MESSAGES_PER_SECOND")]
    messages_per_second: Option<u32>,
    /// How many messages it may send at once after a silence [default: 2048]
    #[arg(long, env = "SIGNALING_MESSAGE_BURST")]
    message_burst: Option<u32>,
    /// How many bytes may wait for a socket that does not read [default: 1048576]
    #[arg(long, env = "SIGNALING_MAX_OUTGOING")]
    max_outgoing: Option<usize>,
    /// How many sockets may be on their way to being refused besides those that are served [default: 256]
    #[arg(long, env = "SIGNALING_MAX_REFUSED")]
    max_refused: Option<usize>,
    /// How many connections may be on their way to becoming a WebSocket [default: 1024]
    #[arg(long, env = "SIGNALING_MAX_HANDSHAKES")]
    max_handshakes: Option<usize>,
    /// How many of those one address may have [default: 64]
    #[arg(long, env = "SIGNALING_MAX_HANDSHAKES_PER_ADDRESS")]
    max_handshakes_per_address: Option<usize>,
    /// How long a connection may take for TLS, and wait for the head of a request [default: 5s]
    #[arg(long, env = "SIGNALING_HANDSHAKE_DEADLINE", value_parser = duration)]
    handshake_deadline: Option<Duration>,
    /// How long a socket may take to join [default: 3s, strict 1s]
    #[arg(long, env = "SIGNALING_JOIN_DEADLINE", value_parser = duration)]
    join_deadline: Option<Duration>,
    /// How long a message may take from its first byte to its last [default: 10s]
    #[arg(long, env = "SIGNALING_MESSAGE_DEADLINE", value_parser = duration)]
    message_deadline: Option<Duration>,
    /// How long a lobby lives once it is sealed [default: 10s]
    #[arg(long, env = "SIGNALING_SEAL_DURATION", value_parser = duration)]
    seal_duration: Option<Duration>,
    /// How long a seat is kept for a member whose connection has broken, 1s to 60m [default: 60s]
    #[arg(long, env = "SIGNALING_RESUME_TERM", value_parser = resume_term, conflicts_with = "no_resume")]
    resume_term: Option<Duration>,
    /// Keep no seats: whose connection breaks has left
    #[arg(long, env = "SIGNALING_NO_RESUME")]
    no_resume: bool,
    /// The file of the key that lets members come back after a restart; made if there is none
    /// [default: a key that is forgotten with the server]
    #[arg(long, env = "SIGNALING_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// The file of the keys that sign tickets, one a line in base64; without it nobody needs a ticket
    #[arg(long, env = "SIGNALING_ADMISSION_KEY_FILE")]
    pub(crate) admission_key_file: Option<PathBuf>,
    /// A TURN server for which GET /turn gives credentials to whoever may join, as turn:turn.example:3478; may be repeated
    #[arg(
        long,
        env = "SIGNALING_TURN_URL",
        value_delimiter = ',',
        requires = "turn_secret_file"
    )]
    pub(crate) turn_url: Vec<String>,
    /// The file of the secret that the TURN server shares with this server (coturn: static-auth-secret)
    #[arg(long, env = "SIGNALING_TURN_SECRET_FILE", requires = "turn_url")]
    pub(crate) turn_secret_file: Option<PathBuf>,
    /// How long such a credential is good [default: 720m]
    #[arg(long, env = "SIGNALING_TURN_TTL", value_parser = duration, requires = "turn_url")]
    pub(crate) turn_ttl: Option<Duration>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// How often a socket is pinged [default: 10s]
    #[arg(long, env = "SIGNALING_PING_INTERVAL", value_parser = duration)]
    ping_interval: Option<Duration>,
    /// How long a socket may take to answer a ping [default: 10s]
    #[arg(long, env = "SIGNALING_PING_DEADLINE", value_parser = duration)]
    ping_deadline: Option<Duration>,
    /// How long a close waits for the other side's close [default: 1s]
    #[arg(long, env = "SIGNALING_CLOSE_DEADLINE", value_parser = duration)]
    close_deadline: Option<Duration>,
    /// How long stopping waits for the sockets to close [default: 5s]
    #[arg(long, env = "SIGNALING_SHUTDOWN_DEADLINE", value_parser = duration)]
    shutdown_deadline: Option<Duration>,
}

/// The header in which a proxy says where a request comes from.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Header {
    /// X-Forwarded-For
    XForwardedFor,
    /// Forwarded, RFC 7239
    Forwarded,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines to read
    Text,
    /// One JSON object a line
    Json,
}

impl Args {
    /// The defaults of the mode, and what was given over them.
    pub(crate) fn config(&self) -> Config {
        let base = match self.strict {
            true => Config::strict(),
            false => Config::default(),
        };
        Config {
            strict: self.strict,
            no_create: self.no_create,
            address: self.address_limits(base.address),
            trusted_proxies: self.trusted_proxy.clone(),
            forwarded_header: match self.forwarded_header {
                Header::XForwardedFor => ForwardedHeader::XForwardedFor,
                Header::Forwarded => ForwardedHeader::Forwarded,
            },
            allowed_origins: self.allow_origin.clone(),
            admin_addr: self.admin_bind,
            tls: self
                .tls_cert
                .clone()
                .zip(self.tls_key.clone())
                .map(|(certificates, key)| TlsFiles { certificates, key }),
            max_refused: self.max_refused.unwrap_or(base.max_refused),
            max_handshakes: self.max_handshakes.unwrap_or(base.max_handshakes),
            max_handshakes_per_address: self
                .max_handshakes_per_address
                .unwrap_or(base.max_handshakes_per_address),
            message_deadline: self.message_deadline.unwrap_or(base.message_deadline),
            max_peers: self.max_peers.unwrap_or(base.max_peers),
            max_lobbies: self.max_lobbies.unwrap_or(base.max_lobbies),
            max_lobby_peers: self.max_lobby_peers.unwrap_or(base.max_lobby_peers),
            max_message_size: self.max_message_size.unwrap_or(base.max_message_size),
            max_lobby_name: self.max_lobby_name.unwrap_or(base.max_lobby_name),
            messages_per_second: self.messages_per_second.unwrap_or(base.messages_per_second),
            message_burst: self.message_burst.unwrap_or(base.message_burst),
            max_outgoing: self.max_outgoing.unwrap_or(base.max_outgoing),
            handshake_deadline: self.handshake_deadline.unwrap_or(base.handshake_deadline),
            join_deadline: self.join_deadline.unwrap_or(base.join_deadline),
            seal_duration: self.seal_duration.unwrap_or(base.seal_duration),
            resume_term: match self.no_resume {
                true => Duration::ZERO,
                false => self.resume_term.unwrap_or(base.resume_term),
            },
            resume_key: None,
            drain_to: self.drain_to.clone(),
            admission: None,
            turn: None,
            cluster: self.cluster.config(),
            ping_interval: self.ping_interval.unwrap_or(base.ping_interval),
            ping_deadline: self.ping_deadline.unwrap_or(base.ping_deadline),
            close_deadline: self.close_deadline.unwrap_or(base.close_deadline),
            shutdown_deadline: self.shutdown_deadline.unwrap_or(base.shutdown_deadline),
        }
    }

    fn address_limits(&self, base: AddressLimits) -> AddressLimits {
        AddressLimits {
            sockets: self.address_sockets.unwrap_or(base.sockets),
            lobbies: self.address_lobbies.unwrap_or(base.lobbies),
            joins_per_second: self
                .address_joins_per_second
                .unwrap_or(base.joins_per_second),
            join_burst: self.address_join_burst.unwrap_or(base.join_burst),
            bytes_per_second: self
                .address_bytes_per_second
                .unwrap_or(base.bytes_per_second),
            byte_burst: self.address_byte_burst.unwrap_or(base.byte_burst),
        }
    }
}

/// Reads a network, or an address as a network of one.
fn network(text: &str) -> Result<IpNet, String> {
    let one = |_| text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(one)
        .map_err(|_| format!("{text:?} is no network; give one such as 10.0.0.0/8 or 192.0.2.1"))
}

/// Reads an address that clients may be told.
fn hint(url: &str) -> Result<String, String> {
    match signaling::check_hint(url, None) {
        Ok(()) => Ok(url.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads `250ms`, `10s` or `2m`. Zero is refused: a deadline that has always passed serves nobody.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time; give one such as 250ms, 10s or 2m");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    let millis: u64 = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return Err(wrong()),
    };
    match number {
        0 => Err(wrong()),
        _ => Ok(Duration::from_millis(u64::from(number) * millis)),
    }
}

/// Reads how long a seat is kept. What does not count is refused.
fn resume_term(text: &str) -> Result<Duration, String> {
    let term = duration(text)?;
    let is_whole = term.subsec_nanos() == 0;
    match is_whole && term <= Config::MAX_RESUME_TERM {
        true => Ok(term),
        false => Err(format!("{text:?} is not whole seconds from 1s to 60m")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(flags: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["signaling-server"], flags].concat())
    }

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_flag_has_its_variable() {
        for arg in Args::command().get_arguments() {
            let id = arg.get_id().as_str();
            if ["help", "version"].contains(&id) {
                continue;
            }
            let expected = format!("SIGNALING_{}", id.to_uppercase());
            let env = arg.get_env().and_then(|env| env.to_str());
            assert_eq!(env, Some(expected.as_str()));
        }
    }

    #[test]
    fn without_flags_it_is_the_default() {
        let args = Args::parse_from(["signaling-server"]);
        assert_eq!(args.bind, SocketAddr::from(([127, 0, 0, 1], 9080)));
        assert_eq!(args.config(), Config::default());
        let strict = Args::parse_from(["signaling-server", "--strict"]);
        assert_eq!(strict.config(), Config::strict());
    }

    #[test]
    fn flags_are_taken() {
        let args = Args::parse_from([
            "signaling-server",
            "--join-deadline",
            "250ms",
            "--max-peers",
            "7",
            "--address-lobbies",
            "3",
            "--trusted-proxy",
            "10.0.0.0/8,192.0.2.1",
            "--trusted-proxy",
            "fd00::/8",
            "--allow-origin",
            "https://game.example",
        ]);
        let expected = Config {
            join_deadline: Duration::from_millis(250),
            max_peers: 7,
            address: AddressLimits {
                lobbies: 3,
                ..AddressLimits::default()
            },
            trusted_proxies: ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"]
                .map(|text| text.parse().expect("a network"))
                .into(),
            allowed_origins: vec!["https://game.example".to_owned()],
            ..Config::default()
        };
        assert_eq!(args.config(), expected);
    }

    #[test]
    fn a_certificate_needs_its_key() {
        assert!(parse(&["--tls-cert", "a.pem"]).is_err());
        assert!(parse(&["--tls-key", "b.pem"]).is_err());
        let args = parse(&["--tls-cert", "a.pem", "--tls-key", "b.pem"]).expect("both");
        let files = TlsFiles {
            certificates: "a.pem".into(),
            key: "b.pem".into(),
        };
        assert_eq!(args.config().tls, Some(files));
    }

    #[test]
    fn clients_are_led_to_a_websocket_when_there_is_a_drain() {
        let url = "wss://b.example/";
        assert!(parse(&["--drain-to", url]).is_err(), "without a drain");
        assert!(parse(&["--drain", "9s", "--drain-to", "b.example"]).is_err());
        let args = parse(&["--drain", "9s", "--drain-to", url]).expect("both");
        assert_eq!(args.config().drain_to.as_deref(), Some(url));
    }

    #[test]
    fn what_is_no_network_is_said_to_be_none() {
        for text in ["", "10.0.0.0/33", "localhost", "10.0.0"] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_seat_is_kept_for_whole_seconds_up_to_an_hour() {
        assert_eq!(resume_term("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(resume_term("60m"), Ok(Config::MAX_RESUME_TERM));
        for text in ["0s", "500ms", "1500ms", "61m", "x"] {
            assert!(resume_term(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for text in [
            "",
            "10",
            "s",
            "0s",
            "-1s",
            "1.5s",
            "10 s",
            "10h",
            "9999999999s",
            "1ß",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
