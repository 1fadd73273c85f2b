//! What the person in front of the page types and chooses, as lines.

use async_channel::{Receiver, Sender};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, HtmlElement, HtmlInputElement, HtmlSelectElement};

use crate::page::element;

/// Lines that wait until the lobby is joined; the field keeps what there is no room for.
const WAITING_LINES: usize = 64;

/// A line for the chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// Typed, and so to be shown; else chosen with the mouse.
    pub(crate) typed: bool,
}

/// The field, the choice of a mode and the button.
pub(crate) struct Form {
    lines: Receiver<Line>,
    form: HtmlElement,
    mode: HtmlSelectElement,
    text: HtmlInputElement,
    submitted: Closure<dyn FnMut(Event)>,
    chosen: Closure<dyn FnMut(Event)>,
}

impl Form {
    /// Finds the elements and listens to them.
    pub(crate) fn find() -> Result<Self, JsValue> {
        let (sender, lines) = async_channel::bounded(WAITING_LINES);
        let form: HtmlElement = element("say")?;
        let mode: HtmlSelectElement = element("mode")?;
        let text: HtmlInputElement = element("text")?;
        let submitted = on_submit(text.clone(), sender.clone());
        let chosen = on_choice(mode.clone(), sender);
        form.add_event_listener_with_callback("submit", submitted.as_ref().unchecked_ref())?;
        mode.add_event_listener_with_callback("change", chosen.as_ref().unchecked_ref())?;
        Ok(Self {
            lines,
            form,
            mode,
            text,
            submitted,
            chosen,
        })
    }

    /// The next line; `None` never comes while the form is kept. Cancel-safe.
    pub(crate) async fn next(&self) -> Option<Line> {
        self.lines.recv().await.ok()
    }

    /// Shows which mode is in force.
    pub(crate) fn show_mode(&self, label: &str) {
        self.mode.set_value(label);
    }

    /// Takes no more lines.
    pub(crate) fn close(&self) {
        self.mode.set_disabled(true);
        self.text.set_disabled(true);
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        // A closure that is gone must not be called.
        let submitted = self.submitted.as_ref().unchecked_ref();
        let _ = self
            .form
            .remove_event_listener_with_callback("submit", submitted);
        let chosen = self.chosen.as_ref().unchecked_ref();
        let _ = self
            .mode
            .remove_event_listener_with_callback("change", chosen);
    }
}

fn on_submit(field: HtmlInputElement, lines: Sender<Line>) -> Closure<dyn FnMut(Event)> {
    Closure::new(move |event: Event| {
        event.prevent_default();
        let text = field.value();
        if text.is_empty() {
            return;
        }
        if lines.try_send(Line { text, typed: true }).is_ok() {
            field.set_value("");
        }
    })
}

fn on_choice(mode: HtmlSelectElement, lines: Sender<Line>) -> Closure<dyn FnMut(Event)> {
    Closure::new(move |_: Event| {
        let text = format!("/mode {}", mode.value());
        // Without room the next answer shows which mode is in force.
        let _ = lines.try_send(Line { text, typed: false });
    })
}
