//! One channel: its callbacks, and what it takes to send.

mod bulk;
mod ending;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use async_channel::Sender;
use mesh_core::platform::batch::{Batch, whole};
use mesh_core::platform::{ChannelInbox as _, LinkFault};
use mesh_core::{BackendSendError, LinkEvent, Payload};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{MessageEvent, RtcDataChannel, RtcDataChannelState, RtcDataChannelType};

use crate::carried::Carried;
use crate::clock::Clock;
use crate::control::Control;
use crate::count::{Count, Kind};
use crate::inbox::{ChannelInbox, Opened};
use crate::js::{self, Callback};
use crate::note::Note;
use crate::outbox::{Outbox, PAUSE};
use crate::pacer::Pacer;
use crate::pulse::Pulse;
use crate::timer::Timer;
use crate::translate;

/// A channel of the browser.
pub(crate) struct Channel {
    inner: RtcDataChannel,
    ends: Ends,
    /// This channel, for its timers.
    this: Weak<Self>,
    state: Cell<State>,
    /// Messages that leave together when the present task of the page ends.
    batch: RefCell<Batch>,
    /// How many messages the browser has taken, modulo 2³².
    sent: Cell<u32>,
    /// How many messages have come, modulo 2³².
    received: Cell<u32>,
    /// Until there is room for empty messages again.
    pause: RefCell<Option<Timer>>,
    callbacks: RefCell<Option<Callbacks>>,
}

/// What a channel works with.
pub(crate) struct Ends {
    pub(crate) inbox: Rc<ChannelInbox>,
    pub(crate) outbox: Outbox,
    /// Where it gives way to others.
    pub(crate) pacer: Option<(Pacer, Clock)>,
    /// Whether small messages may leave together, which the whole link learns at once.
    pub(crate) coalesces: Rc<Cell<bool>>,
    pub(crate) carried: Rc<Carried>,
    /// Whether the far side made it.
    pub(crate) remote: bool,
    pub(crate) reliable: bool,
    pub(crate) control: Option<Rc<Control>>,
    pub(crate) pulse: Option<Rc<Pulse>>,
    pub(crate) notes: Sender<Note>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not open yet.
    Waiting,
    Open,
    /// It takes nothing more to send.
    Stopped,
    Closed,
}

struct Callbacks {
    open: Callback,
    message: Callback,
    close: Callback,
    low: Callback,
    _count: Count,
}

impl Callbacks {
    fn new(channel: &Weak<Channel>) -> Self {
        Self {
            open: Callback::of(channel, |channel, _| channel.opened()),
            message: Callback::of(channel, Channel::received),
            close: Callback::of(channel, |channel, _| channel.closed()),
            low: Callback::of(channel, |channel, _| channel.buffer_low()),
            _count: Count::new(Kind::Channel),
        }
    }
}

impl Channel {
    /// Takes a channel that was just made, or that the browser has just told of: nothing of it may have been missed.
    pub(crate) fn start(inner: RtcDataChannel, ends: Ends) -> Rc<Self> {
        inner.set_binary_type(RtcDataChannelType::Arraybuffer);
        inner.set_buffered_amount_low_threshold(ends.outbox.low_water());
        let channel = Rc::new_cyclic(|channel| Self {
            inner,
            ends,
            this: channel.clone(),
            state: Cell::new(State::Waiting),
            batch: RefCell::default(),
            sent: Cell::new(0),
            received: Cell::new(0),
            pause: RefCell::new(None),
            callbacks: RefCell::new(Some(Callbacks::new(channel))),
        });
        channel.attach();
        // One that the far side made may be open already.
        if channel.inner.ready_state() == RtcDataChannelState::Open {
            channel.opened();
        }
        channel
    }

    fn attach(&self) {
        if let Some(callbacks) = &*self.callbacks.borrow() {
            self.inner.set_onopen(Some(callbacks.open.function()));
            self.inner.set_onmessage(Some(callbacks.message.function()));
            self.inner.set_onclose(Some(callbacks.close.function()));
            let low = callbacks.low.function();
            self.inner.set_onbufferedamountlow(Some(low));
        }
    }

    /// Hears and takes nothing any more.
    pub(crate) fn detach(&self) {
        self.state.set(State::Closed);
        let Some(callbacks) = self.callbacks.take() else {
            return;
        };
        self.inner.set_onopen(None);
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        self.inner.set_onbufferedamountlow(None);
        let pause = self.pause.take();
        drop((callbacks, pause));
    }

    pub(crate) fn send(&self, payload: &Payload) -> Result<(), BackendSendError> {
        if self.state.get() != State::Open {
            return Err(BackendSendError::NotOpen);
        }
        let (outbox, bytes) = (&self.ends.outbox, payload.len());
        let Some((pacer, clock)) = &self.ends.pacer else {
            let has_room = || outbox.has_room(bytes, || self.buffered());
            // What waits here counts as well, and the browser tells of room only in its own buffer. So it is asked again without that.
            if !has_room() && (self.batched() == 0 || self.flush().is_err() || !has_room()) {
                return Err(BackendSendError::Full);
            }
            return self.join(payload);
        };
        if !outbox.has_room_beside(self.buffered(), bytes) {
            pacer.above_low();
            return Err(BackendSendError::Full);
        }
        pacer.push(self.alone(payload.clone()));
        self.pump(pacer, clock);
        if outbox.is_above_low(self.buffered()) {
            pacer.above_low();
        }
        Ok(())
    }

    /// Sends a message, together with others if it is small.
    fn join(&self, payload: &Payload) -> Result<(), BackendSendError> {
        if !self.ends.coalesces.get() {
            return self.hand_over(payload);
        }
        if !self.batch.borrow().fits(payload) {
            self.flush()?;
        }
        let mut batch = self.batch.borrow_mut();
        if !batch.fits(payload) {
            drop(batch);
            return self.hand_over(&self.alone(payload.clone()));
        }
        if batch.cost() == 0 {
            let channel = self.this.clone();
            // It runs as a microtask: after what the game does now, and before anything else of the page.
            spawn_local(async move {
                if let Some(channel) = channel.upgrade() {
                    // What it cannot send now, it sends when there is room.
                    let _ = channel.flush();
                }
            });
        }
        let before = batch.cost();
        batch.add(payload.clone());
        self.ends.outbox.waits(batch.cost() - before);
        Ok(())
    }

    /// What waits for others to leave with them.
    fn batched(&self) -> usize {
        self.batch.borrow().cost()
    }

    /// A message that shares its packet with no other, as the far side reads it.
    fn alone(&self, payload: Payload) -> Payload {
        if self.ends.coalesces.get() {
            whole(payload)
        } else {
            payload
        }
    }

    /// Sends the messages that wait for others to leave with them.
    pub(crate) fn flush(&self) -> Result<(), BackendSendError> {
        let batch = self.batch.borrow_mut().take();
        let Some(batch) = batch else {
            return Ok(());
        };
        let sent = self.hand_over(&batch.payload);
        if sent == Err(BackendSendError::Full) {
            self.batch.borrow_mut().put_back(batch);
        } else {
            self.ends.outbox.leaves(batch.cost);
        }
        sent
    }

    /// Gives the browser all that waits, because nothing comes after it.
    fn release(&self) {
        let _ = self.flush();
        let Some((pacer, _)) = &self.ends.pacer else {
            return;
        };
        while let Some(payload) = pacer.take() {
            if self.hand_over(&payload).is_err() {
                // Nothing may come after a gap.
                while pacer.take().is_some() {}
            }
        }
    }

    /// Takes a message however much is buffered, because nothing comes after it.
    pub(crate) fn send_last(&self, payload: &Payload) {
        // What the browser refuses, with 16 MiB in its buffer, cannot be kept, and nothing may come after a gap.
        if self.state.get() == State::Open {
            self.release();
            if self.hand_over(&self.alone(payload.clone())).is_err() {
                self.stop_accepting();
            }
        }
    }

    fn hand_over(&self, payload: &Payload) -> Result<(), BackendSendError> {
        let sent = match payload {
            Payload::Binary(bytes) => self.inner.send_with_u8_array(bytes),
            // The core lets only UTF-8 through; anything else would be a mistake in it, not of a peer.
            Payload::Text(bytes) => self.inner.send_with_str(&String::from_utf8_lossy(bytes)),
        };
        match sent {
            Ok(()) => {
                self.sent.set(self.sent.get().wrapping_add(1));
                self.ends.carried.sent(payload.len());
                if self.ends.outbox.sent(payload) {
                    self.begin_pause();
                }
                Ok(())
            }
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn begin_pause(&self) {
        let channel = self.this.clone();
        let timer = Timer::start(PAUSE, move || {
            if let Some(channel) = channel.upgrade() {
                channel.pause_over();
            }
        });
        if timer.is_none() {
            self.pause_over();
        }
        let former = self.pause.replace(timer);
        drop(former);
    }

    fn pause_over(&self) {
        let waited_for = self.ends.outbox.pause_over(|| self.browser_buffer());
        if waited_for && self.state.get() == State::Open {
            self.report_low();
        }
    }

    /// What the browser threw instead of taking a message.
    fn refused(&self, error: &JsValue) -> BackendSendError {
        let name = js::name(error);
        // Chromium's own bound. If there was not so much in it that the browser will tell when it is less, it means something
        // else.
        if name == "OperationError" && self.ends.outbox.is_above_low(self.browser_buffer()) {
            return BackendSendError::Full;
        }
        self.stop_accepting();
        // It is closing, and the event follows.
        if name != "InvalidStateError" {
            let _ = self
                .ends
                .notes
                .try_send(Note::Fault(LinkFault::SendFailed(js::words(error))));
        }
        BackendSendError::NotOpen
    }

    /// Bytes accepted and not handed to the network, while it takes more.
    pub(crate) fn buffered(&self) -> usize {
        match self.state.get() {
            State::Open => {
                let pacer = self.ends.pacer.as_ref();
                let waiting = pacer.map_or(0, |(pacer, _)| pacer.bytes());
                let waiting = waiting.saturating_add(self.batched());
                self.browser_buffer().saturating_add(waiting)
            }
            State::Waiting | State::Stopped | State::Closed => 0,
        }
    }

    fn browser_buffer(&self) -> usize {
        usize::try_from(self.inner.buffered_amount()).unwrap_or(usize::MAX)
    }

    /// Its stream, and how many messages have come on it. `None` where nothing comes any more.
    pub(crate) fn received_so_far(&self) -> Option<(u16, u32)> {
        let stream = self
            .inner
            .id()
            .filter(|_| self.state.get() != State::Closed)?;
        Some((stream, self.received.get()))
    }

    fn opened(&self) {
        if self.state.get() != State::Waiting {
            return;
        }
        self.state.set(State::Open);
        self.ends.inbox.push_opened(Opened {
            remote: self.ends.remote,
            actual: translate::parameters(&self.inner),
            sender: (),
        });
    }

    fn received(&self, event: &JsValue) {
        // By the book it is open before. If a browser sees it otherwise, the message is not to be lost.
        self.opened();
        self.received.set(self.received.get().wrapping_add(1));
        if let Some(control) = &self.ends.control {
            control.look_again();
        }
        if let Some(pulse) = &self.ends.pulse {
            pulse.count_message();
        }
        let data = event.unchecked_ref::<MessageEvent>().data();
        let Some(payload) = translate::received(&data) else {
            return;
        };
        self.ends.carried.received(payload.len());
        if self.ends.inbox.push(payload).is_err() {
            let _ = self.ends.notes.try_send(Note::Fault(LinkFault::InboxFull));
        }
    }

    fn closed(&self) {
        self.state.set(State::Closed);
        self.ends.inbox.push_closed();
        if let Some(control) = &self.ends.control {
            control.look_again();
        }
        let _ = self.ends.notes.try_send(Note::Drained);
    }

    fn buffer_low(&self) {
        if self.state.get() == State::Open {
            if let Some((pacer, clock)) = &self.ends.pacer {
                pacer.low(clock.now(), self.browser_buffer());
                self.pump(pacer, clock);
                if self.ends.outbox.is_above_low(self.buffered()) {
                    return;
                }
                pacer.below_low();
            } else if self.flush().is_err() {
                return;
            }
            self.report_low();
        } else {
            let _ = self.ends.notes.try_send(Note::Drained);
        }
    }

    fn report_low(&self) {
        self.ends.inbox.report(LinkEvent::BufferedAmountLow {
            link: self.ends.inbox.link(),
            channel: self.ends.inbox.channel(),
        });
    }

    /// Whether it is closed, and everything that came was taken by the application, its end as well.
    pub(crate) fn is_over(&self) -> bool {
        self.state.get() == State::Closed && self.ends.inbox.has_reported_all()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.detach();
    }
}
