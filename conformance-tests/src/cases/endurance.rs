//! The same thing a hundred times, and nothing is left of it.

use std::time::Duration;

use mesh_core::DisconnectReason;

use super::first_and_last::say_in_onopen;
use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::reply::Vitals;
use crate::{Matchmaker, Outcome, Participant};

/// How much the resident memory may grow in the last eighty cycles: less than what three connections take, of 1.3 MiB each. The
/// allocator may give what the last ones took back or keep it: 0 to 1.3 MiB were seen in 24 measurements.
const GROWTH: u64 = 3 * 1024 * 1024;

/// After which cycle memory is looked at first, and then once more after the last one.
const WARM: usize = 20;

/// A hundred times two peers connect, talk and part. Everything that is counted is back where it was, and memory does
/// not grow.
pub async fn a_hundred_cycles_leave_nothing(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            // The first pays for what is made once and kept.
            cycle(&matchmaker, &cast, 0).await?;
            let before = [a.vitals().await?, b.vitals().await?];
            let mut warm = Vec::new();
            for round in 1..=100 {
                cycle(&matchmaker, &cast, round).await?;
                if round == WARM {
                    for (participant, before) in [a, b].into_iter().zip(&before) {
                        settle(participant, before).await?;
                        warm.push(participant.vitals().await?);
                    }
                }
            }
            for ((participant, before), warm) in [a, b].into_iter().zip(&before).zip(&warm) {
                settle(participant, before).await?;
                let resident = participant.vitals().await?.resident;
                let grown = resident
                    .zip(warm.resident)
                    .map(|(now, then)| now.saturating_sub(then));
                ensure!(
                    grown.unwrap_or(0) < GROWTH,
                    "{} grew by {grown:?} bytes in {} cycles",
                    participant.name(),
                    100 - WARM
                );
                // Nor is anything left of a connection that nobody was added on, and that nobody closed.
                participant.create_connection().await?;
                participant.start_mesh().await?;
                settle(participant, before).await?;
            }
            Ok(())
        })
        .await
}

/// What is said in the moment a channel opens, two hundred times, each side offering a hundred of them: a column of two
/// kinds does it both ways round.
pub async fn nothing_said_in_onopen_is_lost_in_two_hundred(cast: [Participant; 2]) -> Outcome {
    say_in_onopen(&cast, 200).await
}

async fn cycle(matchmaker: &Matchmaker<'_>, cast: &[Participant; 2], round: usize) -> Outcome {
    let (leaver, other) = (&cast[round % 2], &cast[1 - round % 2]);
    steps::connect(matchmaker, cast, round / 2 % 2, 1 - round / 2 % 2).await?;
    steps::everybody_talks(cast).await?;
    leaver.remove_peer(other.id()).await?;
    ensure_eq!(
        other.disconnected(leaver.id()).await?,
        DisconnectReason::Closed,
        "the end of round {round}"
    );
    ensure_eq!(
        leaver.disconnected(other.id()).await?,
        DisconnectReason::Removed,
        "the end of round {round} at the other side"
    );
    Ok(())
}

/// Waits until everything counted is back where it was: the last goodbyes may still be under way.
async fn settle(participant: &Participant, before: &Vitals) -> Outcome {
    loop {
        let now = participant.vitals().await?;
        let more: Vec<_> = now
            .counts
            .iter()
            .zip(&before.counts)
            .filter(|((_, now), (_, before))| now > before)
            .collect();
        if more.is_empty() {
            return Ok(());
        }
        participant.note(format!("still holds {more:?}"));
        participant.sleep(Duration::from_millis(100)).await?;
    }
}
