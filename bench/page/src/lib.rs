//! The measurements that take place in a browser; `bench-browsers` serves the page that loads this, and tells it what to do.

mod bare;
mod compare;
mod meet;
mod ours;
mod pair;
mod player;
mod tick;
mod time;
mod transfer;

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Measures our backend and bare web-sys in turns, so many rounds; what each round gave, as JSON.
///
/// # Errors
///
/// Why a measurement could not go on.
#[wasm_bindgen]
pub async fn compare(rounds: u32) -> Result<String, JsValue> {
    compare::run(rounds).await
}

/// Plays in a lobby with so many others, so many messages a frame, until they have gone. Calls `tell` with "playing" when it begins. How
/// long the messages took that came back, in milliseconds, as JSON.
///
/// # Errors
///
/// Why it could not play.
#[wasm_bindgen]
pub async fn tick(
    url: String,
    lobby: String,
    others: usize,
    messages: u32,
    coalesce: bool,
    tell: Function,
) -> Result<String, JsValue> {
    let game = tick::Game {
        url,
        lobby,
        others,
        messages,
        coalesce,
    };
    tick::run(game, &tell).await
}

/// Joins a lobby, and ends when the other member has gone. Calls `tell` with "joined" and with "connected", once each.
///
/// # Errors
///
/// Why it did not become connected.
#[wasm_bindgen]
pub async fn meet(url: String, lobby: String, tell: Function) -> Result<(), JsValue> {
    meet::run(&url, lobby, &tell).await
}

/// Joins a lobby, sends the other member as many bytes as it sends at the same time, and ends when the other has gone. Calls `tell`
/// with "joined" and with "connected", once each. Gives by how many bytes the memory of this program has grown.
///
/// # Errors
///
/// Why not all of it arrived.
#[wasm_bindgen]
pub async fn transfer(
    url: String,
    lobby: String,
    bytes: usize,
    tell: Function,
) -> Result<f64, JsValue> {
    transfer::run(&url, lobby, bytes, &tell).await
}
