//! Two meshes, from nothing to a message, and what can be wrong on the way.

use std::time::Duration;

use mesh_core::{
    AddPeerError, ConnectFailure, ConnectionError, DisconnectReason, Missing, SdpType,
    SessionDescription, TransferMode,
};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::refusal::Refusal;
use crate::request::{MeshRequest, Pace, Settings, To};
use crate::{Content, Matchmaker, Outcome, Participant, Start};

/// Two meshes connect, both say so once, and a message goes each way.
pub async fn connect(cast: [Participant; 2]) -> Outcome {
    steps::start_meshes(&cast).await?;
    connect_and_talk(&cast, 1, 0).await
}

/// The one with the lower id may offer, too: that the higher one does is the session's habit, not the mesh's rule.
pub async fn connect_with_the_lower_id_offering(cast: [Participant; 2]) -> Outcome {
    steps::start_meshes(&cast).await?;
    connect_and_talk(&cast, 0, 1).await
}

/// A game that polls once a frame, and is deaf in between, connects and talks as well.
pub async fn connect_frame_by_frame(cast: [Participant; 2]) -> Outcome {
    steps::start_meshes(&cast).await?;
    for participant in &cast {
        participant
            .pace(Pace::Frames(Duration::from_millis(16)))
            .await?;
    }
    connect_and_talk(&cast, 1, 0).await
}

async fn connect_and_talk(cast: &[Participant; 2], offerer: usize, answerer: usize) -> Outcome {
    let matchmaker = Matchmaker::new(cast);
    matchmaker
        .relaying(async {
            steps::connect(&matchmaker, cast, offerer, answerer).await?;
            talk_and_see_nothing_else(cast).await?;
            for (participant, other) in [(0, 1), (1, 0)] {
                let [peer] = &cast[participant].peers().await?[..] else {
                    return Err(cast[participant].fail("has not one peer"));
                };
                ensure_eq!(peer.id, cast[other].id(), "its one peer");
                ensure!(
                    peer.connected,
                    "a connected peer is listed as not connected"
                );
            }
            Ok(())
        })
        .await
}

/// A word each way. The next that either side sees is that word: it is connected once, and nothing else has happened.
async fn talk_and_see_nothing_else(cast: &[Participant; 2]) -> Outcome {
    for participant in cast {
        participant.say(participant.name()).await?;
    }
    let [a, b] = cast;
    for (participant, other) in [(a, b), (b, a)] {
        let seen = participant.seen().await?;
        let word = Content::Text(other.name().to_owned()).body();
        ensure!(
            matches!(&seen, Seen::Packet { from, body, .. } if *from == other.id() && *body == word),
            "a word was due, and it saw {seen:?}"
        );
    }
    Ok(())
}

/// One's own id, an id that is taken, a connection that is not new: each its error, and nothing has changed.
pub async fn own_and_duplicate_ids_are_refused(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            let (_, used) = steps::connect(&matchmaker, &cast, 1, 0).await?;
            let fresh = a.create_connection().await?;
            let own = refusal(a.try_add_peer(fresh, a.id()).await?);
            ensure!(
                matches!(own, Some(Refusal::AddPeer(AddPeerError::OwnId { id })) if id.get() == a.id()),
                "adding oneself gave {own:?}"
            );
            let taken = refusal(a.try_add_peer(fresh, b.id()).await?);
            ensure!(
                matches!(taken, Some(Refusal::AddPeer(AddPeerError::Duplicate { id })) if id.get() == b.id()),
                "adding a peer twice gave {taken:?}"
            );
            let again = refusal(a.try_add_peer(used, 77).await?);
            ensure_eq!(
                again,
                Some(Refusal::AddPeer(AddPeerError::NotNew)),
                "adding a used connection"
            );
            a.mesh(MeshRequest::RefuseNew(true)).await?;
            let refused = refusal(a.try_add_peer(fresh, 78).await?);
            ensure_eq!(
                refused,
                Some(Refusal::AddPeer(AddPeerError::Refused)),
                "adding while new peers are refused"
            );
            a.mesh(MeshRequest::RefuseNew(false)).await?;
            let late = refusal(a.try_mesh(MeshRequest::Initialize { id: 9 }).await?);
            ensure!(
                matches!(late, Some(Refusal::Initialize(_))),
                "a second id gave {late:?}"
            );
            ensure_eq!(a.peers().await?.len(), 1, "peers of a");
            steps::everybody_talks(&cast).await
        })
        .await
}

/// A peer that was removed comes back under the same id, over a new connection, as often as one likes.
pub async fn the_same_id_comes_back(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            let mut former = steps::connect(&matchmaker, &cast, 1, 0).await?;
            for _ in 0..3 {
                ensure!(b.remove_peer(a.id()).await?, "there was nobody to remove");
                ensure_eq!(
                    b.disconnected(a.id()).await?,
                    DisconnectReason::Removed,
                    "the end at the side that removes"
                );
                ensure_eq!(
                    a.disconnected(b.id()).await?,
                    DisconnectReason::Closed,
                    "the end at the side that is removed"
                );
                let ends = steps::connect(&matchmaker, &cast, 1, 0).await?;
                ensure!(
                    ends.0 != former.0 && ends.1 != former.1,
                    "a connection was used twice: {ends:?}"
                );
                steps::everybody_talks(&cast).await?;
                former = ends;
            }
            ensure!(!b.remove_peer(99).await?, "a stranger was removed");
            Ok(())
        })
        .await
}

/// Who offers and is never answered gives up at the deadline, not before, and says what was missing.
pub async fn no_answer_ends_at_the_deadline(cast: [Participant; 1]) -> Outcome {
    let [a] = &cast;
    let deadline = Duration::from_millis(500);
    a.start_mesh_with(Settings {
        connect_deadline: deadline,
        ..Settings::default()
    })
    .await?;
    let connection = a.create_connection().await?;
    let began = a.now().await?;
    a.add_peer(connection, 7).await?;
    a.create_offer(connection).await?;
    let reason = a.failed(7).await?;
    let took = a.now().await? - began;
    let missing = Missing::Description;
    ensure_eq!(
        reason,
        DisconnectReason::ConnectFailed(ConnectFailure::Deadline { missing }),
        "why it failed"
    );
    ensure!(
        took >= deadline && took <= deadline + a.kind().timer_slack(),
        "given up after {took:?}"
    );
    ensure!(a.peers().await?.is_empty(), "it is still listed");
    Ok(())
}

/// Two that never learn of each other's candidates give up at the deadline: they found no route.
pub async fn no_candidates_end_at_the_deadline(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    for participant in &cast {
        participant
            .start_mesh_with(Settings {
                connect_deadline: Duration::from_millis(1500),
                ..Settings::default()
            })
            .await?;
    }
    let matchmaker = Matchmaker::new(&cast);
    let (near, far) = matchmaker.introduce(1, 0).await?;
    let (_, offer) = b.description().await?;
    let offer = steps::without_candidates(offer);
    ensure_eq!(a.try_set_remote(far, offer).await?, Ok(()), "the offer");
    let (_, answer) = a.description().await?;
    let answer = steps::without_candidates(answer);
    ensure_eq!(b.try_set_remote(near, answer).await?, Ok(()), "the answer");
    for (participant, peer) in [(a, b.id()), (b, a.id())] {
        let reason = participant.failed(peer).await?;
        let expected = [
            ConnectFailure::Deadline {
                missing: Missing::Route,
            },
            ConnectFailure::NoRoute,
        ];
        ensure!(
            matches!(&reason, DisconnectReason::ConnectFailed(cause) if expected.contains(cause)),
            "{} failed because of {reason:?}",
            participant.name()
        );
    }
    Ok(())
}

/// Steps out of order are refused with their reason, and do no harm: the handshake goes on.
pub async fn steps_out_of_order_are_refused(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let stray = a.create_connection().await?;
    let early = refusal(a.try_mesh(MeshRequest::CreateOffer(stray)).await?);
    ensure_eq!(
        early,
        Some(Refusal::Connection(ConnectionError::NotAdded)),
        "an offer before add_peer"
    );
    let (near, far) = matchmaker.pair(0, 1).await?;
    let nonsense = SessionDescription {
        sdp_type: SdpType::Answer,
        sdp: "v=0\r\n".to_owned(),
    };
    let unasked = refusal(a.try_set_remote(near, nonsense).await?);
    ensure_eq!(
        unasked,
        Some(Refusal::Connection(ConnectionError::UnexpectedAnswer)),
        "an answer without an offer"
    );
    let unready = a
        .try_send(
            To::One(b.id()),
            TransferMode::Reliable,
            Content::numbered(0, 8),
            1,
        )
        .await?;
    ensure!(
        matches!(&unready, Ok(report) if report.not_connected == [b.id()] && report.accepted == 0),
        "sending before it is connected gave {unready:?}"
    );
    matchmaker
        .relaying(async {
            a.create_offer(near).await?;
            let twice = refusal(a.try_mesh(MeshRequest::CreateOffer(near)).await?);
            ensure_eq!(
                twice,
                Some(Refusal::Connection(ConnectionError::AlreadyNegotiated)),
                "a second offer"
            );
            a.connected(b.id()).await?;
            b.connected(a.id()).await?;
            let late = refusal(b.try_mesh(MeshRequest::CreateOffer(far)).await?);
            ensure_eq!(
                late,
                Some(Refusal::Connection(ConnectionError::AlreadyNegotiated)),
                "an offer after the handshake"
            );
            steps::everybody_talks(&cast).await
        })
        .await
}

/// Who is in touch with the server first is not told before the server is; then all are, in ascending order.
pub async fn server_compatibility_announces_the_server_first(cast: [Participant; 3]) -> Outcome {
    let [server, client, other] = &cast;
    server.start_mesh().await?;
    other.start_mesh().await?;
    client
        .start(Start::Mesh {
            id: client.id(),
            server_compatibility: true,
            settings: Settings::default(),
        })
        .await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            matchmaker.introduce(1, 2).await?;
            other.connected(client.id()).await?;
            matchmaker.introduce(1, 0).await?;
            server.connected(client.id()).await?;
            let mut seen = Vec::new();
            while seen.len() < 3 {
                seen.push(client.seen().await?);
            }
            ensure_eq!(
                seen,
                [
                    Seen::Connected(server.id()),
                    Seen::ServerConnected,
                    Seen::Connected(other.id())
                ],
                "what the client is told"
            );
            server.close_mesh().await?;
            ensure_eq!(
                client.disconnected(server.id()).await?,
                DisconnectReason::Closed,
                "the server's end"
            );
            ensure_eq!(
                client.seen().await?,
                Seen::ServerDisconnected,
                "what follows"
            );
            Ok(())
        })
        .await
}

fn refusal<T>(result: Result<T, Refusal>) -> Option<Refusal> {
    result.err()
}
