//! The keys that are held down.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, KeyboardEvent};

use crate::address::window;
use crate::game::{Buttons, FIRE, LEFT, RIGHT};

/// Hears the keyboard for as long as the page lives.
pub(crate) struct Keys(Rc<Cell<u8>>);

impl Keys {
    pub(crate) fn new() -> Result<Self, JsValue> {
        let held = Rc::new(Cell::new(0));
        listen("keydown", &held, |held, key| held | key)?;
        listen("keyup", &held, |held, key| held & !key)?;
        Ok(Self(held))
    }

    pub(crate) fn held(&self) -> Buttons {
        Buttons(self.0.get())
    }
}

fn listen(
    kind: &str,
    held: &Rc<Cell<u8>>,
    change: impl Fn(u8, u8) -> u8 + 'static,
) -> Result<(), JsValue> {
    let held = held.clone();
    let heard = Closure::<dyn Fn(Event)>::new(move |event: Event| {
        let Ok(event) = event.dyn_into::<KeyboardEvent>() else {
            return;
        };
        let key = match event.key().as_str() {
            "ArrowLeft" => LEFT,
            "ArrowRight" => RIGHT,
            " " => FIRE,
            _ => return,
        };
        held.set(change(held.get(), key));
    });
    window()?.add_event_listener_with_callback(kind, heard.as_ref().unchecked_ref())?;
    #[expect(clippy::disallowed_methods, reason = "it lives as long as the page")]
    heard.forget();
    Ok(())
}
