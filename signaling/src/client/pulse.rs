//! Whether the server still answers.

use mesh_core::{Duration, Instant};

/// After how long a silence the server is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(4);

/// How long it may take to answer. Together with the silence it is less than the 10 s within which a dead server is noticed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same where the path to a peer has broken. What is given up without need is joined again under the same id.
const DOUBT: Duration = Duration::from_secs(2);

/// When to ask, and when to give up.
///
/// A browser cannot send a WebSocket ping, and what the operating system does by itself takes minutes, so the question is a
/// message of our extension. Any text of the server counts as an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    /// When it is to be asked, and once it is, when it is given up.
    due: Instant,
    is_asked: bool,
    is_doubted: bool,
}

/// What is to be done about a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing for now.
    Rest,
    /// Ask the server.
    Ask,
    /// It does not answer.
    Dead,
}

impl Pulse {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            due: now + SILENCE,
            is_asked: false,
            is_doubted: false,
        }
    }

    /// It may be out of reach: it is asked now, and given up sooner.
    pub(super) fn doubt(&mut self, now: Instant) {
        if !core::mem::replace(&mut self.is_doubted, true) {
            let due = if self.is_asked { now + DOUBT } else { now };
            self.due = self.due.min(due);
        }
    }

    /// The server has said something.
    pub(super) fn hear(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// What is due. After [`Beat::Ask`] the server counts as asked.
    ///
    /// A program that was stopped for a while, such as a page in the background, asks first: its own silence is not the
    /// server's.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Beat {
        if now < self.due {
            return Beat::Rest;
        }
        if self.is_asked {
            return Beat::Dead;
        }
        self.is_asked = true;
        self.due = now + if self.is_doubted { DOUBT } else { PATIENCE };
        Beat::Ask
    }

    /// When something is due.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_micros(5);

    #[test]
    fn a_silent_server_is_asked_and_then_given_up_within_ten_seconds() {
        let mut pulse = Pulse::new(START);
        assert_eq!(pulse.handle_timeout(START), Beat::Rest);
        let asked = pulse.due();
        assert_eq!(pulse.handle_timeout(asked), Beat::Ask);
        assert_eq!(pulse.handle_timeout(asked), Beat::Rest);
        let given_up = pulse.due();
        assert!(given_up - START < Duration::from_secs(10));
        assert_eq!(pulse.handle_timeout(given_up), Beat::Dead);
    }

    #[test]
    fn an_answer_begins_the_silence_anew() {
        let mut pulse = Pulse::new(START);
        let asked = pulse.due();
        assert_eq!(pulse.handle_timeout(asked), Beat::Ask);
        pulse.hear(asked);
        assert_eq!(pulse.due(), asked + SILENCE);
        assert_eq!(pulse.handle_timeout(pulse.due()), Beat::Ask);
    }

    #[test]
    fn one_that_is_doubted_is_asked_at_once_and_given_up_sooner() {
        let mut pulse = Pulse::new(START);
        pulse.doubt(START);
        assert_eq!(pulse.handle_timeout(START), Beat::Ask);
        pulse.doubt(START + DOUBT);
        assert_eq!(pulse.due(), START + DOUBT, "once");
        pulse.hear(START);
        assert_eq!(pulse.due(), START + SILENCE);
        // One that has been asked already.
        let asked = pulse.due();
        assert_eq!(pulse.handle_timeout(asked), Beat::Ask);
        pulse.doubt(asked);
        assert_eq!(pulse.due(), asked + DOUBT);
        assert_eq!(pulse.handle_timeout(asked + DOUBT), Beat::Dead);
    }

    #[test]
    fn a_program_that_was_stopped_asks_before_it_gives_up() {
        let mut pulse = Pulse::new(START);
        let late = START + Duration::from_secs(60);
        assert_eq!(pulse.handle_timeout(late), Beat::Ask);
        assert_eq!(pulse.handle_timeout(late), Beat::Rest);
    }
}
