//! A path that breaks and comes back: the peer stays the same, and what was reliable arrives.

use futures_util::future::try_join;
use mesh_core::TransferMode;

use super::steps;
use crate::failure::ensure_eq;
use crate::observed::Seen;
use crate::request::To;
use crate::stream::Weather;
use crate::{Content, Outcome, Participant};

/// How many reliable messages each side sends into the broken path.
const COUNT: u64 = 20;

/// Both hear of the interruption. Nothing unreliable is taken until the path is back; what is reliable arrives then, once and in
/// order.
pub async fn a_broken_path_is_an_interruption(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let spoiler = steps::spoiler(&cast).await?;
    steps::connected_meshes(&cast).await?;
    steps::everybody_talks(&cast).await?;
    let broken = Weather {
        loss_percent: 100,
        ..Weather::default()
    };
    spoiler.weather(broken).await?;
    try_join(interrupted(a, b), interrupted(b, a)).await?;
    for (from, to) in [(a, b), (b, a)] {
        speak(from, to).await?;
    }
    spoiler.weather(Weather::default()).await?;
    try_join(resumed(a, b), resumed(b, a)).await?;
    steps::everybody_talks(&cast).await
}

/// One hears that the path to the other is broken.
async fn interrupted(one: &Participant, other: &Participant) -> Outcome {
    let word = Seen::Interrupted(other.id());
    one.find("for an interruption", |seen| (*seen == word).then_some(()))
        .await
}

/// Says something in every mode.
async fn speak(from: &Participant, to: &Participant) -> Outcome {
    let target = To::One(to.id());
    for mode in [TransferMode::Unreliable, TransferMode::UnreliableOrdered] {
        let content = Content::numbered(0, 64);
        let sent = from.try_send(target, mode, content, 1).await?;
        let refused = sent.map(|report| (report.accepted, report.interrupted));
        ensure_eq!(refused, Ok((0, vec![to.id()])), "a message {mode:?}");
    }
    for number in 0..COUNT {
        let content = Content::numbered(number, 64);
        from.send(target, TransferMode::Reliable, content).await?;
    }
    Ok(())
}

/// One hears that the path is back, and all that the other has said.
async fn resumed(one: &Participant, other: &Participant) -> Outcome {
    let mut is_resumed = false;
    let mut next = 0;
    one.find("for the rest", |seen| {
        match seen {
            Seen::Resumed(peer) => is_resumed |= *peer == other.id(),
            Seen::Packet { body, .. } if body.number() == Some(next) => next += 1,
            // Twice, or out of order.
            Seen::Packet { .. } => next = COUNT + 1,
            _ => {}
        }
        (is_resumed && next >= COUNT).then_some(())
    })
    .await?;
    ensure_eq!(next, COUNT, "what {} heard, in order", one.name());
    Ok(())
}
