//! What an operator can set.

use std::time::Duration;

/// Behaviour and limits of a server. Every field has a default that suits a public server for small games.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Answer as Godot's Node demo server does, see the [crate's documentation](crate#strict).
    pub strict: bool,
    /// How many sockets at most: 4096.
    pub max_peers: usize,
    /// How many lobbies at most: 1024.
    pub max_lobbies: usize,
    /// How many members a lobby has at most: 128, strict 4096.
    pub max_lobby_peers: usize,
    /// The longest message taken, in bytes: 32768. A Godot client takes no more than 65535.
    pub max_message_size: usize,
    /// The longest name of a lobby, in bytes: 64.
    pub max_lobby_name: usize,
    /// How many messages a second a socket may send for ever: 128. One counts once for every 256 bytes begun; pings count.
    pub messages_per_second: u32,
    /// How many it may send at once after a silence: 2048, enough to greet a full lobby.
    pub message_burst: u32,
    /// How many bytes may wait for a socket that does not read, 64 for each message included: 1 MiB.
    ///
    /// Keep it above 320 times `message_burst`, or one member can have another sent away by flooding it.
    pub max_outgoing: usize,
    /// How long a TCP connection may take to become a WebSocket: 5 s.
    pub handshake_deadline: Duration,
    /// How long a socket may take to join: 3 s, strict 1 s.
    pub join_deadline: Duration,
    /// How long a lobby lives once it is sealed: 10 s.
    pub seal_duration: Duration,
    /// How often a socket is pinged: 10 s.
    pub ping_interval: Duration,
    /// How long it may take to answer a ping, or to take what is sent to it: 10 s.
    pub ping_deadline: Duration,
    /// How long a close waits for the other side's close: 1 s.
    pub close_deadline: Duration,
    /// How long a shutdown waits for the sockets to close: 5 s.
    pub shutdown_deadline: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strict: false,
            max_peers: 4096,
            max_lobbies: 1024,
            max_lobby_peers: 128,
            max_message_size: signaling::MAX_MESSAGE_SIZE,
            max_lobby_name: 64,
            messages_per_second: 128,
            message_burst: 2048,
            max_outgoing: 1024 * 1024,
            handshake_deadline: Duration::from_secs(5),
            join_deadline: Duration::from_secs(3),
            seal_duration: Duration::from_secs(10),
            ping_interval: Duration::from_secs(10),
            ping_deadline: Duration::from_secs(10),
            close_deadline: Duration::from_secs(1),
            shutdown_deadline: Duration::from_secs(5),
        }
    }
}

impl Config {
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
