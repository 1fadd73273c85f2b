//! This page as one of two that send each other a lot at the same time.

use js_sys::WebAssembly::Memory;
use js_sys::{ArrayBuffer, Function};
use mesh_core::{Event, MeshConfig, TransferEvent};
use wasm_bindgen::{JsCast, JsValue};

use crate::pair::failure;
use crate::player::join;

/// What the two fill it with.
const OURS: u8 = 0x5a;
const OF_OTHER: u8 = 0xa5;

/// Joins, sends as much as it is sent once that begins, and ends when the other has gone. Gives by how many bytes the memory of this
/// program has grown since they were connected. It never shrinks.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else matters to a measurement"
)]
pub(crate) async fn run(
    url: &str,
    lobby: String,
    bytes: usize,
    tell: &Function,
) -> Result<f64, JsValue> {
    let mut before = 0;
    let mut session = join(url, lobby, MeshConfig::default())?;
    let (mut is_sent, mut is_received) = (false, false);
    loop {
        match session.next_event().await {
            Event::Joined { .. } => drop(tell.call1(&JsValue::UNDEFINED, &"joined".into())?),
            Event::PeerConnected(_) => {
                before = memory();
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
            Event::PeerDisconnected { .. } if is_sent && is_received => {
                return Ok(f64::from(memory().saturating_sub(before)));
            }
            Event::PeerDisconnected { .. } => return Err(failure("it was not transferred")),
            Event::PeerFailed { reason, .. } => return Err(failure(&reason.to_string())),
            _ => {}
        }
    }
}

/// Bytes that this program has.
fn memory() -> u32 {
    let memory: Memory = wasm_bindgen::memory().unchecked_into();
    memory
        .buffer()
        .unchecked_into::<ArrayBuffer>()
        .byte_length()
}
