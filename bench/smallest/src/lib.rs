//! A page that meets a lobby, says where its player is and hears where the others are: what of the library a browser has to fetch.

use std::time::Duration;

use wasm_bindgen::prelude::*;
use webrtc_multiplayer::prelude::*;

#[wasm_bindgen(start)]
async fn start() -> Result<(), JsError> {
    let mut session = join("ws://127.0.0.1:9080", "demo")?;
    let mut heard = 0.0;
    loop {
        while let Some(event) = session.poll() {
            if let Event::Packet(packet) = event {
                heard += f64::from(u32::try_from(packet.payload.len())?);
                web_sys::console::log_1(&heard.into());
            }
        }
        if session.unique_id().is_some() {
            session.send(Target::All, TransferMode::Unreliable, b"my position")?;
        }
        gloo_timers::future::sleep(Duration::from_millis(16)).await; // your frame
    }
}
