//! What a user can set: how good the paths are, and what each backend is like.

use core::time::Duration;

/// How well one direction of a path carries datagrams. The default is a quiet local network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// How long a datagram takes: 1 ms.
    pub latency: Duration,
    /// Up to how much longer it may take, evenly spread: 0.
    pub jitter: Duration,
    /// How likely a datagram of 1200 bytes is lost, 0.0 to 1.0: 0. At 1.0 the path is dead, as if partitioned.
    pub loss: f64,
    /// How likely a datagram is held up so that later ones overtake it, 0.0 to 1.0: 0.
    pub reorder: f64,
    /// How likely a datagram arrives twice, 0.0 to 1.0: 0. A game never sees it: SCTP removes duplicates.
    pub duplicate: f64,
    /// Bytes a second that the narrowest part of the path carries for each link, if that is limited: no. What comes faster
    /// waits there, as far as `queue` allows.
    pub bandwidth: Option<u64>,
    /// How long a message may have to wait at the narrowest part of the path: 100 ms. Has an effect with a `bandwidth`.
    ///
    /// A message that would have to wait longer finds the queue full. It is lost if its channel may lose messages, and sent
    /// again if not; its sender learns of it and pauses until half of the queue is free, as congestion control does. What
    /// is accepted during the pause waits in the sender's buffers.
    ///
    /// With zero, senders know the bandwidth and never exceed it: all waiting takes place in their buffers, and nothing is
    /// lost for want of room.
    pub queue: Duration,
    /// How long until a lost datagram is sent again, doubled with each further loss, sixteenfold at most: 200 ms.
    pub retransmit: Duration,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(1),
            jitter: Duration::ZERO,
            loss: 0.0,
            reorder: 0.0,
            duplicate: 0.0,
            bandwidth: None,
            queue: Duration::from_millis(100),
            retransmit: Duration::from_millis(200),
        }
    }
}

/// What one backend is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MockConfig {
    /// The largest message it takes and can send, in bytes: 262144.
    pub max_message_size: usize,
    /// Whether its descriptions say so (`a=max-message-size`): yes. Old stacks do not.
    pub announce_max_message_size: bool,
    /// How many host candidates it finds for a link: 1.
    pub host_candidates: u16,
    /// How long each candidate takes to be found: 1 ms.
    pub gathering: Duration,
    /// How long a route must be silent before the link is "disconnected": 2 s.
    pub ice_disconnected: Duration,
    /// How long a link is "disconnected" before it is "failed": 3 s. A link that was never connected fails after both.
    pub ice_failed: Duration,
}

impl Default for MockConfig {
    fn default() -> Self {
        Self {
            max_message_size: 262_144,
            announce_max_message_size: true,
            host_candidates: 1,
            gathering: Duration::from_millis(1),
            ice_disconnected: Duration::from_secs(2),
            ice_failed: Duration::from_secs(3),
        }
    }
}

/// How the network's TURN server answers; every `turn:` URL reaches the same one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// It gives a relayed address to everybody.
    #[default]
    Reachable,
    /// It does not answer.
    Unreachable,
    /// It refuses every credential.
    RefusesCredentials,
}

/// A backend as the network knows it: what conditions, partitions and kills are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendId(pub(super) u32);

impl BackendId {
    /// Position in the order of creation, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a network holds at the moment; all zero when every backend is idle and has no link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Links that are open, or whose last event was not taken yet.
    pub links: usize,
    /// Messages on their way.
    pub messages_in_flight: usize,
    /// Signals on their way.
    pub signals_in_flight: usize,
    /// Things the network will do by itself.
    pub scheduled: usize,
}
