//! Which case finds which fault, and by which failure.

use super::fault::Fault;

/// A fault, the case that must find it, and words of the failure: any other failure is not the fault's. Where a case stands
/// still, the second words say at what. Where backends differ, there is more than one such failure.
pub(super) struct Plant {
    pub(super) fault: Fault,
    pub(super) case: &'static str,
    pub(super) failures: &'static [&'static [&'static str]],
}

macro_rules! planted {
    ($($fault:ident => $case:ident, $($($words:literal),+)|+;)+) => {
        /// Every fault.
        pub(super) const TABLE: &[Plant] = &[$(Plant {
            fault: Fault::$fault,
            case: stringify!($case),
            failures: &[$(&[$($words),+]),+],
        }),+];
    };
}

planted! {
    CommandsOutOfOrder => clause_01_commands_take_effect_in_order, "not done", "a waits for six open channels";
    CandidateBeforeDescription => clause_01_commands_take_effect_in_order, "came first";
    SwallowsFailure => clause_02_failures_come_back_as_closed, "not done", "this is no description";
    ClosedTwice => clause_02_failures_come_back_as_closed, "ended twice";
    EventAfterClosed => clause_02_failures_come_back_as_closed, "had ended, and then State(Closed)";
    SwallowsClosed => clause_03_close_is_the_end, "not done", "a waits for the end of the link";
    OpensTwice => clause_04_messages_keep_kind_and_boundaries, ") opened twice";
    NeverOpens => clause_04_messages_keep_kind_and_boundaries, "not done", "a waits for three open channels";
    MergesMessages => clause_04_messages_keep_kind_and_boundaries, "binary of 3: ";
    SplitsMessages => clause_04_messages_keep_kind_and_boundaries, "binary #1 of 1024) instead of (ChannelIndex(0), binary #1 of 3000)";
    TruncatesLarge => clause_04_messages_keep_kind_and_boundaries, "binary #2 of 65535) instead of (ChannelIndex(0), binary #2 of 65536)";
    DropsEmpty => clause_04_messages_keep_kind_and_boundaries, "instead of (ChannelIndex(0), binary of 0: \"\")";
    FlipsKind => clause_04_messages_keep_kind_and_boundaries, "text of 0: \"\") instead of (ChannelIndex(0), binary of 0";
    CorruptsMessages => clause_04_messages_keep_kind_and_boundaries, "x01\") instead of (ChannelIndex(0), binary of 1";
    WrongChannel => clause_04_messages_keep_kind_and_boundaries, "on Unreliable: (ChannelIndex(1), ";
    DuplicatesMessages => clause_04_messages_keep_kind_and_boundaries, "(ChannelIndex(0), binary of 0: \"\") instead of (ChannelIndex(0), text of 0: \"\")";
    ReordersOrdered => clause_05_ordered_channels_keep_order, " came after Some(", " on the ordered channel" | "the next on the reliable channel: ";
    LosesReliable => clause_06_reliable_channels_lose_nothing, "the next message: 3 instead of 2";
    LosesFew => godot_4_modes_at_0_percent_loss, "unreliable messages are missing beside what waited too long";
    WrongActualId => clause_07_channels_are_what_was_asked_for, " reads back: Some(ChannelParameters { id: 2";
    WrongActualOrder => clause_07_channels_are_what_was_asked_for, " reads back: Some(ChannelParameters { id: 1, ordered: false";
    WrongActualReliability => clause_07_channels_are_what_was_asked_for, "reliability: Retransmits(0) }) instead of";
    EchoesReliability => clause_07_channels_do_what_was_asked_for, "reliability: Retransmits(0) }: gave nothing up";
    EchoesOrder => clause_07_channels_do_what_was_asked_for, "reliability: Reliable }: waited for what was sent again";
    EchoesLifetime => clause_07_lifetimes_end, "reliability: Lifetime(150) }: gave nothing up";
    WakesFirstWaker => clause_08_the_last_waker_is_woken, "the alarm did not wake the last waker";
    NeverWakes => clause_08_the_last_waker_is_woken, "not done", "a waits for three open channels" | "the alarm did not wake the last waker";
    LosesEventOnCancel => clause_08_the_last_waker_is_woken, "not done", "a waits for a message";
    LateAlarm => clause_08_the_last_waker_is_woken, "after a timer for the same moment";
    IgnoresAlarm => clause_08_the_last_waker_is_woken, "the alarm did not wake the last waker";
    NeverFull => clause_09_full_and_then_low, "all of 4096 messages were taken";
    NoLowEvent => clause_09_full_and_then_low, "not done", "a waits for room";
    ZeroBufferedAmount => clause_09_full_and_then_low, "it became full with 0 bytes buffered";
    SilentDrop => clause_10_dropping_closes_every_link, "not done", "b waits for the far side's close";
    IgnoresCandidates => clause_11_early_candidates_are_kept, "ConnectFailed(NoRoute)" | "ConnectFailed(Deadline { missing: Route })";
    PanicsOnGarbage => clause_12_nothing_panics, "a planted panic";
    UnboundedInbox => a_reliable_flood_ends_with_inbox_full, "were taken for a peer that hangs";
    SilentInboxDrop => an_unreliable_flood_drops_the_oldest, "nothing was dropped";
    IgnoresLinger => last_words_arrive_over_bad_paths, "the last words over Weather";
    MissesRemoteClose => a_drop_is_seen_as_closed, "not done", "a waits for peer 3 to go" | " is told: Lost instead of Closed";
    MissesSilence => a_vanished_peer_is_lost, "not done", "a waits for an interruption";
    LeaksLinks => a_hundred_cycles_leave_nothing, "not done", "b waits for peer 1 to go";
    WrongMaxMessageSize => every_size_on_every_channel, "b takes 2000 bytes at most";
    NoStats => figures_come_when_asked_for, "not done", "a waits for figures";
    IgnoresInBand => channels_made_in_band_are_received, "not done", "b waits for the channel";
    TransportOpensTwice => transport_1_opened_comes_first_and_once, "waited for its seat, heard Opened";
    TransportRepeatsTexts => transport_2_texts_come_whole_once_and_in_order, " instead of a word of " | "what a hears: " | " instead of a new member";
    TransportTakesEarly => transport_3_sending_has_a_bound, "texts that b takes: Ok(1) instead of Err(NotOpen)";
    TransportNeverFull => transport_3_sending_has_a_bound, "all of 16384 texts were taken";
    TransportSwallowsWords => transport_4_closed_is_the_last_and_says_why, "the server's words: Closed instead of Refused";
    TransportClosedTwice => transport_4_closed_is_the_last_and_says_why, "Transport(Closed(Refused", " after the end";
    TransportWakesFirstWaker => transport_5_the_last_waker_is_woken, "a text did not wake the last waker";
    TransportLosesLastText => transport_6_a_close_says_the_rest_and_is_quiet, "PeerDisconnect(", " instead of a word of ";
    TransportReportsOwnClose => transport_6_a_close_says_the_rest_and_is_quiet, "Transport(Closed(Closed)) after the end";
    TransportStaysClosed => transport_7_reopen_begins_anew, "not done", "b waits for the connection to stand";
    TransportStaysAtHome => transport_7_reopen_at_goes_elsewhere, " instead of Opened";
    TransportLeavesToReopen => transport_7_reopen_begins_anew, "Refused { code: 4001";
    TransportSwallowsFarewell => transport_8_a_farewell_is_said_elsewhere, "not done", "a waits to be told that the member leaves";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list;

    #[test]
    fn every_fault_is_planted_in_a_case_of_the_list() {
        for fault in Fault::ALL {
            let count = TABLE.iter().filter(|plant| plant.fault == *fault).count();
            assert_eq!(count, 1, "{fault:?}");
        }
        for plant in TABLE {
            assert!(list::case(plant.case).is_some(), "no case {}", plant.case);
        }
    }

    #[test]
    fn every_clause_of_both_contracts_has_a_fault() {
        for clause in 1..=12 {
            let prefix = format!("clause_{clause:02}_");
            let mut cases = TABLE.iter().map(|plant| plant.case);
            assert!(cases.any(|case| case.starts_with(&prefix)), "{prefix}");
        }
        for clause in 1..=8 {
            let prefix = format!("transport_{clause}_");
            let mut cases = TABLE.iter().map(|plant| plant.case);
            assert!(cases.any(|case| case.starts_with(&prefix)), "{prefix}");
        }
    }
}
