//! What becomes of the connections when the user leaves the page.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use mesh_core::{CloseReason, ConnectFailure, Duration, Goodbye};
use wasm_bindgen::JsValue;

use crate::connection::Connection;
use crate::js::{self, Callback};

/// The page is left, for good or for the browser's cache.
pub(crate) const PAGE_HIDE: &str = "pagehide";
/// The page is there, at first or again out of the browser's cache.
pub(crate) const PAGE_SHOW: &str = "pageshow";

/// Calls a function whenever something happens to the page, while it lives.
pub(crate) struct PageListener {
    event: &'static str,
    callback: Callback,
}

impl PageListener {
    pub(crate) fn new(event: &'static str, callback: Callback) -> Self {
        let listener = Self { event, callback };
        listener.tell("addEventListener");
        listener
    }

    fn tell(&self, method: &str) {
        let event = JsValue::from_str(self.event);
        // Where there is no such event, nobody leaves the page.
        let _ = js::call(
            &js_sys::global(),
            method,
            &[&event, self.callback.function()],
        );
    }
}

impl Drop for PageListener {
    fn drop(&mut self) {
        self.tell("removeEventListener");
    }
}

/// Closes every connection when the page is left, so that the far sides notice at once. A page that comes back out of the
/// browser's cache finds its links closed.
pub(crate) struct Page {
    open: Rc<RefCell<Vec<Weak<Connection>>>>,
    _left: PageListener,
}

impl Page {
    pub(crate) fn new() -> Self {
        let open = Rc::<RefCell<Vec<Weak<Connection>>>>::default();
        let leaving = Rc::clone(&open);
        let left = Callback::new(move |_| leave(&leaving));
        Self {
            open,
            _left: PageListener::new(PAGE_HIDE, left),
        }
    }

    /// Closes this one, too.
    pub(crate) fn watch(&self, connection: &Rc<Connection>) {
        let mut open = self.open.borrow_mut();
        open.retain(|connection| connection.strong_count() > 0);
        open.push(Rc::downgrade(connection));
    }
}

fn leave(open: &RefCell<Vec<Weak<Connection>>>) {
    // Outside the borrow: who hears of it may open another one.
    let open = open.take();
    for connection in open.iter().filter_map(Weak::upgrade) {
        let why = String::from("the page was left");
        let reason = CloseReason::Failed(ConnectFailure::Platform(why));
        connection.ending().end(reason, Duration::ZERO);
        // The page may have no other moment.
        let _ = connection.say_goodbye(Some(Goodbye::PageLeft));
        connection.close();
    }
}
