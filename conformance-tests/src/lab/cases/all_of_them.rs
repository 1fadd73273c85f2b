//! A hundred thousand reliable messages over paths that break again and again: each arrives once, whole and in order.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::future::{try_join, try_join3};
use mesh_core::TransferMode;
use tokio::time::timeout;

use super::cuts::{CUTS, PATH};
use super::reunion::Pair;
use crate::failure::ensure;
use crate::lab::lan::{Host, Lan};
use crate::lab::netns::{Namespace, Run};
use crate::lab::switch::Path;
use crate::observed::Seen;
use crate::request::Settings;
use crate::stream::{Lane, Stream};
use crate::{Content, Failure, Kind, Outcome, Participant};

/// From one message to the next, each way. What waits while the path is gone fits into a channel's default limit.
const PACE: Duration = Duration::from_millis(5);

/// Bytes of a message: its number, and what follows from it.
const LEN: usize = 64;

/// How long there is traffic before a trouble, and after it.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(7);

/// How long there is no address.
const WITHOUT: Duration = Duration::from_secs(4);

/// How soon all that was said during an outage is there, once the path and the signaling are back.
const SOON: Duration = Duration::from_secs(5);

/// How much longer a page on a busy machine may take for as many messages.
const LATE: Duration = Duration::from_secs(20);

/// How often it is looked at what has arrived, for a failure.
const LOOK: Duration = Duration::from_millis(500);

/// For each round, whether the signaling server is killed and another one comes with the path, and which host's address changes.
const ROUNDS: [(bool, usize); 4] = [(false, 0), (true, 0), (false, 1), (true, 1)];

/// The last numbers of the hosts' first addresses.
const ADDRESSES: [u8; 2] = [10, 20];

const AT_LEAST: u64 = 100_000;

const CUT: Path = Path {
    loss_percent: 100,
    ..Path::PERFECT
};

/// Between natives.
pub(super) async fn all_of_them_arrive_between_natives(run: &Run) -> Outcome<String> {
    all_of_them(run, [Kind::Native; 2]).await
}

/// Between a page in Chromium and a native.
pub(super) async fn all_of_them_arrive_with_chromium(run: &Run) -> Outcome<String> {
    all_of_them(run, [Kind::Chromium, Kind::Native]).await
}

/// The same with Firefox.
pub(super) async fn all_of_them_arrive_with_firefox(run: &Run) -> Outcome<String> {
    all_of_them(run, [Kind::Firefox, Kind::Native]).await
}

/// Between pages in Chromium.
pub(super) async fn all_of_them_arrive_between_chromiums(run: &Run) -> Outcome<String> {
    all_of_them(run, [Kind::Chromium; 2]).await
}

/// Between pages in Firefox.
pub(super) async fn all_of_them_arrive_between_firefoxes(run: &Run) -> Outcome<String> {
    all_of_them(run, [Kind::Firefox; 2]).await
}

/// Between a page in Firefox and one in Chromium.
pub(super) async fn all_of_them_arrive_between_firefox_and_chromium(run: &Run) -> Outcome<String> {
    all_of_them(run, [Kind::Firefox, Kind::Chromium]).await
}

/// What happens to the path.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// Nothing comes through for so long.
    Cut(Duration),
    /// The only address of this host becomes another: from the last number to the next.
    Address { host: usize, number: u8 },
}

impl Trouble {
    const fn lasts(self) -> Duration {
        match self {
            Self::Cut(span) => span,
            Self::Address { .. } => WITHOUT,
        }
    }

    fn begins(self, lan: &Lan) -> Outcome {
        match self {
            Self::Cut(_) => lan.switch.be(CUT),
            Self::Address { host, number } => {
                let host = namespace(lan, host)?;
                host.ip(&format!("addr del 10.9.0.{number}/24 dev eth0"))?;
            }
        }
        Ok(())
    }

    fn ends(self, lan: &Lan) -> Outcome {
        match self {
            Self::Cut(_) => lan.switch.be(PATH),
            Self::Address { host, number } => {
                let next = number + 1;
                namespace(lan, host)?.ip_all(&format!(
                    "addr add 10.9.0.{next}/24 dev eth0\nroute replace default dev eth0\n"
                ))?;
            }
        }
        Ok(())
    }
}

fn namespace(lan: &Lan, host: usize) -> Outcome<&Namespace> {
    let host = lan.hosts.get(host);
    host.ok_or_else(|| Failure::new("a network without that host"))
}

async fn all_of_them(run: &Run, kinds: [Kind; 2]) -> Outcome<String> {
    let hosts = [Host::at(&["10.9.0.10/24"]), Host::at(&["10.9.0.20/24"])];
    let lan = Lan::over(run, &hosts, PATH).await?;
    let pair = Pair::meet_on(lan, kinds, Settings::default().resume_window).await?;
    let (mut sent, mut numbers) = (0, ADDRESSES);
    let mut slowest = Duration::ZERO;
    for (is_alone, host) in ROUNDS {
        let cuts = CUTS.map(|seconds| Trouble::Cut(Duration::from_secs(seconds)));
        let number = numbers[host];
        for trouble in cuts.into_iter().chain([Trouble::Address { host, number }]) {
            let limit = BEFORE + trouble.lasts() + AFTER + LATE;
            let logs = [Log::default(), Log::default()];
            let steps = timeout(limit, through(&pair, trouble, is_alone, sent, &logs)).await;
            let steps = match steps {
                Ok(steps) => steps,
                Err(_) => {
                    let stands = stands(&pair).await;
                    let what = format!("not all there after {limit:?}: {logs:?}, {stands}");
                    Err(Failure::new(what))
                }
            };
            let (steps, took) =
                steps.map_err(|failure| failure.of(&format!("{trouble:?} after {sent}")))?;
            sent += steps;
            slowest = slowest.max(took);
        }
        numbers[host] += 1;
    }
    let all = 2 * sent;
    ensure!(all >= AT_LEAST, "only {all} were sent");
    Ok(format!(
        "{all} messages: none lost, doubled or out of order, all there at most {slowest:.2?} after the path was back"
    ))
}

/// What each of them still has for the other, and how its link is, as far as that can be had.
async fn stands(pair: &Pair) -> String {
    let [one, other] = &pair.cast;
    let mut stands = Vec::new();
    for (one, other) in [(one, other), (other, one)] {
        let buffered = one.buffered(other.id(), TransferMode::Reliable).await;
        let figures = one.figures(other.id()).await;
        stands.push(format!("{buffered:?} bytes wait, {figures:?}"));
    }
    stands.join("; ")
}

/// What one of them has seen in a trouble, for a failure.
#[derive(Debug, Default)]
struct Log {
    /// Whether both have sent all.
    all_sent: Cell<bool>,
    /// The next number to arrive here.
    next: Cell<u64>,
    /// When each came, in the order of the numbers.
    came: Came,
    /// All that was no packet, and when it came, from the first look on.
    others: RefCell<Vec<(Duration, String)>>,
}

/// Times, of which a failure shows the number alone.
#[derive(Default)]
struct Came(RefCell<Vec<Instant>>);

impl fmt::Debug for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages", self.0.borrow().len())
    }
}

/// Both stream from this number on while something happens to their path. How many each has sent, all of which have arrived, and how
/// long after the path was back all was there that had been said before.
async fn through(
    pair: &Pair,
    trouble: Trouble,
    is_alone: bool,
    first: u64,
    [of_one, of_other]: &[Log; 2],
) -> Outcome<(u64, Duration)> {
    let [one, other] = &pair.cast;
    let span = BEFORE + trouble.lasts() + AFTER;
    let steps = u64::try_from(span.as_millis() / PACE.as_millis()).unwrap_or(u64::MAX);
    let stream = |to: &Participant| Stream {
        lane: Lane::Peer(to.id()),
        first,
        steps,
        pace: PACE,
        len: LEN,
    };
    let meanwhile = async {
        tokio::time::sleep(BEFORE).await;
        let place = match is_alone {
            true => Some(pair.signaling.kill().await?),
            false => None,
        };
        trouble.begins(&pair.lan)?;
        tokio::time::sleep(trouble.lasts()).await;
        trouble.ends(&pair.lan)?;
        if let Some(place) = place {
            let hosts = &pair.lan.hosts;
            pair.signaling.start_again(place, hosts).await?;
        }
        let back = Instant::now();
        let clocks = try_join(one.now(), other.now()).await?;
        Ok::<_, Failure>((back, clocks, course(pair, back, [of_one, of_other]).await))
    };
    let numbers = first..first + steps;
    let streams = try_join(one.stream(stream(other)), other.stream(stream(one)));
    let arrived = try_join(
        arrives(one, numbers.clone(), of_one),
        arrives(other, numbers, of_other),
    );
    let streams = async {
        let sent_at = streams.await?;
        of_one.all_sent.set(true);
        of_other.all_sent.set(true);
        Ok(sent_at)
    };
    let ((by_one, by_other), _, (back, clocks, course)) =
        try_join3(streams, arrived, meanwhile).await?;
    let took = [(by_one, clocks.0, of_other), (by_other, clocks.1, of_one)];
    let took = took.map(|(sent_at, then, log)| {
        // A sender on a busy machine is behind its pace.
        let said_before = sent_at.partition_point(|at| *at < then.as_micros());
        let last = said_before.checked_sub(1);
        let last = last.and_then(|last| log.came.0.borrow().get(last).copied());
        last.map(|last| last.saturating_duration_since(back))
    });
    let [Some(to_other), Some(to_one)] = took else {
        return Err(Failure::new("nothing was said before the path was back"));
    };
    let took = to_other.max(to_one);
    ensure!(
        took <= SOON,
        "all was there {took:.2?} after the path was back instead of {SOON:?}: {of_one:?}, {of_other:?}, {course}"
    );
    Ok((steps, took))
}

/// Looks again and again at which message each of them waits for, and how much the other one holds.
async fn course(pair: &Pair, back: Instant, logs: [&Log; 2]) -> String {
    let mut course = String::new();
    while back.elapsed() < SOON {
        let [next, of_other] = logs.map(|log| log.next.get());
        let [one, other] = &pair.cast;
        let one_holds = one.buffered(other.id(), TransferMode::Reliable).await;
        let other_holds = other.buffered(one.id(), TransferMode::Reliable).await;
        let _ = writeln!(
            course,
            "{:.1?}: {next} and {of_other} are next; {one_holds:?} and {other_holds:?} bytes wait",
            back.elapsed()
        );
        tokio::time::sleep(LOOK).await;
    }
    course
}

/// Waits for the reliable messages of these numbers. Any other one, and an end of the peer, is an error.
async fn arrives(participant: &Participant, numbers: Range<u64>, log: &Log) -> Outcome {
    let (mut next, began) = (numbers.start, Instant::now());
    let outcome = participant.find("for what must arrive", |seen| {
        let Seen::Packet { channel, body, .. } = seen else {
            let word = (began.elapsed(), format!("{seen:?}"));
            log.others.borrow_mut().push(word);
            return None;
        };
        if *channel != TransferMode::Reliable.channel() {
            return None;
        }
        if *body != Content::numbered(next, LEN).body() {
            return Some(Err(format!("{body:?} came instead of number {next}")));
        }
        next += 1;
        log.next.set(next);
        log.came.0.borrow_mut().push(Instant::now());
        (next == numbers.end).then_some(Ok(()))
    });
    outcome.await?.map_err(|what| participant.fail(what))
}
