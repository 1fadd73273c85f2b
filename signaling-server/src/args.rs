//! The command line; every flag can be given by an environment variable, too.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use signaling_server::Config;

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
    /// The longest name of a lobby, in bytes [default: 64]
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
    /// How long a connection may take to become a WebSocket [default: 5s]
    #[arg(long, env = "SIGNALING_HANDSHAKE_DEADLINE", value_parser = duration)]
    handshake_deadline: Option<Duration>,
    /// How long a socket may take to join [default: 3s, strict 1s]
    #[arg(long, env = "SIGNALING_JOIN_DEADLINE", value_parser = duration)]
    join_deadline: Option<Duration>,
    /// How long a lobby lives once it is sealed [default: 10s]
    #[arg(long, env = "SIGNALING_SEAL_DURATION", value_parser = duration)]
    seal_duration: Option<Duration>,
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

impl Args {
    /// The defaults of the mode, and what was given over them.
    pub(crate) fn config(&self) -> Config {
        let base = match self.strict {
            true => Config::strict(),
            false => Config::default(),
        };
        Config {
            strict: self.strict,
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
            ping_interval: self.ping_interval.unwrap_or(base.ping_interval),
            ping_deadline: self.ping_deadline.unwrap_or(base.ping_deadline),
            close_deadline: self.close_deadline.unwrap_or(base.close_deadline),
            shutdown_deadline: self.shutdown_deadline.unwrap_or(base.shutdown_deadline),
        }
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

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
        ]);
        let expected = Config {
            join_deadline: Duration::from_millis(250),
            max_peers: 7,
            ..Config::default()
        };
        assert_eq!(args.config(), expected);
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
