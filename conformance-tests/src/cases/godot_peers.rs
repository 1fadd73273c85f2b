//! Sections 3 and 7 of reference/godot.md: adding peers, finding them, and getting rid of them.

use mesh_core::{
    AddPeerError, ConnectionState, ConnectionStatus, DisconnectReason, LinkId, TransferMode,
};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::observed::Seen;
use crate::refusal::Refusal;
use crate::request::{MeshRequest, Settings, Setup, To};
use crate::{Content, Matchmaker, Outcome, Participant};

/// The checks of `add_peer` in Godot's order: each request fails by the check it is about and by later ones as well.
pub async fn godot_3_add_peer_checks(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let nobody = LinkId {
        slot: 999,
        generation: 0,
    };
    let refuses = |participant: &'static str, error: Option<Refusal>, expected: &str| -> Outcome {
        let words = match &error {
            Some(Refusal::AddPeer(error)) => match error {
                AddPeerError::NotInitialized => "not initialized",
                AddPeerError::NotTheServer { .. } => "not the server",
                AddPeerError::OwnId { .. } => "own id",
                AddPeerError::Refused => "refused",
                AddPeerError::UnknownConnection => "unknown connection",
                AddPeerError::NotNew => "not new",
                AddPeerError::Duplicate { .. } => "duplicate",
                _ => "something newer",
            },
            Some(_) => "something else",
            None => "taken",
        };
        ensure_eq!(words, expected, "{participant}");
        Ok(())
    };
    for (setup, peer, expected) in [
        (None, a.id(), "not initialized"),
        (Some(Setup::Client(2)), 3, "not the server"),
        (Some(Setup::Server), 1, "own id"),
        (Some(Setup::Mesh(5)), 5, "own id"),
        (Some(Setup::Compatible(5)), 5, "own id"),
        (Some(Setup::Client(2)), 1, "refused"),
        (Some(Setup::Mesh(5)), 3, "refused"),
    ] {
        a.start_unset(Settings::default()).await?;
        if let Some(setup) = setup {
            ensure_eq!(a.try_set_up(setup).await?, Ok(()), "setting up");
        }
        a.mesh(MeshRequest::RefuseNew(true)).await?;
        let refused = a.try_add_peer(nobody, peer).await?.err();
        refuses("with nothing in order", refused, expected)?;
    }

    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            let (used, _) = steps::connect(&matchmaker, &cast, 0, 1).await?;
            let refused = a.try_add_peer(nobody, b.id()).await?.err();
            refuses("a connection that is none", refused, "unknown connection")?;
            let refused = a.try_add_peer(used, b.id()).await?.err();
            refuses("a connection that is used", refused, "not new")?;
            let fresh = a.create_connection().await?;
            let refused = a.try_add_peer(fresh, b.id()).await?.err();
            refuses("an id that is taken", refused, "duplicate")?;
            let refused = a.try_add_peer(fresh, 77).await?.err();
            refuses("what was refused for its id alone", refused, "taken")?;
            ensure!(a.remove_peer(77).await?, "it was not there");
            let refused = a.try_add_peer(fresh, 78).await?.err();
            refuses("a connection that is closed", refused, "unknown connection")?;
            steps::everybody_talks(&cast).await
        })
        .await
}

/// Peers are listed from `add_peer` on; a removal is told where the peer was connected, and only there.
pub async fn godot_7_lookup_and_removal(cast: [Participant; 3]) -> Outcome {
    let [a, b, c] = &cast;
    steps::start_meshes(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker
        .relaying(async {
            // Listed, and not connected: nothing is told of its removal, however it is done.
            for force in [None, Some(false), Some(true)] {
                let connection = a.create_connection().await?;
                a.add_peer(connection, 77).await?;
                let [listed] = &a.peers().await?[..] else {
                    return Err(a.fail("has not the one peer it added"));
                };
                ensure_eq!(
                    (listed.id, listed.connection, listed.connected, listed.state),
                    (77, connection, false, ConnectionState::New),
                    "the peer that was added"
                );
                let was_there = match force {
                    None => a.remove_peer(77).await?,
                    Some(force) => a.disconnect_peer(77, force).await?,
                };
                ensure!(was_there, "it was not there");
                ensure!(a.peers().await?.is_empty(), "it is still listed");
            }
            ensure!(!a.remove_peer(77).await?, "a stranger was removed");
            ensure!(
                !a.disconnect_peer(77, false).await?,
                "a stranger was disconnected"
            );

            steps::connect(&matchmaker, &cast, 0, 1).await?;
            steps::connect(&matchmaker, &cast, 0, 2).await?;
            let listed: Vec<_> = a
                .peers()
                .await?
                .into_iter()
                .map(|peer| (peer.id, peer.connected, peer.state))
                .collect();
            let up = ConnectionState::Connected;
            ensure_eq!(
                listed,
                [(b.id(), true, up), (c.id(), true, up)],
                "the peers of a"
            );

            ensure!(a.disconnect_peer(b.id(), false).await?, "b was not there");
            ensure_eq!(
                a.disconnected(b.id()).await?,
                DisconnectReason::Removed,
                "the end of b at a"
            );
            ensure_eq!(
                b.disconnected(a.id()).await?,
                DisconnectReason::Closed,
                "the end of a at b"
            );
            let gone = a
                .try_send(
                    To::One(b.id()),
                    TransferMode::Reliable,
                    Content::numbered(0, 8),
                    1,
                )
                .await?;
            ensure!(gone.is_err(), "sending to one that is gone gave {gone:?}");

            // By force: the next thing told is something else.
            ensure!(a.disconnect_peer(c.id(), true).await?, "c was not there");
            steps::gone(c, a.id(), DisconnectReason::Closed).await?;
            steps::connect(&matchmaker, &cast, 1, 2).await?;
            matchmaker.introduce(0, 1).await?;
            ensure_eq!(
                a.seen().await?,
                Seen::Connected(b.id()),
                "the next thing a is told"
            );
            b.connected(a.id()).await?;

            a.close_mesh().await?;
            ensure_eq!(
                a.status().await?,
                (None, ConnectionStatus::Disconnected),
                "after close"
            );
            ensure!(a.peers().await?.is_empty(), "peers after close");
            steps::gone(b, a.id(), DisconnectReason::Closed).await?;
            b.say("still here").await?;
            ensure_eq!(c.packet().await?.0, b.id(), "whose word it is");
            Ok(())
        })
        .await
}
