//! Conditions for systems: `my_system.run_if(in_lobby)`.

use bevy_ecs::prelude::Res;

use crate::{Mesh, MeshStatus};

/// Whether we are in a lobby, also while the signaling server is out of reach for a moment.
#[must_use]
pub fn in_lobby(mesh: Res<Mesh>) -> bool {
    matches!(mesh.status, MeshStatus::Joined | MeshStatus::Interrupted(_))
}

/// Whether we have the rights of the host in the lobby.
#[must_use]
pub fn is_host(mesh: Res<Mesh>) -> bool {
    mesh.is_host()
}

/// Whether anybody is connected.
#[must_use]
pub fn has_peers(mesh: Res<Mesh>) -> bool {
    !mesh.peers.is_empty()
}
