//! Routes between two ends: finding, securing and losing them.

use core::time::Duration;

use super::clock::Action;
use super::endpoint::{Endpoint, Negotiation, Progress};
use super::key::Key;
use super::world::World;
use crate::{ConnectionState, LinkEvent, Reliability};

/// How long until a step of the handshake is tried again when the far side did not answer.
const STEP_AGAIN: Duration = Duration::from_millis(100);

impl World {
    /// Begins to look for a route, when both descriptions are known.
    pub(super) fn begin_checks(&mut self, key: Key) {
        let now = self.clock.now();
        let Some(end) = self.live_mut(key) else {
            return;
        };
        end.progress = Progress::Checking;
        let host = end.host;
        self.set_state(key, ConnectionState::Connecting);
        if let Some(host) = self.host(host) {
            let due = now + host.config.ice_disconnected + host.config.ice_failed;
            self.clock.schedule(due, Action::CheckTimeout { end: key });
        }
        self.refresh(key);
        self.try_connect(key);
    }

    /// Starts to secure a route if both ends look for one and there is one.
    ///
    /// ICE can do with the candidates of one side (peer-reflexive discovery). The mock requires those of both, so that a
    /// test notices when a game loses candidates.
    pub(super) fn try_connect(&mut self, key: Key) {
        let Some((end, far_key, far)) = self.pair(key) else {
            return;
        };
        let both_check = end.progress == Progress::Checking && far.progress == Progress::Checking;
        if !both_check || !end.reachable || !far.reachable || !self.has_route(end, far) {
            return;
        }
        let (offerer, answerer) = if end.offerer {
            (key, far_key)
        } else {
            (far_key, key)
        };
        // The answerer is the DTLS client, so it completes each step later, by the time of one way.
        let steps = self.handshake(offerer, answerer);
        let lag = self.latency(offerer, answerer);
        self.secure(offerer, steps, Duration::ZERO);
        self.secure(answerer, steps, lag);
    }

    fn secure(&mut self, key: Key, (secured, associated): (Duration, Duration), lag: Duration) {
        let now = self.clock.now();
        let Some(end) = self.live_mut(key) else {
            return;
        };
        end.progress = Progress::Securing;
        end.associated_at = now + associated + lag;
        let due = now + secured + lag;
        self.clock.schedule(due, Action::Connected { end: key });
    }

    /// How long it takes, including losses, until DTLS is complete (one round trip of checks and two of DTLS), and until
    /// SCTP is (two more).
    fn handshake(&mut self, a: Key, b: Key) -> (Duration, Duration) {
        let (Some(a), Some(b)) = (self.live(a), self.live(b)) else {
            return (Duration::ZERO, Duration::ZERO);
        };
        let there = *self.paths.path(a.host, b.host);
        let back = *self.paths.path(b.host, a.host);
        let rng = &mut self.rng;
        let mut round_trips = |count: u32| {
            (0..count)
                .flat_map(|_| [there, back])
                .filter_map(|path| path.transit(rng, 1, Reliability::Reliable, Duration::ZERO))
                .sum::<Duration>()
        };
        let secured = round_trips(3);
        (secured, secured + round_trips(2))
    }

    /// Completes a step of the handshake if the far side answers, or tries it again later.
    fn step(&mut self, key: Key, action: Action) -> bool {
        let answers = self.live(key).is_some_and(|end| end.reachable);
        if !answers {
            self.clock.schedule(self.clock.now() + STEP_AGAIN, action);
        }
        answers
    }

    pub(super) fn connected(&mut self, key: Key) {
        let now = self.clock.now();
        if !self.step(key, Action::Connected { end: key }) {
            return;
        }
        let Some(end) = self.live_mut(key) else {
            return;
        };
        end.progress = Progress::Secured;
        end.associated_at = end.associated_at.max(now);
        let due = end.associated_at;
        self.clock.schedule(due, Action::Associated { end: key });
        self.set_state(key, ConnectionState::Connected);
    }

    pub(super) fn associated(&mut self, key: Key) {
        if !self.step(key, Action::Associated { end: key }) {
            return;
        }
        if let Some(end) = self.live_mut(key) {
            end.progress = Progress::Associated;
        }
        self.open_channels(key);
    }

    /// Fails a link whose far side never answered.
    pub(super) fn no_route(&mut self, key: Key) {
        self.set_state(key, ConnectionState::Failed);
        self.give_up(key);
    }

    pub(super) fn consent_lost(&mut self, key: Key) {
        let now = self.clock.now();
        self.set_state(key, ConnectionState::Disconnected);
        let Some(end) = self.live(key) else {
            return;
        };
        let (host, epoch) = (end.host, end.epoch);
        if let Some(host) = self.host(host) {
            let due = now + host.config.ice_failed;
            self.clock
                .schedule(due, Action::ConsentFailed { end: key, epoch });
        }
    }

    pub(super) fn consent_failed(&mut self, key: Key) {
        self.set_state(key, ConnectionState::Failed);
        self.give_up(key);
    }

    pub(super) fn consent_back(&mut self, key: Key) {
        self.set_state(key, ConnectionState::Connected);
    }

    /// Makes the far side notice that a failed end does not answer any more.
    fn give_up(&mut self, key: Key) {
        let far = self.live(key).and_then(|end| end.far);
        self.refresh(key);
        if let Some(far) = far {
            self.refresh(far);
        }
    }

    /// Checks every route, after conditions or partitions changed.
    pub(super) fn refresh_all(&mut self) {
        for key in self.ends.ids() {
            self.refresh(key);
        }
    }

    /// Checks whether an end's far side answers now, and does what follows from a change.
    pub(super) fn refresh(&mut self, key: Key) {
        let answers = self.pair(key).is_some_and(|(end, _, far)| {
            end.state != ConnectionState::Failed
                && far.state != ConnectionState::Failed
                && self.paths.is_up(end.host, far.host)
        });
        let Some(end) = self.live_mut(key) else {
            return;
        };
        if end.reachable == answers {
            return;
        }
        end.reachable = answers;
        end.epoch += 1;
        if answers {
            self.answers_again(key);
        } else {
            self.answers_no_more(key);
        }
    }

    fn answers_no_more(&mut self, key: Key) {
        let now = self.clock.now();
        let Some(end) = self.live_mut(key) else {
            return;
        };
        if !end.is_secured() || end.state == ConnectionState::Failed {
            return;
        }
        let (host, epoch) = (end.host, end.epoch);
        let silent_already = end.state == ConnectionState::Disconnected;
        if let Some(host) = self.host(host) {
            let (due, action) = if silent_already {
                let due = now + host.config.ice_failed;
                (due, Action::ConsentFailed { end: key, epoch })
            } else {
                let due = now + host.config.ice_disconnected;
                (due, Action::ConsentLost { end: key, epoch })
            };
            self.clock.schedule(due, action);
        }
    }

    fn answers_again(&mut self, key: Key) {
        let now = self.clock.now();
        let Some((end, far_key, far)) = self.pair(key) else {
            return;
        };
        let due = now + self.paths.round_trip(end.host, far.host);
        if end.state == ConnectionState::Disconnected {
            let epoch = end.epoch;
            self.clock
                .schedule(due, Action::ConsentBack { end: key, epoch });
        }
        self.release_held(key);
        self.schedule_transmit(key, now);
        // The far side may have learned of us only now, too.
        self.refresh(far_key);
        self.try_connect(key);
    }

    /// An end and its far side, if each has the other's description.
    pub(super) fn pair(&self, key: Key) -> Option<(&Endpoint, Key, &Endpoint)> {
        let end = self.live(key)?;
        let far_key = end.far?;
        let far = self.live(far_key)?;
        let agreed = end.negotiation == Negotiation::Done
            && far.negotiation == Negotiation::Done
            && far.far == Some(key)
            && end.offerer != far.offerer;
        agreed.then_some((end, far_key, far))
    }

    /// Whether each end has a candidate of the other, and the path between them needs no relay.
    fn has_route(&self, end: &Endpoint, far: &Endpoint) -> bool {
        end.has_far_candidate && far.has_far_candidate && self.paths.is_direct(end.host, far.host)
    }

    fn latency(&self, from: Key, to: Key) -> Duration {
        match (self.live(from), self.live(to)) {
            (Some(from), Some(to)) => self.paths.path(from.host, to.host).latency(),
            _ => Duration::ZERO,
        }
    }

    pub(super) fn set_state(&mut self, key: Key, state: ConnectionState) {
        let Some(end) = self.live_mut(key) else {
            return;
        };
        if end.state == state || end.closing {
            return;
        }
        end.state = state;
        let link = end.link;
        self.tell(key, LinkEvent::State { link, state });
    }
}
