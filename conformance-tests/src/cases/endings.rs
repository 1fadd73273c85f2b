//! How a peer ends, and how the others are told.

use std::time::Duration;

use futures_util::future::try_join;
use mesh_core::{Command, ConnectionStatus, DisconnectReason, Instant, TransferMode};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::figures::figure;
use crate::observed::Seen;
use crate::request::Settings;
use crate::{Kind, Matchmaker, Outcome, Participant};

/// Who leaves is `Closed` to the others, at once; they keep each other.
pub async fn a_leave_is_seen_as_closed(cast: [Participant; 3]) -> Outcome {
    let [a, b, leaver] = &cast;
    steps::meet(&cast).await?;
    leaver.leave().await?;
    both_see_closed(a, b, leaver.id()).await?;
    steps::everybody_talks(&cast[..2]).await
}

/// So is one whose mesh is dropped without a word.
pub async fn a_drop_is_seen_as_closed(cast: [Participant; 3]) -> Outcome {
    let [a, b, dropped] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect_all(&matchmaker, &cast).await?;
            dropped.drop_all().await?;
            both_see_closed(a, b, dropped.id()).await?;
            steps::everybody_talks(&cast[..2]).await
        })
        .await
}

/// So is one that closes its mesh; that side hears no more of its peers, and may start anew, under another id even.
pub async fn a_closed_mesh_starts_anew(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            a.close_mesh().await?;
            ensure_eq!(
                a.status().await?,
                (None, ConnectionStatus::Disconnected),
                "id and status of a closed mesh"
            );
            ensure_eq!(
                b.disconnected(a.id()).await?,
                DisconnectReason::Closed,
                "what b is told"
            );
            a.rename(77).await?;
            matchmaker.introduce(0, 1).await?;
            // The first event since the close: closing gives none.
            let first = a.seen().await?;
            ensure_eq!(first, Seen::Connected(b.id()), "the first event of a");
            b.connected(77).await?;
            steps::everybody_talks(&cast).await
        })
        .await
}

/// A far side that closes one of the planned channels has left.
pub async fn closing_one_channel_ends_the_peer(cast: [Participant; 2]) -> Outcome {
    let [bare, mesh] = &cast;
    bare.start_backend().await?;
    mesh.start_mesh().await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            let (link, _) = matchmaker.introduce(0, 1).await?;
            try_join(bare.opened(link), mesh.connected(bare.id())).await?;
            let channel = TransferMode::UnreliableOrdered.channel();
            bare.execute(Command::CloseChannel { link, channel })
                .await?;
            ensure_eq!(
                mesh.disconnected(bare.id()).await?,
                DisconnectReason::Closed,
                "what becomes of the peer"
            );
            Ok(())
        })
        .await
}

/// Who vanishes without a goodbye is interrupted in time, and `Lost` at the end of the window, which begins then; the observers keep
/// each other.
pub async fn a_vanished_peer_is_lost(cast: [Participant; 3]) -> Outcome {
    let [a, b, victim] = &cast;
    let settings = Settings {
        resume_window: Kind::SHORT_WINDOW,
        ..Settings::default()
    };
    for participant in &cast {
        participant.start_mesh_with(settings).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(steps::connect_all(&matchmaker, &cast))
        .await?;
    steps::everybody_talks(&cast).await?;
    let began = [a.now().await?, b.now().await?];
    victim.kill().await?;
    try_join(
        told_of_vanishing(a, victim.id(), began[0]),
        told_of_vanishing(b, victim.id(), began[1]),
    )
    .await?;
    steps::everybody_talks(&cast[..2]).await
}

async fn told_of_vanishing(observer: &Participant, victim: u32, began: Instant) -> Outcome {
    let interrupted = |seen: &Seen| (*seen == Seen::Interrupted(victim)).then_some(());
    observer.find("for an interruption", interrupted).await?;
    let interrupted = observer.now().await?;
    // The time includes what it takes to end the victim and to ask the observer's clock.
    let limit = Kind::INTERRUPTION_LIMIT;
    let took = interrupted - began;
    let observer_is = format!("{:?}", observer.kind()).to_lowercase();
    figure(
        &format!("PeerInterrupted after a kill, {observer_is}"),
        took,
    );
    ensure!(
        took <= limit,
        "{} was told of the interruption after {took:?} instead of {limit:?}",
        observer.name()
    );
    let reason = observer.disconnected(victim).await?;
    ensure_eq!(reason, DisconnectReason::Lost, "the end of the vanished");
    let took = observer.now().await? - interrupted;
    let limit = Kind::SHORT_WINDOW + Duration::from_secs(1) + observer.kind().timer_slack();
    ensure!(
        took <= limit,
        "{} was told of the loss {took:?} after the interruption instead of {limit:?}",
        observer.name()
    );
    Ok(())
}

async fn both_see_closed(a: &Participant, b: &Participant, peer: u32) -> Outcome {
    for participant in [a, b] {
        ensure_eq!(
            participant.disconnected(peer).await?,
            DisconnectReason::Closed,
            "what {} is told",
            participant.name()
        );
    }
    Ok(())
}
