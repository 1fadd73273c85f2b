//! The suite's own test: a backend that breaks its contract must make the named case fail, with the words that belong to
//! this breach.
#![cfg(not(target_arch = "wasm32"))]

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::catch_unwind;

use conformance_tests::list;
use conformance_tests::mock::run_with;
use conformance_tests::planted::Fault;

/// Each fault, the case that must find it, and words of the failure. Where a case stands still, the second words say at what.
macro_rules! planted {
    ($($test:ident: $fault:ident => $case:ident, $($words:literal),+;)+) => {
        const PLANTED: &[(Fault, &str)] = &[$((Fault::$fault, stringify!($case))),+];

        $(
            #[test]
            fn $test() {
                finds(Fault::$fault, stringify!($case), &[$($words),+]);
            }
        )+
    };
}

planted! {
    commands_out_of_order: CommandsOutOfOrder => clause_01_commands_take_effect_in_order, "an offer without channels";
    candidate_before_description: CandidateBeforeDescription => clause_01_commands_take_effect_in_order, "came first";
    swallows_failure: SwallowsFailure => clause_02_failures_come_back_as_closed, "not done", "this is no description";
    closed_twice: ClosedTwice => clause_02_failures_come_back_as_closed, "ended twice";
    event_after_closed: EventAfterClosed => clause_02_failures_come_back_as_closed, "had ended, and then State(Closed)";
    swallows_closed: SwallowsClosed => clause_03_close_is_the_end, "not done", "a waits for the end of the link";
    opens_twice: OpensTwice => clause_04_messages_keep_kind_and_boundaries, "ChannelIndex(0) opened twice";
    never_opens: NeverOpens => clause_04_messages_keep_kind_and_boundaries, "not done", "a waits for three open channels";
    merges_messages: MergesMessages => clause_04_messages_keep_kind_and_boundaries, "binary of 3: ";
    splits_messages: SplitsMessages => clause_04_messages_keep_kind_and_boundaries, "binary #1 of 1024) instead of (ChannelIndex(0), binary #1 of 3000)";
    truncates_large: TruncatesLarge => clause_04_messages_keep_kind_and_boundaries, "binary #2 of 65535) instead of (ChannelIndex(0), binary #2 of 70000)";
    drops_empty: DropsEmpty => clause_04_messages_keep_kind_and_boundaries, "instead of (ChannelIndex(0), binary of 0: \"\")";
    flips_kind: FlipsKind => clause_04_messages_keep_kind_and_boundaries, "text of 0: \"\") instead of (ChannelIndex(0), binary of 0";
    corrupts_messages: CorruptsMessages => clause_04_messages_keep_kind_and_boundaries, "x01\") instead of (ChannelIndex(0), binary of 1";
    wrong_channel: WrongChannel => clause_04_messages_keep_kind_and_boundaries, "on Unreliable: (ChannelIndex(1), ";
    duplicates_messages: DuplicatesMessages => clause_04_messages_keep_kind_and_boundaries, "(ChannelIndex(0), binary of 0: \"\") instead of (ChannelIndex(0), text of 0: \"\")";
    reorders_ordered: ReordersOrdered => clause_05_ordered_channels_keep_order, "1 came after Some(3) on the ordered channel";
    loses_reliable: LosesReliable => clause_06_reliable_channels_lose_nothing, "the next message: 3 instead of 2";
    wrong_actual_id: WrongActualId => clause_07_channels_are_what_was_asked_for, "a reads back: Some(ChannelParameters { id: 2";
    wrong_actual_order: WrongActualOrder => clause_07_channels_are_what_was_asked_for, "a reads back: Some(ChannelParameters { id: 1, ordered: false";
    wrong_actual_reliability: WrongActualReliability => clause_07_channels_are_what_was_asked_for, "reliability: Retransmits(0) }) instead of";
    wakes_first_waker: WakesFirstWaker => clause_08_the_last_waker_is_woken, "the alarm did not wake the last waker";
    never_wakes: NeverWakes => clause_08_the_last_waker_is_woken, "not done", "a waits for three open channels";
    loses_event_on_cancel: LosesEventOnCancel => clause_08_the_last_waker_is_woken, "not done", "a waits for a message";
    late_alarm: LateAlarm => clause_08_the_last_waker_is_woken, "the alarm rang 1s after its deadline";
    ignores_alarm: IgnoresAlarm => clause_08_the_last_waker_is_woken, "the alarm did not wake the last waker";
    never_full: NeverFull => clause_09_full_and_then_low, "all of 4096 messages were taken";
    no_low_event: NoLowEvent => clause_09_full_and_then_low, "not done", "a waits for room";
    zero_buffered_amount: ZeroBufferedAmount => clause_09_full_and_then_low, "it became full with 0 bytes buffered";
    silent_drop: SilentDrop => clause_10_dropping_closes_every_link, "not done", "b waits for the far side's close";
    ignores_candidates: IgnoresCandidates => clause_11_early_candidates_are_kept, "ConnectFailed(NoRoute)";
    panics_on_garbage: PanicsOnGarbage => clause_12_nothing_panics, "a planted panic";
    unbounded_inbox: UnboundedInbox => a_reliable_flood_ends_with_inbox_full, "were taken for a peer that hangs";
    silent_inbox_drop: SilentInboxDrop => an_unreliable_flood_drops_the_oldest, "nothing was dropped";
    ignores_linger: IgnoresLinger => the_last_message_before_a_leave_arrives, "instead of [binary #1 of 60000, text of 7: \"goodbye\"]";
    misses_remote_close: MissesRemoteClose => a_drop_is_seen_as_closed, "not done", "a waits for peer 3 to go";
    misses_silence: MissesSilence => a_vanished_peer_is_lost, "not done", "a waits for peer 3 to go";
    leaks_links: LeaksLinks => a_hundred_cycles_leave_nothing, "not done", "b waits for peer 1 to go";
    wrong_max_message_size: WrongMaxMessageSize => every_size_on_every_channel, "b takes 2000 bytes at most";
    no_stats: NoStats => figures_come_when_asked_for, "not done", "a waits for figures";
}

fn finds(fault: Fault, case: &str, words: &[&str]) {
    assert!(list::case(case).is_some(), "there is no case {case}");
    // A panic of the backend ends the case, too: in a native column it would be counted.
    let found = match catch_unwind(|| run_with(fault, case)) {
        Ok(outcome) => outcome
            .err()
            .map(|failure| (failure.what().to_owned(), failure.to_string())),
        Err(panic) => Some((panic_words(panic.as_ref()), String::new())),
    };
    assert!(
        found.is_some(),
        "{case} passes on a backend with the fault {fault:?}"
    );
    let (what, all) = found.unwrap_or_default();
    assert!(
        what.contains(words[0]) && words[1..].iter().all(|words| all.contains(words)),
        "{case} fails for another reason than the fault {fault:?}: {what}\n{all}"
    );
}

fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

#[test]
fn every_fault_is_planted() {
    for fault in Fault::ALL {
        let count = PLANTED
            .iter()
            .filter(|(planted, _)| planted == fault)
            .count();
        assert_eq!(count, 1, "{fault:?}");
    }
}

#[test]
fn every_clause_of_the_contract_has_a_fault() {
    let cases: BTreeSet<&str> = PLANTED.iter().map(|(_, case)| *case).collect();
    for clause in 1..=12 {
        let prefix = format!("clause_{clause:02}_");
        assert!(
            cases.iter().any(|case| case.starts_with(&prefix)),
            "{prefix}"
        );
    }
}

#[test]
#[should_panic(expected = "there is no case")]
fn a_mistyped_case_finds_nothing() {
    finds(
        Fault::NoStats,
        "figures_come_when_asked_four",
        &["not done"],
    );
}

#[test]
#[should_panic(expected = "for another reason")]
fn a_failure_with_other_words_finds_nothing() {
    finds(
        Fault::NoStats,
        "figures_come_when_asked_for",
        &["no figures"],
    );
}
