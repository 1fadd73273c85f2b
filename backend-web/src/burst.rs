//! When messages come in a row: who waits for them is woken for the first at once, for the others together.
//!
//! A browser delivers every message in a turn of its own, and to be woken costs as much as a small message itself. So the
//! first one of a burst also sends a message to ourselves. The browser delivers it behind all that it has at hand, and then
//! whoever waits is woken for what has come meanwhile. Not a timer: those are throttled in a page that is hidden.

use std::cell::Cell;

use wasm_bindgen::JsValue;
use web_sys::{MessageChannel, MessagePort};

use crate::js::Callback;

/// A message to ourselves, which comes behind what the browser has at hand.
pub(crate) struct Burst {
    near: MessagePort,
    far: MessagePort,
    ended: Callback,
    is_on: Cell<bool>,
}

impl Burst {
    /// `ended` is called at the end of each burst. `None` where the browser has no such messages.
    pub(crate) fn new(ended: impl Fn() + 'static) -> Option<Self> {
        let channel = MessageChannel::new().ok()?;
        let burst = Self {
            near: channel.port1(),
            far: channel.port2(),
            ended: Callback::new(move |_| ended()),
            is_on: Cell::new(false),
        };
        burst.far.set_onmessage(Some(burst.ended.function()));
        Some(burst)
    }

    /// Whether one is under way.
    pub(crate) const fn is_on(&self) -> bool {
        self.is_on.get()
    }

    /// Begins one.
    pub(crate) fn begin(&self) {
        self.is_on
            .set(self.near.post_message(&JsValue::NULL).is_ok());
    }

    /// Its message has come.
    pub(crate) fn end(&self) {
        self.is_on.set(false);
    }
}

impl Drop for Burst {
    fn drop(&mut self) {
        self.far.set_onmessage(None);
        self.far.close();
        self.near.close();
    }
}
