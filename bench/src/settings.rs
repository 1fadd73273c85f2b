//! The settings that both sides get, so that only the path differs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// See native.md §2 and §5.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How often connectivity checks are sent while connecting, and how many a pair gets.
    pub(crate) check_interval: Duration,
    pub(crate) check_attempts: u16,
    /// How long a pair of such a kind waits for a better one.
    pub(crate) srflx_wait: Duration,
    pub(crate) relay_wait: Duration,
    /// Silence until "disconnected", then until "failed"; how often a sign of life is asked for.
    pub(crate) disconnected_timeout: Duration,
    pub(crate) failed_timeout: Duration,
    pub(crate) keepalive_interval: Duration,
    /// Kernel buffers of each socket, in bytes.
    pub(crate) socket_buffer: usize,
    /// The window a peer may fill, in bytes.
    pub(crate) sctp_receive_buffer: u32,
    /// Bytes of a channel that are in flight or ready for it.
    pub(crate) sctp_send_limit: usize,
    /// The largest message, in bytes.
    pub(crate) max_message_size: u32,
    /// How long after a pair of nodes the next one begins to connect.
    pub(crate) stagger: Duration,
    /// Connects through this server only, if it is there.
    pub(crate) relay: Option<Relay>,
}

/// A TURN server on this machine.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Relay {
    pub(crate) url: String,
    pub(crate) username: String,
    pub(crate) credential: String,
}

impl Settings {
    /// When each pair of `count` nodes begins to connect: how long after the start, and the indices, the lower first.
    pub(crate) fn schedule(&self, count: usize) -> impl Iterator<Item = (Duration, usize, usize)> {
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
            max_message_size: 262_144,
            stagger: Duration::ZERO,
            relay: None,
        }
    }
}
