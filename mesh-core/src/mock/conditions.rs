//! The settings of a network: how well its paths carry, and what each backend is like.

use core::time::Duration;

/// How well each direction of a path carries datagrams. The default is a quiet local network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// How long a datagram takes. The default is 1 ms.
    pub latency: Duration,
    /// Up to how much longer than that it may take, evenly spread. The default is 0.
    pub jitter: Duration,
    /// How likely a datagram is lost, from 0.0 to 1.0. Larger messages are several datagrams of 1200 bytes. What may be sent
    /// again is sent again after 200 ms; each further loss doubles that time, up to sixteenfold. At 1.0 the path carries
    /// nothing, as in a partition. The default is 0.
    pub loss: f64,
    /// How likely a message is held up so that later ones overtake it, from 0.0 to 1.0. The default is 0.
    pub reorder: f64,
    /// How many bytes a second the narrowest part of the path carries for each link. What comes faster waits there, as far
    /// as `queue` allows. By default there is no limit.
    pub bandwidth: Option<u64>,
    /// How long the wait at the narrowest part of the path may become. It matters only together with `bandwidth`. The
    /// default is 100 ms.
    ///
    /// A message that would have to wait longer finds the queue full. On a channel that never sends again
    /// ([`Reliability::Retransmits(0)`](crate::Reliability::Retransmits)) it is lost; on any other it is sent again. In
    /// both cases the sender pauses until half of the queue is free, as congestion control would make it. What is accepted
    /// during the pause waits in the sender's buffer.
    ///
    /// With a queue of zero, senders know the bandwidth and never exceed it. All waiting then takes place in their buffers,
    /// and no message is lost for want of room.
    pub queue: Duration,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(1),
            jitter: Duration::ZERO,
            loss: 0.0,
            reorder: 0.0,
            bandwidth: None,
            queue: Duration::from_millis(100),
        }
    }
}

/// What one backend of a [`Network`](super::Network) is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MockConfig {
    /// The largest message it takes and can send, in bytes. The default is 262144.
    pub max_message_size: usize,
    /// How long the far side must be silent before a link is "disconnected". The default is 2 s.
    pub ice_disconnected: Duration,
    /// How long a link is "disconnected" before it is "failed". The default is 3 s. It is connected again when the far side
    /// answers again. A link that was never connected fails after the sum of both times, for good.
    pub ice_failed: Duration,
}

impl Default for MockConfig {
    fn default() -> Self {
        Self {
            max_message_size: 262_144,
            ice_disconnected: Duration::from_secs(2),
            ice_failed: Duration::from_secs(3),
        }
    }
}

/// The name of a backend on its [`Network`](super::Network), for the methods that part and kill participants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendId(pub(super) u32);

impl BackendId {
    /// How many backends the network had before this one.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a [`Network`](super::Network) holds at a moment. All numbers are zero when every backend is idle and has no link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Links that are open, and closed ones whose last event was not taken yet.
    pub links: usize,
    /// What is on its way, messages and signals among it, and what else the network will do by itself in time.
    pub scheduled: usize,
}
