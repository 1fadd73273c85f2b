//! The state of a network, behind a single lock, and what is due in it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::task::Waker;

use super::conditions::{MockConfig, Usage};
use super::end::End;
use super::ice::Step;
use super::lobby::{Letter, Service};
use super::path::Paths;
use super::wire::Flight;
use crate::rng::Rng;
use crate::{CloseReason, Instant, LinkEvent, LinkId};

/// When the clock starts. It is neither zero nor round, so that code which confuses a moment with a span fails at once.
const START: Instant = Instant::from_micros(1_234_567_891);

/// The name of one end of a link: its backend, and its link there.
pub(super) type Key = (u32, LinkId);

/// Something that the network does by itself when it is due.
#[derive(Debug)]
pub(super) enum Action {
    /// Puts accepted messages on the wire.
    Transmit(Key),
    /// Something reaches the far side.
    Arrive(Flight),
    /// The local candidate is found.
    Gather(Key),
    /// The next step of a link.
    Step(Key, Step),
    /// A close has waited for its data as long as it may.
    LingerOver(Key),
    /// Something reaches the lobby service, or a client of it.
    Deliver(Letter),
}

/// The present time, and everything that is due later.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) now: Instant,
    pub(super) sleepers: BTreeMap<(Instant, u64), Waker>,
    /// Of two that are due at the same moment, the one scheduled first comes first.
    pub(super) actions: BTreeMap<(Instant, u64), Action>,
    last_number: u64,
}

impl Clock {
    pub(super) fn schedule(&mut self, due: Instant, action: Action) {
        let key = (due.max(self.now), self.unique());
        self.actions.insert(key, action);
    }

    /// A number that was never given before.
    pub(super) const fn unique(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

/// One backend.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) config: MockConfig,
    /// Whether it was neither dropped nor killed.
    pub(super) alive: bool,
    /// Links with events to take. They are served in turn.
    pub(super) ready: VecDeque<LinkId>,
    /// The last events of links that have ended.
    pub(super) ended: VecDeque<LinkEvent>,
    pub(super) waker: Option<Waker>,
    pub(super) alarm: Option<Instant>,
    /// Whether its links go through a TURN server.
    pub(super) is_relayed: bool,
    /// Since when it takes nothing and answers no pulse, if it does not.
    pub(super) suspended_since: Option<Instant>,
}

/// The backends, both ends of every link, and what is on its way between them.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) rng: Rng,
    pub(super) paths: Paths,
    pub(super) service: Service,
    pub(super) hosts: Vec<Host>,
    /// Ends that are not closed.
    pub(super) ends: BTreeMap<Key, End>,
    /// Messages that were sent and did not come, or came too late for their channel.
    pub(super) lost: u64,
    /// To be woken once the lock is released.
    pub(super) wakes: Vec<Waker>,
    /// To be dropped once the lock is released, because a waker may own a task that owns a backend.
    pub(super) old_wakers: Vec<Waker>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            clock: Clock {
                now: START,
                sleepers: BTreeMap::new(),
                actions: BTreeMap::new(),
                last_number: 0,
            },
            rng: Rng::new(seed),
            paths: Paths::default(),
            service: Service::default(),
            hosts: Vec::new(),
            ends: BTreeMap::new(),
            lost: 0,
            wakes: Vec::new(),
            old_wakers: Vec::new(),
        }
    }

    pub(super) fn add_host(&mut self, config: MockConfig) -> u32 {
        self.hosts.push(Host {
            config,
            alive: true,
            ready: VecDeque::new(),
            ended: VecDeque::new(),
            waker: None,
            alarm: None,
            is_relayed: false,
            suspended_since: None,
        });
        u32::try_from(self.hosts.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn config(&self, host: u32) -> MockConfig {
        let host = self.hosts.get(host as usize);
        host.map(|host| host.config).unwrap_or_default()
    }

    /// Queues an event other than a message. Nobody asks for those of a link that is closing.
    pub(super) fn tell(&mut self, key: Key, event: LinkEvent) {
        if let Some(end) = self.ends.get_mut(&key).filter(|end| !end.closing) {
            end.inbox.push(event);
            self.notify(key);
        }
    }

    /// Wakes the backend of an end that has an event to take.
    pub(super) fn notify(&mut self, (host, link): Key) {
        if let Some(host) = self.hosts.get_mut(host as usize) {
            if !host.ready.contains(&link) {
                host.ready.push_back(link);
            }
            self.wakes.extend(host.waker.take());
        }
    }

    /// The next event of a backend.
    pub(super) fn take_event(&mut self, index: u32) -> Option<LinkEvent> {
        let host = self.hosts.get_mut(index as usize)?;
        if host.suspended_since.is_some() {
            return None;
        }
        if let Some(event) = host.ended.pop_front() {
            return Some(event);
        }
        while let Some(link) = host.ready.pop_front() {
            let Some(end) = self.ends.get_mut(&(index, link)) else {
                continue;
            };
            let event = end.inbox.pop();
            if !end.inbox.is_empty() {
                host.ready.push_back(link);
            }
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// The next moment at which something is due, including alarms and sleeps.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let action = self.next_action();
        let sleep = self.clock.sleepers.keys().next().map(|(due, _)| *due);
        let alarms = self.hosts.iter().filter_map(|host| host.alarm);
        let alarms = alarms.filter(|alarm| *alarm > self.clock.now);
        alarms.chain(action).chain(sleep).min()
    }

    /// The next moment at which the network does something by itself.
    pub(super) fn next_action(&self) -> Option<Instant> {
        let (due, _) = self.clock.actions.keys().next()?;
        Some(*due)
    }

    /// Takes an end away, and what was to happen to it: actions without effect must not move the clock.
    pub(super) fn remove_end(&mut self, key: Key) -> Option<End> {
        let end = self.ends.remove(&key)?;
        let is_other = |action: &Action| match action {
            Action::Transmit(end) | Action::Gather(end) | Action::LingerOver(end) => *end != key,
            Action::Step(end, _) => *end != key,
            Action::Arrive(_) | Action::Deliver(_) => true,
        };
        self.clock.actions.retain(|_, action| is_other(action));
        Some(end)
    }

    /// Moves the clock to `now` and does all that is due. Time never runs backwards.
    pub(super) fn run(&mut self, now: Instant) {
        let now = now.max(self.clock.now);
        self.clock.now = now;
        while let Some(entry) = self.clock.actions.first_entry()
            && entry.key().0 <= now
        {
            match entry.remove() {
                Action::Transmit(end) => self.transmit(end),
                Action::Arrive(flight) => self.arrive(flight),
                Action::Gather(end) => self.gather(end),
                Action::Step(end, step) => self.step(end, step),
                Action::LingerOver(end) => self.finish(end, CloseReason::Local),
                Action::Deliver(letter) => self.deliver(letter),
            }
        }
        while let Some(sleeper) = self.clock.sleepers.first_entry()
            && sleeper.key().0 <= now
        {
            self.wakes.push(sleeper.remove());
        }
        for host in &mut self.hosts {
            self.wakes.extend(host.ring(now));
        }
    }

    /// Keeps a waker that is woken when there is something to take.
    pub(super) fn wait(&mut self, index: u32, waker: &Waker) {
        if let Some(host) = self.hosts.get_mut(index as usize) {
            self.old_wakers.extend(host.waker.replace(waker.clone()));
            self.wakes.extend(host.ring(self.clock.now));
        }
    }

    pub(super) fn set_alarm(&mut self, index: u32, deadline: Option<Instant>) {
        if let Some(host) = self.hosts.get_mut(index as usize) {
            host.alarm = deadline.filter(|_| host.alive);
            self.wakes.extend(host.ring(self.clock.now));
        }
    }

    pub(super) fn usage(&self) -> Usage {
        let last_events = self.hosts.iter().flat_map(|host| &host.ended);
        let closed = last_events.filter(|event| matches!(event, LinkEvent::Closed { .. }));
        Usage {
            links: self.ends.len() + closed.count(),
            scheduled: self.clock.actions.len() + self.service.held(),
        }
    }
}

impl Host {
    /// Gives the waker of an alarm that is due. Without one, the alarm waits for it.
    fn ring(&mut self, now: Instant) -> Option<Waker> {
        let is_due = self.alarm.is_some_and(|alarm| alarm <= now);
        let waker = self.waker.take_if(|_| is_due)?;
        self.alarm = None;
        Some(waker)
    }
}
