//! Where a client comes back to: the address that it was given, and one that its server has named.

/// Two addresses that are tried in turn, or one.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// What a server has named.
    named: Option<String>,
    /// Where the latest connection is, or attempt at one, if not at the address that the program has given.
    latest: Option<String>,
    /// Whether the next one is to be where a server has named.
    goes_elsewhere: bool,
}

impl Route {
    pub(super) const fn new() -> Self {
        Self {
            named: None,
            latest: None,
            goes_elsewhere: false,
        }
    }

    /// The address of the latest connection, if the program has given that one.
    pub(super) fn current<'a>(&'a self, given: &'a str) -> &'a str {
        self.latest.as_deref().unwrap_or(given)
    }

    /// Whether the latest attempt was at an address that a server has named.
    pub(super) const fn is_elsewhere(&self) -> bool {
        self.latest.is_some()
    }

    /// The next attempt is at this address.
    pub(super) fn lead(&mut self, url: String) {
        self.named = Some(url);
        self.goes_elsewhere = true;
    }

    /// The next attempt is where the latest one was, whatever was named before.
    pub(super) fn stay(&mut self) {
        self.named.clone_from(&self.latest);
        self.goes_elsewhere = self.is_elsewhere();
    }

    /// An attempt has failed: the next one is at the other address, if there is one.
    pub(super) const fn turn(&mut self) {
        self.goes_elsewhere = !self.is_elsewhere() && self.named.is_some();
    }

    /// The address that a server has named is of no use.
    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }

    /// An attempt is made now. At which address, if not at the one that the program has given.
    pub(super) fn next(&mut self) -> Option<&str> {
        let named = self.named.as_ref().filter(|_| self.goes_elsewhere);
        self.latest = named.cloned();
        self.latest.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "ws://a";
    const NAMED: &str = "ws://b";

    /// Where the next attempt goes.
    fn attempt(route: &mut Route) -> String {
        let next = route.next().unwrap_or(GIVEN).to_owned();
        assert_eq!(route.current(GIVEN), next);
        assert_eq!(route.is_elsewhere(), next != GIVEN);
        next
    }

    #[test]
    fn without_a_hint_there_is_one_address() {
        let mut route = Route::new();
        for _ in 0..3 {
            assert_eq!(attempt(&mut route), GIVEN);
            route.turn();
        }
    }

    #[test]
    fn the_address_of_a_hint_is_tried_first_and_the_other_in_turn() {
        let mut route = Route::new();
        route.lead(NAMED.to_owned());
        for expected in [NAMED, GIVEN, NAMED, GIVEN] {
            assert_eq!(attempt(&mut route), expected);
            route.turn();
        }
    }

    #[test]
    fn the_address_that_has_answered_is_tried_first_the_next_time() {
        let mut route = Route::new();
        route.lead(NAMED.to_owned());
        assert_eq!(attempt(&mut route), NAMED);
        // It stood for a while.
        assert_eq!(attempt(&mut route), NAMED);
        route.turn();
        assert_eq!(attempt(&mut route), GIVEN);
        assert_eq!(attempt(&mut route), GIVEN);
        // A later hint counts, wherever it was given.
        route.lead("ws://c".to_owned());
        assert_eq!(route.current(GIVEN), GIVEN, "until then");
        assert_eq!(attempt(&mut route), "ws://c");
        route.lead("ws://d".to_owned());
        assert_eq!(route.current(GIVEN), "ws://c");
    }

    #[test]
    fn who_is_to_stay_goes_where_it_was() {
        let mut route = Route::new();
        route.lead(NAMED.to_owned());
        route.stay();
        for _ in 0..2 {
            assert_eq!(attempt(&mut route), GIVEN);
            route.turn();
        }
        route.lead(NAMED.to_owned());
        assert_eq!(attempt(&mut route), NAMED);
        route.lead("ws://c".to_owned());
        route.stay();
        for expected in [NAMED, GIVEN, NAMED] {
            assert_eq!(attempt(&mut route), expected);
            route.turn();
        }
    }

    #[test]
    fn an_address_that_is_forgotten_is_tried_no_more() {
        let mut route = Route::new();
        route.lead(NAMED.to_owned());
        assert_eq!(attempt(&mut route), NAMED);
        route.forget();
        for _ in 0..3 {
            assert_eq!(attempt(&mut route), GIVEN);
            route.turn();
        }
    }
}
