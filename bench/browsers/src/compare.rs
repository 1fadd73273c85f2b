//! Our backend against bare web-sys, both in one page; `bench-page` measures.

use std::time::Duration;

use anyhow::{Result, ensure};
use bench::goal::{Goal, Metric};
use serde::Deserialize;

use crate::page::{Order, Page};

/// For a round, and for what comes before the first; however slow the machine.
const ROUND: Duration = Duration::from_secs(60);

const AT_LEAST: Goal = Goal::RatioAtLeast {
    required: 0.95,
    aim: 0.95,
};
const AT_MOST: Goal = Goal::RatioAtMost {
    required: 1.05,
    aim: 1.05,
};

/// The figures of a round, in their order.
pub(crate) const METRICS: [Metric; 4] = [
    Metric::new("to open", "ms", AT_MOST),
    Metric::new("reliable, 16 KiB", "MB/s", AT_LEAST),
    Metric::new("reliable, 64 bytes", "k msg/s", AT_LEAST),
    Metric::new("round trip, p50", "us", AT_MOST),
];

/// What the page found, round by round.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) ours: Vec<[f64; METRICS.len()]>,
    pub(crate) bare: Vec<[f64; METRICS.len()]>,
}

/// Measures so many rounds.
pub(crate) async fn measure(page: &Page, rounds: u32) -> Result<Found> {
    let mut conversation = page.conversation().await;
    conversation.order(&Order::Compare { rounds }).await?;
    let found = conversation.hear("done", ROUND * (rounds + 1)).await?;
    let found: Found = serde_json::from_str(&found)?;
    let rounds = usize::try_from(rounds)?;
    ensure!(
        (found.ours.len(), found.bare.len()) == (rounds, rounds),
        "as many figures as rounds"
    );
    Ok(found)
}
