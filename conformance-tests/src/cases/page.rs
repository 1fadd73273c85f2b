//! What happens to a page and to no program: it is hidden, and it is closed. The others do what comes closest.

use std::time::Duration;

use mesh_core::DisconnectReason;

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::request::Settings;
use crate::{Matchmaker, Outcome, Participant};

/// A page behind another tab, where timers ring once a second at most: it hears and answers as before, keeps its deadlines,
/// and makes new connections.
pub async fn a_hidden_page_stays_in_touch(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let deadline = Duration::from_millis(2500);
    a.start_mesh_with(Settings {
        connect_deadline: deadline,
        ..Settings::default()
    })
    .await?;
    b.start_mesh().await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            let is_page = a.hide().await?;
            if is_page {
                hidden(a).await?;
            }
            let began = b.now().await?;
            for round in 0..20 {
                steps::tell(b, a, &format!("are you there, {round}")).await?;
                steps::tell(a, b, &format!("still here, {round}")).await?;
            }
            let took = b.now().await? - began;
            // One throttled timer on the way of each would make it twenty.
            ensure!(
                took < Duration::from_secs(5),
                "twenty words and answers took {took:?}"
            );

            let connection = a.create_connection().await?;
            let began = a.now().await?;
            a.add_peer(connection, 77).await?;
            a.create_offer(connection).await?;
            a.failed(77).await?;
            let took = a.now().await? - began;
            ensure!(
                took >= deadline && took <= deadline + a.kind().timer_slack(),
                "given up after {took:?} instead of {deadline:?}"
            );

            a.remove_peer(b.id()).await?;
            a.disconnected(b.id()).await?;
            ensure_eq!(
                b.disconnected(a.id()).await?,
                DisconnectReason::Closed,
                "the end of a peer that a hidden page removes"
            );
            steps::connect(&matchmaker, &cast, 0, 1).await?;
            steps::everybody_talks(&cast).await?;
            if is_page {
                ensure_eq!(a.vitals().await?.hidden, Some(true), "hidden in the end");
            }
            Ok(())
        })
        .await
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

/// Whose page is closed is `Closed` to the others within a second; they keep each other.
pub async fn a_closed_page_is_seen_at_once(cast: [Participant; 3]) -> Outcome {
    let [closed, a, b] = &cast;
    steps::connected_meshes(&cast).await?;
    let (why, limit) = (DisconnectReason::Closed, Duration::from_secs(1));
    let end = closed.close_page();
    steps::told_of_end([a, b], closed.id(), end, why, |_| limit).await?;
    steps::everybody_talks(&cast[1..]).await
}
