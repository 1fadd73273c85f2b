//! The ways a backend can break its contract on purpose.

/// A breach of the [`Backend`](crate::Backend) contract, to be planted with [`Faulty`](super::Faulty).
///
/// A test suite for backends plants each of them and must fail: so it tests itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Channels are made after the description that should contain them.
    CommandsOutOfOrder,
    /// The first candidate of a link is reported before its description.
    CandidateBeforeDescription,
    /// A link that fails says nothing.
    SwallowsFailure,
    /// `Closed` is reported twice.
    ClosedTwice,
    /// A link's state changes after its `Closed`.
    EventAfterClosed,
    /// A `Close` that was carried out is never reported.
    SwallowsClosed,
    /// Each channel opens twice.
    OpensTwice,
    /// The unreliable channel never opens.
    NeverOpens,
    /// Messages that arrive together come as one.
    MergesMessages,
    /// A message above 1 KiB comes as two.
    SplitsMessages,
    /// Of a message above 65535 bytes the rest is missing.
    TruncatesLarge,
    /// Empty messages are lost.
    DropsEmpty,
    /// Text comes as binary, binary as text.
    FlipsKind,
    /// The last byte of a message is another.
    CorruptsMessages,
    /// What came on the unreliable channel is reported on the ordered one.
    WrongChannel,
    /// Of two messages that arrive together on an ordered channel, the second comes first.
    ReordersOrdered,
    /// Every third message on a reliable channel is lost.
    LosesReliable,
    /// Messages come twice.
    DuplicatesMessages,
    /// `actual` has another stream id, as a platform that reports a handle.
    WrongActualId,
    /// `actual` has the other order.
    WrongActualOrder,
    /// `actual` has another reliability, as where a misspelt key was ignored.
    WrongActualReliability,
    /// Wakes the first waker it was ever given.
    WakesFirstWaker,
    /// Wakes nobody.
    NeverWakes,
    /// Loses an event when a pending poll is given up and another waker comes.
    LosesEventOnCancel,
    /// Alarms ring 1 s late.
    LateAlarm,
    /// Alarms never ring.
    IgnoresAlarm,
    /// Buffers without a bound instead of saying `Full`.
    NeverFull,
    /// `BufferedAmountLow` never comes.
    NoLowEvent,
    /// The buffered amount is always 0.
    ZeroBufferedAmount,
    /// Dropping it closes nothing.
    SilentDrop,
    /// The far side's candidates are ignored.
    IgnoresCandidates,
    /// Panics on a description that is none.
    PanicsOnGarbage,
    /// Holds any amount of messages that nobody takes.
    UnboundedInbox,
    /// Drops messages that nobody takes, and does not say so.
    SilentInboxDrop,
    /// Closes at once, whatever was accepted.
    IgnoresLinger,
    /// A far side that closes is not noticed.
    MissesRemoteClose,
    /// A far side that vanishes is not noticed.
    MissesSilence,
    /// Reports a link as closed and keeps it.
    LeaksLinks,
    /// Announces that it takes messages of 1000 bytes at most.
    WrongMaxMessageSize,
    /// Figures that are asked for never come.
    NoStats,
}

impl Fault {
    /// Every one of them.
    pub const ALL: [Self; 40] = [
        Self::CommandsOutOfOrder,
        Self::CandidateBeforeDescription,
        Self::SwallowsFailure,
        Self::ClosedTwice,
        Self::EventAfterClosed,
        Self::SwallowsClosed,
        Self::OpensTwice,
        Self::NeverOpens,
        Self::MergesMessages,
        Self::SplitsMessages,
        Self::TruncatesLarge,
        Self::DropsEmpty,
        Self::FlipsKind,
        Self::CorruptsMessages,
        Self::WrongChannel,
        Self::ReordersOrdered,
        Self::LosesReliable,
        Self::DuplicatesMessages,
        Self::WrongActualId,
        Self::WrongActualOrder,
        Self::WrongActualReliability,
        Self::WakesFirstWaker,
        Self::NeverWakes,
        Self::LosesEventOnCancel,
        Self::LateAlarm,
        Self::IgnoresAlarm,
        Self::NeverFull,
        Self::NoLowEvent,
        Self::ZeroBufferedAmount,
        Self::SilentDrop,
        Self::IgnoresCandidates,
        Self::PanicsOnGarbage,
        Self::UnboundedInbox,
        Self::SilentInboxDrop,
        Self::IgnoresLinger,
        Self::MissesRemoteClose,
        Self::MissesSilence,
        Self::LeaksLinks,
        Self::WrongMaxMessageSize,
        Self::NoStats,
    ];

    /// Which clause of the [`Backend`](crate::Backend) contract it breaks; `None` where the promise is a command's or an
    /// event's own.
    #[must_use]
    pub const fn clause(self) -> Option<u8> {
        Some(match self {
            Self::CommandsOutOfOrder | Self::CandidateBeforeDescription => 1,
            Self::SwallowsFailure | Self::ClosedTwice | Self::EventAfterClosed => 2,
            Self::SwallowsClosed => 3,
            Self::OpensTwice
            | Self::NeverOpens
            | Self::MergesMessages
            | Self::SplitsMessages
            | Self::TruncatesLarge
            | Self::DropsEmpty
            | Self::FlipsKind
            | Self::CorruptsMessages
            | Self::WrongChannel
            | Self::DuplicatesMessages => 4,
            Self::ReordersOrdered => 5,
            Self::LosesReliable => 6,
            Self::WrongActualId | Self::WrongActualOrder | Self::WrongActualReliability => 7,
            Self::WakesFirstWaker
            | Self::NeverWakes
            | Self::LosesEventOnCancel
            | Self::LateAlarm
            | Self::IgnoresAlarm => 8,
            Self::NeverFull | Self::NoLowEvent | Self::ZeroBufferedAmount => 9,
            Self::SilentDrop => 10,
            Self::IgnoresCandidates => 11,
            Self::PanicsOnGarbage => 12,
            Self::UnboundedInbox
            | Self::SilentInboxDrop
            | Self::IgnoresLinger
            | Self::MissesRemoteClose
            | Self::MissesSilence
            | Self::LeaksLinks
            | Self::WrongMaxMessageSize
            | Self::NoStats => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_clause_has_a_fault() {
        let clauses: BTreeSet<u8> = Fault::ALL
            .iter()
            .filter_map(|fault| fault.clause())
            .collect();
        assert_eq!(clauses, (1..=12).collect());
        assert_eq!(BTreeSet::from(Fault::ALL).len(), Fault::ALL.len());
    }
}
