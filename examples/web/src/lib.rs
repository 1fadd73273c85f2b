//! The chat as a page: the lines of the terminal, in the browser.
//!
//! `cargo ci play` builds it, serves it and joins it from a terminal. The lobby is in the address:
//! `?lobby=demo&url=ws://127.0.0.1:9080`. Commands, escaping and the words of the lines are the terminal's own files.

#[path = "../../chat/command.rs"]
mod command;
#[path = "../../chat/escape.rs"]
mod escape;
#[path = "../../chat/files.rs"]
mod files;
#[path = "../../chat/name.rs"]
mod name;
#[path = "../../chat/peers.rs"]
mod peers;
#[path = "../../chat/room.rs"]
mod room;
#[path = "../../chat/sharing.rs"]
mod sharing;

mod address;
mod chat;
mod form;
mod listener;
mod page;
mod panel;

use wasm_bindgen::prelude::wasm_bindgen;

use crate::address::Address;
use crate::form::Form;
use crate::page::Page;

/// Runs when the page has loaded.
///
/// # Errors
///
/// When the page lacks one of the elements that `index.html` has.
#[wasm_bindgen(start)]
fn start() -> Result<(), wasm_bindgen::JsValue> {
    let page = Page::find()?;
    page.show_panics();
    let form = Form::find()?;
    let address = Address::of_page()?;
    wasm_bindgen_futures::spawn_local(chat::run(address, page, form));
    Ok(())
}
