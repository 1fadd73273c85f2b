//! The suite's own test: a backend that breaks its contract must make the named case fail.
#![cfg(not(target_arch = "wasm32"))]

use std::panic::catch_unwind;

use conformance_tests::mock::run_with;
use mesh_core::mock::Fault;

/// Each fault, and the case that must find it.
macro_rules! planted {
    ($($test:ident: $fault:ident => $case:literal,)+) => {
        const PLANTED: &[Fault] = &[$(Fault::$fault),+];

        $(
            #[test]
            fn $test() {
                finds(Fault::$fault, $case);
            }
        )+
    };
}

planted! {
    commands_out_of_order: CommandsOutOfOrder => "clause_01_commands_take_effect_in_order",
    candidate_before_description: CandidateBeforeDescription => "clause_01_commands_take_effect_in_order",
    swallows_failure: SwallowsFailure => "clause_02_failures_come_back_as_closed",
    closed_twice: ClosedTwice => "clause_02_failures_come_back_as_closed",
    event_after_closed: EventAfterClosed => "clause_02_failures_come_back_as_closed",
    swallows_closed: SwallowsClosed => "clause_03_close_is_the_end",
    opens_twice: OpensTwice => "clause_04_messages_keep_kind_and_boundaries",
    never_opens: NeverOpens => "clause_04_messages_keep_kind_and_boundaries",
    merges_messages: MergesMessages => "clause_04_messages_keep_kind_and_boundaries",
    splits_messages: SplitsMessages => "clause_04_messages_keep_kind_and_boundaries",
    truncates_large: TruncatesLarge => "clause_04_messages_keep_kind_and_boundaries",
    drops_empty: DropsEmpty => "clause_04_messages_keep_kind_and_boundaries",
    flips_kind: FlipsKind => "clause_04_messages_keep_kind_and_boundaries",
    corrupts_messages: CorruptsMessages => "clause_04_messages_keep_kind_and_boundaries",
    wrong_channel: WrongChannel => "clause_04_messages_keep_kind_and_boundaries",
    duplicates_messages: DuplicatesMessages => "clause_04_messages_keep_kind_and_boundaries",
    reorders_ordered: ReordersOrdered => "clause_05_ordered_channels_keep_order",
    loses_reliable: LosesReliable => "clause_06_reliable_channels_lose_nothing",
    wrong_actual_id: WrongActualId => "clause_07_channels_are_what_was_asked_for",
    wrong_actual_order: WrongActualOrder => "clause_07_channels_are_what_was_asked_for",
    wrong_actual_reliability: WrongActualReliability => "clause_07_channels_are_what_was_asked_for",
    wakes_first_waker: WakesFirstWaker => "clause_08_the_last_waker_is_woken",
    never_wakes: NeverWakes => "clause_08_the_last_waker_is_woken",
    loses_event_on_cancel: LosesEventOnCancel => "clause_08_the_last_waker_is_woken",
    late_alarm: LateAlarm => "clause_08_the_last_waker_is_woken",
    ignores_alarm: IgnoresAlarm => "clause_08_the_last_waker_is_woken",
    never_full: NeverFull => "clause_09_full_and_then_low",
    no_low_event: NoLowEvent => "clause_09_full_and_then_low",
    zero_buffered_amount: ZeroBufferedAmount => "clause_09_full_and_then_low",
    silent_drop: SilentDrop => "clause_10_dropping_closes_every_link",
    ignores_candidates: IgnoresCandidates => "clause_11_early_candidates_are_kept",
    panics_on_garbage: PanicsOnGarbage => "clause_12_nothing_panics",
    unbounded_inbox: UnboundedInbox => "a_reliable_flood_ends_with_inbox_full",
    silent_inbox_drop: SilentInboxDrop => "an_unreliable_flood_drops_the_oldest",
    ignores_linger: IgnoresLinger => "the_last_message_before_a_leave_arrives",
    misses_remote_close: MissesRemoteClose => "a_drop_is_seen_as_closed",
    misses_silence: MissesSilence => "a_vanished_peer_is_lost",
    leaks_links: LeaksLinks => "a_hundred_cycles_leave_nothing",
    wrong_max_message_size: WrongMaxMessageSize => "every_size_on_every_channel",
    no_stats: NoStats => "figures_come_when_asked_for",
}

fn finds(fault: Fault, case: &str) {
    // A panic of the backend ends the case, too: in a native column it would be counted.
    let outcome = catch_unwind(|| run_with(fault, case));
    assert!(
        !matches!(outcome, Ok(Ok(()))),
        "{case} passes on a backend with the fault {fault:?}"
    );
}

#[test]
fn every_fault_is_planted() {
    for fault in Fault::ALL {
        assert!(PLANTED.contains(&fault), "{fault:?} is not planted");
    }
}
