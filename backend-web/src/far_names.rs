//! Candidates of the far side whose address is a name, until there is a route.
//!
//! The browser asks the network for the name by multicast DNS when it is given the candidate, and may get no answer: on a wireless
//! network such questions are lost, and a busy machine has its name known late. Chromium does not ask again, and Firefox gives
//! a connection up that has had no address to try for 5 s. So the candidate is given to the browser again, which asks anew. It
//! ignores an address that it has already (RFC 8838 section 11).

use mesh_core::{Duration, IceCandidate};

use crate::names::is_named;

/// The pauses before each next try. Chromium waits 3 s for an answer and asks nothing meanwhile, so the third
/// is later than that, and still before Firefox gives up.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(1),
    Duration::from_millis(1500),
    Duration::from_millis(1500),
    Duration::from_secs(2),
];

/// How many are kept. A machine has one for each of its networks; a far side could name any number.
const MAX_NAMES: usize = 16;

/// Those of one description of the far side.
#[derive(Debug, Default)]
pub(crate) struct FarNames {
    candidates: Vec<IceCandidate>,
    tries: usize,
}

impl FarNames {
    /// A candidate that the browser has been given. Whether it is the first one with a name.
    pub(crate) fn add(&mut self, candidate: &IceCandidate) -> bool {
        if self.candidates.len() >= MAX_NAMES || !is_named(candidate) {
            return false;
        }
        self.candidates.push(candidate.clone());
        self.candidates.len() == 1
    }

    /// How long to wait until [`again`](Self::again). `None`: it was tried often enough.
    pub(crate) fn pause(&self) -> Option<Duration> {
        PAUSES.get(self.tries).copied()
    }

    /// What the browser is to be given again.
    pub(crate) fn again(&mut self) -> Vec<IceCandidate> {
        self.tries = self.tries.saturating_add(1);
        self.candidates.clone()
    }

    /// There is a route, or another description.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
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
    fn names_are_given_again_a_few_times() {
        let mut names = FarNames::default();
        assert!(!names.add(&candidate("192.0.2.7")));
        assert!(names.add(&candidate("x.local")));
        assert!(!names.add(&candidate("y.local")), "the pause has begun");
        let mut waited = Duration::ZERO;
        while let Some(pause) = names.pause() {
            waited += pause;
            assert_eq!(names.again(), [candidate("x.local"), candidate("y.local")]);
        }
        assert_eq!(waited, Duration::from_secs(7));
        names.forget();
        assert_eq!(names.again(), []);
        assert!(names.add(&candidate("z.local")));
    }

    #[test]
    fn not_any_number_is_kept() {
        let mut names = FarNames::default();
        for number in 0..1000 {
            names.add(&candidate(&format!("{number}.local")));
        }
        assert_eq!(names.again().len(), MAX_NAMES);
    }
}
