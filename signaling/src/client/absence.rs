//! The way back to a server: when to try again, and when to give up.

use mesh_core::{Duration, Instant, LostReason};

/// How long one attempt to come back may take. A server that answers takes a fraction of it, and one that does not must not keep
/// us from the next attempt.
pub(super) const ATTEMPT: Duration = Duration::from_secs(5);

/// The longest time for which a client tries to come back, whatever the server says.
const LONGEST_TERM: Duration = Duration::from_secs(60 * 60);

/// How long a connection must stand before the pauses begin anew. A server, or a path, that fails after each return must not be asked
/// without a pause.
pub(super) const STEADY: Duration = Duration::from_secs(10);

/// What brings us back, as the server gave it.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    /// How long our seat is kept once the connection has broken.
    pub(super) term: Duration,
}

impl Token {
    /// As a server says it: none where it keeps no seat.
    pub(super) fn new(text: String, seconds: u32) -> Option<Self> {
        let term = Duration::from_secs(seconds.into()).min(LONGEST_TERM);
        (seconds > 0).then_some(Self { text, term })
    }
}

/// The time between the break of a connection and its end: we are back, or give up.
///
/// Attempts follow each other with growing pauses until the server does not keep our seat any more.
#[derive(Debug)]
pub(super) struct Absence {
    over: Instant,
    /// Why the last attempt, or the connection before the first one, has failed.
    reason: LostReason,
}

impl Absence {
    /// The connection has broken now.
    pub(super) fn new(now: Instant, term: Duration, reason: LostReason) -> Self {
        Self {
            over: now + term,
            reason,
        }
    }

    /// The connection, or an attempt, has failed. When to make the next one, if there may be such a pause before it.
    pub(super) fn fail(&mut self, now: Instant, pause: Duration, reason: LostReason) -> Instant {
        self.reason = reason;
        (now + pause).min(self.over)
    }

    /// Whether it is time to give up.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.over <= now
    }

    pub(super) fn into_reason(self) -> LostReason {
        self.reason
    }
}
