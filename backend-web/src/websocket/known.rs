//! What is known of a server, from one socket to the next.

/// Whether to ask a server by HTTP before a socket to it is opened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// Whether it has answered over HTTP while a socket to it was open, once it was asked. One that has not is not asked again.
    answers: Option<bool>,
    /// How many attempts in a row it has refused. An attempt that was given up is none of them: it waits behind a broken path, and the
    /// browser does not count it.
    refusals: u32,
}

impl Known {
    /// A socket has opened.
    pub(super) fn reached(self) -> Self {
        Self {
            refusals: 0,
            ..self
        }
    }

    /// An attempt was refused.
    pub(super) fn refused(self) -> Self {
        Self {
            refusals: self.refusals.saturating_add(1),
            ..self
        }
    }

    /// It was asked while a socket to it was open.
    pub(super) fn asked(self, answers: bool) -> Self {
        Self {
            answers: Some(answers),
            ..self
        }
    }

    pub(super) fn was_asked(self) -> bool {
        self.answers.is_some()
    }

    /// Whether the next attempt asks before it opens a socket. Some attempts do not: the server may no longer answer over HTTP. They are
    /// further and further apart, so that the browser forgets the ones that fail.
    pub(super) fn is_asked_first(self) -> bool {
        let is_tried = self.refusals >= 4 && self.refusals.is_power_of_two();
        self.answers == Some(true) && self.refusals > 0 && !is_tried
    }
}

#[cfg(test)]
mod tests {
    use super::Known;

    #[test]
    fn a_server_that_refuses_is_asked_but_for_some_attempts() {
        let mut known = Known::default().asked(true);
        assert!(!known.is_asked_first(), "it was there the last time");
        let mut tried = Vec::new();
        for refusals in 1..=40 {
            known = known.refused();
            if !known.is_asked_first() {
                tried.push(refusals);
            }
        }
        assert_eq!(tried, [4, 8, 16, 32]);
        assert!(!known.reached().is_asked_first());
    }

    #[test]
    fn a_server_that_did_not_answer_is_never_asked() {
        let unknown = Known::default().refused();
        assert!(!unknown.was_asked() && !unknown.is_asked_first());
        let silent = unknown.asked(false);
        assert!(silent.was_asked() && !silent.is_asked_first());
    }
}
