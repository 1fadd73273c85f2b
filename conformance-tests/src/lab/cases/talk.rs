//! Two who stream to each other while something happens to their path.

use std::time::Duration;

use futures_util::future::{try_join, try_join3};
use mesh_core::TransferMode;

use crate::browser::Hidden;
use crate::cases::loss::tally::Tally;
use crate::lab::lan::Lan;
use crate::lab::netns::Namespace;
use crate::lab::players::{Belongings, Player};
use crate::observed::Seen;
use crate::stream::{Arrival, Lane, Stream};
use crate::{Failure, Kind, Outcome, Participant};

/// From one message of each mode to the next.
const PACE: Duration = Duration::from_millis(20);

/// Bytes of a message.
const LEN: usize = 64;

/// A player of some kind: a process, or a page that shows its addresses.
pub(super) async fn player(host: &Namespace, kind: Kind) -> Outcome<Player> {
    match kind {
        Kind::Native => Player::native(host, &Belongings::default()).await,
        _ => Player::page(host, kind, Hidden::Open).await,
    }
}

/// Native players at the first two hosts.
pub(super) async fn natives(lan: &Lan) -> Outcome<[Player; 2]> {
    Ok([
        player(&lan.hosts[0], Kind::Native).await?,
        player(&lan.hosts[1], Kind::Native).await?,
    ])
}

/// What one of them heard of the other. Its times are those of its own clock, in microseconds.
pub(super) struct Heard {
    arrivals: Vec<Arrival>,
}

/// Both stream for a time, all of it reliable once and in order, and `meanwhile` is done; an end of the peer is an error. What
/// each of them heard.
pub(super) async fn talk<T>(
    cast: &[Participant; 2],
    span: Duration,
    meanwhile: impl Future<Output = Outcome<T>>,
) -> Outcome<([Heard; 2], T)> {
    let [one, other] = cast;
    let steps = u64::try_from(span.as_millis() / PACE.as_millis()).unwrap_or(u64::MAX);
    let stream = |to: &Participant| Stream {
        lane: Lane::Peer(to.id()),
        first: 0,
        steps,
        pace: PACE,
        len: LEN,
    };
    try_join(one.listen(), other.listen()).await?;
    let streams = try_join(one.stream(stream(other)), other.stream(stream(one)));
    let arrived = try_join(all_arrived(one, steps), all_arrived(other, steps));
    let ((of_one, of_other), _, done) = try_join3(streams, arrived, meanwhile).await?;
    let heard = [heard(one, &of_other).await?, heard(other, &of_one).await?];
    Ok((heard, done))
}

/// Waits for the last of so many reliable messages. An end of the peer is an error.
pub(super) async fn all_arrived(participant: &Participant, count: u64) -> Outcome {
    let mut missing = count;
    let arrived = participant.find("for what must arrive", |seen| {
        if let Seen::Packet { channel, .. } = seen
            && *channel == TransferMode::Reliable.channel()
        {
            missing = missing.saturating_sub(1);
        }
        (missing == 0).then_some(())
    });
    arrived.await
}

async fn heard(listener: &Participant, sent_at: &[u64]) -> Outcome<Heard> {
    let mut arrivals = listener.arrivals().await?;
    let tally = Tally::of(TransferMode::Reliable, sent_at, &arrivals, None);
    if tally.missing() > 0 || tally.duplicates > 0 || tally.reordered > 0 {
        return Err(Failure::new(format!("not what was sent: {tally}")));
    }
    arrivals.retain(|arrival| arrival.channel == TransferMode::Reliable.channel());
    Ok(Heard { arrivals })
}

impl Heard {
    /// How long after this moment the next reliable message came.
    pub(super) fn next_after(&self, moment: u64) -> Outcome<Duration> {
        let times = self.arrivals.iter().map(|arrival| arrival.at_micros);
        let next = times.filter(|at| *at >= moment).min();
        let next = next.ok_or_else(|| Failure::new("nothing came any more"))?;
        Ok(Duration::from_micros(next - moment))
    }

    /// The longest time in which no reliable message came, among those that end after `from` and begin before `until`.
    pub(super) fn longest_pause(&self, from: u64, until: u64) -> Duration {
        let pauses = self.arrivals.windows(2).filter_map(|two| {
            let (before, after) = (two.first()?.at_micros, two.last()?.at_micros);
            (after >= from && before <= until).then(|| after.saturating_sub(before))
        });
        Duration::from_micros(pauses.max().unwrap_or_default())
    }
}
