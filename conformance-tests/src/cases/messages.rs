//! What is sent, to whom, and what arrives.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::try_join;
use mesh_core::{SendError, TransferMode};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Figures;
use crate::refusal::Refusal;
use crate::request::To;
use crate::{Content, Matchmaker, Outcome, Participant, SentReport};

/// How often a pair is looked at until it stays.
const ROUNDS: u32 = 6;

/// Text and binary of every size, empty and the largest allowed among them, on all three channels, both ways.
pub async fn every_size_on_every_channel(cast: [Participant; 2]) -> Outcome {
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            for (from, to) in [(0, 1), (1, 0)] {
                let (from, to) = (&cast[from], &cast[to]);
                let largest = largest(from, to).await?;
                ensure!(
                    largest >= 64 * 1024,
                    "{} takes {largest} bytes at most",
                    to.name()
                );
                for mode in TransferMode::ALL {
                    for len in [0, 1, 16 * 1024, 64 * 1024, largest] {
                        for text in [false, true] {
                            let number = len as u64;
                            let content = Content::Numbered { number, len, text };
                            arrives(from, to, mode, &content).await?;
                        }
                    }
                }
            }
            Ok(())
        })
        .await
}

/// The largest message one may send to another.
async fn largest(from: &Participant, to: &Participant) -> Outcome<usize> {
    let peers = from.peers().await?;
    peers
        .iter()
        .find(|peer| peer.id == to.id())
        .map(|peer| peer.max_message_size)
        .ok_or_else(|| from.fail("does not know its peer"))
}

/// Sends until it arrives, once where the channel is reliable; it is what was sent, and comes from whom it came.
async fn arrives(
    from: &Participant,
    to: &Participant,
    mode: TransferMode,
    content: &Content,
) -> Outcome {
    let tries = if mode.is_reliable() { 1 } else { 5 };
    for _ in 0..tries {
        from.send(To::One(to.id()), mode, content.clone()).await?;
        let wait = Duration::from_secs(if mode.is_reliable() { 5 } else { 1 });
        let Some((sender, by, body)) = to.within(wait, to.packet()).await? else {
            continue;
        };
        ensure_eq!(sender, from.id(), "whose it is");
        ensure_eq!(by, mode, "how it came");
        ensure_eq!(body, content.body(), "what it is");
        return Ok(());
    }
    Err(to.fail(format!("{content:?} did not arrive on {mode:?}")))
}

/// A message above the limit is an error that names the limit, or a report that names who takes none so large, and nobody gets it.
pub async fn too_large_names_the_limit(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            let largest = largest(a, b).await?;
            for to in [To::One(b.id()), To::All] {
                for mode in TransferMode::ALL {
                    let content = Content::Binary(vec![0; largest + 1]);
                    let refused = a.try_send(to, mode, content, 1).await?;
                    // A page sends more than a program takes, and what is for all goes by what the sender can send.
                    let expected = if to == To::All && a.kind().is_page() && !b.kind().is_page() {
                        Ok(SentReport {
                            too_large: vec![b.id()],
                            ..SentReport::default()
                        })
                    } else {
                        Err(Refusal::Send(SendError::TooLarge {
                            size: largest + 1,
                            limit: largest,
                        }))
                    };
                    ensure_eq!(refused, expected, "one byte too many on {mode:?}");
                }
            }
            a.say("after").await?;
            let (_, _, body) = b.packet().await?;
            ensure_eq!(
                body,
                Content::Text("after".into()).body(),
                "the next packet"
            );
            Ok(())
        })
        .await
}

/// One, all, all but one: exactly those get it. A stranger is an error, and excluding one excludes nobody.
pub async fn targets_are_one_all_and_all_but_one(cast: [Participant; 4]) -> Outcome {
    let [a, b, c, d] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect_all(&matchmaker, &cast).await?;
            let plan = [
                (To::One(c.id()), vec![c]),
                (To::All, vec![b, c, d]),
                (To::AllExcept(b.id()), vec![c, d]),
                (To::AllExcept(4711), vec![b, c, d]),
                (To::One(d.id()), vec![d]),
            ];
            for (number, (to, hearers)) in (0..).zip(&plan) {
                let content = Content::numbered(number, 20);
                let accepted = a.send(*to, TransferMode::Reliable, content).await?;
                ensure_eq!(accepted, hearers.len(), "how many get {to:?}");
            }
            for listener in [b, c, d] {
                for (number, (to, hearers)) in (0..).zip(&plan) {
                    if !hearers.iter().any(|hearer| hearer.id() == listener.id()) {
                        continue;
                    }
                    let (from, _, body) = listener.packet().await?;
                    ensure_eq!(from, a.id(), "who sent it");
                    ensure_eq!(
                        steps::number(listener, &body)?,
                        number,
                        "what {} hears first of what was sent {to:?}",
                        listener.name()
                    );
                }
            }
            for stranger in [4711, a.id()] {
                let refused = a
                    .try_send(
                        To::One(stranger),
                        TransferMode::Reliable,
                        Content::numbered(0, 8),
                        1,
                    )
                    .await?;
                ensure!(
                    matches!(&refused, Err(Refusal::Send(SendError::UnknownPeer { peer })) if peer.get() == stranger),
                    "sending to {stranger} gave {refused:?}"
                );
            }
            // Nothing else had been on its way: this comes next.
            for listener in [b, c, d] {
                steps::tell(a, listener, "done").await?;
            }
            Ok(())
        })
        .await
}

/// How long it may take until enough of the pulse has gone both ways: its first 16 pings take 8 s.
const MEASURED: Duration = Duration::from_secs(15);

/// The figures of a peer's link come when they are asked for, and mean the same everywhere: how many messages and bytes the game
/// has sent and received, without what the library says for itself, by which pair of candidates, and how the path is.
pub async fn figures_come_when_asked_for(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            // By then the pulse has begun, which does not count.
            a.sleep(Duration::from_millis(1500)).await?;
            let (len, word) = (5000, "got it");
            a.send(
                To::One(b.id()),
                TransferMode::Reliable,
                Content::numbered(0, len),
            )
            .await?;
            b.packet().await?;
            steps::tell(b, a, word).await?;
            let (large, small) = (len as u64, word.len() as u64);
            let none = (0, 0);
            for (participant, peer, sent, received) in [(a, b, large, small), (b, a, small, large)]
            {
                let traffic = participant.traffic(peer.id()).await?;
                let expected = [sent, received].map(|bytes| [(1, bytes), none, none]);
                ensure_eq!(traffic, expected, "the messages of {}", participant.name());
            }
            for (participant, peer, carried) in [(a, b, (large, small)), (b, a, (small, large))] {
                let figures = participant.figures(peer.id()).await?;
                let name = participant.name();
                ensure_eq!(
                    (figures.bytes_sent, figures.bytes_received),
                    carried,
                    "the bytes that {name} has sent and received"
                );
                let is_over_udp = figures.protocol.as_deref() == Some("Udp");
                ensure!(
                    figures.has_pair && is_over_udp && !figures.is_stalled,
                    "{name} has the figures {figures:?}"
                );
                stays_on_its_pair(participant, peer, &figures).await?;
            }
            try_join(is_measured(a, b), is_measured(b, a)).await?;
            Ok(())
        })
        .await
}

/// The round trip, the jitter and the loss of a path on one machine come, and are those of one.
async fn is_measured(one: &Participant, other: &Participant) -> Outcome {
    let until = one.now().await? + MEASURED;
    loop {
        let figures = one.figures(other.id()).await?;
        let delays = [figures.round_trip_us, figures.jitter_us];
        let losses = [figures.loss_sent, figures.loss_received];
        if delays.iter().all(Option::is_some) && losses.iter().all(Option::is_some) {
            // Where the machine is busy, a datagram may find no room in a socket.
            let is_near = delays.iter().flatten().all(|delay| *delay < 500_000);
            let is_whole = losses.iter().flatten().all(|percent| *percent <= 5);
            ensure!(is_near && is_whole, "{} has {figures:?}", one.name());
            return Ok(());
        }
        if one.now().await? > until {
            return Err(one.fail(format!("still has {figures:?}")));
        }
        one.sleep(Duration::from_millis(500)).await?;
    }
}

/// Nobody has changed the network, so the pair stays before long. Chromium may try several in the first seconds.
async fn stays_on_its_pair(one: &Participant, other: &Participant, first: &Figures) -> Outcome {
    let mut changes = first.pair_changes;
    for _ in 0..ROUNDS {
        one.sleep(Duration::from_millis(1500)).await?;
        let before = changes;
        changes = one.figures(other.id()).await?.pair_changes;
        if changes == before {
            return Ok(());
        }
    }
    Err(one.fail(format!("has changed its pair {changes} times")))
}

/// Reliable: all, in order. Ordered: in order. Unreliable: anything may be missing or late. None ever comes twice.
pub async fn each_mode_keeps_its_rules(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let count: u64 = 200;
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            steps::bad_weather(a).await?;
            for number in 0..count {
                for mode in TransferMode::ALL {
                    a.send(To::One(b.id()), mode, Content::numbered(number, 32))
                        .await?;
                }
            }
            let mut heard = [vec![], vec![], vec![]];
            // One channel may be read before the others, and each of them delivers something.
            while heard[0].len() < count as usize || heard.iter().any(Vec::is_empty) {
                let (_, mode, body) = b.packet().await?;
                heard[usize::from(mode.channel().0)].push(steps::number(b, &body)?);
            }
            let [reliable, ordered, unreliable] = heard;
            ensure!(
                reliable.iter().copied().eq(0..count),
                "on reliable came {reliable:?}"
            );
            ensure!(
                ordered.is_sorted_by(|former, later| former < later),
                "on ordered came {ordered:?}"
            );
            let unique: BTreeSet<_> = unreliable.iter().collect();
            ensure!(
                unique.len() == unreliable.len(),
                "on unreliable came {unreliable:?}"
            );
            Ok(())
        })
        .await
}
