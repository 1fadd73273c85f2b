//! The channels of one connection.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_channel::Sender;
use mesh_core::{ChannelIndex, ChannelSpec, Reliability, SendLimits};
use web_sys::RtcDataChannel;

use crate::channel::{Channel, Ends};
use crate::connection::Note;
use crate::inbox::LinkInbox;
use crate::outbox::Outbox;
use crate::translate;

/// How many channels of the far side may be there at a time.
const MAX_REMOTE: usize = 16;

/// How many channels a peer may open in-band in the life of a link: each has an index of its own.
const MAX_REMOTE_EVER: u16 = 64;

/// The planned ones by their index, those of the far side above.
pub(crate) struct Channels {
    table: RefCell<Vec<Option<Rc<Channel>>>>,
    planned: Cell<u16>,
    remote_ever: Cell<u16>,
    inbox: Rc<LinkInbox>,
    notes: Sender<Note>,
}

impl Channels {
    pub(crate) fn new(inbox: Rc<LinkInbox>, notes: Sender<Note>) -> Self {
        Self {
            table: RefCell::default(),
            planned: Cell::new(0),
            remote_ever: Cell::new(0),
            inbox,
            notes,
        }
    }

    pub(crate) fn channel(&self, index: ChannelIndex) -> Option<Rc<Channel>> {
        self.table.borrow().get(usize::from(index.0))?.clone()
    }

    pub(crate) fn add_planned(
        &self,
        index: ChannelIndex,
        spec: &ChannelSpec,
        inner: RtcDataChannel,
    ) {
        let planned = self.planned.get().max(index.0.saturating_add(1));
        self.planned.set(planned);
        let reliability = spec.parameters.reliability;
        self.add(index, inner, reliability, spec.limits, false);
    }

    /// Takes a channel that the far side made. One too many is closed again.
    pub(crate) fn add_remote(&self, inner: RtcDataChannel) {
        let ever = self.remote_ever.get();
        if ever >= MAX_REMOTE_EVER {
            let _ = self.notes.try_send(Note::TooManyChannels);
            return inner.close();
        }
        self.remote_ever.set(ever + 1);
        if self.remote_alive() >= MAX_REMOTE {
            return inner.close();
        }
        let index = ChannelIndex(self.planned.get().saturating_add(ever));
        let reliability = translate::parameters(&inner).reliability;
        self.add(index, inner, reliability, SendLimits::default(), true);
    }

    fn remote_alive(&self) -> usize {
        let table = self.table.borrow();
        let remote = table.iter().skip(usize::from(self.planned.get()));
        remote
            .flatten()
            .filter(|channel| channel.is_alive())
            .count()
    }

    fn add(
        &self,
        index: ChannelIndex,
        inner: RtcDataChannel,
        reliability: Reliability,
        limits: SendLimits,
        remote: bool,
    ) {
        let ends = Ends {
            inbox: self.inbox.channel(index, reliability),
            outbox: Outbox::new(limits),
            remote,
            reliable: reliability == Reliability::Reliable,
            notes: self.notes.clone(),
        };
        let channel = Channel::start(inner, ends);
        let mut table = self.table.borrow_mut();
        let at = usize::from(index.0);
        if table.len() <= at {
            table.resize_with(at + 1, || None);
        }
        table[at] = Some(channel);
    }

    pub(crate) fn stop_accepting(&self) {
        for channel in self.table.borrow().iter().flatten() {
            channel.stop_accepting();
        }
    }

    /// See [`Channel::drain`].
    pub(crate) fn drain(&self) -> bool {
        let mut drained = true;
        // All of them: they drain side by side.
        for channel in self.table.borrow().iter().flatten() {
            drained &= channel.drain();
        }
        drained
    }

    /// Lets go of all of them.
    pub(crate) fn detach(&self) {
        // Outside the borrow: a callback may hold the last handle of something.
        let table = self.table.take();
        for channel in table.iter().flatten() {
            channel.detach();
        }
    }
}
