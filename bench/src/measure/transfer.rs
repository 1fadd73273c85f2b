//! Two peers that send each other 16 MiB at the same time: how fast, and in how much memory.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;

use crate::node::{Node, Side};
use crate::settings::Settings;
use crate::usage;

const SIZE: usize = 16 * 1024 * 1024;

/// The first one opens the congestion window; all of them count.
const ROUNDS: usize = 4;

/// Megabytes a second, both ways together, and the largest memory of a peer in units of what it sends.
pub async fn both_ways<S: Side>() -> Result<Vec<f64>> {
    let nodes = S::mesh(2, &Settings::default()).await?;
    let [mut one, mut other] = <[S::Node; 2]>::try_from(nodes).ok().context("two nodes")?;
    let before = usage::resident_kib()?;
    let [there, back] = [0x5a, 0xa5].map(|byte| Bytes::from(vec![byte; SIZE]));
    let start = Instant::now();
    let mut peak = None;
    for _ in 0..ROUNDS {
        let (of_other, of_one) = tokio::try_join!(
            one.exchange(1, there.clone()),
            other.exchange(0, back.clone())
        )?;
        ensure!(of_other == back && of_one == there, "a byte has changed");
        // After the first one it says more of what the allocator has kept.
        peak = peak.or(Some(usage::peak_kib()?));
    }
    let seconds = start.elapsed().as_secs_f64();
    let bytes = f64::from(u32::try_from(2 * ROUNDS * SIZE)?);
    let size_kib = f64::from(u32::try_from(SIZE / 1024)?);
    let memory = (peak.context("no round")? - before) / 2.0 / size_kib;
    Ok(vec![bytes / 1e6 / seconds, memory])
}
