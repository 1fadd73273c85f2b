//! The duel in a browser. What happens in a round is the terminal's own source.
//!
//! The address says where to join: `?url=ws://127.0.0.1:9080&lobby=duel`. With `frames=3000` a bot plays, as fast as the other
//! player lets it. Once so many frames are certain, it tells the other player what came of them: the number of the last one, and the
//! digest of all frames up to it.

#[path = "../../examples/duel/bot.rs"]
mod bot;
#[path = "../../examples/duel/game.rs"]
mod game;
#[path = "../../examples/duel/round.rs"]
mod round;
#[path = "../../examples/duel/show.rs"]
mod show;

mod address;
mod keys;
mod page;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::address::Address;
use crate::page::Page;

/// Runs when the page has loaded.
///
/// # Errors
///
/// When the page lacks its element, or the lobby cannot be joined.
#[wasm_bindgen(start)]
fn start() -> Result<(), JsValue> {
    Page::open(Address::of_page()?)
}
