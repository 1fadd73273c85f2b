//! How long it takes until all channels are open.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::node::{Node, Side};
use crate::settings::Settings;
use crate::stats::{Spread, median};

/// Two peers, ten times one after the other.
pub async fn two<S: Side>() -> Result<Vec<f64>> {
    let mut milliseconds = Vec::new();
    for _ in 0..10 {
        milliseconds.push(open::<S>(2).await?);
    }
    let median = median(&milliseconds).context("no figures")?;
    let worst = Spread::of(&milliseconds).context("no figures")?.max;
    Ok(vec![median, worst])
}

/// So many peers, once.
pub async fn mesh<S: Side>(peers: usize) -> Result<Vec<f64>> {
    Ok(vec![open::<S>(peers).await?])
}

async fn open<S: Side>(count: usize) -> Result<f64> {
    let settings = Settings::default();
    let start = Instant::now();
    let nodes = S::mesh(count, &settings).await?;
    let elapsed = start.elapsed();
    for node in nodes {
        node.close().await;
    }
    Ok(elapsed.as_secs_f64() * 1e3)
}
