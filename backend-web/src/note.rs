//! What a connection and its channels tell their link.

use mesh_core::platform::LinkFault;
use mesh_core::{ConnectionState, IceCandidate};

use crate::relay::Refusal;

/// One thing that happened.
pub(crate) enum Note {
    /// How the connection is; may be the same as before.
    State(ConnectionState),
    /// There is a route, but what talks at its end is not who was described.
    Unsecured,
    Candidate(IceCandidate),
    /// The oldest candidate whose name had to be made known may be told.
    NameKnown,
    /// A name of the far side has waited long enough to be asked for again.
    AskAgain,
    Gathered,
    /// A STUN or TURN server gave no address.
    Refused(Refusal),
    /// The link cannot go on.
    Fault(LinkFault),
    /// The control channel has something to answer, or has had an answer.
    Control,
    /// The pulse says something else of the far side.
    Pulse,
    /// The pulse wants to know what the path has carried.
    LookAtPath,
    /// The figures are old.
    Measure,
    /// A channel has less to send, or is closed.
    Drained,
    /// The time to drain is over.
    LingerOver,
}
