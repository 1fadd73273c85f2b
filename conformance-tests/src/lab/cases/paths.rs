//! Paths that let packets overtake each other, and narrow ones: what a game sends arrives all the same.

use std::time::Duration;

use futures_util::future::try_join;
use mesh_core::TransferMode;

use super::directly;
use super::talk::{all_arrived, player};
use crate::cases::loss::tally::Tally;
use crate::lab::lan::{Host, Lan};
use crate::lab::meet::{Terms, meet_and};
use crate::lab::netns::Run;
use crate::lab::players::Player;
use crate::lab::switch::Path;
use crate::stream::{Arrival, Lane, Stream};
use crate::{Failure, Kind, Outcome, Participant};

/// How long a connection over such a path may take.
const IN_TIME: Duration = Duration::from_secs(5);

/// Every fifth packet comes later than those that were sent 30 ms after it.
const REORDERING: Path = Path {
    reorder_percent: 20,
    delay: Duration::from_millis(10),
    ..Path::PERFECT
};

/// A poor line, in bits a second.
const BANDWIDTH: u64 = 1_000_000;

const NARROW: Path = Path {
    bandwidth: BANDWIDTH,
    delay: Duration::from_millis(10),
    ..Path::PERFECT
};

/// How many messages of each mode are sent.
const STEPS: u64 = 200;

/// What fits through the narrow path with room to spare.
const SMALL: (Duration, usize) = (Duration::from_millis(10), 64);

/// Three messages a step, so three times what fits through the narrow path.
const LARGE: (Duration, usize) = (Duration::from_millis(8), 1000);

/// Between natives.
pub(super) async fn a_path_that_reorders_between_natives(run: &Run) -> Outcome<String> {
    reorders(run, Kind::Native).await
}

/// From a native to a page in Chromium and back.
pub(super) async fn a_path_that_reorders_with_chromium(run: &Run) -> Outcome<String> {
    reorders(run, Kind::Chromium).await
}

/// From a native to a page in Firefox and back.
pub(super) async fn a_path_that_reorders_with_firefox(run: &Run) -> Outcome<String> {
    reorders(run, Kind::Firefox).await
}

/// Between natives.
pub(super) async fn a_narrow_path_between_natives(run: &Run) -> Outcome<String> {
    is_narrow(run, Kind::Native).await
}

/// From a native to a page in Chromium and back.
pub(super) async fn a_narrow_path_with_chromium(run: &Run) -> Outcome<String> {
    is_narrow(run, Kind::Chromium).await
}

/// From a native to a page in Firefox and back.
pub(super) async fn a_narrow_path_with_firefox(run: &Run) -> Outcome<String> {
    is_narrow(run, Kind::Firefox).await
}

async fn reorders(run: &Run, kind: Kind) -> Outcome<String> {
    let [there, back] = both_ways(run, kind, REORDERING, SMALL).await?;
    Ok(format!("{there}; and back: {back}"))
}

async fn is_narrow(run: &Run, kind: Kind) -> Outcome<String> {
    let ways = both_ways(run, kind, NARROW, LARGE).await?;
    for way in &ways {
        // What the switch lets through, with room for a player that reads late at the beginning.
        if way.bits_a_second > BANDWIDTH * 3 / 2 {
            return Err(Failure::new(format!("the path is no narrow one: {way}")));
        }
    }
    let [there, back] = ways;
    Ok(format!("{there}; and back: {back}"))
}

/// What arrived in one direction.
struct Stretch {
    connected: String,
    tallies: [Tally; 3],
    bits_a_second: u64,
}

impl std::fmt::Display for Stretch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [reliable, ordered, unreliable] = self.tallies.map(|tally| tally.received);
        write!(
            f,
            "{}, then {reliable} reliable, {ordered} ordered and {unreliable} unreliable of {STEPS} at {} kbit/s",
            self.connected,
            self.bits_a_second / 1000
        )
    }
}

/// A stream from a native player to one of some kind over such a path, and one back.
async fn both_ways(
    run: &Run,
    kind: Kind,
    path: Path,
    messages: (Duration, usize),
) -> Outcome<[Stretch; 2]> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let lan = Lan::over(run, &hosts, path).await?;
    let native = player(&lan.hosts[0], Kind::Native).await?;
    let other = player(&lan.hosts[1], kind).await?;
    Ok([
        over(&native, &other, messages).await?,
        over(&other, &native, messages).await?,
    ])
}

async fn over(one: &Player, other: &Player, (pace, len): (Duration, usize)) -> Outcome<Stretch> {
    let stream = async |[one, other]: &[Participant; 2]| {
        let stream = Stream {
            lane: Lane::Peer(other.id()),
            first: 0,
            steps: STEPS,
            pace,
            len,
        };
        other.listen().await?;
        let (sent_at, ()) = try_join(one.stream(stream), all_arrived(other, STEPS)).await?;
        Ok((sent_at, other.arrivals().await?))
    };
    let (met, streamed) = meet_and(one, other, &Terms::default(), stream).await?;
    let connected = directly(&met, IN_TIME)?;
    let (sent_at, arrivals) = streamed.ok_or_else(|| Failure::new("nothing was sent"))?;
    let stretch = Stretch {
        connected,
        tallies: TransferMode::ALL.map(|mode| Tally::of(mode, &sent_at, &arrivals, None)),
        bits_a_second: rate(&arrivals, len),
    };
    let [reliable, ordered, unreliable] = &stretch.tallies;
    let is_whole = reliable.missing() == 0 && ordered.received > 0 && unreliable.received > 0;
    let is_in_order = reliable.reordered == 0 && ordered.reordered == 0;
    let is_once = stretch.tallies.iter().all(|tally| tally.duplicates == 0);
    if is_whole && is_in_order && is_once {
        Ok(stretch)
    } else {
        Err(Failure::new(format!(
            "not what was sent: {stretch}; {reliable}; {ordered}; {unreliable}"
        )))
    }
}

/// How much arrived in the time between the first and the last, in bits a second.
fn rate(arrivals: &[Arrival], len: usize) -> u64 {
    let times = || arrivals.iter().map(|arrival| arrival.at_micros);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return 0;
    };
    let count = u64::try_from(arrivals.len().saturating_sub(1)).unwrap_or(u64::MAX);
    let bits = u64::try_from(len)
        .unwrap_or(u64::MAX)
        .saturating_mul(8 * count);
    bits.saturating_mul(1_000_000) / (last - first).max(1)
}
