//! The ways in which a backend, and a transport, can be made to break its contract.

use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// A breach of the contract of [`Backend`](mesh_core::Backend) that [`Faulty`](super::Faulty) can be made to commit, or one of
        /// the contract of [`Transport`](signaling::Transport), which a decorator of that commits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Fault {
            $($(#[$doc])+ $name,)+
        }

        impl Fault {
            /// Every fault there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

faults! {
    /// The second command of a link is carried out before the first.
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
    /// Two messages of a channel come as one.
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
    /// Of two messages on an ordered channel, the second comes first.
    ReordersOrdered,
    /// Every third message on a reliable channel is lost.
    LosesReliable,
    /// Every fiftieth message on the unreliable channel is lost, whatever the path is like.
    LosesFew,
    /// Messages come twice.
    DuplicatesMessages,
    /// `actual` has another stream id, as a platform that reports a handle.
    WrongActualId,
    /// `actual` has the other order.
    WrongActualOrder,
    /// `actual` has another reliability, as where a misspelt key was ignored.
    WrongActualReliability,
    /// Channels are all made reliable, and reported as they were wanted.
    EchoesReliability,
    /// Channels are all made ordered, and reported as they were wanted.
    EchoesOrder,
    /// Channels with a lifetime are made reliable, and reported as they were wanted.
    EchoesLifetime,
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
    /// Announces that it takes messages of 2000 bytes at most.
    WrongMaxMessageSize,
    /// Figures that are asked for never come.
    NoStats,
    /// A channel that the far side makes in-band is not reported.
    IgnoresInBand,
    /// A transport opens twice.
    TransportOpensTwice,
    /// Texts come twice.
    TransportRepeatsTexts,
    /// A transport takes texts before it has opened.
    TransportTakesEarly,
    /// A transport takes any amount of texts.
    TransportNeverFull,
    /// The end of a connection is reported without the server's words.
    TransportSwallowsWords,
    /// The end of a connection is reported twice.
    TransportClosedTwice,
    /// A transport wakes the first waker it was ever given.
    TransportWakesFirstWaker,
    /// The last text before a close is lost.
    TransportLosesLastText,
    /// A close is reported to whoever has asked for it.
    TransportReportsOwnClose,
    /// A transport that is to connect anew does not.
    TransportStaysClosed,
    /// A transport that is to connect elsewhere connects to its own address.
    TransportStaysAtHome,
    /// A transport that is to connect anew tells the server that it leaves.
    TransportLeavesToReopen,
    /// A farewell is not said.
    TransportSwallowsFarewell,
}
