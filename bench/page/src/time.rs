//! The page's clock. Only a page that is isolated from others has one that is fine enough.

use wasm_bindgen::JsValue;
use web_sys::Performance;

/// Milliseconds of the page.
#[derive(Clone)]
pub(crate) struct Clock(Performance);

impl Clock {
    pub(crate) fn new() -> Result<Self, JsValue> {
        web_sys::window()
            .and_then(|window| window.performance())
            .map(Self)
            .ok_or_else(|| JsValue::from_str("this page has no clock"))
    }

    pub(crate) fn now(&self) -> f64 {
        self.0.now()
    }
}
