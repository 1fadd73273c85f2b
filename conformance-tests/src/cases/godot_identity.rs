//! Section 2.4 of reference/godot.md: ids, and who is the server.

use mesh_core::{ConnectionStatus, DisconnectReason, PeerId, TransferMode};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::request::{MeshRequest, Settings, Setup, To};
use crate::{Content, Matchmaker, Outcome, Participant};

/// An id is one's own from setting up to `close`, from 1 to 2147483647; the server is who has 1, and nobody becomes it by
/// losing it (Godot's clients do).
pub async fn godot_2_4_identity(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let last = PeerId::MAX.get();
    for participant in &cast {
        participant.start_unset(Settings::default()).await?;
        has_no_id(participant, "before it is set up").await?;
        for nobody in [0, last + 1, u32::MAX] {
            let taken = participant
                .try_mesh(MeshRequest::Initialize { id: nobody })
                .await?;
            ensure!(taken.is_err(), "the id {nobody} was taken");
        }
        has_no_id(participant, "after ids that are none").await?;
    }
    a.rename(1).await?;
    b.rename(last).await?;
    for (participant, is_server) in [(a, true), (b, false)] {
        is(participant, is_server).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            for (from, to) in [(a, b), (b, a)] {
                for (target, hearers) in [
                    (To::One(to.id()), 1),
                    (To::AllExcept(to.id()), 0),
                    (To::AllExcept(from.id()), 1),
                    (To::All, 1),
                ] {
                    let word = Content::Text(format!("{} to {target:?}", from.id()));
                    let expected = (from.id(), TransferMode::Reliable, word.body());
                    let told = from.send(target, TransferMode::Reliable, word).await?;
                    ensure_eq!(told, hearers, "hearers of {target:?}");
                    if told > 0 {
                        ensure_eq!(to.packet().await?, expected, "what {} hears", to.name());
                    }
                }
            }

            b.close_mesh().await?;
            has_no_id(b, "closed").await?;
            steps::gone(a, last, DisconnectReason::Closed).await?;
            let client = b.try_set_up(Setup::Client(last)).await?;
            ensure_eq!(client, Ok(()), "the same as a client");
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            a.close_mesh().await?;
            has_no_id(a, "a server that closed").await?;
            let reason = DisconnectReason::Closed;
            ensure_eq!(
                steps::told(b, 1).await?,
                [Seen::Disconnected { peer: 1, reason }],
                "what a client without its server is told"
            );
            is(b, false).await?;
            b.close_mesh().await?;

            // Whatever the caller's randomness is.
            for (participant, entropy) in [(a, 0), (b, u32::MAX)] {
                let id = PeerId::generate_unique(entropy).get();
                ensure!((2..=last).contains(&id), "{entropy} gave the id {id}");
                participant.rename(id).await?;
                is(participant, false).await?;
            }
            steps::connect(&matchmaker, &cast, 0, 1).await?;
            steps::everybody_talks(&cast).await
        })
        .await
}

/// It knows its id, and whether that is the server's.
async fn is(participant: &Participant, is_server: bool) -> Outcome {
    let known = (
        participant.status().await?.0,
        participant.standing().await?.0,
    );
    let expected = (Some(participant.id()), is_server);
    ensure_eq!(known, expected, "who {} is", participant.name());
    Ok(())
}

async fn has_no_id(participant: &Participant, when: &str) -> Outcome {
    let known = (participant.status().await?, participant.standing().await?.0);
    let expected = ((None, ConnectionStatus::Disconnected), false);
    ensure_eq!(known, expected, "who {} is, {when}", participant.name());
    Ok(())
}
