//! What a peer hears of the reason for an end that the other side has chosen.

use std::time::Duration;

use mesh_core::{DisconnectReason, GivenReason};

use super::steps;
use crate::failure::ensure_eq;
use crate::observed::Seen;
use crate::request::Setup;
use crate::stream::Weather;
use crate::{Matchmaker, Outcome, Participant};

/// How long the path is broken. SCTP sends what was lost again after one second at the latest (RFC 9260 section 16, `RTO.Min`).
const OUTAGE: Duration = Duration::from_millis(300);

/// Who leaves with a reason is `Left` to the others, with that reason; they keep each other.
pub async fn a_leave_says_goodbye(cast: [Participant; 3]) -> Outcome {
    let [a, b, leaver] = &cast;
    steps::meet(&cast).await?;
    let reason = GivenReason::new(7, "Schluß für heute");
    leaver.leave_with(reason.clone()).await?;
    for other in [a, b] {
        ensure_eq!(
            other.disconnected(leaver.id()).await?,
            DisconnectReason::Left(reason.clone()),
            "why the leaver is gone"
        );
    }
    steps::everybody_talks(&cast[..2]).await
}

/// Who is kicked hears why, and the others hear of it, too; what they do about it is for the game to say.
pub async fn a_kick_says_goodbye(cast: [Participant; 3]) -> Outcome {
    let [host, other, kicked] = &cast;
    steps::meet(&cast).await?;
    let reason = GivenReason::new(9, "idle for too long");
    host.kick(kicked.id(), reason.clone()).await?;
    ensure_eq!(
        host.disconnected(kicked.id()).await?,
        DisconnectReason::Removed,
        "the end at the side that kicks"
    );
    ensure_eq!(
        kicked.disconnected(host.id()).await?,
        DisconnectReason::Kicked(reason.clone()),
        "the end at the side that is kicked"
    );
    heard_of_kick(other, host, kicked, reason).await?;
    // It parts nobody else.
    steps::tell(other, kicked, "are you still there").await
}

/// One hears that another was kicked, by whom and why.
async fn heard_of_kick(
    listener: &Participant,
    host: &Participant,
    kicked: &Participant,
    reason: GivenReason,
) -> Outcome {
    let expected = Seen::Kicked {
        peer: kicked.id(),
        by: host.id(),
        reason,
    };
    listener
        .find("for word of the kick", |seen| {
            (*seen == expected).then_some(())
        })
        .await
}

/// A kick is said again where the network loses it: who is kicked hears why, although the path is broken for a moment.
pub async fn a_goodbye_outlives_an_outage(cast: [Participant; 2]) -> Outcome {
    let [host, kicked] = &cast;
    let spoiler = steps::spoiler(&cast).await?;
    steps::connected_meshes(&cast).await?;
    let broken = Weather {
        loss_percent: 100,
        ..Weather::default()
    };
    spoiler.weather(broken).await?;
    let reason = GivenReason::new(9, "idle for too long");
    host.kick(kicked.id(), reason.clone()).await?;
    host.sleep(OUTAGE).await?;
    spoiler.weather(Weather::default()).await?;
    ensure_eq!(
        kicked.disconnected(host.id()).await?,
        DisconnectReason::Kicked(reason),
        "the end at the side that is kicked"
    );
    Ok(())
}

/// The same in a star without a lobby: its server kicks a client, which the other client hears, and leaves with a reason.
pub async fn a_star_says_goodbye(cast: [Participant; 3]) -> Outcome {
    let [server, kicked, other] = &cast;
    server.start_as(Setup::Server).await?;
    for client in [kicked, other] {
        client.start_as(Setup::Client(client.id())).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, &cast, 1, 0).await?;
            steps::connect(&matchmaker, &cast, 2, 0).await?;
            server.kick(kicked.id(), GivenReason::default()).await?;
            ensure_eq!(
                kicked.disconnected(server.id()).await?,
                DisconnectReason::Kicked(GivenReason::default()),
                "the end at the side that is kicked"
            );
            heard_of_kick(other, server, kicked, GivenReason::default()).await?;
            let reason = GivenReason::from("the server restarts");
            server.leave_with(reason.clone()).await?;
            ensure_eq!(
                other.disconnected(server.id()).await?,
                DisconnectReason::Left(reason),
                "why the server is gone"
            );
            Ok(())
        })
        .await
}
