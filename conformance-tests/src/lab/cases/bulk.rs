//! Transfers over a line with a deep queue, and the messages of a game beside them.

use std::time::Duration;

use futures_util::future::{try_join, try_join3};
use mesh_core::{DisconnectReason, GivenReason, TransferMode};

use super::talk::player;
use crate::failure::{ensure, ensure_eq};
use crate::lab::lan::{Host, Lan};
use crate::lab::meet::{Terms, meet_and};
use crate::lab::netns::Run;
use crate::lab::switch::Path;
use crate::observed::{Moved, Seen};
use crate::request::To;
use crate::stream::{Arrival, Lane, Stream};
use crate::{Content, Failure, Kind, Outcome, Participant};

/// A line as many have it, in bits a second.
const BANDWIDTH: u64 = 16_000_000;

/// What is transferred.
const LARGE: usize = 16 * 1024 * 1024;

/// How many transfers there are, one after the other: long enough for a queue to grow by and by.
const TRANSFERS: u64 = 3;

/// What does not give way is sent in messages of so many bytes.
const PIECE: usize = 16 * 1024;

/// How long all of it may take at a tenth less than the line's rate: 8 s without giving way, 34 s of messages, and the rest of three transfers.
const LONGEST: Duration = Duration::from_secs(60);

/// A small message of each mode in every step, until some time after the transfers.
const STEPS: u64 = 1700;
const PACE: Duration = Duration::from_millis(20);
const LEN: usize = 64;

/// Between natives, over a short line.
pub(super) async fn a_transfer_beside_the_game_between_natives(run: &Run) -> Outcome<String> {
    beside_the_game(run, Kind::Native, Duration::from_millis(1)).await
}

/// The same with a round trip of 50 ms.
pub(super) async fn a_transfer_far_away_beside_the_game_between_natives(
    run: &Run,
) -> Outcome<String> {
    beside_the_game(run, Kind::Native, Duration::from_millis(25)).await
}

/// From Chromium to a native, over a short line.
pub(super) async fn a_transfer_beside_the_game_from_chromium(run: &Run) -> Outcome<String> {
    beside_the_game(run, Kind::Chromium, Duration::from_millis(1)).await
}

/// The same with a round trip of 50 ms.
pub(super) async fn a_transfer_far_away_beside_the_game_from_chromium(
    run: &Run,
) -> Outcome<String> {
    beside_the_game(run, Kind::Chromium, Duration::from_millis(25)).await
}

/// From Firefox to a native, over a short line.
pub(super) async fn a_transfer_beside_the_game_from_firefox(run: &Run) -> Outcome<String> {
    beside_the_game(run, Kind::Firefox, Duration::from_millis(1)).await
}

/// The same with a round trip of 50 ms.
pub(super) async fn a_transfer_far_away_beside_the_game_from_firefox(run: &Run) -> Outcome<String> {
    beside_the_game(run, Kind::Firefox, Duration::from_millis(25)).await
}

/// A line that needs seconds for what the sender's backend holds.
const SLOW: u64 = 2_000_000;

/// How much of the transfer is there before. By then the sender's backend holds seconds of it.
const THERE: usize = 2_000_000;

/// How late a kick may be heard. What the backend holds would take longer, and a close waits for 5 s at most.
const LATEST_KICK: Duration = Duration::from_secs(1);

/// Who is kicked in the middle of a transfer hears of it, and why, before the rest of the transfer.
pub(super) async fn a_kick_does_not_wait_behind_a_transfer(run: &Run) -> Outcome<String> {
    let natively = kick(run, Kind::Native).await?;
    let in_a_page = kick(run, Kind::Chromium).await?;
    Ok(format!("{natively}; from Chromium: {in_a_page}"))
}

async fn kick(run: &Run, kind: Kind) -> Outcome<String> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let path = Path {
        bandwidth: SLOW,
        ..Path::PERFECT
    };
    let lan = Lan::over(run, &hosts, path).await?;
    let one = player(&lan.hosts[0], kind).await?;
    let other = player(&lan.hosts[1], Kind::Native).await?;
    let play = async |[one, other]: &[Participant; 2]| {
        let content = Content::numbered(1, LARGE);
        one.transfer(other.id(), "level", content).await?;
        // It is well under way.
        other
            .find("for a part of the transfer", |seen| match seen {
                Seen::Transfer {
                    moved: Moved::Progress { received, .. },
                    ..
                } => (*received > THERE).then_some(()),
                _ => None,
            })
            .await?;
        let begun = other.now().await?;
        let reason = GivenReason::new(7, "idle");
        one.kick(other.id(), reason.clone()).await?;
        let told = other.disconnected(one.id()).await?;
        let took = other.now().await? - begun;
        let expected = DisconnectReason::Kicked(reason);
        ensure_eq!(told, expected, "what the kicked one is told");
        ensure!(took <= LATEST_KICK, "it was told after {took:.1?}");
        Ok(took)
    };
    let (_, took) = meet_and(&one, &other, &Terms::default(), play).await?;
    Ok(format!("told after {:.1?}", took.unwrap_or_default()))
}

async fn beside_the_game(run: &Run, kind: Kind, delay: Duration) -> Outcome<String> {
    let hosts = [Host::at(&["10.9.0.1/24"]), Host::at(&["10.9.0.2/24"])];
    let path = Path {
        bandwidth: BANDWIDTH,
        delay,
        ..Path::PERFECT
    };
    let lan = Lan::over(run, &hosts, path).await?;
    let one = player(&lan.hosts[0], kind).await?;
    let other = player(&lan.hosts[1], Kind::Native).await?;
    let play = async |[one, other]: &[Participant; 2]| {
        let stream = Stream {
            lane: Lane::Peer(other.id()),
            first: 0,
            steps: STEPS,
            pace: PACE,
            len: LEN,
        };
        let alone = unpaced(one, other).await?;
        other.listen().await?;
        for number in 0..TRANSFERS {
            let content = Content::numbered(number, LARGE);
            one.transfer(other.id(), "level", content).await?;
        }
        let received = received(other);
        let (sent_at, took, ()) = try_join3(one.stream(stream), received, sent(one)).await?;
        last_word(one, other).await?;
        Ok((alone, sent_at, took, other.arrivals().await?))
    };
    let terms = Terms {
        deadline: LONGEST,
        ..Terms::default()
    };
    let (_, played) = meet_and(&one, &other, &terms, play).await?;
    let (alone, sent_at, took, arrivals) =
        played.ok_or_else(|| Failure::new("nothing was sent"))?;
    let Tally { delays, lost } = Tally::of(&sent_at, &arrivals, took).map_err(Failure::new)?;
    let at = |percent: usize| delays.get(delays.len() * percent / 100).copied();
    let (Some(median), Some(slow)) = (at(50), at(95)) else {
        return Err(Failure::new("no message was sent during the transfer"));
    };
    let rate = bytes_a_second(TRANSFERS, took);
    let [_, ordered, unreliable] = lost;
    let seen = format!(
        "{rate} B/s, without giving way {alone} B/s; beside it p50 {}, p95 {}; of {STEPS} messages each, {ordered} ordered and {unreliable} unreliable ones were lost",
        in_words(median),
        in_words(slow),
    );
    let limit = match kind {
        Kind::Native => Duration::from_millis(40),
        _ => Duration::from_millis(80),
    };
    let least = alone * 9 / 10;
    if slow > limit || rate < least {
        let expected = format!("at most {limit:?} and at least {least} B/s");
        return Err(Failure::new(format!("{expected} were expected: {seen}")));
    }
    Ok(seen)
}

/// How many bytes a second so many transfers are.
fn bytes_a_second(transfers: u64, took: Duration) -> u64 {
    let bytes = LARGE as u128 * u128::from(transfers);
    let rate = u64::try_from(bytes * 1_000_000 / took.as_micros().max(1));
    rate.unwrap_or(u64::MAX)
}

/// How many bytes a second go through the line on a reliable channel that does not give way, with nothing beside it.
async fn unpaced(one: &Participant, other: &Participant) -> Outcome<u64> {
    let count = (LARGE / PIECE) as u64;
    let begun = other.now().await?;
    let send = async {
        let mut next = 0;
        while next < count {
            let content = Content::numbered(next, PIECE);
            let to = To::One(other.id());
            let sent = one.try_send(to, TransferMode::Reliable, content, count - next);
            next += sent
                .await?
                .map_err(|why| one.fail(why.to_string()))?
                .messages;
            if next < count {
                let is_room = |seen: &Seen| matches!(seen, Seen::Low { .. }).then_some(());
                one.find("for room", is_room).await?;
            }
        }
        Ok(())
    };
    let arrive = other.find("for the last piece", |seen| match seen {
        Seen::Packet { body, .. } => (body.number() == Some(count - 1)).then_some(()),
        _ => None,
    });
    try_join(send, arrive).await?;
    Ok(bytes_a_second(1, other.now().await? - begun))
}

/// Waits until all transfers are there; how long that took.
async fn received(to: &Participant) -> Outcome<Duration> {
    let begun = to.now().await?;
    for number in 0..TRANSFERS {
        let body = Content::numbered(number, LARGE).body();
        to.find("for a transfer", |seen| match seen {
            Seen::Transfer {
                moved: Moved::Received(received),
                ..
            } => Some(*received == body),
            _ => None,
        })
        .await?
        .then_some(())
        .ok_or_else(|| to.fail("what it received is not what was sent"))?;
    }
    Ok(to.now().await? - begun)
}

async fn sent(from: &Participant) -> Outcome {
    let mut all = 0;
    from.find("for the end of all transfers", |seen| {
        let is_sent = matches!(
            seen,
            Seen::Transfer {
                moved: Moved::Sent,
                ..
            }
        );
        all += u64::from(is_sent);
        (all == TRANSFERS).then_some(())
    })
    .await
}

/// Has one tell the other something reliably: what came before it on that channel has come.
async fn last_word(one: &Participant, other: &Participant) -> Outcome {
    let word = Content::Text(String::from("that was all"));
    let expected = word.body();
    let to = To::One(other.id());
    one.send(to, TransferMode::Reliable, word).await?;
    other
        .find("for the last word", |seen| match seen {
            Seen::Packet { body, .. } if *body == expected => Some(()),
            _ => None,
        })
        .await
}

/// What became of the messages beside a transfer.
#[derive(Debug, PartialEq, Eq)]
struct Tally {
    /// How long those took that were sent while it was under way, beyond the fastest of all, in order. One that was lost took for ever.
    delays: Vec<Duration>,
    /// How many were lost altogether, on each channel.
    lost: [usize; 3],
}

impl Tally {
    /// Of messages that were all sent on each channel at these times. Says which message came that the channel cannot bring, or did not
    /// come though it has to.
    fn of(sent_at: &[u64], arrivals: &[Arrival], took: Duration) -> Result<Self, String> {
        let begun = sent_at.first().copied().unwrap_or_default();
        let end = begun + u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut lost = [0; 3];
        let mut each = Vec::new();
        for (mode, lost) in TransferMode::ALL.into_iter().zip(&mut lost) {
            let came = times(mode, sent_at.len(), arrivals)?;
            *lost = came.iter().filter(|at| at.is_none()).count();
            if mode.is_reliable() && *lost > 0 {
                return Err(format!("{lost} reliable messages never came"));
            }
            each.extend(sent_at.iter().copied().zip(came));
        }
        let took = |(sent, came): &(u64, Option<u64>)| {
            let came = came.as_ref()?;
            Some(i128::from(*came) - i128::from(*sent))
        };
        let fastest = each.iter().filter_map(took).min().unwrap_or_default();
        let during = each.iter().filter(|(sent, _)| *sent <= end);
        let mut delays: Vec<_> = during
            .map(|message| match took(message) {
                Some(took) => {
                    Duration::from_micros(u64::try_from(took - fastest).unwrap_or(u64::MAX))
                }
                None => Duration::MAX,
            })
            .collect();
        delays.sort_unstable();
        Ok(Self { delays, lost })
    }
}

/// A delay of a [`Tally`].
fn in_words(delay: Duration) -> String {
    if delay == Duration::MAX {
        return String::from("lost");
    }
    format!("{delay:.1?}")
}

/// When each of so many messages of a mode came, if it did.
fn times(
    mode: TransferMode,
    count: usize,
    arrivals: &[Arrival],
) -> Result<Vec<Option<u64>>, String> {
    let mut times = vec![None; count];
    let mut last = None;
    for arrival in arrivals {
        if arrival.channel != mode.channel() {
            continue;
        }
        let number = arrival.number;
        let place = usize::try_from(number).ok();
        let time = place.and_then(|place| times.get_mut(place));
        let time = time.ok_or_else(|| format!("{mode:?} message {number} was never sent"))?;
        if time.replace(arrival.at_micros).is_some() {
            return Err(format!("{mode:?} message {number} came twice"));
        }
        let is_overtaken = last.replace(number) > Some(number);
        if is_overtaken && mode != TransferMode::Unreliable {
            return Err(format!("{mode:?} message {number} came out of order"));
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT_AT: [u64; 2] = [0, 1000];

    fn arrival(mode: TransferMode, number: u64, at_micros: u64) -> Arrival {
        Arrival {
            channel: mode.channel(),
            number,
            at_micros,
        }
    }

    /// All of them, 5 ms after they were sent.
    fn all() -> Vec<Arrival> {
        let times = (0..).zip(SENT_AT);
        let all = times.flat_map(|(number, sent)| {
            TransferMode::ALL.map(|mode| arrival(mode, number, sent + 5000))
        });
        all.collect()
    }

    fn tally(arrivals: &[Arrival]) -> Result<Tally, String> {
        Tally::of(&SENT_AT, arrivals, Duration::from_secs(1))
    }

    #[test]
    fn what_took_as_long_as_the_fastest_took_no_time() {
        let tally = tally(&all()).expect("all came");
        assert_eq!(tally.delays, [Duration::ZERO; 6]);
        assert_eq!(tally.lost, [0; 3]);
    }

    #[test]
    fn a_lost_message_is_as_late_as_can_be_where_it_may_be_lost() {
        for (place, lost) in [(1, [0, 1, 0]), (2, [0, 0, 1])] {
            let mut arrivals = all();
            arrivals.remove(place);
            let tally = tally(&arrivals).expect("it may be lost");
            assert_eq!(tally.lost, lost);
            assert_eq!(tally.delays.last(), Some(&Duration::MAX));
        }
        let mut arrivals = all();
        arrivals.remove(0);
        let why = tally(&arrivals).expect_err("it must arrive");
        assert!(why.contains("reliable messages never came"), "{why}");
    }

    #[test]
    fn what_comes_twice_or_out_of_order_or_from_nowhere_fails() {
        for mode in TransferMode::ALL {
            let mut twice = all();
            twice.push(arrival(mode, 1, 9000));
            assert!(tally(&twice).is_err_and(|why| why.contains("twice")));
            let mut unknown = all();
            unknown.push(arrival(mode, 2, 9000));
            assert!(tally(&unknown).is_err_and(|why| why.contains("never sent")));
            let mut turned = all();
            turned.reverse();
            turned.retain(|arrival| arrival.channel == mode.channel());
            let others = all()
                .into_iter()
                .filter(|arrival| arrival.channel != mode.channel());
            turned.extend(others);
            assert_eq!(tally(&turned).is_ok(), mode == TransferMode::Unreliable);
        }
    }
}
