//! Hundreds of connections over a lossy path.

use std::time::Duration;

use futures_util::future::try_join_all;

use super::talk::player;
use crate::lab::lan::{Host, Lan};
use crate::lab::meet::{Terms, Way, meet};
use crate::lab::netns::Run;
use crate::lab::switch::Path;
use crate::{Failure, Kind, Outcome};

/// One way.
const DELAY: Duration = Duration::from_millis(25);

const MEDIAN: Duration = Duration::from_secs(1);
const SLOWEST: Duration = Duration::from_secs(5);

/// Networks side by side.
const LANS: usize = 4;

/// 200 between natives.
pub(super) async fn native_connections_at_5_percent_loss(run: &Run) -> Outcome<String> {
    many(run, Kind::Native, 200, 5).await
}

/// 100 between natives.
pub(super) async fn native_connections_at_10_percent_loss(run: &Run) -> Outcome<String> {
    many(run, Kind::Native, 100, 10).await
}

/// 200 of a native with a page in Chromium.
pub(super) async fn chromium_connections_at_5_percent_loss(run: &Run) -> Outcome<String> {
    many(run, Kind::Chromium, 200, 5).await
}

/// 100 of a native with a page in Chromium.
pub(super) async fn chromium_connections_at_10_percent_loss(run: &Run) -> Outcome<String> {
    many(run, Kind::Chromium, 100, 10).await
}

async fn many(run: &Run, kind: Kind, count: usize, loss_percent: u8) -> Outcome<String> {
    let lans = if kind == Kind::Native { LANS } else { 1 };
    let each = (0..lans).map(|_| some(run, kind, count / lans, loss_percent));
    let (mut spans, mut failed) = (Vec::new(), Vec::new());
    for (of_one, failures) in try_join_all(each).await? {
        spans.extend(of_one);
        failed.extend(failures);
    }
    spans.sort_unstable();
    let median = spans.get(spans.len() / 2).copied().unwrap_or_default();
    let slowest = spans.last().copied().unwrap_or_default();
    let seen = format!(
        "{} of {count} connected, p50 {median:.2?}, slowest {slowest:.2?}",
        spans.len()
    );
    if failed.is_empty() && median <= MEDIAN && slowest <= SLOWEST {
        return Ok(seen);
    }
    let why = failed.first().map(String::as_str).unwrap_or_default();
    Err(Failure::new(format!("{seen}; {why}")))
}

/// Those of one network: how long each took, and why the others failed.
async fn some(
    run: &Run,
    kind: Kind,
    count: usize,
    loss_percent: u8,
) -> Outcome<(Vec<Duration>, Vec<String>)> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let path = Path {
        delay: DELAY,
        loss_percent,
        ..Path::default()
    };
    let lan = Lan::over(run, &hosts, path).await?;
    let native = player(&lan.hosts[0], Kind::Native).await?;
    let other = player(&lan.hosts[1], kind).await?;
    let (mut spans, mut failed) = (Vec::new(), Vec::new());
    for number in 0..count {
        let (one, other) = if number % 2 == 0 {
            (&native, &other)
        } else {
            (&other, &native)
        };
        let met = meet(one, other, &Terms::default()).await?;
        match met.way {
            Way::Direct | Way::Relay => spans.push(met.took),
            Way::Not => failed.push(met.how),
        }
    }
    Ok((spans, failed))
}
