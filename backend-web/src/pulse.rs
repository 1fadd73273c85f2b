//! The pulse of a connection: the channel that asks the far side whether it is there, and answers it.
//!
//! An answer is given where a message arrives, so a page that is hidden answers at once. Its own questions wait for a timer.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use async_channel::Sender;
use mesh_core::LinkStats;
use mesh_core::platform::pulse::{self, Life, Signs};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, RtcDataChannel, RtcDataChannelState, RtcDataChannelType};

use crate::clock::{self, Clock};
use crate::js::{self, Callback};
use crate::note::Note;

/// Bytes of pulses that may lie in the browser. A path that is gone takes none, and what has waited would say nothing of the
/// path that is back.
const MAX_BUFFERED: u32 = 256;

/// The channel, and what is known of the far side.
pub(crate) struct Pulse {
    inner: RtcDataChannel,
    pulse: RefCell<pulse::Pulse>,
    clock: Clock,
    /// How many messages have come on the channels of the game.
    messages: Cell<u64>,
    /// What the browser calls the timer that runs.
    timer: RefCell<Option<JsValue>>,
    /// Whether the link has a note to look at the path that it has not followed.
    is_looking: Cell<bool>,
    notes: Sender<Note>,
    callbacks: RefCell<Option<Callbacks>>,
}

struct Callbacks {
    open: Callback,
    message: Callback,
    close: Callback,
    beat: Callback,
}

impl Pulse {
    /// Takes the channel that was made for it. `None` where the browser has no clock.
    pub(crate) fn new(inner: RtcDataChannel, notes: Sender<Note>) -> Option<Rc<Self>> {
        let clock = Clock::new()?;
        inner.set_binary_type(RtcDataChannelType::Arraybuffer);
        let pulse = Rc::new_cyclic(|pulse: &Weak<Self>| Self {
            inner,
            pulse: RefCell::default(),
            clock,
            messages: Cell::new(0),
            timer: RefCell::new(None),
            is_looking: Cell::new(false),
            notes,
            callbacks: RefCell::new(Some(Callbacks {
                open: Callback::of(pulse, |pulse, _| pulse.opened()),
                message: Callback::of(pulse, Self::received),
                close: Callback::of(pulse, |pulse, _| pulse.change(pulse::Pulse::closed)),
                beat: Callback::of(pulse, |pulse, _| pulse.beat()),
            })),
        });
        if let Some(callbacks) = &*pulse.callbacks.borrow() {
            pulse.inner.set_onopen(Some(callbacks.open.function()));
            let message = callbacks.message.function();
            pulse.inner.set_onmessage(Some(message));
            pulse.inner.set_onclose(Some(callbacks.close.function()));
        }
        Some(pulse)
    }

    /// Hears and says nothing any more.
    pub(crate) fn detach(&self) {
        self.inner.set_onopen(None);
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        self.stop();
        self.pulse.borrow_mut().closed();
        let callbacks = self.callbacks.take();
        drop(callbacks);
    }

    /// The far side described itself.
    pub(crate) fn described(&self, sdp: &str) {
        let now = self.clock.now();
        self.change(|pulse| pulse.described(now, sdp));
    }

    /// The browser says that the path carries something again.
    pub(crate) fn path_is_back(&self) {
        self.pulse.borrow_mut().path_is_back(self.clock.now());
    }

    /// The path is back, and what was sent reliably before it broke has not arrived.
    pub(crate) fn owes(&self) {
        let now = self.clock.now();
        self.change(|pulse| pulse.owes(now));
    }

    /// That has arrived.
    pub(crate) fn is_settled(&self) {
        let now = self.clock.now();
        self.change(|pulse| pulse.is_settled(now));
    }

    /// Whether the far side is there.
    pub(crate) fn life(&self) -> Life {
        self.pulse.borrow().life_to_judge()
    }

    /// A message has come on a channel of the game.
    pub(crate) fn count_message(&self) {
        self.messages.set(self.messages.get().wrapping_add(1));
    }

    /// The link looks at the path: how many bytes it has carried, if the browser says so.
    pub(crate) fn looked(&self, bytes: Option<u64>) {
        self.is_looking.set(false);
        if let Some(bytes) = bytes {
            let now = self.clock.now();
            self.change(|pulse| pulse.look(now, bytes));
        }
    }

    /// Adds what was measured to the figures of the link.
    pub(crate) fn measured(&self, stats: &mut LinkStats) {
        self.pulse.borrow().measured(stats);
    }

    fn opened(&self) {
        let now = self.clock.now();
        self.change(|pulse| pulse.opened(now));
    }

    fn received(&self, event: &JsValue) {
        let data = event.unchecked_ref::<MessageEvent>().data();
        // Text is of a kind that this version does not know.
        let Some(bytes) = js::bytes(&data) else {
            return;
        };
        let now = self.clock.now();
        match self.change(|pulse| pulse.take(now, &bytes)) {
            Ok(Some(answer)) => self.send(&answer),
            Ok(None) => {}
            Err(fault) => {
                let _ = self.notes.try_send(Note::Fault(fault));
            }
        }
    }

    /// The timer rings: looks what has come, and asks the far side if it is time.
    fn beat(&self) {
        let timer = self.timer.take();
        drop(timer);
        let (now, messages) = (self.clock.now(), self.messages.get());
        let signs = Signs {
            checks: None,
            messages,
            path: None,
        };
        if let Some(ping) = self.change(|pulse| pulse.poll(now, signs)) {
            self.send(&ping);
        }
        if self.pulse.borrow().wants_look() && !self.is_looking.replace(true) {
            let _ = self.notes.try_send(Note::LookAtPath);
        }
    }

    fn send(&self, message: &[u8]) {
        let is_open = self.inner.ready_state() == RtcDataChannelState::Open;
        if is_open && self.inner.buffered_amount() <= MAX_BUFFERED {
            let _ = self.inner.send_with_u8_array(message);
        }
    }

    /// Changes the pulse. Tells the link if that says something else of the far side, and has a timer running.
    fn change<T>(&self, change: impl FnOnce(&mut pulse::Pulse) -> T) -> T {
        let mut pulse = self.pulse.borrow_mut();
        let before = pulse.life();
        let result = change(&mut pulse);
        let is_news = pulse.life() != before;
        let due = pulse.poll_timeout();
        drop(pulse);
        if is_news {
            let _ = self.notes.try_send(Note::Pulse);
        }
        match due {
            Some(due) if self.timer.borrow().is_none() => {
                self.start(clock::timeout(due - self.clock.now()))
            }
            Some(_) => {}
            None => self.stop(),
        }
        result
    }

    fn start(&self, milliseconds: i32) {
        let callbacks = self.callbacks.borrow();
        let Some(Callbacks { beat, .. }) = &*callbacks else {
            return;
        };
        let span = JsValue::from(milliseconds);
        let timer = js::call(&js_sys::global(), "setTimeout", &[beat.function(), &span]);
        self.timer.replace(timer.ok());
    }

    fn stop(&self) {
        if let Some(timer) = self.timer.take() {
            let _ = js::call(&js_sys::global(), "clearTimeout", &[&timer]);
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.detach();
    }
}
