//! The route between the two ends of a link: finding, securing and losing it.
//!
//! Each end has one step planned at a time, and a new plan replaces the former.

use core::time::Duration;

use super::world::{Action, Key, World};
use crate::{ConnectionState, LinkEvent};

/// How long until a step of the handshake is tried again when the far side did not answer.
const STEP_AGAIN: Duration = Duration::from_millis(100);

/// How far the transport is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// A description is missing.
    Idle,
    /// Looking for a route.
    Checking,
    /// A route was found and is being secured.
    Securing,
    /// DTLS is complete (W3C: "connected").
    Secured,
    /// SCTP is complete, too, and channels are open.
    Open,
}

/// What may be planned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The route is secured, or the far side answers again.
    Connected,
    /// The association is complete, so channels open.
    Open,
    /// The far side has not answered for so long that the link is "disconnected".
    Disconnected,
    /// The far side has not answered for so long that the link has failed.
    Failed,
}

impl World {
    fn plan(&mut self, end: Key, span: Duration, step: Step) {
        let plan = self.clock.unique();
        if let Some(end) = self.ends.get_mut(&end) {
            end.plan = plan;
        }
        let due = self.clock.now + span;
        self.clock.schedule(due, Action::Step { end, plan, step });
    }

    /// Begins to look for a route, when both descriptions are known.
    pub(super) fn begin_checks(&mut self, key: Key) {
        let config = self.config(key.0);
        let patience = config.ice_disconnected + config.ice_failed;
        if let Some(end) = self.ends.get_mut(&key) {
            end.phase = Phase::Checking;
            end.deadline = self.clock.now + patience;
        }
        self.set_state(key, ConnectionState::Connecting);
        self.plan(key, patience, Step::Failed);
        self.refresh(key);
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
        let there = self.paths.get(key.0, far.0);
        let back = self.paths.get(far.0, key.0);
        let mut round_trips = |count| {
            let words = (0..count).flat_map(|_| [there, back]);
            words.map(|path| path.word(&mut self.rng)).sum::<Duration>()
        };
        // One round trip of checks and two of DTLS, then two of SCTP.
        let (secured, opens) = (round_trips(3), round_trips(2));
        for key in [key, far] {
            let Some(end) = self.ends.get_mut(&key) else {
                continue;
            };
            // The answerer is the DTLS client, so it completes each step later, by the time of one way.
            let lag = if end.offerer {
                Duration::ZERO
            } else {
                there.latency
            };
            end.phase = Phase::Securing;
            end.opens_at = self.clock.now + secured + opens + lag;
            self.plan(key, secured + lag, Step::Connected);
        }
    }

    pub(super) fn step(&mut self, key: Key, step: Step) {
        let now = self.clock.now;
        let Some(end) = self.ends.get_mut(&key) else {
            return;
        };
        match step {
            Step::Connected if !end.reachable => {
                let is_late = now >= end.deadline;
                let next = if is_late { Step::Failed } else { step };
                self.plan(key, STEP_AGAIN, next);
            }
            Step::Connected => {
                if end.phase < Phase::Open {
                    end.phase = Phase::Secured;
                    let rest = end.opens_at - now;
                    self.plan(key, rest, Step::Open);
                }
                self.set_state(key, ConnectionState::Connected);
            }
            Step::Open => {
                end.phase = Phase::Open;
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

    /// Checks whether an end's far side answers now, and does what follows from a change.
    pub(super) fn refresh(&mut self, key: Key) {
        let answers = self.answers(key);
        let config = self.config(key.0);
        let Some(end) = self.ends.get_mut(&key) else {
            return;
        };
        if core::mem::replace(&mut end.reachable, answers) == answers {
            return;
        }
        let far = end.far;
        if end.phase >= Phase::Secured && end.state != ConnectionState::Failed {
            let (span, step) = match (answers, end.state) {
                (true, _) => {
                    let far = far.map_or(0, |far| far.0);
                    (self.paths.round_trip(key.0, far), Step::Connected)
                }
                (false, ConnectionState::Disconnected) => (config.ice_failed, Step::Failed),
                (false, _) => (config.ice_disconnected, Step::Disconnected),
            };
            self.plan(key, span, step);
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
        let has_failed = [end, far]
            .map(|end| end.state)
            .contains(&ConnectionState::Failed);
        far.far == Some(key)
            && !has_failed
            && end.far.is_some_and(|far| self.paths.is_up(key.0, far.0))
    }

    fn set_state(&mut self, key: Key, state: ConnectionState) {
        if let Some(end) = self.ends.get_mut(&key)
            && core::mem::replace(&mut end.state, state) != state
        {
            let link = key.1;
            self.tell(key, LinkEvent::State { link, state });
        }
    }
}
