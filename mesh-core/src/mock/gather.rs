//! Candidates: finding those of this side, and judging those of the far side.

use alloc::string::{String, ToString};

use super::clock::Action;
use super::endpoint::{Endpoint, Negotiation};
use super::key::Key;
use super::sdp;
use super::world::World;
use crate::{ConnectFailure, IceCandidate, IceTransportPolicy, LinkEvent};

impl World {
    /// Begins to look for candidates; each takes its time.
    pub(super) fn begin_gathering(&mut self, key: Key) {
        let Some(end) = self.live(key) else {
            return;
        };
        let count = match end.config.ice_transport_policy {
            IceTransportPolicy::All => self.host(end.host).map(|host| host.config.host_candidates),
            IceTransportPolicy::Relay => None,
        };
        if let Some(end) = self.live_mut(key) {
            end.to_find = count.unwrap_or(0);
        }
        self.schedule_gathering(key);
    }

    fn schedule_gathering(&mut self, key: Key) {
        let now = self.clock.now();
        let Some(host) = self.live(key).and_then(|end| self.host(end.host)) else {
            return;
        };
        let due = now + host.config.gathering;
        self.clock.schedule(due, Action::Gather { end: key });
    }

    /// The next candidate is found; after the last one, gathering ends.
    pub(super) fn gather(&mut self, key: Key) {
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        let link = end.link;
        if end.to_find == 0 {
            let needs_relay = end.config.ice_transport_policy == IceTransportPolicy::Relay;
            let trouble = String::new();
            self.tell(key, LinkEvent::Gathered { link, trouble });
            if needs_relay {
                let cause = "the mock has no TURN server".to_string();
                self.fail(key, ConnectFailure::NoRelay { cause });
            }
            return;
        }
        end.to_find -= 1;
        let number = u16::try_from(end.found.len()).unwrap_or(u16::MAX);
        let candidate = sdp::candidate(end.host, key, number);
        end.found.push(candidate.clone());
        let candidate = IceCandidate {
            sdp_mid: "0".to_string(),
            sdp_m_line_index: 0,
            candidate,
        };
        self.tell(key, LinkEvent::Candidate { link, candidate });
        self.schedule_gathering(key);
    }

    pub(super) fn add_candidate(&mut self, key: Key, candidate: &IceCandidate) {
        let Some(end) = self.live(key).filter(|end| !end.closing) else {
            return;
        };
        match self.judge(end, candidate) {
            Err(problem) => self.fail(key, ConnectFailure::Candidate(problem)),
            Ok(false) => {}
            Ok(true) => {
                if let Some(end) = self.live_mut(key) {
                    end.has_far_candidate = true;
                }
                self.try_connect(key);
            }
        }
    }

    /// Whether the candidate leads to the far side. One that leads nowhere is no error.
    fn judge(&self, end: &Endpoint, candidate: &IceCandidate) -> Result<bool, String> {
        if end.negotiation != Negotiation::Done {
            return Err("it came before the description".to_string());
        }
        if candidate.sdp_mid != "0" && candidate.sdp_m_line_index != 0 {
            return Err("it belongs to no section of the description".to_string());
        }
        sdp::read_candidate(&candidate.candidate)?;
        let line = candidate.candidate.as_str();
        let line = line.strip_prefix("a=").unwrap_or(line);
        let far = end.far.and_then(|far| self.live(far));
        Ok(far.is_some_and(|far| far.found.iter().any(|found| found == line)))
    }
}
