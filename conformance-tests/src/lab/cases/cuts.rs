//! Paths that are cut under traffic and come back within the window: the same peer goes on, and nothing reliable is lost.

use std::time::Duration;

use futures_util::future::try_join;

use super::talk::{player, talk};
use crate::lab::lan::{Host, Lan};
use crate::lab::meet::{Terms, meet_and};
use crate::lab::netns::Run;
use crate::lab::switch::Path;
use crate::{Failure, Kind, Outcome, Participant};

/// What the path is like before and after.
pub(super) const PATH: Path = Path {
    delay: Duration::from_millis(10),
    ..Path::PERFECT
};

pub(super) const CUT: Path = Path {
    loss_percent: 100,
    ..Path::PERFECT
};

/// How long the path is gone.
pub(super) const CUTS: [u64; 3] = [3, 10, 20];

/// How long there is traffic before and after a cut.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(5);

/// How soon data flows again, natively and with a browser. A browser's own timers cannot be set: its SCTP tries every three seconds.
const NATIVELY: Duration = Duration::from_secs(1);
const WITH_A_BROWSER: Duration = Duration::from_millis(3500);

/// Between natives.
pub(super) async fn cuts_between_natives(run: &Run) -> Outcome<String> {
    cuts(run, [Kind::Native, Kind::Native]).await
}

/// Between a native and a page in Chromium.
pub(super) async fn cuts_with_chromium(run: &Run) -> Outcome<String> {
    cuts(run, [Kind::Native, Kind::Chromium]).await
}

/// Between a native and a page in Firefox.
pub(super) async fn cuts_with_firefox(run: &Run) -> Outcome<String> {
    cuts(run, [Kind::Native, Kind::Firefox]).await
}

/// How soon data flows again between these.
pub(super) fn limit(kinds: [Kind; 2]) -> Duration {
    if kinds == [Kind::Native; 2] {
        NATIVELY
    } else {
        WITH_A_BROWSER
    }
}

async fn cuts(run: &Run, kinds: [Kind; 2]) -> Outcome<String> {
    let limit = limit(kinds);
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let lan = Lan::over(run, &hosts, PATH).await?;
    let one = player(&lan.hosts[0], kinds[0]).await?;
    let other = player(&lan.hosts[1], kinds[1]).await?;
    let mut seen = Vec::new();
    let mut slowest = Duration::ZERO;
    for seconds in CUTS {
        let terms = Terms {
            deadline: Duration::from_secs(60),
            ..Terms::default()
        };
        let play =
            async |cast: &[Participant; 2]| cut(&lan, cast, Duration::from_secs(seconds)).await;
        let (_, played) = meet_and(&one, &other, &terms, play).await?;
        let [there, back] = played.ok_or_else(|| Failure::new("they did not meet"))?;
        seen.push(format!(
            "{seconds} s: data again after {there:.2?} and back {back:.2?}"
        ));
        slowest = slowest.max(there).max(back);
    }
    let seen = seen.join("; ");
    if slowest <= limit {
        Ok(seen)
    } else {
        Err(Failure::new(format!("not within {limit:?}: {seen}")))
    }
}

/// Cuts the path under traffic. How long after its return the first reliable message arrives, there and back.
pub(super) async fn cut(
    lan: &Lan,
    cast: &[Participant; 2],
    span: Duration,
) -> Outcome<[Duration; 2]> {
    let [one, other] = cast;
    let weather = async {
        tokio::time::sleep(BEFORE).await;
        lan.switch.be(CUT);
        tokio::time::sleep(span).await;
        lan.switch.be(PATH);
        try_join(one.now(), other.now()).await
    };
    let ([one, other], (one_back, other_back)) = talk(cast, BEFORE + span + AFTER, weather).await?;
    let there = other.next_after(other_back.as_micros())?;
    let back = one.next_after(one_back.as_micros())?;
    Ok([there, back])
}
