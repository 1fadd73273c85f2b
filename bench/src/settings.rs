//! The settings that both sides get, so that only the path differs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// See native.md §2 and §5.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often connectivity checks are sent while connecting, and how many a pair gets.
    pub check_interval: Duration,
    /// See above.
    pub check_attempts: u16,
    /// How long a pair of such a kind waits for a better one.
    pub srflx_wait: Duration,
    /// The same for a relayed one.
    pub relay_wait: Duration,
    /// Silence until "disconnected", then until "failed"; how often a sign of life is asked for.
    pub disconnected_timeout: Duration,
    /// See above.
    pub failed_timeout: Duration,
    /// See above.
    pub keepalive_interval: Duration,
    /// Kernel buffers of each socket, in bytes.
    pub socket_buffer: usize,
    /// The window a peer may fill, in bytes.
    pub sctp_receive_buffer: u32,
    /// Bytes of a channel that are in flight or ready for it.
    pub sctp_send_limit: usize,
    /// The largest message, in bytes.
    pub max_message_size: u32,
    /// How long after a pair of nodes the next one begins to connect.
    pub stagger: Duration,
    /// Connects through this server only, if it is there.
    pub relay: Option<Relay>,
}

/// A TURN server on this machine.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Relay {
    /// Its address, as ICE takes it.
    pub url: String,
    /// Whom it lets in.
    pub username: String,
    /// How it knows them.
    pub credential: String,
}

impl Settings {
    /// When each pair of `count` nodes begins to connect: how long after the start, and the indices, the lower first.
    pub fn schedule(&self, count: usize) -> impl Iterator<Item = (Duration, usize, usize)> {
        let pairs =
            (0..count).flat_map(move |left| (left + 1..count).map(move |right| (left, right)));
        (0..)
            .zip(pairs)
            .map(|(number, (left, right))| (self.stagger * number, left, right))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            check_interval: Duration::from_millis(20),
            check_attempts: 50,
            srflx_wait: Duration::from_millis(100),
            relay_wait: Duration::from_millis(200),
            disconnected_timeout: Duration::from_secs(2),
            failed_timeout: Duration::from_secs(3),
            keepalive_interval: Duration::from_millis(500),
            socket_buffer: 4 * 1024 * 1024,
            sctp_receive_buffer: 16 * 1024 * 1024,
            sctp_send_limit: 256 * 1024,
            max_message_size: 65_536,
            stagger: Duration::ZERO,
            relay: None,
        }
    }
}
