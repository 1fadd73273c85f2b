//! What happens to a page and to no program: it is hidden, and it is closed. A program whose page is to be closed drops what it has.

use std::time::Duration;

use mesh_core::{ConnectFailure, DisconnectReason, Missing};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::request::Settings;
use crate::{Failure, Kind, Matchmaker, Outcome, Participant};

/// A page behind another tab, where timers ring once a second at most: it hears and answers as before, makes new connections,
/// and keeps its deadlines.
pub async fn a_hidden_page_stays_in_touch(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    if !a.kind().is_page() {
        return Err(Failure::not_run(steps::NO_PAGE));
    }
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            a.hide().await?;
            hidden(a).await?;
            let began = b.now().await?;
            for round in 0..20 {
                steps::tell(b, a, &format!("are you there, {round}")).await?;
                steps::tell(a, b, &format!("still here, {round}")).await?;
            }
            let took = b.now().await? - began;
            // One throttled timer on the way of each would make it twenty.
            ensure!(
                took < Duration::from_secs(15),
                "twenty words and answers took {took:?}"
            );

            a.remove_peer(b.id()).await?;
            steps::gone(a, b.id(), DisconnectReason::Removed).await?;
            ensure_eq!(
                b.disconnected(a.id()).await?,
                DisconnectReason::Closed,
                "the end of a peer that a hidden page removes"
            );
            steps::connect(&matchmaker, &cast, 0, 1).await?;
            steps::everybody_talks(&cast).await?;
            keeps_its_deadline(a).await?;
            ensure_eq!(a.vitals().await?.hidden, Some(true), "hidden in the end");
            Ok(())
        })
        .await
}

/// Gives up a peer that does not answer when it should.
async fn keeps_its_deadline(participant: &Participant) -> Outcome {
    let deadline = Duration::from_millis(2500);
    participant
        .start_mesh_with(Settings {
            connect_deadline: deadline,
            ..Settings::default()
        })
        .await?;
    let connection = participant.create_connection().await?;
    let began = participant.now().await?;
    participant.add_peer(connection, 77).await?;
    participant.create_offer(connection).await?;
    let reason = participant.failed(77).await?;
    let expected = DisconnectReason::ConnectFailed(ConnectFailure::Deadline {
        missing: Missing::Description,
    });
    ensure_eq!(reason, expected, "why nobody is there");
    let took = participant.now().await? - began;
    ensure!(
        took >= deadline && took <= deadline + participant.kind().timer_slack(),
        "given up after {took:?} instead of {deadline:?}"
    );
    Ok(())
}

/// Waits until a page knows that it is hidden.
async fn hidden(page: &Participant) -> Outcome {
    let patience = Duration::from_secs(5);
    let waiting = async {
        while page.vitals().await?.hidden != Some(true) {
            page.sleep(Duration::from_millis(20)).await?;
        }
        Ok(())
    };
    match page.within(patience, waiting).await? {
        Some(()) => Ok(()),
        None => Err(page.fail("is not hidden")),
    }
}

/// Whose page is closed is `PageLeft`, or `Closed`, to the others within a second, to which the order to close it adds its own way here
/// (`cargo ci play --check` counts from the page's `pagehide`); they keep each other.
pub async fn a_closed_page_is_seen_at_once(cast: [Participant; 3]) -> Outcome {
    let [closed, a, b] = &cast;
    steps::connected_meshes(&cast).await?;
    // A page that goes does not wait until its goodbye is heard, so it may be lost.
    let why: &[DisconnectReason] = if closed.kind().is_page() {
        &[DisconnectReason::PageLeft, DisconnectReason::Closed]
    } else {
        &[DisconnectReason::Closed]
    };
    let limit = |kind: Kind| Duration::from_secs(1) + kind.timer_slack();
    steps::told_of_end([a, b], closed.id(), closed.close_page(), why, limit).await?;
    steps::everybody_talks(&cast[1..]).await
}
