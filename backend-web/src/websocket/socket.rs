//! The browser's socket behind a [`WebSocketTransport`](super::WebSocketTransport), and what it has received.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::task::Context;
use std::time::Duration;

use js_sys::JsString;
use mesh_core::LostReason;
use mesh_core::platform::inbox::OVERHEAD;
use signaling::{TransportError, TransportEvent, TransportOptions};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use crate::count::{Count, Kind};
use crate::events::Waiter;
use crate::js::{self, Callback};
use crate::page::{PAGE_HIDE, PAGE_SHOW, PageListener};
use crate::timer::Timer;

use super::known::Known;
use super::probe::Probe;

/// Bytes that wait for the network. Joining a lobby of 32 says about 200 kB at once: a description and a dozen candidates for
/// each member.
const OUTGOING: usize = 1024 * 1024;

/// Bytes that wait for the application. The browser reads on whether or not anybody takes them, so over it the connection ends.
const INCOMING: usize = 4 * 1024 * 1024;

/// How long a connection stands before it is tried whether its server answers over HTTP. A crowd that joins at once has enough to do.
const STANDS: Duration = Duration::from_secs(10);

/// `WebSocket.OPEN`.
const OPEN: u16 = 1;

/// No close frame came (RFC 6455 section 7.1.5).
const ABNORMAL: u16 = 1006;
/// The close frame had no code.
const NO_CODE: u16 = 1005;
/// Ours.
const NORMAL: u16 = 1000;
/// Ours, where another connection is to follow. A browser ends none without a close frame, and gives pages only codes of their own
/// besides 1000, which would tell the server that we leave.
const ABANDONED: u16 = 4001;

pub(super) struct Socket {
    me: Weak<Self>,
    /// None yet while the server is asked whether it is there.
    inner: OnceCell<WebSocket>,
    url: String,
    host: String,
    known: Cell<Known>,
    probe: RefCell<Option<Probe>>,
    options: TransportOptions,
    has_opened: Cell<bool>,
    events: RefCell<VecDeque<TransportEvent>>,
    bytes: Cell<usize>,
    waiter: Waiter,
    callbacks: Callbacks,
    /// Until it must be open, and then until it has stood for a while.
    timer: RefCell<Option<Timer>>,
    /// Whether the page is left now.
    is_away: Cell<bool>,
    /// Whether the page was left, and whoever waits has not been told yet.
    was_left: Cell<bool>,
    /// Whether whoever waits is to be told as soon as the page is back.
    owes_end: Cell<bool>,
    _page: [PageListener; 2],
    /// What is to be said as soon as it is open, before it is closed; and the socket itself, which nobody else holds then.
    farewell: RefCell<Option<(Vec<String>, Rc<Self>)>>,
    /// While it is neither closed nor closing.
    live: RefCell<Option<Count>>,
}

// Kept until the transport is dropped, because some end it from within.
struct Callbacks {
    open: Callback,
    message: Callback,
    close: Callback,
}

impl Callbacks {
    fn new(socket: &Weak<Socket>) -> Self {
        Self {
            open: Callback::of(socket, |socket, _| socket.opened()),
            message: Callback::of(socket, Socket::received),
            close: Callback::of(socket, Socket::closed),
        }
    }
}

impl Socket {
    /// Begins to connect; what the browser says against it.
    pub(super) fn open(
        url: &str,
        host: String,
        options: TransportOptions,
        known: Known,
    ) -> Result<Rc<Self>, String> {
        let socket = Rc::new_cyclic(|socket| Self {
            me: Weak::clone(socket),
            inner: OnceCell::new(),
            url: url.to_owned(),
            host,
            options,
            known: Cell::new(known),
            probe: RefCell::new(None),
            has_opened: Cell::new(false),
            events: RefCell::default(),
            bytes: Cell::new(0),
            waiter: Waiter::default(),
            callbacks: Callbacks::new(socket),
            timer: RefCell::new(None),
            is_away: Cell::new(false),
            was_left: Cell::new(false),
            owes_end: Cell::new(false),
            _page: [
                PageListener::new(PAGE_HIDE, Callback::of(socket, |it, _| it.page_left())),
                PageListener::new(PAGE_SHOW, Callback::of(socket, |it, _| it.page_shown())),
            ],
            farewell: RefCell::new(None),
            live: RefCell::new(Some(Count::new(Kind::Socket))),
        });
        let is_asked = known.is_asked_first() && socket.ask(Self::answered_before);
        if !is_asked {
            socket.connect()?;
        }
        socket.after(options.connect_timeout, Self::too_late);
        Ok(socket)
    }

    /// Has the browser begin to connect; what it says against it.
    fn connect(&self) -> Result<(), String> {
        let inner = WebSocket::new(&self.url).map_err(|error| js::words(&error))?;
        inner.set_onopen(Some(self.callbacks.open.function()));
        inner.set_onmessage(Some(self.callbacks.message.function()));
        inner.set_onclose(Some(self.callbacks.close.function()));
        self.inner.get_or_init(|| inner);
        Ok(())
    }

    /// Calls this after a while, unless something else is to be called later or all is over.
    fn after(&self, span: Duration, call: fn(&Self)) {
        let late = Weak::clone(&self.me);
        let timer = Timer::start(span, move || {
            if let Some(socket) = late.upgrade() {
                call(&socket);
            }
        });
        self.timer.replace(timer);
    }

    /// Asks the server whether it is there, unless that cannot be asked.
    fn ask(&self, then: fn(&Self, bool)) -> bool {
        let asking = Weak::clone(&self.me);
        let probe = Probe::start(&self.url, move |is_there| {
            if let Some(socket) = asking.upgrade() {
                then(&socket, is_there);
            }
        });
        let is_asked = probe.is_some();
        self.probe.replace(probe);
        is_asked
    }

    /// The server of a socket that is not open yet was asked.
    fn answered_before(&self, is_there: bool) {
        if !is_there {
            return self.end_refused(format!("{} cannot be reached over HTTP", self.host));
        }
        if let Err(why) = self.connect() {
            self.end(LostReason::Unreachable(why));
        }
    }

    /// That of an open one was.
    fn answered_meanwhile(&self, answers: bool) {
        self.known.update(|known| known.asked(answers));
    }

    fn has_stood(&self) {
        if self.live.borrow().is_some() {
            self.ask(Self::answered_meanwhile);
        }
    }

    /// What is known of the server when another connection to it is to be made.
    pub(super) const fn known(&self) -> Known {
        self.known.get()
    }

    pub(super) fn send(&self, text: &str) -> Result<(), TransportError> {
        // A socket that is closing would take it and throw it away.
        let inner = self.inner.get();
        let inner =
            inner.filter(|inner| self.live.borrow().is_some() && inner.ready_state() == OPEN);
        let Some(inner) = inner else {
            return Err(TransportError::NotOpen);
        };
        let buffered = usize::try_from(inner.buffered_amount()).unwrap_or(usize::MAX);
        if buffered >= OUTGOING {
            return Err(TransportError::Full);
        }
        inner
            .send_with_str(text)
            .map_err(|_| TransportError::NotOpen)
    }

    /// The next event.
    pub(super) fn take(&self) -> Option<TransportEvent> {
        let event = self.events.borrow_mut().pop_front()?;
        if let TransportEvent::Text(text) = &event {
            self.bytes.set(self.bytes.get().saturating_sub(cost(text)));
        }
        Some(event)
    }

    pub(super) fn wait(&self, cx: &Context<'_>) {
        self.waiter.wait(cx);
    }

    /// Says these texts once it is open, and closes. It lives until then, or until it cannot be opened.
    pub(super) fn say(self: Rc<Self>, texts: Vec<String>) {
        let socket = Rc::clone(&self);
        self.farewell.replace(Some((texts, socket)));
    }

    /// Whether the page is left now.
    pub(super) const fn is_away(&self) -> bool {
        self.is_away.get()
    }

    /// Ends it in good order, without a word to the application.
    pub(super) fn close(&self) {
        self.finish(NORMAL);
    }

    /// Ends it without telling the server that we leave.
    pub(super) fn abandon(&self) {
        self.finish(ABANDONED);
    }

    fn finish(&self, code: u16) {
        self.detach_with(code);
        self.owes_end.set(false);
        self.events.borrow_mut().clear();
    }

    fn detach(&self) {
        self.detach_with(NORMAL);
    }

    fn detach_with(&self, code: u16) {
        let Some(count) = self.live.take() else {
            return;
        };
        self.probe.take();
        if let Some(inner) = self.inner.get() {
            inner.set_onopen(None);
            inner.set_onmessage(None);
            inner.set_onclose(None);
            // What it has taken goes out before the close frame. Fails only for a code that is not allowed.
            let _ = inner.close_with_code(code);
        }
        drop(count);
        self.let_go();
    }

    /// Ends the hold of a socket on itself, once whatever called it has returned: its callbacks are part of it.
    fn let_go(&self) {
        let Some((_, socket)) = self.farewell.take() else {
            return;
        };
        wasm_bindgen_futures::spawn_local(async move { drop(socket) });
    }

    /// A page in the browser's cache keeps its sockets, so the server would keep the member, whom nobody can reach. Nobody is told
    /// before the page is back: whoever joins anew at once would do so from a page that is about to stop.
    fn page_left(&self) {
        self.is_away.set(true);
        self.was_left.set(true);
        if self.live.borrow().is_some() {
            self.owes_end.set(true);
            self.detach();
        }
    }

    fn page_shown(&self) {
        self.is_away.set(false);
        if self.owes_end.take() {
            self.tell_page_left();
        }
    }

    /// Whether the page was left and nobody has been told. Whoever waits is told now, or once the page is back.
    pub(super) fn tells_that_page_was_left(&self) -> bool {
        if !self.was_left.get() {
            return false;
        }
        if self.is_away.get() {
            self.owes_end.set(true);
        } else {
            self.tell_page_left();
        }
        true
    }

    fn tell_page_left(&self) {
        self.was_left.set(false);
        self.push(TransportEvent::Closed {
            reason: LostReason::PageLeft,
        });
    }

    fn push(&self, event: TransportEvent) {
        self.events.borrow_mut().push_back(event);
        self.waiter.wake();
    }

    fn end(&self, reason: LostReason) {
        self.detach();
        self.push(TransportEvent::Closed { reason });
    }

    fn opened(&self) {
        self.has_opened.set(true);
        self.known.update(Known::reached);
        let timer = self.timer.take();
        drop(timer);
        let texts = {
            let mut farewell = self.farewell.borrow_mut();
            farewell.as_mut().map(|(texts, _)| std::mem::take(texts))
        };
        let Some(texts) = texts else {
            if !self.known.get().was_asked() {
                self.after(STANDS, Self::has_stood);
            }
            return self.push(TransportEvent::Opened);
        };
        for text in texts {
            let _ = self.send(&text);
        }
        self.close();
    }

    fn too_late(&self) {
        if !self.has_opened.get() && self.live.borrow().is_some() {
            let (host, limit) = (&self.host, self.options.connect_timeout.as_secs_f32());
            let why = format!("no answer from {host} within {limit} s");
            self.end(LostReason::Unreachable(why));
        }
    }

    /// What failed was not the way there: the server, or what stands in its place, has refused.
    fn end_refused(&self, why: String) {
        self.known.update(Known::refused);
        self.end(LostReason::Unreachable(why));
    }

    fn received(&self, event: &JsValue) {
        let data = event.unchecked_ref::<MessageEvent>().data();
        match self.text(&data) {
            Ok(text) => {
                self.bytes.set(self.bytes.get() + cost(&text));
                self.push(TransportEvent::Text(text));
            }
            Err(what) => self.end(LostReason::Protocol(what)),
        }
    }

    fn text(&self, data: &JsValue) -> Result<String, String> {
        let limit = self.options.max_message_size;
        let too_long = || format!("a text of more than {limit} bytes");
        let Some(text) = data.dyn_ref::<JsString>() else {
            return Err(String::from("a binary message"));
        };
        // Before it is copied: it has no fewer bytes than characters of JavaScript.
        if usize::try_from(text.length()).is_ok_and(|length| length > limit) {
            return Err(too_long());
        }
        let text = String::from(text);
        if text.len() > limit {
            return Err(too_long());
        }
        if self.bytes.get() + cost(&text) > INCOMING {
            return Err(format!("more than {INCOMING} bytes at once"));
        }
        Ok(text)
    }

    fn closed(&self, event: &JsValue) {
        let event: &CloseEvent = event.unchecked_ref();
        if self.has_opened.get() {
            return self.end(lost(event.code(), event.reason()));
        }
        let host = &self.host;
        self.end_refused(format!(
            "no connection to {host} (the browser does not say why)"
        ));
    }
}

const fn cost(text: &str) -> usize {
    text.len() + OVERHEAD
}

/// How a server ended a connection that stood.
fn lost(code: u16, reason: String) -> LostReason {
    match code {
        ABNORMAL => LostReason::Closed,
        NO_CODE => LostReason::Refused { code: 0, reason },
        code => LostReason::Refused { code, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_code_and_words_come_as_they_are() {
        let reason = || String::from("Lobby\u{1}full");
        let said = LostReason::Refused {
            code: 4007,
            reason: reason(),
        };
        assert_eq!(lost(4007, reason()), said);
        assert_eq!(lost(ABNORMAL, String::new()), LostReason::Closed);
        let wordless = LostReason::Refused {
            code: 0,
            reason: String::new(),
        };
        assert_eq!(lost(NO_CODE, String::new()), wordless);
    }
}
