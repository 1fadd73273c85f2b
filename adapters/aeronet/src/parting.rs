//! The end of a session: of the peer's making, of the network's, or of ours.

use aeronet_io::SessionEndpoint;
use aeronet_io::connection::DisconnectReason as Reason;
use aeronet_io::connection::{DROP_DISCONNECT_REASON, Disconnected};
use bevy_ecs::prelude::*;
use bevy_webrtc_multiplayer::webrtc_multiplayer::DisconnectReason;
use bevy_webrtc_multiplayer::{Mesh, MeshCommands, Peer, PeerLeft};
use thiserror::Error;

/// The error of `Disconnected` where a peer is gone without a farewell. It says why, as the mesh knows it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct PeerGone(#[from] pub DisconnectReason);

/// The reason that a session was ended with last, and whose it was.
#[derive(Debug, Default, Resource)]
pub(crate) struct LastReason(Option<(Entity, String)>);

/// The mesh has lost a peer: its session hears of it.
pub(crate) fn tell_session(
    left: On<PeerLeft>,
    sessions: Query<(), With<SessionEndpoint>>,
    mut commands: Commands,
) {
    if sessions.contains(left.entity) {
        let entity = left.entity;
        let reason = reason_of(&left.reason);
        commands.trigger(Disconnected { entity, reason });
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else happens to a peer is an error for its session"
)]
fn reason_of(reason: &DisconnectReason) -> Reason {
    match reason {
        DisconnectReason::Left(given) | DisconnectReason::Kicked(given) => {
            Reason::by_peer(given.text())
        }
        DisconnectReason::Removed => Reason::by_user("the lobby was left"),
        _ => Reason::by_error(PeerGone(reason.clone())),
    }
}

/// A session ends, and is despawned next.
pub(crate) fn remember(disconnected: On<Disconnected>, mut last: ResMut<LastReason>) {
    let reason = match &disconnected.reason {
        Reason::ByUser(reason) | Reason::ByPeer(reason) => reason.clone(),
        Reason::ByError(error) => error.to_string(),
    };
    last.0 = Some((disconnected.entity, reason));
}

/// A session is gone, however that was done: if the mesh still has its peer, the peer goes, too.
pub(crate) fn tell_mesh(
    removed: On<Remove, SessionEndpoint>,
    peers: Query<&Peer>,
    mesh: Res<Mesh>,
    mut last: ResMut<LastReason>,
    mut commands: Commands,
) {
    let last = last.0.take();
    let Ok(peer) = peers.get(removed.entity) else {
        return;
    };
    if mesh.entity_of(peer.0) == Some(removed.entity) {
        let last = last.filter(|(entity, _)| *entity == removed.entity);
        let reason = last.map_or_else(|| DROP_DISCONNECT_REASON.to_owned(), |(_, reason)| reason);
        commands.kick_peer(peer.0, reason.as_str());
    }
}
