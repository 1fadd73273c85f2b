//! The measurements that take place in a browser; `bench-browsers` serves the page that loads this, and tells it what to do.

mod bare;
mod compare;
mod meet;
mod ours;
mod pair;
mod time;

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

/// Joins a lobby, and ends when the other member has gone. Calls `tell` with "joined" and with "connected", once each.
///
/// # Errors
///
/// Why it did not become connected.
#[wasm_bindgen]
pub async fn meet(url: String, lobby: String, tell: Function) -> Result<(), JsValue> {
    meet::run(&url, lobby, &tell).await
}
