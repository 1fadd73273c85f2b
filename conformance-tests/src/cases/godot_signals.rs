//! Section 9.3 of reference/godot.md: what the multiplayer API tells, and in which order.

use mesh_core::{ConnectFailure, DisconnectReason, SdpType, SessionDescription};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::request::ApiRequest;
use crate::{Matchmaker, Outcome, Participant};

/// A star: the connection to the server is told before the server, whom the server sends away is told by it to the others,
/// and its own end is told in two words.
pub async fn godot_9_3_signals_in_a_star(cast: [Participant; 3]) -> Outcome {
    let [server, client, other] = &cast;
    for participant in &cast {
        participant.start_api(true).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            matchmaker.introduce(1, 0).await?;
            let there = [Seen::ServerConnected, Seen::Connected(1)];
            hears(client, &there).await?;
            hears(server, &[Seen::Connected(2)]).await?;
            matchmaker.introduce(2, 0).await?;
            hears(other, &there).await?;
            hears(other, &[Seen::Connected(2)]).await?;
            hears(client, &[Seen::Connected(3)]).await?;
            hears(server, &[Seen::Connected(3)]).await?;

            ensure!(server.api_disconnect_peer(3).await?, "there was no peer 3");
            hears(client, &[Seen::Withdrawn(3)]).await?;
            hears(other, &[gone(1), Seen::ServerDisconnected]).await?;
            // The server is not told of the end it made: the next it hears is a beginning.
            other.start_api(true).await?;
            matchmaker.introduce(2, 0).await?;
            hears(server, &[Seen::Connected(3)]).await?;
            hears(client, &[Seen::Connected(3)]).await?;
            hears(other, &there).await?;
            hears(other, &[Seen::Connected(2)]).await?;

            server.api(ApiRequest::CloseApi).await?;
            for client in [client, other] {
                hears(client, &[gone(1), Seen::ServerDisconnected]).await?;
            }
            Ok(())
        })
        .await
}

/// A client whose server cannot be reached is told so.
pub async fn godot_9_3_a_failed_connection(cast: [Participant; 2]) -> Outcome {
    let [_, client] = &cast;
    client.start_api(true).await?;
    let connection = client.create_connection().await?;
    client.add_peer(connection, 1).await?;
    client.create_offer(connection).await?;
    client.description().await?;
    let nonsense = SessionDescription {
        sdp_type: SdpType::Answer,
        sdp: "no description at all".to_owned(),
    };
    let taken = client.try_set_remote(connection, nonsense).await?;
    ensure_eq!(taken, Ok(()), "an answer");
    let reason = client.failed(1).await?;
    ensure!(
        matches!(
            reason,
            DisconnectReason::ConnectFailed(ConnectFailure::Description(_))
        ),
        "an answer that is none gave {reason:?}"
    );
    hears(client, &[Seen::ServerFailed(reason)]).await
}

/// A mesh with a peer 1: its coming is told as a server's, and its going as anybody's, for the mesh lives on.
pub async fn godot_9_3_signals_in_a_mesh(cast: [Participant; 3]) -> Outcome {
    let [first, second, third] = &cast;
    for participant in &cast {
        participant.start_api(false).await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            matchmaker.introduce(1, 0).await?;
            hears(second, &[Seen::ServerConnected, Seen::Connected(1)]).await?;
            hears(first, &[Seen::Connected(2)]).await?;
            first.api(ApiRequest::CloseApi).await?;
            hears(second, &[gone(1)]).await?;
            matchmaker.introduce(2, 1).await?;
            hears(second, &[Seen::Connected(3)]).await?;
            hears(third, &[Seen::Connected(2)]).await
        })
        .await
}

/// The next that a participant is told is this, and nothing in between.
async fn hears(participant: &Participant, expected: &[Seen]) -> Outcome {
    let told = steps::told(participant, expected.len()).await?;
    ensure_eq!(told, expected, "what {} is told", participant.name());
    Ok(())
}

const fn gone(peer: u32) -> Seen {
    let reason = DisconnectReason::Closed;
    Seen::Disconnected { peer, reason }
}
