//! Candidates whose address is a name that nobody can look up yet.
//!
//! A browser hides a host's address behind a random name (`….local`) and answers for it by multicast DNS. Chromium tells of the
//! candidate when the name is known to the network, Firefox before. Where the signaling is quick, the far side then asks too
//! early, gets no answer, and does not ask again: with two browsers on one network, no route.

use std::collections::VecDeque;

use mesh_core::{Duration, IceCandidate};

use crate::js;
use crate::timer::Timer;

/// How long Firefox gets to make a name known; 60 ms were enough in every one of ten meshes of three, none in none of four.
const MAKING_KNOWN: Duration = Duration::from_millis(100);

/// Holds such candidates back, in a browser that is too quick with them.
pub(crate) struct Names {
    too_quick: bool,
    waiting: VecDeque<(IceCandidate, Timer)>,
}

impl Names {
    /// For this browser.
    pub(crate) fn new() -> Self {
        let agent = js::get(&js_sys::global(), "navigator")
            .and_then(|navigator| js::get_string(&navigator, "userAgent"));
        Self {
            too_quick: agent.is_some_and(|agent| is_too_quick(&agent)),
            waiting: VecDeque::new(),
        }
    }

    /// Gives the candidate back if it may be told now. Otherwise `ring` is called when the oldest that waits may be.
    pub(crate) fn admit(
        &mut self,
        candidate: IceCandidate,
        ring: impl Fn() + 'static,
    ) -> Option<IceCandidate> {
        if !self.too_quick || !is_named(&candidate) {
            return Some(candidate);
        }
        match Timer::start(MAKING_KNOWN, ring) {
            Some(timer) => {
                self.waiting.push_back((candidate, timer));
                None
            }
            None => Some(candidate),
        }
    }

    /// The oldest that waits: its time has come.
    pub(crate) fn known(&mut self) -> Option<IceCandidate> {
        self.waiting.pop_front().map(|(candidate, _)| candidate)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Those that wait belong to a description that has been replaced.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// Whether this browser (W3C: `navigator.userAgent`) tells of a name before it is known.
fn is_too_quick(agent: &str) -> bool {
    agent.contains("Firefox/")
}

/// Whether the address (the fifth field, RFC 8839 section 5.1) is a name of multicast DNS.
fn is_named(candidate: &IceCandidate) -> bool {
    candidate
        .candidate
        .split_ascii_whitespace()
        .nth(4)
        .is_some_and(|address| address.ends_with(".local"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(address: &str) -> IceCandidate {
        IceCandidate {
            sdp_mid: "0".into(),
            sdp_m_line_index: 0,
            candidate: format!("candidate:0 1 UDP 2122187007 {address} 52319 typ host"),
        }
    }

    #[test]
    fn only_names_have_to_be_made_known() {
        assert!(is_named(&candidate(
            "b20cb485-d317-4829-8263-1fda98067416.local"
        )));
        assert!(!is_named(&candidate("192.0.2.7")));
        assert!(!is_named(&candidate("")));
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
        assert!(is_too_quick(agent));
    }

    #[test]
    fn a_browser_that_is_not_too_quick_holds_nothing_back() {
        let mut names = Names {
            too_quick: false,
            waiting: VecDeque::new(),
        };
        let named = candidate("x.local");
        let told = names.admit(named.clone(), || panic!("no timer"));
        assert_eq!(told, Some(named));
        assert!(names.is_empty());
    }
}
