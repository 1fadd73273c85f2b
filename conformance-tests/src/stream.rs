//! What the cases about loss ask for: weather on the path, and a stream of messages through it with the time of each.

use std::time::Duration;

use mesh_core::{ChannelIndex, LinkId};
use serde::{Deserialize, Serialize};

use crate::wire;

/// How bad the path is, the same in each direction. In whole percents, so that a rate has one spelling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weather {
    /// How many of a hundred datagrams are lost.
    pub loss_percent: u8,
    /// How many of a hundred are overtaken by later ones.
    pub reorder_percent: u8,
    /// How long each takes, at least.
    pub delay: Duration,
    /// Up to how much longer than that it may take, evenly spread.
    pub jitter: Duration,
}

impl Weather {
    /// A long path, which loses nothing.
    #[must_use]
    pub const fn delayed(delay: Duration) -> Self {
        Self {
            loss_percent: 0,
            reorder_percent: 0,
            delay,
            jitter: Duration::ZERO,
        }
    }

    /// What is lost, 0.0 to 1.0.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn loss(self) -> f64 {
        f64::from(self.loss_percent) / 100.0
    }

    /// What is overtaken, 0.0 to 1.0.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn reorder(self) -> f64 {
        f64::from(self.reorder_percent) / 100.0
    }
}

/// Where a stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lane {
    /// From a mesh to this peer.
    Peer(u32),
    /// From a bare backend, over this link.
    Link(#[serde(with = "wire::LinkIdDef")] LinkId),
}

/// Messages at a steady pace: at each step the next number, on each of the three built-in channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Where to.
    pub lane: Lane,
    /// The number of its first messages.
    pub first: u64,
    /// How many steps.
    pub steps: u64,
    /// From one step to the next.
    pub pace: Duration,
    /// Bytes of a message.
    pub len: usize,
}

/// A request about streams, to a mesh or to a bare backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamRequest {
    /// Send one; answered with the times at the end.
    Send(Stream),
    /// Note from now on when a numbered message arrives.
    Listen,
    /// What has been noted.
    Report,
}

/// A numbered message that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// On which channel.
    #[serde(with = "wire::ChannelIndexDef")]
    pub channel: ChannelIndex,
    /// Which.
    pub number: u64,
    /// When, on the receiver's clock, in microseconds.
    pub at_micros: u64,
}
