//! The control channel of a connection: what it says and hears beside the channels of the game.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use async_channel::Sender;
use mesh_core::platform::control::Word;
use mesh_core::platform::{LinkFault, control};
use mesh_core::{GivenReason, Goodbye, PeerId};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, RtcDataChannel, RtcDataChannelState, RtcDataChannelType};

use crate::inbox::LinkInbox;
use crate::js::{self, Callback};
use crate::note::Note;

/// Bytes of answers and kicks that the far side may leave lying. An honest one takes them as they come.
const MAX_BUFFERED: u32 = 64 * 1024;

/// The channel, and what has been asked on both sides of it.
pub(crate) struct Control {
    inner: RtcDataChannel,
    asked: RefCell<control::Control>,
    /// Whether the link has a note that it has not looked at.
    is_noted: Cell<bool>,
    notes: Sender<Note>,
    message: RefCell<Option<Callback>>,
    open: RefCell<Option<Callback>>,
    /// What the core has taken, to be told when the channel is open: it may open a moment after those of the game.
    untold: RefCell<Option<Vec<(u16, u64)>>>,
    inbox: Rc<LinkInbox>,
}

impl Control {
    /// Takes the channel that was made for it.
    pub(crate) fn new(
        inner: RtcDataChannel,
        notes: Sender<Note>,
        inbox: Rc<LinkInbox>,
    ) -> Rc<Self> {
        inner.set_binary_type(RtcDataChannelType::Arraybuffer);
        let control = Rc::new_cyclic(|control: &Weak<Self>| Self {
            inner,
            asked: RefCell::default(),
            is_noted: Cell::new(false),
            notes,
            message: RefCell::new(Some(Callback::of(control, Self::received))),
            open: RefCell::new(Some(Callback::of(control, Self::opened))),
            untold: RefCell::default(),
            inbox,
        });
        if let Some(message) = &*control.message.borrow() {
            control.inner.set_onmessage(Some(message.function()));
        }
        if let Some(open) = &*control.open.borrow() {
            control.inner.set_onopen(Some(open.function()));
        }
        control
    }

    /// Hears nothing any more.
    pub(crate) fn detach(&self) {
        self.inner.set_onmessage(None);
        self.inner.set_onopen(None);
        let callbacks = (self.message.take(), self.open.take());
        drop(callbacks);
    }

    /// The far side described itself.
    pub(crate) fn described(&self, sdp: &str) {
        self.asked.borrow_mut().described(sdp);
    }

    /// Whether the far side can be spoken to.
    pub(crate) fn is_open(&self) -> bool {
        self.asked.borrow().is_announced() && self.inner.ready_state() == RtcDataChannelState::Open
    }

    /// Asks to be told when so many messages have arrived on these streams. The number of the request, unless the far side
    /// cannot be asked.
    pub(crate) fn finish(&self, counts: Vec<(u16, u32)>) -> Option<u16> {
        if !self.is_open() {
            return None;
        }
        let (number, request) = self.asked.borrow_mut().finish(counts);
        let sent = self.inner.send_with_u8_array(&request);
        sent.is_ok().then_some(number)
    }

    /// Tells the far side that we have kicked another peer, unless it takes nothing.
    pub(crate) fn tell_kick(&self, peer: PeerId, reason: GivenReason) {
        if self.is_open() && self.inner.buffered_amount() <= MAX_BUFFERED {
            let message = control::Control::kick(peer, reason);
            let _ = self.inner.send_with_u8_array(&message);
        }
    }

    /// Tells the far side how many messages our core has taken, unless it takes nothing.
    pub(crate) fn tell_taken(&self, counts: Vec<(u16, u64)>) {
        if self.inner.ready_state() == RtcDataChannelState::Connecting {
            // Of several the first is the one that another link goes on from, and the next comes when more was taken.
            self.untold.borrow_mut().get_or_insert(counts);
        } else if self.is_open() && self.inner.buffered_amount() <= MAX_BUFFERED {
            let message = control::Control::taken(counts);
            let _ = self.inner.send_with_u8_array(&message);
        }
    }

    fn opened(&self, _event: &JsValue) {
        let untold = self.untold.take();
        if let Some(counts) = untold {
            self.tell_taken(counts);
        }
    }

    /// Tells the far side why the link ends, and asks it to confirm that: the number of that request, unless the far side
    /// cannot be told.
    pub(crate) fn say_goodbye(&self, goodbye: &Goodbye) -> Option<u16> {
        if !self.is_open() {
            return None;
        }
        let message = control::Control::goodbye(goodbye);
        self.inner.send_with_u8_array(&message).ok()?;
        let (number, request) = self.asked.borrow_mut().confirm();
        let sent = self.inner.send_with_u8_array(&request);
        sent.is_ok().then_some(number)
    }

    /// Whether what was asked for is there.
    pub(crate) fn is_finished(&self, number: u16) -> bool {
        self.asked.borrow().is_finished(number)
    }

    /// The link looks: from now on it has to be noted again. Whether the far side waits for something.
    pub(crate) fn look(&self) -> bool {
        self.is_noted.set(false);
        self.is_open() && self.asked.borrow().is_asked()
    }

    /// Answers what can be answered. `received` has how many messages have come on each stream.
    pub(crate) fn answer(&self, received: &BTreeMap<u16, u32>) {
        let answers = self.asked.borrow_mut().answers(received);
        for answer in answers {
            if self.inner.buffered_amount() > MAX_BUFFERED {
                let fault = LinkFault::Control("it is asked for and not taken");
                let _ = self.notes.try_send(Note::Fault(fault));
                return;
            }
            // It fails once the channel is closed, and then nobody waits for it.
            let _ = self.inner.send_with_u8_array(&answer);
        }
    }

    /// A message arrived on a channel of the game, or nothing will come on it any more.
    pub(crate) fn look_again(&self) {
        if self.asked.borrow().is_asked() {
            self.note();
        }
    }

    /// Has the link look. Once, so that a flood does not fill its queue.
    fn note(&self) {
        if !self.is_noted.replace(true) {
            let _ = self.notes.try_send(Note::Control);
        }
    }

    fn received(&self, event: &JsValue) {
        let data = event.unchecked_ref::<MessageEvent>().data();
        // Text is of a kind that this version does not know.
        let Some(bytes) = js::bytes(&data) else {
            return;
        };
        let taken = self.asked.borrow_mut().take(&bytes);
        match taken {
            Ok(Some(Word::Taken(counts))) => self.inbox.report_taken(counts),
            Ok(Some(word)) => self.inbox.report(word.into_event(self.inbox.link())),
            Ok(None) => self.note(),
            Err(fault) => {
                let _ = self.notes.try_send(Note::Fault(fault));
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.detach();
    }
}
