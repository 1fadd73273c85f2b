//! The only list of cases, and what is made of it.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::{Outcome, Participant};

/// Gives the whole list to a macro of yours: `conformance!(your_macro => more tokens)` becomes `your_macro! { more tokens;
/// fast { topic::case(participants, staff, seconds); … } slow { … } }`.
///
/// `participants` is how many the case needs. `staff` says where they live ([`Staff`]). `seconds` is the case's deadline, on
/// the clock of its first participant. A case that makes several links at once, or many one after another, says so with `many_links`
/// ([`Case::many_links`]).
#[macro_export]
macro_rules! conformance {
    ($($receiver:ident)::+ $(=> $($more:tt)+)?) => {
        $($receiver)::+! {
            $($($more)+)?;
            fast {
                contract::clause_01_commands_take_effect_in_order(2, together, 30, many_links);
                contract::clause_02_failures_come_back_as_closed(2, together, 30);
                contract::clause_03_close_is_the_end(2, together, 30);
                delivery::clause_04_messages_keep_kind_and_boundaries(2, together, 30);
                delivery::clause_05_ordered_channels_keep_order(2, together, 40);
                delivery::clause_06_reliable_channels_lose_nothing(2, together, 40);
                delivery::clause_07_channels_are_what_was_asked_for(2, together, 30);
                edges::clause_08_the_last_waker_is_woken(2, together, 30);
                edges::clause_09_full_and_then_low(2, together, 30);
                edges::clause_10_dropping_closes_every_link(3, together, 30);
                edges::a_linger_has_an_end(2, last_is_killed, 30);
                contract::clause_11_early_candidates_are_kept(2, together, 30);
                hostile::clause_12_nothing_panics(2, apart, 30);
                transport::transport_1_opened_comes_first_and_once(2, together, 30);
                transport::transport_2_texts_come_whole_once_and_in_order(2, together, 30);
                transport::transport_3_sending_has_a_bound(2, together, 30);
                transport::transport_4_closed_is_the_last_and_says_why(2, together, 30);
                transport::transport_5_the_last_waker_is_woken(2, together, 30);
                transport::transport_6_a_close_says_the_rest_and_is_quiet(2, together, 30);
                transport::transport_7_reopen_begins_anew(2, together, 30);
                transport::transport_7_reopen_at_goes_elsewhere(1, together, 30);
                transport::transport_8_a_farewell_is_said_elsewhere(2, together, 30);
                connect::connect(2, together, 30);
                connect::connect_with_the_lower_id_offering(2, together, 30);
                connect::connect_frame_by_frame(2, together, 30);
                connect::own_and_duplicate_ids_are_refused(2, together, 30);
                connect::the_same_id_comes_back(2, together, 30);
                connect::no_answer_ends_at_the_deadline(1, together, 30);
                connect::no_candidates_end_at_the_deadline(2, together, 30);
                connect::steps_out_of_order_are_refused(2, together, 30);
                connect::server_compatibility_announces_the_server_first(3, together, 30);
                messages::every_size_on_every_channel(2, together, 40);
                in_band::channels_made_in_band_are_received(2, together, 30);
                messages::too_large_names_the_limit(2, together, 30);
                messages::targets_are_one_all_and_all_but_one(4, together, 30);
                messages::figures_come_when_asked_for(2, together, 30);
                messages::each_mode_keeps_its_rules(2, together, 40);
                batches::what_is_sent_in_one_go_comes_apart(2, together, 30);
                batches::a_transfer_that_looks_like_a_batch_is_none(2, together, 30);
                first_and_last::early_packets_follow_connected(2, together, 30);
                first_and_last::nothing_said_in_onopen_is_lost(2, together, 40);
                first_and_last::late_packets_precede_disconnected(2, together, 30);
                first_and_last::the_last_message_before_a_leave_arrives(3, together, 30);
                last_words::a_closed_channel_sends_what_it_accepted(2, together, 30);
                last_words::a_closed_channel_that_gives_way_sends_what_it_accepted(2, together, 30);
                last_words::what_waits_in_the_mesh_arrives_before_the_end(2, together, 30);
                flow::a_slow_receiver_gives_full_and_then_room(2, together, 30);
                flow::a_reliable_flood_ends_with_inbox_full(2, together, 30);
                flow::an_unreliable_flood_drops_the_oldest(2, together, 30);
                endings::a_leave_is_seen_as_closed(3, together, 30);
                endings::a_drop_is_seen_as_closed(3, together, 30);
                endings::a_closed_mesh_starts_anew(2, together, 30);
                endings::closing_one_channel_ends_the_peer(2, together, 30);
                transfers::large_ones_go_both_ways_at_once(2, together, 60);
                transfers::one_is_given_up_and_one_is_refused(2, together, 40);
                goodbye::a_leave_says_goodbye(3, together, 30);
                goodbye::a_kick_says_goodbye(3, together, 30);
                goodbye::a_star_says_goodbye(3, together, 30);
                lobby::a_lobby_of_eight(8, together, 30);
                lobby::simultaneous_joins_all_connect(6, together, 30);
                lobby::joining_disturbs_nobody(4, together, 30);
                lobby::losing_the_signaling_touches_no_link(3, together, 30);
                healing::a_server_that_starts_again_takes_everybody_back(5, together, 40);
                lobby::the_hosts_leaving_parts_nobody_else(3, together, 30);
                lobby::leaving_early_cancels_the_handshake(3, together, 30);
                lobby::sealing_keeps_the_lobby_as_it_is(3, together, 30);
                hostile::garbage_descriptions_fail_that_peer(2, together, 30);
                hostile::garbage_candidates_do_no_harm(2, together, 30);
                hostile::a_hostile_member_fails_alone(3, together, 30);
                hostile::garbage_on_every_channel_disturbs_nobody(3, together, 30);
                hostile::who_breaks_a_rule_is_told_so(2, together, 30);
                api::godot_9_1_packets_of_generation_4(2, together, 30);
                api::godot_9_2_targets_in_a_mesh(3, together, 30);
                api::godot_9_2_relay_in_star_topology(4, together, 40);
                api::godot_9_2_authentication(3, together, 40);
                api::godot_9_3_losing_the_server(3, together, 30);
                api::godot_9_4_packets_of_generation_3(2, together, 40);
                godot_signals::godot_9_3_signals_in_a_star(3, together, 40);
                godot_signals::godot_9_3_signals_in_a_mesh(3, together, 30);
                godot_signals::godot_9_3_a_failed_connection(2, together, 30);
                godot_setup::godot_2_1_server_compatibility_step_by_step(4, together, 40);
                godot_setup::godot_2_2_client_and_server(3, together, 40);
                godot_setup::godot_2_3_status_machine(2, together, 40);
                godot_identity::godot_2_4_identity(2, together, 40);
                godot_peers::godot_3_add_peer_checks(2, together, 30);
                godot_channels::godot_4_channels(2, together, 40);
                godot_channels::different_custom_channels_are_refused_by_name(2, together, 40);
                godot_packets::godot_5_poll_order(3, together, 40);
                godot_packets::godot_6_1_sending(3, together, 30);
                godot_packets::godot_6_2_fairness(3, together, 40);
                godot_peers::godot_7_lookup_and_removal(3, together, 40);
                godot_channels::godot_8_1_connection_surface(2, together, 40);
                godot_channels::godot_8_2_channel_surface(2, together, 40);
                godot_wire::godot_10_wire_rules(2, together, 40);
                godot_wire::godot_11_1_the_higher_id_offers(3, together, 40);
                platforms::capabilities_are_kept(2, together, 30);
                platforms::a_relay_policy_uses_relays_alone(2, together, 40);
                platforms::a_relay_policy_without_a_relay_says_why(2, together, 40);
                page::a_hidden_page_stays_in_touch(2, first_in_tab, 30);
                page::a_closed_page_is_seen_at_once(3, first_in_tab, 30);
            }
            slow {
                endings::a_vanished_peer_is_lost(3, last_is_killed, 30);
                health::a_game_that_does_not_poll_is_still_there(2, apart, 60);
                health::a_busy_thread_is_still_there(2, first_in_tab, 60);
                health::a_hidden_tab_is_still_there(2, first_in_tab, 60);
                health::a_bad_path_is_no_interruption(2, together, 60);
                interruption::a_broken_path_is_an_interruption(2, together, 60);
                healing::a_server_that_was_away_is_found_at_once(2, together, 60);
                behaviour::clause_07_channels_do_what_was_asked_for(2, together, 90);
                behaviour::clause_07_lifetimes_end(2, together, 60);
                last_words::last_words_arrive_over_bad_paths(2, together, 120);
                goodbye::a_goodbye_outlives_an_outage(2, together, 60);
                loss::godot_4_modes_at_0_percent_loss(2, together, 60);
                loss::godot_4_modes_at_5_percent_loss(2, together, 60);
                loss::godot_4_modes_at_20_percent_loss(2, together, 180);
                loss::godot_4_lifetime_at_0_percent_loss(2, together, 60);
                loss::godot_4_lifetime_at_5_percent_loss(2, together, 60);
                loss::godot_4_lifetime_at_20_percent_loss(2, together, 180);
                loss::godot_4_misspelt_key_at_0_percent_loss(2, together, 60);
                loss::godot_4_misspelt_key_at_5_percent_loss(2, together, 60);
                loss::godot_4_misspelt_key_at_20_percent_loss(2, apart, 90);
                endurance::a_hundred_cycles_leave_nothing(2, apart, 120, many_links);
                endurance::nothing_said_in_onopen_is_lost_in_two_hundred(2, together, 180, many_links);
                lobby::a_lobby_of_eight_processes(8, apart, 30);
            }
        }
    };
}

/// Where a case's participants live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staff {
    /// In the process of the test, unless the column has them elsewhere anyway.
    Together,
    /// Each in its own process, where the column has processes. The pages of one browser count as apart.
    Apart,
    /// The same, and the last of them is killed.
    LastIsKilled,
    /// The same, and the first of them, if it is a page, has a tab of its own, which may be hidden or closed.
    FirstInTab,
}

/// One case of the list.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name, the same in every column.
    pub name: &'static str,
    /// Whether it belongs to the group that runs once, and not in every repetition.
    pub slow: bool,
    /// How many participants it needs.
    pub participants: u32,
    /// Where they live.
    pub staff: Staff,
    /// How long it may take, on the clock of its first participant.
    pub deadline: Duration,
    /// Whether it makes more links at once, or a minute, than Chromium, which asks for a name once a second, can look up in time. A
    /// link between bare backends that waits for a name for too long fails, and nobody tries again.
    pub many_links: bool,
    /// The case itself.
    pub run: fn(Vec<Participant>) -> LocalBoxFuture<'static, Outcome>,
}

impl Case {
    /// Its name below that of its group.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.slow {
            format!("slow::{}", self.name)
        } else {
            self.name.to_owned()
        }
    }
}

macro_rules! data {
    (; fast { $($fast:ident::$fast_case:ident $fast_about:tt;)* } slow { $($slow:ident::$slow_case:ident $slow_about:tt;)* }) => {
        /// Every case, in the order of the list.
        #[must_use]
        pub fn cases() -> Vec<Case> {
            vec![
                $(data!(@one false $fast::$fast_case $fast_about),)*
                $(data!(@one true $slow::$slow_case $slow_about),)*
            ]
        }
    };
    (@one $is_slow:literal $topic:ident::$case:ident ($participants:literal, $staff:ident, $seconds:literal $(, $many:ident)?)) => {
        Case {
            name: stringify!($case),
            slow: $is_slow,
            participants: $participants,
            staff: data!(@staff $staff),
            deadline: Duration::from_secs($seconds),
            many_links: data!(@many $($many)?),
            run: |cast| Box::pin(async move {
                let cast: [Participant; $participants] = cast
                    .try_into()
                    .map_err(|_| $crate::Failure::new("the column brought a wrong cast"))?;
                $crate::cases::$topic::$case(cast).await
            }),
        }
    };
    (@many) => { false };
    (@many many_links) => { true };
    (@staff together) => { Staff::Together };
    (@staff apart) => { Staff::Apart };
    (@staff last_is_killed) => { Staff::LastIsKilled };
    (@staff first_in_tab) => { Staff::FirstInTab };
}

conformance!(data);

/// The case of this name.
#[must_use]
pub fn case(name: &str) -> Option<Case> {
    cases().into_iter().find(|case| case.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut seen = BTreeSet::new();
        for case in cases() {
            assert!(seen.insert(case.name), "{} is there twice", case.name);
        }
    }

    #[test]
    fn each_clause_of_the_contract_has_a_case() {
        for clause in 1..=12 {
            let prefix = format!("clause_{clause:02}_");
            assert!(
                cases().iter().any(|case| case.name.starts_with(&prefix)),
                "no case begins with {prefix}"
            );
        }
    }

    #[test]
    fn each_clause_of_the_transports_has_a_case() {
        for clause in 1..=8 {
            let prefix = format!("transport_{clause}_");
            let mut cases = cases().into_iter();
            assert!(
                cases.any(|case| case.name.starts_with(&prefix)),
                "no case begins with {prefix}"
            );
        }
    }
}
