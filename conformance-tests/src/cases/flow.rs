//! More than the network, or the other side, can take.

use std::time::Duration;

use mesh_core::{DisconnectReason, SendError, TransferMode};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::refusal::Refusal;
use crate::request::{Pace, Settings, To};
use crate::{Content, Kind, Matchmaker, Outcome, Participant};

/// The pause between two looks at what has come. After so many looks that find nothing new, the rest counts as lost.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 50;

/// A receiver that takes nothing for a while: the sender is told `Full`, then that there is room, and nothing is lost.
pub async fn a_slow_receiver_gives_full_and_then_room(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let (len, mode) = (16 * 1024, TransferMode::Reliable);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            b.pace(Pace::Never).await?;
            let sent = a
                .try_send(To::All, mode, Content::numbered(0, len), 256)
                .await?;
            let report = sent.map_err(|refusal| a.fail(format!("refused: {refusal}")))?;
            ensure!(
                report.full == [b.id()] && report.messages > 0,
                "4 MiB at once gave {report:?}"
            );
            let high_water = Settings::default().high_water;
            let buffered = a.buffered(b.id(), mode).await?;
            ensure!(buffered < high_water + len, "{buffered} bytes are buffered");
            b.pace(Pace::Events).await?;
            // The channel may have run low once while a was still sending. That is told first.
            loop {
                steps::room(a, b.id(), mode).await?;
                if a.buffered(b.id(), mode).await? <= Settings::default().low_water {
                    break;
                }
            }
            let taken = report.messages;
            steps::send_series(a, b.id(), mode, taken..256, len).await?;
            for expected in 0..256 {
                let (_, _, body) = b.packet().await?;
                ensure_eq!(steps::number(b, &body)?, expected, "the next packet");
            }
            Ok(())
        })
        .await
}

/// An application that hangs while it is flooded on a reliable channel loses that peer, and no memory: what was
/// accepted before comes first, in order, then the reason. The side that floods hears that it was too much.
pub async fn a_reliable_flood_ends_with_inbox_full(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let inbox_bytes = 512 * 1024;
    // The flood may drown the word of the end. Then the path counts as broken for as long as the window.
    a.start_mesh_with(Settings {
        resume_window: Kind::SHORT_WINDOW,
        ..Settings::default()
    })
    .await?;
    b.start_mesh_with(Settings {
        inbox_bytes,
        ..Settings::default()
    })
    .await?;
    let matchmaker = Matchmaker::new(&cast);
    let len = 8 * 1024;
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            b.pace(Pace::Never).await?;
            let told = flood_until_gone(a, b.id(), len).await?;
            ensure_eq!(
                told,
                DisconnectReason::PeerInboxFull,
                "what the flooding side hears"
            );
            b.pace(Pace::Events).await?;
            let mut heard = 0;
            let reason = b
                .find("for the flood to end", |seen| match seen {
                    Seen::Packet { body, .. } if body.number() == Some(heard) => {
                        heard += 1;
                        None
                    }
                    Seen::Packet { .. } => Some(Err(seen.clone())),
                    Seen::Disconnected { reason, .. } => Some(Ok(reason.clone())),
                    _ => None,
                })
                .await?
                .map_err(|seen| b.fail(format!("after {heard} packets came {seen:?}")))?;
            ensure_eq!(reason, DisconnectReason::InboxFull, "why the flood ended");
            // Held twice at most, once by the platform and once by the mesh.
            let held = usize::try_from(heard).unwrap_or(usize::MAX) * len;
            ensure!(held <= 2 * inbox_bytes, "{held} bytes were held");
            Ok(())
        })
        .await
}

/// Sends until the peer has had enough; gives what it hears of the end.
async fn flood_until_gone(from: &Participant, to: u32, len: usize) -> Outcome<DisconnectReason> {
    let mut next = 0;
    loop {
        let sent = from
            .try_send(
                To::One(to),
                TransferMode::Reliable,
                Content::numbered(next, len),
                64,
            )
            .await?;
        let report = match sent {
            Ok(report) => report,
            // Its end is among the events, and overtook them.
            Err(Refusal::Send(SendError::UnknownPeer { .. })) => break,
            Err(refusal) => return Err(from.fail(format!("could not send: {refusal}"))),
        };
        next += report.messages;
        ensure!(
            next < 4096,
            "{next} messages of {len} bytes were taken for a peer that hangs"
        );
        if report.messages == 64 {
            continue;
        }
        let end = from
            .find("for room, or the end", |seen| match seen {
                Seen::Low { .. } => Some(None),
                Seen::Disconnected { reason, .. } => Some(Some(reason.clone())),
                _ => None,
            })
            .await?;
        if let Some(reason) = end {
            return Ok(reason);
        }
    }
    from.disconnected(to).await
}

/// An application that hangs while it is flooded on an unreliable channel loses the oldest of it, counted, and keeps
/// the peer.
pub async fn an_unreliable_flood_drops_the_oldest(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let inbox_bytes = 64 * 1024;
    a.start_mesh().await?;
    b.start_mesh_with(Settings {
        inbox_bytes,
        ..Settings::default()
    })
    .await?;
    let matchmaker = Matchmaker::new(&cast);
    let (len, mode) = (1024, TransferMode::Unreliable);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            b.pace(Pace::Never).await?;
            let before = b.arrived(a.id()).await?;
            let mut sent = 0;
            // In small portions: what the network itself loses is not what is to be shown.
            for _ in 0..64 {
                steps::send_series(a, b.id(), mode, sent..sent + 16, len).await?;
                sent += 16;
                a.sleep(Duration::from_millis(5)).await?;
            }
            // What is under way when it listens again was never held.
            let bytes = usize::try_from(sent).unwrap_or(usize::MAX) * len;
            all_has_come(a, b, before + bytes).await?;
            b.pace(Pace::Events).await?;
            let (mut heard, mut dropped) = (Vec::new(), 0);
            steps::flush(a, b, |seen| match seen {
                Seen::Packet { body, .. } => heard.extend(body.number()),
                Seen::Dropped { packets, .. } => dropped += packets,
                _ => {}
            })
            .await?;
            let newest = heard.iter().max().copied();
            ensure!(dropped > 0, "nothing was dropped of {sent} packets");
            ensure!(
                heard.len() as u64 + dropped <= sent,
                "{} heard and {dropped} dropped of {sent}",
                heard.len()
            );
            ensure!(
                heard.len() * len <= 2 * inbox_bytes,
                "{} packets were held",
                heard.len()
            );
            ensure!(
                newest.is_some_and(|newest| newest + 64 > sent),
                "the newest of {sent} that was kept is {newest:?}"
            );
            // A straggler of the other channel may come yet.
            steps::tell(a, b, "still there").await?;
            steps::tell(b, a, "still here").await
        })
        .await
}

/// Waits until so many bytes have come from a peer, or nothing more does: the network may have lost some.
async fn all_has_come(from: &Participant, to: &Participant, bytes: usize) -> Outcome {
    let (mut arrived, mut in_vain) = (0, 0);
    while arrived < bytes && in_vain < LOOKS {
        to.sleep(LOOK).await?;
        let before = arrived;
        arrived = to.arrived(from.id()).await?;
        in_vain = if arrived > before { 0 } else { in_vain + 1 };
    }
    Ok(())
}
