//! The virtual clock: what is due, and when.

use alloc::collections::{BTreeMap, BTreeSet, BinaryHeap};
use core::cmp::Ordering;
use core::task::Waker;

use super::slab::Key;
use crate::Instant;

/// Not zero and not round, so that code which takes a moment for a span fails at once.
const START: Instant = Instant::from_micros(1_234_567_891);

/// What happens in the network by itself. Small, because the heap moves it around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Puts accepted messages on the wire.
    Transmit { end: Key },
    /// A message reaches the far side, or its copy does.
    Arrive { flight: Key },
    /// The next local candidate is found, or none is left.
    Gather { end: Key },
    /// A secured route stands.
    Connected { end: Key },
    /// The association stands: channels open.
    Associated { end: Key },
    /// Nothing answered since the checks began.
    CheckTimeout { end: Key },
    /// The route has not answered for a while.
    ConsentLost { end: Key, epoch: u32 },
    /// It has not answered for so long that it is given up.
    ConsentFailed { end: Key, epoch: u32 },
    /// It answers again.
    ConsentBack { end: Key, epoch: u32 },
    /// The far side's goodbye.
    Abort { to: Key, from: u32 },
    /// The far side closed a channel.
    Reset { to: Key, stream: u16 },
    /// The far side agreed to the closing of a channel.
    ResetDone { to: Key, stream: u16 },
    /// The far side made a channel in-band.
    InBand { to: Key, stream: u16 },
    /// The far side agreed to an in-band channel.
    InBandDone { to: Key, stream: u16 },
    /// A close has waited long enough for its data.
    LingerOver { end: Key },
    /// Something reaches the lobby service, or a member of it.
    Lobby { post: Key },
}

#[derive(Debug)]
struct Entry {
    due: Instant,
    /// Ties are broken by the order of scheduling.
    order: u64,
    action: Action,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// Reversed: the heap's greatest is the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

/// Now, and everything that is still to come.
#[derive(Debug)]
pub(super) struct Clock {
    now: Instant,
    order: u64,
    actions: BinaryHeap<Entry>,
    alarms: BTreeSet<(Instant, u32)>,
    sleepers: BTreeMap<(Instant, u64), Waker>,
}

impl Clock {
    pub(super) const fn new() -> Self {
        Self {
            now: START,
            order: 0,
            actions: BinaryHeap::new(),
            alarms: BTreeSet::new(),
            sleepers: BTreeMap::new(),
        }
    }

    pub(super) const fn now(&self) -> Instant {
        self.now
    }

    /// Time never runs backwards.
    pub(super) fn set(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(super) fn schedule(&mut self, due: Instant, action: Action) {
        self.order += 1;
        self.actions.push(Entry {
            due: due.max(self.now),
            order: self.order,
            action,
        });
    }

    /// The next action and its moment, without taking it.
    pub(super) fn peek(&self) -> Option<(Instant, Action)> {
        self.actions.peek().map(|entry| (entry.due, entry.action))
    }

    pub(super) fn pop(&mut self) -> Option<Action> {
        self.actions.pop().map(|entry| entry.action)
    }

    /// Everything scheduled, in no order.
    pub(super) fn actions(&self) -> impl Iterator<Item = Action> {
        self.actions.iter().map(|entry| entry.action)
    }

    /// The earliest alarm or sleep.
    pub(super) fn next_wish(&self) -> Option<Instant> {
        let alarm = self.alarms.first().map(|(due, _)| *due);
        let sleep = self.sleepers.first_key_value().map(|((due, _), _)| *due);
        match (alarm, sleep) {
            (Some(alarm), Some(sleep)) => Some(alarm.min(sleep)),
            (alarm, sleep) => alarm.or(sleep),
        }
    }

    pub(super) fn set_alarm(&mut self, host: u32, former: Option<Instant>, wish: Option<Instant>) {
        if let Some(former) = former {
            self.alarms.remove(&(former, host));
        }
        if let Some(wish) = wish {
            self.alarms.insert((wish, host));
        }
    }

    pub(super) fn pop_due_alarm(&mut self) -> Option<u32> {
        let (due, host) = *self.alarms.first()?;
        if due > self.now {
            return None;
        }
        self.alarms.pop_first();
        Some(host)
    }

    /// Wakes `waker` at `due`; returns the former waker of the same sleep, to be dropped outside the lock.
    pub(super) fn sleep(&mut self, due: Instant, id: u64, waker: &Waker) -> Option<Waker> {
        self.sleepers.insert((due, id), waker.clone())
    }

    pub(super) fn cancel_sleep(&mut self, due: Instant, id: u64) -> Option<Waker> {
        self.sleepers.remove(&(due, id))
    }

    pub(super) fn pop_due_sleeper(&mut self) -> Option<Waker> {
        let (due, _) = *self.sleepers.first_key_value()?.0;
        if due > self.now {
            return None;
        }
        self.sleepers.pop_first().map(|(_, waker)| waker)
    }

    /// A number nobody had before.
    pub(super) const fn unique(&mut self) -> u64 {
        self.order += 1;
        self.order
    }
}
