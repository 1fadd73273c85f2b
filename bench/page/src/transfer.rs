//! This page as one of two that send each other a lot at the same time.

use js_sys::Function;
use mesh_core::{Event, MeshConfig, TransferEvent};
use wasm_bindgen::JsValue;

use crate::pair::failure;
use crate::player::join;

/// What the two fill it with.
const OURS: u8 = 0x5a;
const OF_OTHER: u8 = 0xa5;

/// Joins, sends as much as it is sent once that begins, and ends when the other has gone.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else matters to a measurement"
)]
pub(crate) async fn run(
    url: &str,
    lobby: String,
    bytes: usize,
    tell: &Function,
) -> Result<(), JsValue> {
    let mut session = join(url, lobby, MeshConfig::default())?;
    let (mut is_sent, mut is_received) = (false, false);
    loop {
        match session.next_event().await {
            Event::Joined { .. } => drop(tell.call1(&JsValue::UNDEFINED, &"joined".into())?),
            Event::PeerConnected(_) => {
                drop(tell.call1(&JsValue::UNDEFINED, &"connected".into())?);
            }
            Event::Transfer { peer, event, .. } => match event {
                TransferEvent::Begun { .. } => {
                    let sent = session.send_transfer(peer, "", vec![OURS; bytes]);
                    sent.map_err(|error| failure(&error.to_string()))?;
                }
                TransferEvent::Received(payload) => {
                    let came = payload.bytes();
                    is_received = came.len() == bytes && came.iter().all(|byte| *byte == OF_OTHER);
                }
                TransferEvent::Sent => is_sent = true,
                _ => {}
            },
            Event::PeerDisconnected { .. } if is_sent && is_received => return Ok(()),
            Event::PeerDisconnected { .. } => return Err(failure("it was not transferred")),
            Event::PeerFailed { reason, .. } => return Err(failure(&reason.to_string())),
            _ => {}
        }
    }
}
