//! The way back to a server: when to try again, and when to give up.

use mesh_core::{Duration, Instant, LostReason};

/// How long one attempt to come back may take. A server that answers takes a fraction of it, and one that does not must not keep
/// us from the next attempt.
pub(super) const ATTEMPT: Duration = Duration::from_secs(5);

/// How long an attempt may take until it has a connection. The first packet of one that began while the path was broken is lost, and
/// TCP sends it again after 1 s, 3 s and 7 s; the next attempt is sooner.
const OPENING: Duration = Duration::from_secs(2);

/// One attempt in so many may take all of its time to open, for a path on which that takes long.
const PATIENT_ONE: u32 = 3;

/// After so many attempts, which takes about half a minute, it is not the path of a player that is broken for a moment: a server that
/// is slow because it has too much to do gets its rest.
const HASTY_ONES: u32 = 12;

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
    /// How many attempts were made, and when the last one began.
    attempts: u32,
    begun: Instant,
    /// Why the last attempt, or the connection before the first one, has failed.
    reason: LostReason,
}

impl Absence {
    /// The connection has broken now.
    pub(super) fn new(now: Instant, term: Duration, reason: LostReason) -> Self {
        Self {
            over: now + term,
            attempts: 0,
            begun: now,
            reason,
        }
    }

    /// Another attempt begins.
    pub(super) fn begin(&mut self, now: Instant) {
        self.attempts = self.attempts.saturating_add(1);
        self.begun = now;
    }

    /// How long the present attempt may take until it has a connection.
    pub(super) const fn opening(&self) -> Duration {
        if self.attempts.is_multiple_of(PATIENT_ONE) || self.attempts > HASTY_ONES {
            ATTEMPT
        } else {
            OPENING
        }
    }

    /// When the present attempt must have one.
    pub(super) fn opens_until(&self) -> Instant {
        self.begun + self.opening()
    }

    /// When the present attempt must be over.
    pub(super) fn joins_until(&self) -> Instant {
        self.begun + ATTEMPT
    }

    /// The connection, or an attempt that has had one, has failed. When to make the next one, if there may be such a pause before it.
    pub(super) fn fail(&mut self, now: Instant, pause: Duration, reason: LostReason) -> Instant {
        self.reason = reason;
        (now + pause).min(self.over)
    }

    /// The same where an attempt has found no connection. The time that it took is part of the pause, but for a quarter, so that
    /// clients whose connections broke together do not go on in step.
    pub(super) fn fail_to_open(
        &mut self,
        now: Instant,
        pause: Duration,
        reason: LostReason,
    ) -> Instant {
        self.reason = reason;
        if self.attempts > HASTY_ONES {
            return (now + pause).min(self.over);
        }
        let rest = now + pause / 4;
        (self.begun + pause).max(rest).min(self.over)
    }

    /// Whether it is time to give up.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.over <= now
    }

    pub(super) fn into_reason(self) -> LostReason {
        self.reason
    }
}
