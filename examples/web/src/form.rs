//! What the person in front of the page types and chooses, as lines and files.

use async_channel::{Receiver, Sender};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, Event, File, HtmlButtonElement, HtmlInputElement, HtmlSelectElement};
use webrtc_multiplayer::PeerId;

use crate::files::Size;
use crate::listener::Listener;
use crate::page::{ADDRESSEE, element};
use crate::sharing::{Document, largest_file};

/// Lines that wait until the lobby is joined; the field keeps what there is no room for.
const WAITING_LINES: usize = 64;

/// What was put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A line for the chat. It was typed, and so is to be shown; else chosen with the mouse.
    Line { text: String, typed: bool },
    /// A file that was chosen for a peer, or for everybody; or why it cannot be sent.
    File(Result<(Option<PeerId>, Document), String>),
}

/// The field, the choice of a mode, the buttons, and the chooser of a file.
pub(crate) struct Form {
    inputs: Receiver<Input>,
    mode: HtmlSelectElement,
    text: HtmlInputElement,
    attach: HtmlButtonElement,
    _listeners: [Listener; 5],
}

impl Form {
    /// Finds the elements and listens to them.
    pub(crate) fn find() -> Result<Self, JsValue> {
        let (sender, inputs) = async_channel::bounded(WAITING_LINES);
        let form: Element = element("say")?;
        let files: Element = element("files")?;
        let mode: HtmlSelectElement = element("mode")?;
        let text: HtmlInputElement = element("text")?;
        let attach: HtmlButtonElement = element("attach")?;
        let chooser: HtmlInputElement = element("file")?;
        let listeners = [
            Listener::new(&form, "submit", on_submit(text.clone(), sender.clone()))?,
            Listener::new(&mode, "change", on_mode(mode.clone(), sender.clone()))?,
            // As if it had been typed: the chat opens the chooser then.
            Listener::new(&attach, "click", on_button(sender.clone()))?,
            Listener::new(&files, "click", on_button(sender.clone()))?,
            Listener::new(&chooser, "change", on_file(chooser.clone(), sender))?,
        ];
        Ok(Self {
            inputs,
            mode,
            text,
            attach,
            _listeners: listeners,
        })
    }

    /// The next line or file; `None` never comes while the form is kept. Cancel-safe.
    pub(crate) async fn next(&self) -> Option<Input> {
        self.inputs.recv().await.ok()
    }

    /// Shows which mode is in force.
    pub(crate) fn show_mode(&self, label: &str) {
        self.mode.set_value(label);
    }

    /// Takes nothing more.
    pub(crate) fn close(&self) {
        self.mode.set_disabled(true);
        self.text.set_disabled(true);
        self.attach.set_disabled(true);
    }
}

fn on_submit(field: HtmlInputElement, inputs: Sender<Input>) -> impl FnMut(Event) {
    move |event| {
        event.prevent_default();
        let text = field.value();
        if text.is_empty() {
            return;
        }
        if inputs.try_send(Input::Line { text, typed: true }).is_ok() {
            field.set_value("");
        }
    }
}

fn on_mode(mode: HtmlSelectElement, inputs: Sender<Input>) -> impl FnMut(Event) {
    move |_| choose(&inputs, format!("/mode {}", mode.value()))
}

/// A button has its command with it.
fn on_button(inputs: Sender<Input>) -> impl FnMut(Event) {
    move |event| {
        let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
        let line = target.and_then(|button| button.get_attribute("data-line"));
        if let Some(line) = line {
            choose(&inputs, line);
        }
    }
}

fn choose(inputs: &Sender<Input>, text: String) {
    // Without room nothing happens, and whoever has clicked sees that.
    let _ = inputs.try_send(Input::Line { text, typed: false });
}

fn on_file(chooser: HtmlInputElement, inputs: Sender<Input>) -> impl FnMut(Event) {
    move |_| {
        let Some(file) = chooser.files().and_then(|files| files.get(0)) else {
            return;
        };
        // So that the same file can be chosen again.
        chooser.set_value("");
        let to = chooser.get_attribute(ADDRESSEE).unwrap_or_default();
        let inputs = inputs.clone();
        spawn_local(async move {
            let chosen = match addressee(&to) {
                Ok(to) => read(file).await.map(|document| (to, document)),
                Err(why) => Err(why),
            };
            let _ = inputs.send(Input::File(chosen)).await;
        });
    }
}

/// Who gets a file, as the attribute says it.
fn addressee(to: &str) -> Result<Option<PeerId>, String> {
    if to.is_empty() {
        return Ok(None);
    }
    let id = to.parse().ok().and_then(|id: u32| PeerId::new(id).ok());
    id.map(Some).ok_or_else(|| format!("{to} is no peer"))
}

async fn read(file: File) -> Result<Document, String> {
    let (name, limit) = (file.name(), largest_file());
    if file.size() > limit as f64 {
        return Err(format!("{name} has more than {}", Size(limit)));
    }
    let buffer = JsFuture::from(file.array_buffer()).await;
    let buffer = buffer.map_err(|_| format!("{name} cannot be read"))?;
    let bytes = Uint8Array::new(&buffer).to_vec().into();
    Ok(Document { name, bytes })
}
