//! The channels of one connection.

use std::cell::RefCell;
use std::rc::Rc;

use async_channel::Sender;
use mesh_core::platform::RemoteChannels;
use mesh_core::{ChannelIndex, ChannelSpec, Reliability, SendLimits};
use web_sys::RtcDataChannel;

use crate::channel::{Channel, Ends};
use crate::inbox::LinkInbox;
use crate::note::Note;
use crate::outbox::Outbox;
use crate::translate;

/// The planned ones by their index, those of the far side above.
pub(crate) struct Channels {
    table: RefCell<Vec<Option<Rc<Channel>>>>,
    remote: RefCell<RemoteChannels>,
    inbox: Rc<LinkInbox>,
    notes: Sender<Note>,
}

impl Channels {
    pub(crate) fn new(inbox: Rc<LinkInbox>, notes: Sender<Note>) -> Self {
        Self {
            table: RefCell::default(),
            remote: RefCell::default(),
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
        self.remote.borrow_mut().plan(index);
        let reliability = spec.parameters.reliability;
        self.add(index, inner, reliability, spec.limits, false);
    }

    /// Takes a channel that the far side made. One too many is closed again.
    pub(crate) fn add_remote(&self, inner: RtcDataChannel) {
        let is_taken = |index| {
            self.channel(index)
                .is_some_and(|channel| !channel.is_over())
        };
        let admitted = self.remote.borrow_mut().admit(is_taken);
        let index = match admitted {
            Ok(Some(index)) => index,
            Ok(None) => return inner.close(),
            Err(fault) => {
                let _ = self.notes.try_send(Note::Fault(fault));
                return inner.close();
            }
        };
        let reliability = translate::parameters(&inner).reliability;
        let limits = SendLimits::of(reliability);
        self.add(index, inner, reliability, limits, true);
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
