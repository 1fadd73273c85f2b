//! Something that listens to an element for as long as it is kept.

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, EventTarget};

/// Hears the events of one kind.
pub(crate) struct Listener {
    target: EventTarget,
    kind: &'static str,
    heard: Closure<dyn FnMut(Event)>,
}

impl Listener {
    pub(crate) fn new(
        target: &EventTarget,
        kind: &'static str,
        heard: impl FnMut(Event) + 'static,
    ) -> Result<Self, JsValue> {
        let heard = Closure::<dyn FnMut(Event)>::new(heard);
        target.add_event_listener_with_callback(kind, heard.as_ref().unchecked_ref())?;
        Ok(Self {
            target: target.clone(),
            kind,
            heard,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A closure that is gone must not be called.
        let heard = self.heard.as_ref().unchecked_ref();
        let _ = self
            .target
            .remove_event_listener_with_callback(self.kind, heard);
    }
}
