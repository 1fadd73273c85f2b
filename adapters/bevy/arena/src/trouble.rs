//! What went wrong, as a sentence.

use bevy::prelude::*;
use bevy_webrtc_multiplayer::JoinFailed;
use bevy_webrtc_multiplayer::Mesh;
use bevy_webrtc_multiplayer::prelude::*;

/// Why we are in no lobby. Peers that are still connected play on without one.
pub(crate) fn trouble(
    mesh: Res<Mesh>,
    mut failed: MessageReader<JoinFailed>,
    mut refused: Local<Option<String>>,
) -> Option<String> {
    if let Some(JoinFailed(why)) = failed.read().last() {
        *refused = Some(why.to_string());
    }
    if let MeshStatus::Lost(why) = mesh.status() {
        return Some(why.to_string());
    }
    refused.clone()
}
