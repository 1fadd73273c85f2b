//! Which measurement belongs to which scenario.

use anyhow::Result;
use bench::measure::mesh::Load;
use bench::measure::{bulk, mesh, open, paced, relay, round_trip, transfer};
use bench::node::{Channel, Side};
use bench::settings::Relay;

use crate::scenario::Scenario;

/// Runs a scenario; the figures in the order of [`Scenario::metrics`].
pub(crate) async fn run<S: Side>(scenario: Scenario, relay: Option<Relay>) -> Result<Vec<f64>> {
    const KIB: usize = 1024;
    const ENDS: &[usize] = &[50, 99];
    match scenario {
        Scenario::Connect => open::two::<S>().await,
        Scenario::MeshOpen => open::mesh::<S>(Load::EIGHT.peers).await,
        Scenario::Bulk1K => bulk::bytes::<S>(KIB).await,
        Scenario::Bulk16K => bulk::bytes::<S>(16 * KIB).await,
        Scenario::Bulk64K => bulk::bytes::<S>(64 * KIB).await,
        Scenario::Small => bulk::messages::<S>().await,
        Scenario::Unreliable => paced::flood::<S>().await,
        Scenario::RttUnreliable => round_trip::back_to_back::<S>(Channel::Unreliable, ENDS).await,
        Scenario::RttReliable => round_trip::back_to_back::<S>(Channel::Reliable, ENDS).await,
        Scenario::Rtt60Hz => round_trip::paced::<S>().await,
        Scenario::MeshIdle => mesh::idle::<S>(Load::EIGHT.peers).await,
        Scenario::Mesh60Hz => mesh::events::<S>(Load::EIGHT).await,
        Scenario::MeshFrames => mesh::frames::<S>().await,
        Scenario::Transfer => transfer::both_ways::<S>().await,
        Scenario::Relay => relay::relayed::<S>(relay).await,
    }
}
