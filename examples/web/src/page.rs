//! The elements of the page and what is written into them: always text, never markup.

use std::fmt;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, HtmlAnchorElement, HtmlElement, HtmlInputElement, Performance};
use webrtc_multiplayer::{Payload, PeerId};

use crate::files::File;
use crate::panel::Panel;
use crate::peers::{self, Peer};
use crate::room::{Kind, Output};
use crate::sharing;

/// Lines that the log keeps.
const LOG_LINES: u32 = 1000;

/// Characters of a line that are shown; a flood's messages are larger than what anybody reads.
const SHOWN: usize = 2000;

/// The attribute of the chooser with the id of who gets the file. It is empty where everybody does.
pub(crate) const ADDRESSEE: &str = "data-to";

/// How the page is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Joining,
    Joined,
    /// The signaling server is out of reach and is tried again; who is connected stays so.
    Interrupted,
    /// The signaling server is gone; who is connected stays so.
    Lost,
    Left,
    Failed,
}

/// The page, except the form.
pub(crate) struct Page {
    document: Document,
    performance: Option<Performance>,
    log: Element,
    list: Element,
    peers: Vec<Peer>,
    panel: Panel,
    chooser: HtmlInputElement,
}

impl Page {
    /// Finds the elements.
    pub(crate) fn find() -> Result<Self, JsValue> {
        Ok(Self {
            document: document()?,
            performance: web_sys::window().and_then(|window| window.performance()),
            log: element("log")?,
            list: element("peers")?,
            peers: Vec::new(),
            panel: Panel::find(document()?)?,
            chooser: element("file")?,
        })
    }

    /// Shows no files any more, but for those that were saved.
    pub(crate) fn clear_files(&mut self) {
        self.panel.clear();
    }

    /// A bug must not look like silence.
    pub(crate) fn show_panics(&self) {
        std::panic::set_hook(Box::new(|info| {
            if let Ok(page) = Self::find() {
                page.fail("The chat has crashed", &info.to_string());
            }
        }));
    }

    /// Says that nothing more will come, and why.
    pub(crate) fn fail(&self, title: &str, cause: &str) {
        self.show_state(State::Failed);
        set_text("failure-title", title);
        set_text("failure-cause", cause);
        if let Ok(failure) = element::<HtmlElement>("failure") {
            failure.set_hidden(false);
        }
    }

    pub(crate) fn show_state(&self, state: State) {
        let (name, text) = match state {
            State::Joining => ("joining", "joining"),
            State::Joined => ("joined", "joined"),
            State::Interrupted => ("interrupted", "server out of reach: trying again"),
            State::Lost => ("lost", "server lost: nobody new can join"),
            State::Left => ("left", "left"),
            State::Failed => ("failed", "failed"),
        };
        if let Some(body) = self.document.body() {
            let _ = body.set_attribute("data-state", name);
        }
        set_text("state", text);
    }

    pub(crate) fn show_lobby(&self, lobby: &str) {
        set_text("lobby", lobby);
    }

    pub(crate) fn show_own(&self, id: PeerId) {
        set_text("own", &id.to_string());
    }

    /// Shows who is here, if that has changed.
    pub(crate) fn show_peers(&mut self, peers: Vec<Peer>) {
        if peers == self.peers {
            return;
        }
        self.list.set_text_content(None);
        for peer in &peers {
            let _ = self.add_peer(peer);
        }
        set_text("count", &peers.len().to_string());
        if let Ok(alone) = element::<HtmlElement>("alone") {
            alone.set_hidden(!peers.is_empty());
        }
        self.peers = peers;
    }

    /// Repeats what was typed, as a terminal does.
    pub(crate) fn echo(&self, text: &str) {
        let _ = self.add_line("own", None, &format!("› {text}"));
    }

    /// Puts a mark into the browser's timeline; `cargo ci play --check` reads it.
    pub(crate) fn mark(&self, name: &str) {
        if let Some(performance) = &self.performance {
            let _ = performance.mark(name);
        }
    }

    fn add_peer(&self, peer: &Peer) -> Result<(), JsValue> {
        let line = self.document.create_element("li")?;
        line.set_class_name(match peer.state {
            peers::State::Connected(_) => "connected",
            peers::State::Connecting | peers::State::Interrupted => "",
        });
        let name = self.name(&peer.id.to_string())?;
        line.append_child(&name)?;
        let state = self.document.create_element("span")?;
        state.set_text_content(Some(&peer.state.to_string()));
        line.append_child(&state)?;
        self.list.append_child(&line)?;
        Ok(())
    }

    /// Adds `name` (whose id colours it) and `text` as one line.
    fn add_line(&self, class: &str, name: Option<&str>, text: &str) -> Result<(), JsValue> {
        let content = self.document.create_element("span")?;
        if let Some(name) = name {
            let name = self.name(name)?;
            content.append_child(&name)?;
        }
        content.append_with_str_1(&clip(text))?;
        self.add(class, &content)
    }

    /// Adds a link to a file that was saved, with which it can be saved again.
    fn add_saved(&self, link: &HtmlAnchorElement) -> Result<(), JsValue> {
        let content = self.document.create_element("span")?;
        content.append_with_str_1("saved ")?;
        content.append_child(link)?;
        self.add("news", &content)
    }

    /// Adds a line to the log.
    fn add(&self, class: &str, content: &Element) -> Result<(), JsValue> {
        let line = self.document.create_element("li")?;
        line.set_class_name(class);
        line.set_attribute("data-time", &time_of_day())?;
        line.append_child(content)?;
        self.log.append_child(&line)?;
        if self.log.child_element_count() > LOG_LINES
            && let Some(oldest) = self.log.first_element_child()
        {
            oldest.remove();
        }
        Ok(())
    }

    /// A peer's name in a colour of its own.
    fn name(&self, name: &str) -> Result<HtmlElement, JsValue> {
        let element: HtmlElement = self.document.create_element("b")?.unchecked_into();
        element.set_text_content(Some(name));
        let hue = hue(name).to_string();
        element.style().set_property("--hue", &hue)?;
        Ok(element)
    }
}

impl Output for Page {
    fn line(&mut self, kind: Kind, line: fmt::Arguments<'_>) {
        let line = line.to_string();
        let _ = match (kind, line.split_once(' ')) {
            (Kind::Message, Some((from, _))) => self.add_line(
                "message",
                Some(from),
                line.get(from.len()..).unwrap_or_default(),
            ),
            (Kind::Message, None) => self.add_line("message", None, &line),
            (Kind::News, _) => self.add_line("news", None, &line),
            (Kind::Error, _) => self.add_line("error", None, &line),
        };
    }

    fn show(&mut self, file: &File) {
        self.panel.show(file);
    }

    fn hide(&mut self, number: u32) {
        self.panel.hide(number);
    }

    /// A page reads no path: somebody chooses a file. The browser shows its chooser after a key or a click alone.
    fn open(
        &mut self,
        to: Option<PeerId>,
        _path: &[u8],
    ) -> Result<Option<sharing::Document>, String> {
        let to = to.map(|peer| peer.to_string()).unwrap_or_default();
        let addressed = self.chooser.set_attribute(ADDRESSEE, &to);
        addressed.map_err(|_| String::from("no file can be chosen"))?;
        self.chooser.click();
        Ok(None)
    }

    fn save(&mut self, name: &str, bytes: &Payload) -> Result<(), String> {
        let saved = self.panel.save(name, bytes.bytes());
        saved
            .and_then(|link| self.add_saved(&link))
            .map_err(|_| String::from("the browser does not take it"))
    }
}

/// The element with this id.
pub(crate) fn element<T: JsCast>(id: &str) -> Result<T, JsValue> {
    document()?
        .get_element_by_id(id)
        .and_then(|element| element.dyn_into().ok())
        .ok_or_else(|| JsValue::from_str(&format!("the page has no element {id}")))
}

fn document() -> Result<Document, JsValue> {
    web_sys::window()
        .and_then(|window| window.document())
        .ok_or_else(|| JsValue::from_str("there is no document"))
}

fn set_text(id: &str, text: &str) {
    if let Ok(element) = element::<Element>(id) {
        element.set_text_content(Some(text));
    }
}

/// Hours, minutes and seconds of the place where the browser is.
fn time_of_day() -> String {
    let now = js_sys::Date::new_0();
    format!(
        "{:02}:{:02}:{:02}",
        now.get_hours(),
        now.get_minutes(),
        now.get_seconds()
    )
}

/// A long line's beginning, and how long it is.
fn clip(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => {
            let shown = text.get(..end).unwrap_or_default();
            format!("{shown}… ({} bytes)", text.len())
        }
        None => text.to_owned(),
    }
}

/// A colour for a name; neighbouring ids get distant ones.
fn hue(name: &str) -> u32 {
    let sum = name.bytes().fold(0_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    sum.wrapping_mul(137).wrapping_add(60) % 360
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_line_is_cut_and_between_characters() {
        assert_eq!(clip("short"), "short");
        let exact = "ü".repeat(SHOWN);
        assert_eq!(clip(&exact), exact);
        let long = format!("{exact}x");
        assert_eq!(clip(&long), format!("{exact}… ({} bytes)", 2 * SHOWN + 1));
    }

    #[test]
    fn neighbours_differ_in_colour() {
        assert!(hue("2").abs_diff(hue("3")) > 60);
    }
}
