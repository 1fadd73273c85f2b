//! The measurements, each written once for both sides. They run in a process of their own.

mod bulk;
mod crew;
mod mesh;
mod open;
mod paced;
mod relay;
mod round_trip;
mod transfer;

use anyhow::Result;

use crate::node::{Channel, Side};
use crate::scenario::Scenario;
use crate::settings::Relay;

/// Bytes of a message of a game.
const GAME_MESSAGE: usize = 64;

/// Runs a scenario; the figures in the order of [`Scenario::metrics`].
pub(crate) async fn run<S: Side>(scenario: Scenario, relay: Option<Relay>) -> Result<Vec<f64>> {
    const KIB: usize = 1024;
    match scenario {
        Scenario::Connect => open::two::<S>().await,
        Scenario::MeshOpen => open::eight::<S>().await,
        Scenario::Bulk1K => bulk::bytes::<S>(KIB).await,
        Scenario::Bulk16K => bulk::bytes::<S>(16 * KIB).await,
        Scenario::Bulk64K => bulk::bytes::<S>(64 * KIB).await,
        Scenario::Small => bulk::messages::<S>().await,
        Scenario::Unreliable => paced::flood::<S>().await,
        Scenario::RttUnreliable => round_trip::back_to_back::<S>(Channel::Unreliable).await,
        Scenario::RttReliable => round_trip::back_to_back::<S>(Channel::Reliable).await,
        Scenario::Rtt60Hz => round_trip::paced::<S>().await,
        Scenario::MeshIdle => mesh::idle::<S>().await,
        Scenario::Mesh60Hz => mesh::events::<S>().await,
        Scenario::MeshFrames => mesh::frames::<S>().await,
        Scenario::Transfer => transfer::both_ways::<S>().await,
        Scenario::Relay => relay::relayed::<S>(relay).await,
    }
}
