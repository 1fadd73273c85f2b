//! The virtual clock: what is due, and when.

use alloc::collections::{BTreeMap, BTreeSet, BinaryHeap};
use core::cmp::Ordering;
use core::task::Waker;

use super::key::Key;
use crate::Instant;

/// When the clock starts. It is neither zero nor round, so that code which confuses a moment with a span fails at once.
const START: Instant = Instant::from_micros(1_234_567_891);

/// Something that the network does by itself when it is due. It is small, because the heap moves it around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Puts accepted messages on the wire.
    Transmit { end: Key },
    /// A message reaches the far side.
    Arrive { flight: Key },
    /// The next local candidate is found, or none is left.
    Gather { end: Key },
    /// The route is secured.
    Connected { end: Key },
    /// The association is complete, so channels open.
    Associated { end: Key },
    /// The far side has not answered since the checks began.
    CheckTimeout { end: Key },
    /// The far side has not answered for so long that the link is "disconnected".
    ConsentLost { end: Key, epoch: u32 },
    /// The far side has not answered for so long that the link has failed.
    ConsentFailed { end: Key, epoch: u32 },
    /// The far side answers again.
    ConsentBack { end: Key, epoch: u32 },
    /// The far side's goodbye.
    Abort { to: Key, from: u32 },
    /// A control message of the far side arrives.
    Control {
        to: Key,
        stream: u16,
        control: Control,
    },
    /// A close has waited for its data as long as it may.
    LingerOver { end: Key },
    /// Something reaches the lobby service, or a member of it.
    Lobby { post: Key },
}

/// What a control message says of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// It was closed.
    Reset,
    /// Its close was agreed to.
    ResetDone,
    /// It was made in-band.
    Made,
    /// Its making was agreed to.
    MadeDone,
}

#[derive(Debug)]
struct Entry {
    due: Instant,
    /// Of two that are due at the same moment, the one scheduled first comes first.
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
    /// The order is reversed, because the heap gives the greatest entry first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

/// The present time, and everything that is due later.
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

    /// A number that was never given before.
    pub(super) const fn unique(&mut self) -> u64 {
        self.order += 1;
        self.order
    }
}
