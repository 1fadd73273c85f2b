//! What the page's own address says.

use ggrs::Frame;
use wasm_bindgen::JsValue;
use web_sys::{UrlSearchParams, Window};

/// Where to join, and who plays.
pub(crate) struct Address {
    pub(crate) url: String,
    pub(crate) lobby: String,
    /// So many frames are a bot's. None: who sits here plays.
    pub(crate) frames: Option<Frame>,
}

impl Address {
    pub(crate) fn of_page() -> Result<Self, JsValue> {
        let query = UrlSearchParams::new_with_str(&window()?.location().search()?)?;
        let word =
            |name: &str, default: &str| query.get(name).unwrap_or_else(|| default.to_owned());
        Ok(Self {
            url: word("url", "ws://127.0.0.1:9080"),
            lobby: word("lobby", "duel"),
            frames: query.get("frames").and_then(|frames| frames.parse().ok()),
        })
    }
}

pub(crate) fn window() -> Result<Window, JsValue> {
    web_sys::window().ok_or_else(|| JsValue::from_str("there is no window"))
}
