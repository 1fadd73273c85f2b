//! Sessions that meet in a lobby: joining, leaving, and what becomes of them without the signaling server.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use mesh_core::{ConnectFailure, DisconnectReason, LostReason, TransferMode};

use super::steps;
use crate::environment::{Ask, Told};
use crate::failure::{ensure, ensure_eq};
use crate::observed::{Rumour, Seen};
use crate::request::{MeshRequest, Settings, To};
use crate::{Content, Kind, Outcome, Participant};

/// Eight meet in a lobby; every two of them connect, and everybody hears everybody.
pub async fn a_lobby_of_eight(cast: [Participant; 8]) -> Outcome {
    steps::meet(&cast).await?;
    steps::everybody_talks(&cast).await
}

/// The same, each in a process of its own.
pub async fn a_lobby_of_eight_processes(cast: [Participant; 8]) -> Outcome {
    a_lobby_of_eight(cast).await
}

/// Six join at the very same time, the one that becomes the host among them.
pub async fn simultaneous_joins_all_connect(cast: [Participant; 6]) -> Outcome {
    let meeting = cast[0].meeting().await?;
    for participant in &cast {
        participant
            .start_session(&meeting, Settings::default())
            .await?;
    }
    let ids = try_join_all(cast.iter().map(Participant::joined)).await?;
    let hosts = ids.iter().filter(|id| **id == 1).count();
    ensure_eq!(hosts, 1, "how many are the host");
    steps::all_connected(&cast).await?;
    steps::everybody_talks(&cast).await
}

/// One joins while the others talk without a pause: they miss nothing of each other, and it hears all from then on.
pub async fn joining_disturbs_nobody(cast: [Participant; 4]) -> Outcome {
    let [a, b, c, late] = &cast;
    let talkers = [a, b, c];
    let meeting = a.meeting().await?;
    a.join(&meeting).await?;
    try_join(b.join(&meeting), c.join(&meeting)).await?;
    try_join_all(talkers.map(|talker| talker.connected_peers(2))).await?;

    let is_over = Cell::new(false);
    let talks = try_join_all(talkers.map(|talker| talk(talker, &is_over)));
    let join = async {
        late.join(&meeting).await?;
        let mut met = late.connected_peers(3).await?;
        met.sort_unstable();
        let mut there: Vec<_> = talkers.iter().map(|talker| talker.id()).collect();
        there.sort_unstable();
        ensure_eq!(met, there, "whom the new one meets");
        // Some talk is heard before it ends.
        for _ in 0..30 {
            hear(late).await?;
        }
        is_over.set(true);
        Ok(())
    };
    let (told, ()) = try_join(talks, join).await?;
    for listener in talkers {
        hear_all(listener, &talkers, &told).await?;
    }
    Ok(())
}

/// Says numbered things until it is over; gives how many.
async fn talk(talker: &Participant, is_over: &Cell<bool>) -> Outcome<u64> {
    let mut number = 0;
    while !is_over.get() {
        let content = Content::numbered(number, 64);
        let sent = talker
            .try_send(To::All, TransferMode::Reliable, content, 1)
            .await?;
        let report = sent.map_err(|refusal| talker.fail(format!("refused: {refusal}")))?;
        ensure!(
            report.full.is_empty() && report.accepted >= 2,
            "{} told {number} to {report:?}",
            talker.name()
        );
        number += 1;
        talker.sleep(Duration::from_millis(5)).await?;
    }
    Ok(number)
}

async fn hear(listener: &Participant) -> Outcome<(u32, u64)> {
    let (from, _, body) = listener.packet().await?;
    Ok((from, steps::number(listener, &body)?))
}

/// Hears everything that each talker said, in order, from the first to the last.
async fn hear_all(listener: &Participant, talkers: &[&Participant; 3], told: &[u64]) -> Outcome {
    let mut due: Vec<_> = talkers
        .iter()
        .zip(told)
        .filter(|(talker, _)| talker.id() != listener.id())
        .map(|(talker, total)| (talker.id(), 0, *total))
        .collect();
    while due.iter().any(|(_, next, total)| next < total) {
        let (from, number) = hear(listener).await?;
        let Some((_, next, _)) = due.iter_mut().find(|(id, ..)| *id == from) else {
            return Err(listener.fail(format!("heard the silent {from}")));
        };
        ensure_eq!(number, *next, "the next word of {from}");
        *next += 1;
    }
    Ok(())
}

/// The signaling server ends: everybody is told why, and nobody loses anybody. A server may come back, so nobody gives it up yet.
pub async fn losing_the_signaling_touches_no_link(cast: [Participant; 3]) -> Outcome {
    steps::meet(&cast).await?;
    let told = cast[0].wish(Ask::EndSignaling).await?;
    ensure_eq!(told, Told::Done, "the end of the signaling");
    for participant in &cast {
        let gone = participant
            .find("for the signaling to be gone", |seen| match seen {
                Seen::SignalingInterrupted(why) => Some(Ok(why.clone())),
                Seen::SignalingLost(why) => Some(Err(why.clone())),
                _ => None,
            })
            .await?;
        let why = gone.map_err(|why| participant.fail(format!("it is given up: {why:?}")))?;
        let is_as_told = match &why {
            // It has no sockets to say it on.
            LostReason::Unreachable(_) => participant.kind() == Kind::Mock,
            LostReason::Refused { code, reason } => {
                *code == 1001 && reason == "The server is shutting down"
            }
            _ => false,
        };
        ensure!(is_as_told, "{} is told {why:?}", participant.name());
    }
    steps::everybody_talks(&cast).await
}

/// The host leaves: its peers lose it and the lobby, and keep each other.
pub async fn the_hosts_leaving_parts_nobody_else(cast: [Participant; 3]) -> Outcome {
    let [host, others @ ..] = &cast;
    steps::meet(&cast).await?;
    host.leave().await?;
    for participant in others {
        let (mut is_lost, mut reason) = (false, None);
        while !is_lost || reason.is_none() {
            match participant.seen().await? {
                Seen::SignalingLost(LostReason::HostLeft) => is_lost = true,
                Seen::Disconnected { peer, reason: why } if peer == host.id() => reason = Some(why),
                seen => return Err(participant.fail(format!("the host left, and {seen:?}"))),
            }
        }
        ensure_eq!(reason, Some(DisconnectReason::Closed), "the host's end");
    }
    steps::everybody_talks(others).await
}

/// A member that leaves before it has connected cancels its handshakes: no deadline is waited for.
pub async fn leaving_early_cancels_the_handshake(cast: [Participant; 3]) -> Outcome {
    let [host, lurker, guest] = &cast;
    let meeting = host.meeting().await?;
    host.join(&meeting).await?;
    let quitter = lurker.lurk(&meeting).await?;
    guest.join(&meeting).await?;
    try_join(host.connected(guest.id()), guest.connected(host.id())).await?;
    lurker
        .rumour("for the guest", |rumour| {
            (*rumour == Rumour::PeerJoined(guest.id())).then_some(())
        })
        .await?;
    lurker.drop_all().await?;
    for participant in [host, guest] {
        ensure_eq!(
            participant.failed(quitter).await?,
            DisconnectReason::ConnectFailed(ConnectFailure::Left),
            "what becomes of who never connected"
        );
    }
    steps::tell(host, guest, "never mind").await
}

/// The host seals the lobby: everybody is told, nobody is lost, and who comes later is turned away.
pub async fn sealing_keeps_the_lobby_as_it_is(cast: [Participant; 3]) -> Outcome {
    let [host, guest, late] = &cast;
    let meeting = host.meeting().await?;
    host.join(&meeting).await?;
    guest.join(&meeting).await?;
    try_join(host.connected(guest.id()), guest.connected(host.id())).await?;
    host.mesh(MeshRequest::Seal).await?;
    for participant in [host, guest] {
        participant
            .find("to be told of the seal", |seen| {
                (*seen == Seen::Sealed).then_some(())
            })
            .await?;
    }
    late.start_session(&meeting, Settings::default()).await?;
    let why = late
        .find("to be turned away", |seen| match seen {
            Seen::SignalingLost(why) => Some(why.clone()),
            _ => None,
        })
        .await?;
    ensure!(
        matches!(&why, LostReason::Refused { code: 4000, reason } if reason == "Lobby is sealed"),
        "it was turned away with {why:?}"
    );
    steps::tell(host, guest, "just us").await
}
