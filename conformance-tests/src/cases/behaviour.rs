//! Clause 7 of the contract of [`mesh_core::Backend`] by what channels do: a backend that only repeats what it was asked for is
//! found out.

use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use mesh_core::{ChannelParameters, LinkId, Reliability, TransferMode};

use self::Reliability::{Lifetime, Reliable, Retransmits};
use super::loss::tally::Tally;
use super::steps::{self, Spoiler};
use crate::failure::{ensure, ensure_eq};
use crate::observed::LinkSeen;
use crate::runner::tell;
use crate::stream::{Lane, Stream, Weather};
use crate::{Matchmaker, Outcome, Participant};

/// The channels of a link: ordered or not, and how hard they try. A stream has three lanes.
type Channels = [(bool, Reliability); 3];

const RELIABLE: Channels = [(true, Reliable), (false, Reliable), (false, Retransmits(0))];
const SENT_ONCE: Channels = [(true, Reliable), (false, Reliable), (true, Retransmits(0))];
const SHORT_LIVED: Channels = [
    (true, Reliable),
    (true, Lifetime(150)),
    (false, Lifetime(150)),
];

/// Steps of the stream: in calm weather, in bad weather, and in calm weather again.
const CALM: u64 = 50;
const BAD: u64 = 100;
const AFTERWARDS: u64 = 100;

const STEPS: u64 = CALM + BAD + AFTERWARDS;
const PACE: Duration = Duration::from_millis(10);
const LEN: usize = 64;

/// A fifth of all datagrams is lost, in each direction.
///
/// Losses and an outage are not shown one after the other: see [`waits_for_forward_tsn`](super::loss::waits_for_forward_tsn). The
/// outage makes the round trip that a browser reckons with seconds long, and it then passes one gap of the losses in so many
/// seconds, also in calm weather: once in twenty times not all of them in 90 s.
const LOSS: Weather = Weather {
    loss_percent: 20,
    reorder_percent: 0,
    delay: Duration::ZERO,
    jitter: Duration::ZERO,
};

/// Everything is lost.
const OUTAGE: Weather = Weather {
    loss_percent: 100,
    ..LOSS
};

/// A reliable channel delivers everything, and one that sends once does not. An ordered channel never delivers a message behind a
/// later one. An unordered reliable one does: it does not wait for what is sent again.
pub async fn clause_07_channels_do_what_was_asked_for(cast: [Participant; 2]) -> Outcome {
    weathered(&cast, &[RELIABLE, SENT_ONCE], LOSS).await
}

/// A channel with a lifetime gives up what it could not deliver within that.
pub async fn clause_07_lifetimes_end(cast: [Participant; 2]) -> Outcome {
    weathered(&cast, &[SHORT_LIVED], OUTAGE).await
}

/// Streams over a link for each of these, on a path that is calm, then bad, and calm again; judges what has arrived.
async fn weathered(cast: &[Participant; 2], links: &[Channels], weather: Weather) -> Outcome {
    let spoiler = steps::spoiler(cast).await?;
    steps::start_backends(cast).await?;
    let matchmaker = Matchmaker::new(cast);
    let streams = async {
        let mut tallies = Vec::new();
        for channels in links {
            tallies.extend(stream(&matchmaker, cast, (&spoiler, weather), channels).await?);
        }
        Ok(tallies)
    };
    for (spec, tally) in matchmaker.relaying(streams).await? {
        judge(spec, &tally)?;
    }
    Ok(())
}

/// Streams over one link with these channels, and counts what has arrived on each.
async fn stream(
    matchmaker: &Matchmaker<'_>,
    cast: &[Participant; 2],
    (spoiler, weather): (&Spoiler<'_>, Weather),
    channels: &Channels,
) -> Outcome<Vec<(ChannelParameters, Tally)>> {
    let [a, b] = cast;
    let mut id = 0;
    let specs = channels.map(|(ordered, reliability)| {
        id += 1;
        ChannelParameters {
            id,
            ordered,
            reliability,
        }
    });
    let near = a.open_channels(&specs).await?;
    let far = b.open_channels(&specs).await?;
    matchmaker.connect((0, near), (1, far));
    matchmaker.offer(0, near).await?;
    try_join(a.opened(near), b.opened(far)).await?;
    b.listen().await?;
    let mut sent_at = send(a, near, (0, CALM)).await?;
    // What has a lifetime may be late where the machine has something else to do, and all of it is lost where nothing gets through.
    let calm = specs.map(|spec| {
        if spec.reliability == Reliable {
            CALM
        } else {
            1
        }
    });
    arrived(b, far, "for the calm stream", calm).await?;
    let bad = async {
        for (weather, steps) in [(weather, BAD), (Weather::default(), AFTERWARDS)] {
            spoiler.weather(weather).await?;
            let first = sent_at.len() as u64;
            sent_at.extend(send(a, near, (first, steps)).await?);
        }
        Ok(())
    };
    // What the others still deliver changes no verdict.
    let left = specs.map(|spec| {
        if spec.reliability == Reliable {
            STEPS - CALM
        } else {
            0
        }
    });
    let rest = arrived(b, far, "for what is reliable", left);
    try_join(bad, rest).await?;
    let arrivals = b.arrivals().await?;
    let mut tallies = Vec::new();
    for (mode, spec) in TransferMode::ALL.into_iter().zip(specs) {
        let of_channel = arrivals
            .iter()
            .filter(|arrival| arrival.channel == mode.channel());
        let of_channel: Vec<_> = of_channel.copied().collect();
        let tally = Tally::of(mode, &sent_at, &of_channel, None);
        let (from, to) = (a.kind(), b.kind());
        tell(format_args!(
            "figures: {from:?} to {to:?}, {spec:?}: {tally}"
        ));
        tallies.push((spec, tally));
    }
    try_join_all([a.close_link(near), b.close_link(far)]).await?;
    Ok(tallies)
}

/// Sends a part of the stream: its first step, and how many. Gives when each was taken.
async fn send(a: &Participant, link: LinkId, (first, steps): (u64, u64)) -> Outcome<Vec<u64>> {
    let part = Stream {
        lane: Lane::Link(link),
        first,
        steps,
        pace: PACE,
        len: LEN,
    };
    a.stream(part).await
}

/// Waits until so many more messages have come on each channel.
async fn arrived(b: &Participant, link: LinkId, what: &str, mut left: [u64; 3]) -> Outcome {
    b.find_on(link, what, |seen| {
        if let LinkSeen::Message { channel, .. } = seen
            && let Some(left) = left.get_mut(usize::from(channel.0))
        {
            *left = left.saturating_sub(1);
        }
        (left == [0; 3]).then_some(())
    })
    .await
}

fn judge(spec: ChannelParameters, tally: &Tally) -> Outcome {
    ensure_eq!(tally.duplicates, 0, "{spec:?}: came twice: {tally}");
    match spec.reliability {
        Reliable => ensure_eq!(tally.missing(), 0, "{spec:?}: is missing: {tally}"),
        Lifetime(_) | Retransmits(_) => {
            ensure!(tally.missing() > 0, "{spec:?}: gave nothing up: {tally}");
        }
    }
    if spec.ordered {
        ensure_eq!(tally.reordered, 0, "{spec:?}: was overtaken: {tally}");
    } else if spec.reliability == Reliable {
        ensure!(
            tally.reordered > 0,
            "{spec:?}: waited for what was sent again: {tally}"
        );
    }
    Ok(())
}
