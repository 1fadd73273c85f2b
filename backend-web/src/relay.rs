//! What a link has to do with TURN servers, and why none gave it an address.

use std::collections::BTreeMap;

use mesh_core::{ConnectFailure, IceCandidate, LinkConfig, platform};

use crate::js::presentable;

/// The browser's code for a server that did not answer (W3C: `RTCPeerConnectionIceErrorEvent`).
const NO_ANSWER: u16 = 701;

/// How many servers' words are kept.
const MAX_REFUSALS: usize = 16;

/// What a server said instead of giving an address, or that it said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The server.
    pub(crate) url: String,
    /// A STUN error code (RFC 8489), or the browser's own.
    pub(crate) code: u16,
    /// Its words.
    pub(crate) text: String,
}

/// The TURN servers of a link.
pub(crate) struct Relay {
    rule: platform::Relay,
    refusals: BTreeMap<String, Refusal>,
}

impl Relay {
    pub(crate) fn new(config: &LinkConfig) -> Self {
        Self {
            rule: platform::Relay::new(config),
            refusals: BTreeMap::new(),
        }
    }

    /// Whether nothing but a relay may be used.
    pub(crate) const fn is_only(&self) -> bool {
        self.rule.is_only()
    }

    /// A local candidate was found.
    pub(crate) fn found(&mut self, candidate: &IceCandidate) {
        if candidate.candidate.contains(" typ relay") {
            self.rule.found();
        }
    }

    /// A server gave none. What it said counts more than that one of its addresses did not answer.
    pub(crate) fn refused(&mut self, refusal: Refusal) {
        if !platform::Relay::is_turn(&refusal.url) || self.refusals.len() >= MAX_REFUSALS {
            return;
        }
        let former = self.refusals.get(&refusal.url);
        if former.is_none_or(|former| former.code == NO_ANSWER) {
            self.refusals.insert(refusal.url.clone(), refusal);
        }
    }

    /// Why the link cannot be, now that no more addresses come: it needs one of a relay and has none.
    pub(crate) fn failure(&self) -> Option<ConnectFailure> {
        self.rule.failure(|| {
            let words: Vec<_> = self.refusals.values().map(words).collect();
            words.join(", ")
        })
    }

    /// What became of the TURN servers, for a player; empty where one gave an address.
    pub(crate) fn trouble(&self) -> String {
        self.rule.trouble(|| {
            let words: Vec<_> = self.refusals.values().map(words).collect();
            words.join(", ")
        })
    }
}

fn words(refusal: &Refusal) -> String {
    let mut text = presentable(&refusal.text);
    if text.is_empty() {
        text = meaning(refusal.code).to_owned();
    }
    match (refusal.code, text.is_empty()) {
        (NO_ANSWER, true) => format!("{}: no answer", refusal.url),
        (NO_ANSWER, false) => format!("{}: no answer ({text})", refusal.url),
        (code, true) => format!("{}: {code}", refusal.url),
        (code, false) => format!("{}: {code} {text}", refusal.url),
    }
}

/// For a browser that passes on no words: those of RFC 8656.
const fn meaning(code: u16) -> &'static str {
    match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        437 => "Allocation Mismatch",
        442 => "Unsupported Transport Protocol",
        486 => "Allocation Quota Reached",
        508 => "Insufficient Capacity",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use mesh_core::{IceServer, IceTransportPolicy};

    use super::*;

    const URL: &str = "turn:turn.example.org:3478";

    fn relay(servers: Vec<IceServer>, policy: IceTransportPolicy) -> Relay {
        Relay::new(&LinkConfig {
            ice_servers: servers,
            ice_transport_policy: policy,
        })
    }

    fn refusal(code: u16, text: &str) -> Refusal {
        Refusal {
            url: URL.into(),
            code,
            text: text.into(),
        }
    }

    fn cause(relay: &Relay) -> String {
        match relay.failure() {
            Some(ConnectFailure::NoRelay { cause }) => cause,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_cause_is_what_the_server_said() {
        let servers = vec![IceServer::turn(URL, "user", "wrong")];
        let mut relay = relay(servers, IceTransportPolicy::Relay);
        assert_eq!(cause(&relay), format!("{URL}: no answer"));
        relay.refused(refusal(NO_ANSWER, ""));
        // Firefox gives no words.
        relay.refused(refusal(401, ""));
        relay.refused(refusal(NO_ANSWER, "timed out"));
        assert_eq!(cause(&relay), format!("{URL}: 401 Unauthorized"));
    }

    #[test]
    fn a_relayed_candidate_is_enough() {
        let servers = vec![IceServer::turn(URL, "user", "secret")];
        let mut relay = relay(servers, IceTransportPolicy::Relay);
        relay.found(&IceCandidate {
            sdp_mid: "0".into(),
            sdp_m_line_index: 0,
            candidate: "candidate:1 1 udp 1 192.0.2.1 5000 typ relay raddr 0.0.0.0 rport 0".into(),
        });
        assert_eq!(relay.failure(), None);
    }
}
