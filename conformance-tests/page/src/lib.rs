//! A participant of the conformance suite as a page: `puppet.html` loads this, and hands the letters of its WebSocket over.

use std::rc::Rc;

use async_channel::Sender;
use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

/// Letters that wait at most; the suite awaits most of its requests one by one.
const LETTERS: usize = 256;

/// The one participant of a page.
#[wasm_bindgen]
pub struct Puppet {
    letters: Sender<String>,
}

#[wasm_bindgen]
impl Puppet {
    /// Begins to play; what it has to say is given to `send`, as a text.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(send: Function) -> Self {
        let (letters, incoming) = async_channel::bounded(LETTERS);
        let post = Rc::new(move |text: &str| {
            // A socket that is gone is known to the suite.
            let _ = send.call1(&JsValue::UNDEFINED, &JsValue::from_str(text));
        });
        spawn_local(conformance_tests::web::play(incoming, post));
        Self { letters }
    }

    /// Takes a letter.
    ///
    /// # Errors
    ///
    /// That too many wait already, or that nobody plays any more.
    pub fn take(&self, letter: String) -> Result<(), JsValue> {
        self.letters
            .try_send(letter)
            .map_err(|error| JsValue::from_str(&error.to_string()))
    }
}
