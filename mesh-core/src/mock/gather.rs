//! Candidates: finding our own, and judging the far side's.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::clock::Action;
use super::conditions::Turn;
use super::end::{End, Negotiation};
use super::sdp;
use super::slab::Key;
use super::world::World;
use crate::{
    CandidateType, ConnectFailure, IceCandidate, IceTransportPolicy, LinkConfig, LinkEvent,
};

impl World {
    /// Lists what is to be found; each takes its time.
    pub(super) fn begin_gathering(&mut self, key: Key) {
        let Some(end) = self.live(key) else {
            return;
        };
        let Some(host) = self.host(end.host) else {
            return;
        };
        let mut to_find = Vec::new();
        if end.config.ice_transport_policy == IceTransportPolicy::All {
            to_find.resize(
                usize::from(host.config.host_candidates),
                CandidateType::Host,
            );
        }
        if turn_url(&end.config).is_some() && self.turn == Turn::Reachable {
            to_find.push(CandidateType::Relay);
        }
        to_find.reverse();
        if let Some(end) = self.live_mut(key) {
            end.to_find = to_find;
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
        let Some(kind) = end.to_find.pop() else {
            let trouble = String::new();
            self.tell(key, LinkEvent::Gathered { link, trouble });
            self.check_relay(key);
            return;
        };
        let number = u16::try_from(end.found.len()).unwrap_or(u16::MAX);
        let candidate = sdp::candidate(end.host, key, number, kind);
        end.found.push((kind, candidate.clone()));
        let candidate = IceCandidate {
            sdp_mid: "0".to_string(),
            sdp_m_line_index: 0,
            candidate,
        };
        self.tell(key, LinkEvent::Candidate { link, candidate });
        self.schedule_gathering(key);
    }

    /// Where only relays may be used and there is none, the link is given up as soon as that is known.
    fn check_relay(&mut self, key: Key) {
        let Some(end) = self.live(key) else {
            return;
        };
        let needed = end.config.ice_transport_policy == IceTransportPolicy::Relay;
        if !needed || !end.found.is_empty() {
            return;
        }
        let cause = match (turn_url(&end.config), self.turn) {
            (None, _) => "no TURN server is configured".to_string(),
            (Some(url), Turn::RefusesCredentials) => {
                format!("{url}: 401 Unauthorized, the credential is wrong")
            }
            (Some(url), Turn::Unreachable | Turn::Reachable) => format!("{url}: no answer"),
        };
        self.fail(key, ConnectFailure::NoRelay { cause });
    }

    pub(super) fn add_candidate(&mut self, key: Key, candidate: &IceCandidate) {
        let Some(end) = self.live(key).filter(|end| !end.closing) else {
            return;
        };
        match self.judge(end, candidate) {
            Err(problem) => self.fail(key, ConnectFailure::Candidate(problem)),
            Ok(None) => {}
            Ok(Some(kind)) => {
                if let Some(end) = self.live_mut(key) {
                    end.heard.push(kind);
                }
                self.try_connect(key);
            }
        }
    }

    /// The candidate's type; `None` when it leads nowhere, which is no error.
    fn judge(&self, end: &End, candidate: &IceCandidate) -> Result<Option<CandidateType>, String> {
        if end.negotiation != Negotiation::Done {
            return Err("it came before the description".to_string());
        }
        if candidate.sdp_mid != "0" && candidate.sdp_m_line_index != 0 {
            return Err("it belongs to no section of the description".to_string());
        }
        let kind = sdp::read_candidate(&candidate.candidate)?;
        let line = candidate.candidate.as_str();
        let line = line.strip_prefix("a=").unwrap_or(line);
        let far = end.far.and_then(|far| self.live(far));
        let is_its_own = far.is_some_and(|far| far.found.iter().any(|(_, found)| found == line));
        let is_new = !end.heard.contains(&kind);
        Ok((is_its_own && is_new).then_some(kind))
    }
}

fn turn_url(config: &LinkConfig) -> Option<&str> {
    let urls = config.ice_servers.iter().flat_map(|server| &server.urls);
    urls.map(String::as_str).find(|url| url.starts_with("turn"))
}
