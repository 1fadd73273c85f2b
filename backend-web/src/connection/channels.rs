//! The channels of one connection.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_channel::Sender;
use mesh_core::platform::{LINGER, RemoteChannels};
use mesh_core::{ChannelIndex, ChannelSpec, GivenReason, Goodbye, PeerId, Reliability, SendLimits};
use web_sys::RtcDataChannel;

use crate::carried::Carried;
use crate::channel::{Channel, Ends};
use crate::clock::Clock;
use crate::control::Control;
use crate::inbox::LinkInbox;
use crate::note::Note;
use crate::outbox::Outbox;
use crate::pacer::Pacer;
use crate::pulse::Pulse;
use crate::timer::Timer;
use crate::translate;

/// The planned ones by their index, those of the far side above.
pub(crate) struct Channels {
    table: RefCell<Vec<Option<Rc<Channel>>>>,
    remote: RefCell<RemoteChannels>,
    inbox: Rc<LinkInbox>,
    notes: Sender<Note>,
    /// None where the browser has no room for one.
    control: Option<Rc<Control>>,
    pulse: Option<Rc<Pulse>>,
    finishing: RefCell<Vec<Finishing>>,
    /// Asks the far side whether it has what was sent before the path broke.
    owed: Cell<Option<u16>>,
    carried: Rc<Carried>,
    /// Whether small messages may leave together.
    coalesces: Rc<Cell<bool>>,
}

/// A channel that is closed once the far side has everything.
struct Finishing {
    channel: Rc<Channel>,
    /// Asks the far side.
    request: u16,
    /// Until it is closed in any case.
    _limit: Option<Timer>,
}

impl Channels {
    pub(crate) fn new(
        inbox: Rc<LinkInbox>,
        notes: Sender<Note>,
        control: Option<Rc<Control>>,
        pulse: Option<Rc<Pulse>>,
    ) -> Self {
        Self {
            table: RefCell::default(),
            remote: RefCell::default(),
            inbox,
            notes,
            control,
            pulse,
            finishing: RefCell::default(),
            owed: Cell::new(None),
            carried: Rc::default(),
            coalesces: Rc::default(),
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
        self.remote.borrow_mut().plan(index, spec.parameters.id);
        let reliability = spec.parameters.reliability;
        let clock = spec.bulk.then(Clock::new).flatten();
        let pacer = clock.map(|clock| (Pacer::new(), clock));
        self.add(index, inner, reliability, spec.limits, pacer, false);
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
        self.add(index, inner, reliability, limits, None, true);
    }

    fn add(
        &self,
        index: ChannelIndex,
        inner: RtcDataChannel,
        reliability: Reliability,
        limits: SendLimits,
        pacer: Option<(Pacer, Clock)>,
        remote: bool,
    ) {
        let ends = Ends {
            inbox: self.inbox.channel(index, reliability),
            outbox: Outbox::new(limits),
            pacer,
            coalesces: Rc::clone(&self.coalesces),
            carried: Rc::clone(&self.carried),
            remote,
            reliable: reliability == Reliability::Reliable,
            control: self.control.clone(),
            pulse: self.pulse.clone(),
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

    /// How many bytes of messages were sent, and how many have come.
    pub(crate) fn carried(&self) -> (u64, u64) {
        self.carried.so_far()
    }

    /// From now on small messages may leave together.
    pub(crate) fn coalesce(&self) {
        self.coalesces.set(true);
    }

    /// Sends the messages that wait for others to leave with them.
    pub(crate) fn flush(&self) {
        for channel in self.table.borrow().iter().flatten() {
            // What it cannot send now, it sends when there is room.
            let _ = channel.flush();
        }
    }

    pub(crate) fn stop_accepting(&self) {
        for channel in self.table.borrow().iter().flatten() {
            channel.stop_accepting();
        }
    }

    /// The far side described itself.
    pub(crate) fn described(&self, sdp: &str) {
        if let Some(control) = &self.control {
            control.described(sdp);
        }
        if let Some(pulse) = &self.pulse {
            pulse.described(sdp);
        }
    }

    /// The pulse, if there is one.
    pub(crate) fn pulse(&self) -> Option<&Pulse> {
        self.pulse.as_deref()
    }

    /// Closes one on both sides once the far side has all that was accepted.
    pub(crate) fn finish(&self, index: ChannelIndex) {
        let Some(channel) = self.channel(index) else {
            return;
        };
        match channel.to_arrive().and_then(|count| self.ask(vec![count])) {
            Some(request) => {
                let late = Rc::downgrade(&channel);
                let limit = Timer::start(LINGER, move || {
                    if let Some(channel) = late.upgrade() {
                        channel.close();
                    }
                });
                self.finishing.borrow_mut().push(Finishing {
                    channel,
                    request,
                    _limit: limit,
                });
            }
            None => channel.close(),
        }
    }

    /// Asks the far side to tell when it has everything that must arrive; the number of the request. `None` where nothing
    /// must, or where the far side cannot be asked.
    pub(crate) fn finish_all(&self) -> Option<u16> {
        let table = self.table.borrow();
        let counts: Vec<_> = table
            .iter()
            .flatten()
            .filter_map(|channel| channel.to_arrive())
            .collect();
        if counts.is_empty() {
            return None;
        }
        self.ask(counts)
    }

    /// The path has broken, or is back. When it is back, the far side is asked whether it has what was sent before. The pulse says how
    /// long the answer may take.
    pub(crate) fn path_is(&self, broken: bool) {
        let Some(pulse) = self.pulse() else {
            return;
        };
        // What was owed before is asked for again.
        pulse.is_settled();
        self.owed.set(None);
        if !broken {
            self.owed.set(self.finish_all());
            if self.owed.get().is_some() {
                pulse.owes();
            }
        }
    }

    /// Whether one that is open has sent what must arrive.
    pub(crate) fn must_arrive(&self) -> bool {
        let table = self.table.borrow();
        table.iter().flatten().any(|channel| channel.must_arrive())
    }

    fn ask(&self, counts: Vec<(u16, u32)>) -> Option<u16> {
        self.control.as_ref()?.finish(counts)
    }

    /// Tells the far side that we have kicked another peer.
    pub(crate) fn tell_kick(&self, peer: PeerId, reason: GivenReason) {
        if let Some(control) = &self.control {
            control.tell_kick(peer, reason);
        }
    }

    /// Tells the far side how many messages our core has taken.
    pub(crate) fn tell_taken(&self, counts: Vec<(u16, u64)>) {
        if let Some(control) = &self.control {
            control.tell_taken(counts);
        }
    }

    /// Tells the far side why the link ends; the number of the request that confirms it.
    pub(crate) fn say_goodbye(&self, goodbye: &Goodbye) -> Option<u16> {
        self.control.as_ref()?.say_goodbye(goodbye)
    }

    /// Whether the far side can be asked and told something.
    pub(crate) fn is_control_open(&self) -> bool {
        let control = self.control.as_ref();
        control.is_some_and(|control| control.is_open())
    }

    /// Whether the far side has everything that a request names.
    pub(crate) fn is_finished(&self, request: u16) -> bool {
        let control = self.control.as_ref();
        control.is_none_or(|control| control.is_finished(request))
    }

    /// The control channel has something to say: gives the answers that the far side waits for, and closes the channels whose
    /// answers have come.
    pub(crate) fn heed_control(&self) {
        let Some(control) = &self.control else {
            return;
        };
        if control.look() {
            let table = self.table.borrow();
            let channels = table.iter().flatten();
            let received = channels.filter_map(|channel| channel.received_so_far());
            control.answer(&received.collect());
        }
        for channel in self.table.borrow().iter().flatten() {
            channel.answered();
        }
        if self
            .owed
            .get()
            .is_some_and(|request| control.is_finished(request))
        {
            self.owed.set(None);
            if let Some(pulse) = self.pulse() {
                pulse.is_settled();
            }
        }
        let finishing = self.finishing.take();
        let (finished, rest) = finishing
            .into_iter()
            .partition::<Vec<_>, _>(|one| control.is_finished(one.request));
        self.finishing.replace(rest);
        for Finishing { channel, .. } in finished {
            channel.close();
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

    /// Closes all of them on both sides.
    pub(crate) fn close(&self) {
        for channel in self.table.borrow().iter().flatten() {
            channel.close();
        }
    }

    /// Whether all of them are closed.
    pub(crate) fn are_closed(&self) -> bool {
        let table = self.table.borrow();
        table.iter().flatten().all(|channel| channel.is_closed())
    }

    /// Lets go of all of them.
    pub(crate) fn detach(&self) {
        if let Some(control) = &self.control {
            control.detach();
        }
        if let Some(pulse) = &self.pulse {
            pulse.detach();
        }
        let finishing = self.finishing.take();
        // Outside the borrow: a callback may hold the last handle of something.
        let table = self.table.take();
        for channel in table.iter().flatten() {
            channel.detach();
        }
        drop(finishing);
    }
}
