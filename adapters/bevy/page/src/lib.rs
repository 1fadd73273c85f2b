//! The app of the tests in a browser. It joins the lobby at `?url=ws://127.0.0.1:9080`, says what it has heard again, and leaves when it
//! is told to.

#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, reason = "the native tests look at more of it")]
mod support;

use bevy_app::App;
use bevy_webrtc_multiplayer::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::UrlSearchParams;

use crate::support::{app, command, entities, seen, tell};

/// Milliseconds of a frame: timers are not called more often.
const FRAME: i32 = 4;

/// Runs when the page has loaded.
///
/// # Errors
///
/// When the address names no server.
#[wasm_bindgen(start)]
fn start() -> Result<(), JsValue> {
    let window = web_sys::window().ok_or("there is no window")?;
    let query = UrlSearchParams::new_with_str(&window.location().search()?)?;
    let url = query.get("url").ok_or("the address names no server")?;
    let mut app = app();
    command(&mut app, |commands| {
        commands.join_lobby(Lobby::new(&url, "demo"))
    });
    let mut answered = 0;
    let frame = Closure::<dyn FnMut()>::new(move || {
        app.update();
        answered += answer(&mut app, answered);
    });
    let callback = frame.as_ref().unchecked_ref();
    window.set_interval_with_callback_and_timeout_and_arguments_0(callback, FRAME)?;
    #[expect(clippy::disallowed_methods, reason = "it lives as long as the page")]
    frame.forget();
    Ok(())
}

/// Answers what has been heard beside the first so many; how much that is.
fn answer(app: &mut App, answered: usize) -> usize {
    let heard = seen(app).heard.iter().skip(answered);
    let heard: Vec<String> = heard.map(|(_, text)| text.clone()).collect();
    for text in &heard {
        if text == "leave" {
            command(app, |commands| commands.leave_lobby_with_reason("done"));
        } else {
            let peers = entities(app).len();
            tell(app, &format!("{text} to {peers} peer"));
        }
    }
    heard.len()
}
