//! Two peers that reach each other through a TURN server alone.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::measure::round_trip::Pinger;
use crate::node::{Channel, Side};
use crate::settings::{Relay, Settings};
use crate::stats::Spread;

const PERIOD: Duration = Duration::from_millis(50);
const PINGS: usize = 40;
const SIZE: usize = 8;

/// Milliseconds until open, then the median and the longest of the round trips.
pub async fn relayed<S: Side>(relay: Option<Relay>) -> Result<Vec<f64>> {
    let settings = Settings {
        relay: Some(relay.context("no TURN server given")?),
        ..Settings::default()
    };
    let start = Instant::now();
    let mut pinger = Pinger::start::<S>(&settings, Channel::Reliable).await?;
    let open = start.elapsed().as_secs_f64() * 1e3;
    let trips = pinger.paced(PERIOD, PINGS, SIZE).await?;
    let trips: Vec<f64> = trips.iter().map(|trip| trip.as_secs_f64() * 1e3).collect();
    let trips = Spread::of(&trips).context("every ping was lost")?;
    Ok(vec![open, trips.median, trips.max])
}
