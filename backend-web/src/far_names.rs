//! Candidates of the far side whose address is a name, until there is a route.
//!
//! The browser asks the network for the name by multicast DNS when it is given the candidate, and may get no answer: on a wireless
//! network such questions are lost, and a busy machine has its name known late. Firefox asks three times within 9 s. Chromium asks
//! once and waits for 3 s. So it is given the candidate again, and asks anew; it ignores an address that it has already. One way is
//! enough, because whoever is asked learns the asker's address.

use std::collections::VecDeque;

use mesh_core::{Duration, IceCandidate};

use crate::names::is_named;
use crate::timer::Timer;

/// After how long a candidate is given again: Chromium waits no more.
pub(crate) const PAUSE: Duration = Duration::from_millis(3100);

/// How often.
const TIMES: u32 = 2;

/// How many are kept. A browser has a few for each network of its machine; a far side could name any number.
const MAX_NAMES: usize = 16;

/// Those of one description of the far side.
pub(crate) struct FarNames {
    is_needed: bool,
    waiting: VecDeque<FarName>,
}

/// One that the browser has been given.
pub(crate) struct FarName {
    pub(crate) candidate: IceCandidate,
    given_again: u32,
    _timer: Option<Timer>,
}

impl FarNames {
    /// `is_needed` where the browser asks only once.
    pub(crate) const fn new(is_needed: bool) -> Self {
        Self {
            is_needed,
            waiting: VecDeque::new(),
        }
    }

    /// The browser has been given a candidate. `timer` makes what rings after [`PAUSE`] if that is to be done again.
    pub(crate) fn given(&mut self, candidate: IceCandidate, timer: impl FnOnce() -> Option<Timer>) {
        if self.is_needed && is_named(&candidate) {
            self.wait(candidate, 0, timer);
        }
    }

    /// The browser has been given this one once more.
    pub(crate) fn given_again(&mut self, name: FarName, timer: impl FnOnce() -> Option<Timer>) {
        self.wait(name.candidate, name.given_again + 1, timer);
    }

    fn wait(
        &mut self,
        candidate: IceCandidate,
        given_again: u32,
        timer: impl FnOnce() -> Option<Timer>,
    ) {
        if given_again < TIMES && self.waiting.len() < MAX_NAMES {
            self.waiting.push_back(FarName {
                candidate,
                given_again,
                _timer: timer(),
            });
        }
    }

    /// The one that has waited longest: its time has come.
    pub(crate) fn next(&mut self) -> Option<FarName> {
        self.waiting.pop_front()
    }

    /// There is a route, or another description.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::tests::candidate;

    fn give_again(names: &mut FarNames) -> Option<IceCandidate> {
        let name = names.next()?;
        let candidate = name.candidate.clone();
        names.given_again(name, || None);
        Some(candidate)
    }

    #[test]
    fn each_name_is_given_again_so_often() {
        let mut names = FarNames::new(true);
        for address in ["192.0.2.7", "x.local", "y.local"] {
            names.given(candidate(address), || None);
        }
        assert_eq!(give_again(&mut names), Some(candidate("x.local")));
        // One that comes late has all its times, too.
        names.given(candidate("z.local"), || None);
        for address in ["y.local", "x.local", "z.local", "y.local", "z.local"] {
            assert_eq!(give_again(&mut names), Some(candidate(address)));
        }
        assert_eq!(give_again(&mut names), None);
    }

    #[test]
    fn none_is_given_again_where_there_is_a_route_or_no_need() {
        let mut names = FarNames::new(true);
        names.given(candidate("x.local"), || None);
        names.forget();
        assert_eq!(give_again(&mut names), None);
        let mut names = FarNames::new(false);
        names.given(candidate("x.local"), || None);
        assert_eq!(give_again(&mut names), None);
    }

    #[test]
    fn not_any_number_is_kept() {
        let mut names = FarNames::new(true);
        for number in 0..1000 {
            names.given(candidate(&format!("{number}.local")), || None);
        }
        assert_eq!(names.waiting.len(), MAX_NAMES);
    }
}
