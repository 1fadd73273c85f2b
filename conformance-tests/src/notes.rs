//! What a case's world is otherwise than a player's: said beside the verdict, so that a matrix claims no more than was shown.

use crate::Kind;
use crate::list::Case;

/// Where two browsers make many links, the privacy setting that is not Firefox's own.
const ADDRESSES: &str = "Firefox shows its host addresses: multicast DNS does not always answer in time for both browsers. Where a \
    case makes many links, or is played on bare backends, nobody connects again as a session does";

/// Where no side has sockets of ours: the way round that a bad path takes.
const DETOUR: &str = "both browsers may only use a TURN server, which they reach through a forwarder of ours that loses and \
    delays what they tell each other: a browser's own sockets cannot be made to";

/// Cases that make the path bad.
const ON_BAD_PATHS: &[&str] = &[
    "clause_07_channels_do_what_was_asked_for",
    "clause_07_lifetimes_end",
    "a_broken_path_is_an_interruption",
    "a_bad_path_is_no_interruption",
    "last_words_arrive_over_bad_paths",
    "godot_4_modes_at_5_percent_loss",
    "godot_4_modes_at_20_percent_loss",
    "godot_4_lifetime_at_5_percent_loss",
    "godot_4_lifetime_at_20_percent_loss",
    "godot_4_misspelt_key_at_5_percent_loss",
    "godot_4_misspelt_key_at_20_percent_loss",
];

/// Cases with a bare backend or a mesh by hand at one end, besides the clauses.
const BARE: &[&str] = &[
    "channels_made_in_band_are_received",
    "closing_one_channel_ends_the_peer",
    "garbage_on_every_channel_disturbs_nobody",
    "godot_10_wire_rules",
    "godot_4_misspelt_key_at_0_percent_loss",
];

/// Many links of two browsers at once are more than their names stand, and on a busy machine two are already: one link in some
/// hundred finds no route. A bare backend does not connect again.
pub(crate) fn shows_addresses(case: &Case, kinds: &[Kind]) -> bool {
    let both = [Kind::Chromium, Kind::Firefox].map(|kind| kinds.contains(&kind));
    let is_bare = case.name.starts_with("clause_") || BARE.contains(&case.name);
    let is_bare = is_bare && !ON_BAD_PATHS.contains(&case.name);
    both == [true, true] && (case.participants > 3 || case.many_links || is_bare)
}

/// What has to be said of this case with these kinds of participants.
pub(crate) fn note(case: &Case, kinds: &[Kind]) -> Option<&'static str> {
    if shows_addresses(case, kinds) {
        return Some(ADDRESSES);
    }
    let is_spoilt = ON_BAD_PATHS.contains(&case.name);
    (is_spoilt && kinds.iter().all(|kind| kind.is_page())).then_some(DETOUR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list;

    #[test]
    fn bad_paths_between_browsers_have_a_note() {
        for name in ON_BAD_PATHS {
            let case = list::case(name).unwrap();
            assert_eq!(
                note(&case, &[Kind::Chromium, Kind::Firefox]),
                Some(DETOUR),
                "{name}"
            );
            assert_eq!(note(&case, &[Kind::Native, Kind::Firefox]), None, "{name}");
        }
    }

    #[test]
    fn bare_cases_are_in_the_list() {
        for name in BARE {
            assert!(list::case(name).is_some(), "{name}");
        }
    }

    #[test]
    fn large_casts_many_links_and_clauses_of_both_browsers_have_a_note() {
        let note = |name, kinds: &[Kind]| note(&list::case(name).unwrap(), kinds);
        let both = [Kind::Chromium, Kind::Firefox];
        assert!(note("a_lobby_of_eight", &both).is_some());
        assert!(note("nothing_said_in_onopen_is_lost_in_two_hundred", &both).is_some());
        assert!(note("clause_01_commands_take_effect_in_order", &both).is_some());
        assert!(note("nothing_said_in_onopen_is_lost", &both).is_none());
        let clause = "clause_01_commands_take_effect_in_order";
        assert!(note(clause, &both).is_some());
        assert!(note(clause, &[Kind::Firefox]).is_none());
        assert!(note("a_lobby_of_eight", &[Kind::Native, Kind::Firefox]).is_none());
    }
}
