//! The state of a network, behind a single lock.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::task::Waker;

use super::clock::{Action, Clock};
use super::conditions::{MockConfig, Usage};
use super::endpoint::Endpoint;
use super::key::{Key, Table};
use super::lobby::Service;
use super::path::Paths;
use super::transport::Flight;
use crate::rng::Rng;
use crate::{ConnectionState, Instant, LinkEvent, LinkId};

/// One backend.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) config: MockConfig,
    /// Whether it was neither dropped nor killed.
    pub(super) alive: bool,
    pub(super) links: BTreeMap<LinkId, Key>,
    /// Links with events to take. Each is listed once, and they are served in turn.
    pub(super) ready: VecDeque<Key>,
    pub(super) waker: Option<Waker>,
    pub(super) alarm: Option<Instant>,
    /// Whether the alarm rang when there was no waker.
    pub(super) alarm_missed: bool,
}

/// The hosts, both ends of every link, and what is on its way between them.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) rng: Rng,
    pub(super) paths: Paths,
    pub(super) service: Service,
    pub(super) hosts: Vec<Host>,
    pub(super) ends: Table<Endpoint>,
    pub(super) flights: Table<Flight>,
    /// To be woken once the lock is released.
    pub(super) wakes: Vec<Waker>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            clock: Clock::new(),
            rng: Rng::new(seed),
            paths: Paths::new(),
            service: Service::new(),
            hosts: Vec::new(),
            ends: Table::new(),
            flights: Table::new(),
            wakes: Vec::new(),
        }
    }

    pub(super) fn add_host(&mut self, config: MockConfig) -> u32 {
        let index = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX);
        self.hosts.push(Host {
            config,
            alive: true,
            links: BTreeMap::new(),
            ready: VecDeque::new(),
            waker: None,
            alarm: None,
            alarm_missed: false,
        });
        index
    }

    pub(super) fn host(&self, host: u32) -> Option<&Host> {
        self.hosts.get(host as usize)
    }

    pub(super) fn host_mut(&mut self, host: u32) -> Option<&mut Host> {
        self.hosts.get_mut(host as usize)
    }

    /// An end that is not closed.
    pub(super) fn live(&self, key: Key) -> Option<&Endpoint> {
        self.ends.get(key).filter(|end| !end.is_gone())
    }

    pub(super) fn live_mut(&mut self, key: Key) -> Option<&mut Endpoint> {
        self.ends.get_mut(key).filter(|end| !end.is_gone())
    }

    /// Queues an event other than a message.
    pub(super) fn tell(&mut self, key: Key, event: LinkEvent) {
        let Some(end) = self.ends.get_mut(key) else {
            return;
        };
        end.inbox.push(event);
        self.notify(key);
    }

    /// Wakes the backend of an end that has an event to take.
    pub(super) fn notify(&mut self, key: Key) {
        let Some(end) = self.ends.get_mut(key) else {
            return;
        };
        if end.is_ready {
            return;
        }
        end.is_ready = true;
        let host = end.host;
        let Some(host) = self.hosts.get_mut(host as usize) else {
            return;
        };
        host.ready.push_back(key);
        self.wakes.extend(host.waker.take());
    }

    /// The next event of a backend.
    pub(super) fn take_event(&mut self, host: u32) -> Option<LinkEvent> {
        let host = self.hosts.get_mut(host as usize)?;
        while let Some(key) = host.ready.pop_front() {
            let Some(end) = self.ends.get_mut(key) else {
                continue;
            };
            let event = end.inbox.pop();
            end.is_ready = !end.inbox.is_empty();
            if end.is_ready {
                host.ready.push_back(key);
            }
            if let Some(LinkEvent::BufferedAmountLow { channel, .. }) = event
                && let Some(channel) = end.channel_mut(channel)
            {
                channel.low_taken();
            }
            if end.is_gone() && !end.is_ready {
                self.ends.remove(key);
            }
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// The next moment at which something is due, including alarms and sleeps.
    pub(super) fn next_due(&mut self) -> Option<Instant> {
        let action = self.next_action();
        match (action, self.clock.next_wish()) {
            (Some(action), Some(wish)) => Some(action.min(wish)),
            (action, wish) => action.or(wish),
        }
    }

    /// The next moment at which the network does something by itself. Actions without effect are removed.
    pub(super) fn next_action(&mut self) -> Option<Instant> {
        while let Some((due, action)) = self.clock.peek() {
            if self.is_wanted(action) {
                return Some(due);
            }
            self.clock.pop();
        }
        None
    }

    /// Moves the clock to `now` and does all that is due.
    pub(super) fn run(&mut self, now: Instant) {
        self.clock.set(now);
        while let Some(due) = self.next_action() {
            if due > self.clock.now() {
                break;
            }
            if let Some(action) = self.clock.pop() {
                self.act(action);
            }
        }
        while let Some(waker) = self.clock.pop_due_sleeper() {
            self.wakes.push(waker);
        }
        while let Some(host) = self.clock.pop_due_alarm() {
            self.ring(host);
        }
    }

    fn ring(&mut self, host: u32) {
        let Some(host) = self.hosts.get_mut(host as usize) else {
            return;
        };
        host.alarm = None;
        match host.waker.take() {
            Some(waker) => self.wakes.push(waker),
            None => host.alarm_missed = true,
        }
    }

    /// Keeps a waker that is woken when there is something to take. Returns the former waker, to be dropped outside the
    /// lock.
    pub(super) fn wait(&mut self, host: u32, waker: &Waker) -> Option<Waker> {
        let host = self.hosts.get_mut(host as usize)?;
        if core::mem::take(&mut host.alarm_missed) {
            self.wakes.push(waker.clone());
            return host.waker.take();
        }
        match &host.waker {
            Some(present) if present.will_wake(waker) => None,
            _ => host.waker.replace(waker.clone()),
        }
    }

    pub(super) fn set_alarm(&mut self, index: u32, deadline: Option<Instant>) {
        let now = self.clock.now();
        let Some(host) = self.hosts.get_mut(index as usize) else {
            return;
        };
        host.alarm_missed = false;
        let former = host.alarm.take();
        let due = deadline.is_some_and(|deadline| deadline <= now);
        host.alarm = deadline.filter(|_| !due && host.alive);
        let wish = host.alarm;
        self.clock.set_alarm(index, former, wish);
        if due {
            self.ring(index);
        }
    }

    /// Whether an action still has an effect. One that has none must not move the clock.
    fn is_wanted(&self, action: Action) -> bool {
        match action {
            Action::Arrive { .. } | Action::Lobby { .. } => true,
            Action::Transmit { end } | Action::LingerOver { end } | Action::Gather { end } => {
                self.live(end).is_some()
            }
            Action::CheckTimeout { end } => self.live(end).is_some_and(|end| !end.is_secured()),
            Action::Connected { end } | Action::Associated { end } => self
                .live(end)
                .is_some_and(|end| end.state != ConnectionState::Failed),
            Action::ConsentLost { end, epoch }
            | Action::ConsentFailed { end, epoch }
            | Action::ConsentBack { end, epoch } => {
                self.live(end).is_some_and(|end| end.epoch == epoch)
            }
            Action::Abort { to, .. } | Action::Control { to, .. } => self.live(to).is_some(),
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Transmit { end } => self.transmit(end),
            Action::Arrive { flight } => self.arrive(flight),
            Action::Gather { end } => self.gather(end),
            Action::Connected { end } => self.connected(end),
            Action::Associated { end } => self.associated(end),
            Action::CheckTimeout { end } => self.no_route(end),
            Action::ConsentLost { end, .. } => self.consent_lost(end),
            Action::ConsentFailed { end, .. } => self.consent_failed(end),
            Action::ConsentBack { end, .. } => self.consent_back(end),
            Action::Abort { to, from } => self.aborted(to, from),
            Action::Control {
                to,
                stream,
                control,
            } => self.control_arrived(to, stream, control),
            Action::LingerOver { end } => self.close_now(end),
            Action::Lobby { post } => self.deliver_letter(post),
        }
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            links: self.ends.iter().count(),
            messages_in_flight: self.flights.iter().count(),
            signals_in_flight: self.service.mail_in_flight(),
            scheduled: self
                .clock
                .actions()
                .filter(|action| self.is_wanted(*action))
                .count(),
        }
    }
}
