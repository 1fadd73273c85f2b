//! What a case's world is otherwise than a player's: said beside the verdict, so that a matrix claims no more than was shown.

use crate::Kind;
use crate::list::Case;

/// Where two browsers make many links, the privacy setting that is not Firefox's own.
const ADDRESSES: &str = "Firefox shows its host addresses: with both browsers in it and more than three participants, or \
    many links one after another, a case asks for more mDNS names than multicast DNS answers in time";

/// Many links of two browsers at once are more than their names stand; smaller casts do with them.
pub(crate) fn shows_addresses(case: &Case, kinds: &[Kind]) -> bool {
    let both = [Kind::Chromium, Kind::Firefox].map(|kind| kinds.contains(&kind));
    both == [true, true] && (case.participants > 3 || case.many_links)
}

/// What has to be said of this case with these kinds of participants.
pub(crate) fn note(case: &Case, kinds: &[Kind]) -> Option<&'static str> {
    shows_addresses(case, kinds).then_some(ADDRESSES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list;

    #[test]
    fn large_casts_and_many_links_of_both_browsers_have_a_note() {
        let note = |name, kinds: &[Kind]| note(&list::case(name).unwrap(), kinds);
        let both = [Kind::Chromium, Kind::Firefox];
        assert!(note("a_lobby_of_eight", &both).is_some());
        assert!(note("nothing_said_in_onopen_is_lost_in_two_hundred", &both).is_some());
        assert!(note("nothing_said_in_onopen_is_lost", &both).is_none());
        assert!(note("a_lobby_of_eight", &[Kind::Native, Kind::Firefox]).is_none());
    }
}
