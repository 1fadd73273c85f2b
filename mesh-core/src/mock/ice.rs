//! The route between the two ends of a link: finding, securing and losing it.
//!
//! Each end has one step planned at a time, and a new plan replaces the former.

use core::time::Duration;

use super::world::{Action, Key, World};
use crate::{ConnectionState, LinkEvent};

/// How far the transport is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A description is missing.
    Idle,
    /// Looking for a route.
    Checking,
    /// A route was found and is being secured.
    Securing,
    /// The route stands (W3C: "connected"), and channels are open.
    Open,
}

/// What may be planned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The route is secured, or the far side answers again.
    Connected,
    /// The far side has not answered for so long that the link is "disconnected".
    Disconnected,
    /// The far side has not answered for so long that the link has failed. One that stood goes on when it answers again.
    Failed,
}

impl World {
    fn plan(&mut self, end: Key, span: Duration, step: Step) {
        let is_former = |action: &Action| matches!(action, Action::Step(of, _) if *of == end);
        self.clock.actions.retain(|_, action| !is_former(action));
        let due = self.clock.now + span;
        self.clock.schedule(due, Action::Step(end, step));
    }

    /// Looks for a route, when both descriptions are known.
    pub(super) fn check(&mut self, key: Key) {
        if let Some(end) = self.ends.get_mut(&key) {
            end.phase = Phase::Checking;
        }
        let config = self.config(key.0);
        let patience = config.ice_disconnected + config.ice_failed;
        self.plan(key, patience, Step::Failed);
    }

    /// Starts to secure a route if both ends look for one and there is one.
    ///
    /// ICE can do with the candidates of one side (peer-reflexive discovery). The mock requires those of both, so that a
    /// test notices when a game loses candidates.
    pub(super) fn try_connect(&mut self, key: Key) {
        let is_ready = |key: &Key| {
            let end = self.ends.get(key).filter(|end| end.reachable)?;
            (end.has_far_candidate && end.phase == Phase::Checking).then_some(end.far?)
        };
        let Some(far) = is_ready(&key).filter(|far| is_ready(far).is_some()) else {
            return;
        };
        // There and back: one round trip of checks, two of DTLS and two of SCTP.
        let words = (0..10).map(|_| self.paths.conditions.word(&mut self.rng));
        let span = words.sum();
        for key in [key, far] {
            if let Some(end) = self.ends.get_mut(&key) {
                end.phase = Phase::Securing;
            }
            self.plan(key, span, Step::Connected);
        }
    }

    pub(super) fn step(&mut self, key: Key, step: Step) {
        let Some(end) = self.ends.get_mut(&key) else {
            return;
        };
        match step {
            Step::Connected => {
                end.phase = Phase::Open;
                self.set_state(key, ConnectionState::Connected);
                self.look_at_pair(key);
                self.open_channels(key);
            }
            Step::Disconnected => {
                self.set_state(key, ConnectionState::Disconnected);
                let span = self.config(key.0).ice_failed;
                self.plan(key, span, Step::Failed);
            }
            Step::Failed => {
                self.set_state(key, ConnectionState::Failed);
                self.refresh(key);
            }
        }
    }

    /// Checks every route, after conditions or partitions changed.
    pub(super) fn refresh_all(&mut self) {
        let ends: alloc::vec::Vec<Key> = self.ends.keys().copied().collect();
        for key in ends {
            self.refresh(key);
        }
    }

    /// The links that a backend has carry nothing any more.
    pub(super) fn strand(&mut self, host: u32) {
        let ends: alloc::vec::Vec<Key> = self.ends.keys().copied().collect();
        for key in ends.into_iter().filter(|(of, _)| *of == host) {
            if let Some(end) = self.ends.get_mut(&key) {
                end.stranded = true;
            }
            self.refresh(key);
        }
    }

    /// Checks whether an end's far side answers now, and does what follows from a change.
    pub(super) fn refresh(&mut self, key: Key) {
        let answers = self.answers(key);
        let config = self.config(key.0);
        let round_trip = self.paths.conditions.latency * 2;
        let Some(end) = self.ends.get_mut(&key) else {
            return;
        };
        if core::mem::replace(&mut end.reachable, answers) == answers {
            return;
        }
        let far = end.far;
        match (end.phase, answers, end.state) {
            (Phase::Idle | Phase::Checking, ..) | (Phase::Open, false, ConnectionState::Failed) => {
            }
            (Phase::Securing, ..) => self.check(key),
            (Phase::Open, true, _) => self.plan(key, round_trip, Step::Connected),
            (Phase::Open, false, ConnectionState::Disconnected) => {
                self.plan(key, config.ice_failed, Step::Failed);
            }
            (Phase::Open, false, _) => {
                self.plan(key, config.ice_disconnected, Step::Disconnected);
            }
        }
        // The far side learns of it at the same time.
        if let Some(far) = far {
            self.refresh(far);
        }
        if answers {
            self.try_connect(key);
            self.schedule_transmit(key);
        }
    }

    /// Whether each of two ends has the other's description, and the path between them carries.
    fn answers(&self, key: Key) -> bool {
        let end = self.ends.get(&key);
        let far = end.and_then(|end| self.ends.get(&end.far?));
        let (Some(end), Some(far)) = (end, far) else {
            return false;
        };
        let has_given_up = [end, far]
            .iter()
            .any(|end| end.state == ConnectionState::Failed && end.phase != Phase::Open);
        far.far == Some(key)
            && !has_given_up
            && !end.stranded
            && !far.stranded
            && end.far.is_some_and(|far| self.paths.is_up(key.0, far.0))
    }

    pub(super) fn set_state(&mut self, key: Key, state: ConnectionState) {
        if let Some(end) = self.ends.get_mut(&key)
            && core::mem::replace(&mut end.state, state) != state
        {
            let link = key.1;
            self.tell(key, LinkEvent::State { link, state });
        }
    }
}
