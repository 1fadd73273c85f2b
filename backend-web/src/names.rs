//! Candidates whose address is a name that nobody can look up yet.
//!
//! A browser hides a host's address behind a random name (`….local`) and answers for it by multicast DNS. Chromium tells of the
//! candidate when the name is known to the network, Firefox before. Where the signaling is quick, the far side then asks too
//! early and gets no answer. A Chromium of ours asks again after 3 s ([`far_names`](crate::far_names)) and waits for 3 s
//! more where a name has an address of one family alone. So Firefox holds them back a while, whoever the far side is, unless it is known to do without.
//!
//! That is where it answers another Firefox, with which they have not been seen to be needed. If that one is an offerer of ours,
//! its own candidates, which were held back, lead here at any rate; one way is enough, because whoever is asked learns the asker's
//! address. A Godot export in Firefox holds nothing back: there it is left to the two to ask in time, or again.

use std::collections::VecDeque;

use mesh_core::{Duration, IceCandidate, SessionDescription};

use crate::js;
use crate::timer::Timer;

/// How long Firefox gets to make a name known. On a quiet machine 60 ms were enough in every one of ten meshes of three, none in
/// none of four. On a busy one 100 ms were not always enough. It is a second way: mostly the far side's own candidates
/// have led to a route before.
const MAKING_KNOWN: Duration = Duration::from_millis(400);

/// What Firefox writes into the first lines of its descriptions (RFC 8866 section 5.2), as who made the session.
const FIREFOX: &str = "mozilla...THIS_IS_SDPARTA";

/// Holds such candidates back, in a browser that is too quick with them.
pub(crate) struct Names {
    too_quick: bool,
    /// For the description of now.
    holding: bool,
    waiting: VecDeque<(IceCandidate, Timer)>,
}

impl Names {
    /// For this browser.
    pub(crate) fn new() -> Self {
        let agent = js::get(&js_sys::global(), "navigator")
            .and_then(|navigator| js::get_string(&navigator, "userAgent"));
        Self {
            too_quick: agent.is_some_and(|agent| is_too_quick(&agent)),
            holding: true,
            waiting: VecDeque::new(),
        }
    }

    /// Whether this browser tells of a name before it is known.
    pub(crate) const fn is_too_quick(&self) -> bool {
        self.too_quick
    }

    /// A description is applied that answers this offer, or none. Those that wait belong to the one that it replaces.
    pub(crate) fn begin(&mut self, answered: Option<&SessionDescription>) {
        self.waiting.clear();
        self.holding = self.too_quick && !answered.is_some_and(is_from_firefox);
    }

    /// Gives the candidate back if it may be told now. Otherwise `ring` is called when the oldest that waits may be.
    pub(crate) fn admit(
        &mut self,
        candidate: IceCandidate,
        ring: impl Fn() + 'static,
    ) -> Option<IceCandidate> {
        if !self.holding || !is_named(&candidate) {
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
}

/// Whether this browser (W3C: `navigator.userAgent`) tells of a name before it is known.
fn is_too_quick(agent: &str) -> bool {
    agent.contains("Firefox/")
}

fn is_from_firefox(description: &SessionDescription) -> bool {
    let origin = description
        .sdp
        .lines()
        .find_map(|line| line.strip_prefix("o="));
    origin.is_some_and(|origin| origin.starts_with(FIREFOX))
}

/// Whether the address (the fifth field, RFC 8839 section 5.1) is a name of multicast DNS.
pub(crate) fn is_named(candidate: &IceCandidate) -> bool {
    candidate
        .candidate
        .split_ascii_whitespace()
        .nth(4)
        .is_some_and(|address| address.ends_with(".local"))
}

#[cfg(test)]
pub(crate) mod tests {
    use mesh_core::SdpType;

    use super::*;

    pub(crate) fn candidate(address: &str) -> IceCandidate {
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

    fn names(too_quick: bool) -> Names {
        Names {
            too_quick,
            holding: true,
            waiting: VecDeque::new(),
        }
    }

    fn offer(origin: &str) -> SessionDescription {
        SessionDescription {
            sdp_type: SdpType::Offer,
            sdp: format!("v=0\r\no={origin}\r\ns=-\r\nt=0 0\r\n"),
        }
    }

    const FROM_FIREFOX: &str = "mozilla...THIS_IS_SDPARTA-99.0 6126741212393 0 IN IP4 0.0.0.0";
    const FROM_CHROMIUM: &str = "- 5104938462739 2 IN IP4 127.0.0.1";

    #[test]
    fn a_browser_that_is_not_too_quick_holds_nothing_back() {
        let mut names = names(false);
        let named = candidate("x.local");
        for answered in [None, Some(offer(FROM_CHROMIUM))] {
            names.begin(answered.as_ref());
            let told = names.admit(named.clone(), || panic!("no timer"));
            assert_eq!(told.as_ref(), Some(&named));
            assert!(names.is_empty());
        }
    }

    #[test]
    fn only_an_answer_to_its_like_does_without() {
        let mut names = names(true);
        names.begin(Some(&offer(FROM_FIREFOX)));
        let named = candidate("x.local");
        let told = names.admit(named.clone(), || panic!("no timer"));
        assert_eq!(told, Some(named));
        for other in [None, Some(offer(FROM_CHROMIUM)), Some(offer(""))] {
            names.begin(other.as_ref());
            assert!(names.holding, "{other:?}");
        }
    }
}
