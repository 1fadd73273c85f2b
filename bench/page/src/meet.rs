//! This page as one of two members of a lobby, over the signaling server.

use js_sys::Function;
use mesh_core::{Event, MeshConfig};
use wasm_bindgen::JsValue;

use crate::pair::failure;
use crate::player::join;

/// Joins, becomes connected, and ends when the other has gone.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else matters to a measurement"
)]
pub(crate) async fn run(url: &str, lobby: String, tell: &Function) -> Result<(), JsValue> {
    let mut session = join(url, lobby, MeshConfig::default())?;
    let mut connected = false;
    loop {
        match session.next_event().await {
            Event::Joined { .. } => drop(tell.call1(&JsValue::UNDEFINED, &"joined".into())?),
            Event::PeerConnected(_) => {
                connected = true;
                tell.call1(&JsValue::UNDEFINED, &"connected".into())?;
            }
            Event::PeerDisconnected { .. } => return Ok(()),
            Event::PeerFailed { reason, .. } => return Err(failure(&reason.to_string())),
            // When the host leaves, its lobby goes first.
            Event::SignalingLost(reason) if !connected => {
                return Err(failure(&reason.to_string()));
            }
            _ => {}
        }
    }
}
