//! A timer that belongs to somebody.

use mesh_core::Duration;
use wasm_bindgen::JsValue;

use crate::clock::timeout;
use crate::js::{self, Callback};

/// Calls back once, unless it is dropped before.
pub(crate) struct Timer {
    id: JsValue,
    _callback: Callback,
}

impl Timer {
    /// `None` where the browser has no timers; nothing is called then.
    pub(crate) fn start(span: Duration, call: impl Fn() + 'static) -> Option<Self> {
        let callback = Callback::new(move |_| call());
        let span = JsValue::from(timeout(span));
        let id = js::call(
            &js_sys::global(),
            "setTimeout",
            &[callback.function(), &span],
        )
        .ok()?;
        Some(Self {
            id,
            _callback: callback,
        })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let _ = js::call(&js_sys::global(), "clearTimeout", &[&self.id]);
    }
}
