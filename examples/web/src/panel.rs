//! The files of the page: those that are on their way or wait, and the links to those that were saved.

use std::collections::{BTreeMap, VecDeque};

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, Document, Element, HtmlAnchorElement, HtmlElement};
use web_sys::{HtmlProgressElement, Url};

use crate::files::{File, MAX_HELD, Size, State};
use crate::page::element;

/// The list above the form.
pub(crate) struct Panel {
    document: Document,
    list: HtmlElement,
    /// By the number of the file.
    rows: BTreeMap<u32, Row>,
    /// Links whose bytes the browser keeps, the oldest first.
    saved: VecDeque<HtmlAnchorElement>,
}

struct Row {
    line: Element,
    progress: HtmlProgressElement,
    /// What can be done with it.
    buttons: Vec<(&'static str, Element)>,
}

impl Panel {
    /// Finds the list.
    pub(crate) fn find(document: Document) -> Result<Self, JsValue> {
        Ok(Self {
            document,
            list: element("files")?,
            rows: BTreeMap::new(),
            saved: VecDeque::new(),
        })
    }

    /// Shows how much of a file has arrived, and what can be done with it.
    pub(crate) fn show(&mut self, file: &File) {
        if !self.rows.contains_key(&file.number)
            && let Ok(row) = self.add(file)
        {
            self.rows.insert(file.number, row);
            self.list.set_hidden(false);
        }
        let Some(row) = self.rows.get(&file.number) else {
            return;
        };
        row.progress.set_value(file.arrived() as f64);
        let is_wanted = matches!(file.state, State::Coming { is_wanted, .. } if is_wanted);
        for (verb, button) in &row.buttons {
            if *verb == "save" && is_wanted {
                let _ = button.set_attribute("disabled", "");
            }
        }
    }

    pub(crate) fn hide(&mut self, number: u32) {
        if let Some(row) = self.rows.remove(&number) {
            row.line.remove();
        }
        self.list.set_hidden(self.rows.is_empty());
    }

    /// Shows none any more. What was saved stays.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.list.set_text_content(None);
        self.list.set_hidden(true);
    }

    /// Makes a link to the bytes, and has the browser store them under this name.
    pub(crate) fn save(&mut self, name: &str, bytes: &[u8]) -> Result<HtmlAnchorElement, JsValue> {
        let parts = Array::of1(&Uint8Array::from(bytes));
        let kind = BlobPropertyBag::new();
        // Whatever a peer sends is stored, and never opened as a page of ours.
        kind.set_type("application/octet-stream");
        let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &kind)?;
        let link: HtmlAnchorElement = self.document.create_element("a")?.unchecked_into();
        link.set_href(&Url::create_object_url_with_blob(&blob)?);
        link.set_download(name);
        link.set_text_content(Some(name));
        self.saved.push_back(link.clone());
        if self.saved.len() > MAX_HELD
            && let Some(oldest) = self.saved.pop_front()
        {
            Url::revoke_object_url(&oldest.href())?;
            oldest.remove_attribute("href")?;
        }
        link.click();
        Ok(link)
    }

    fn add(&self, file: &File) -> Result<Row, JsValue> {
        let line = self.document.create_element("li")?;
        let label = self.document.create_element("span")?;
        label.set_text_content(Some(&format!("{file}, {}", Size(file.bytes))));
        line.append_child(&label)?;
        let progress = self.document.create_element("progress")?;
        let progress: HtmlProgressElement = progress.unchecked_into();
        // An empty file is whole at once.
        progress.set_max(file.bytes.max(1) as f64);
        progress.set_attribute("aria-label", &file.name)?;
        line.append_child(&progress)?;
        let verbs: &[_] = if file.is_ours() {
            &[("cancel", "Cancel")]
        } else {
            &[("save", "Save"), ("refuse", "Refuse")]
        };
        let mut buttons = Vec::new();
        for &(verb, text) in verbs {
            let button = self.document.create_element("button")?;
            button.set_attribute("type", "button")?;
            button.set_attribute("data-line", &format!("/{verb} {}", file.number))?;
            button.set_text_content(Some(text));
            line.append_child(&button)?;
            buttons.push((verb, button));
        }
        self.list.append_child(&line)?;
        Ok(Row {
            line,
            progress,
            buttons,
        })
    }
}
