//! What is known of the far side while there is a pulse, and what follows from it.

use alloc::vec::Vec;

use super::measures::{Answers, Arrivals};
use super::wire::{Message, Ping};
use super::{
    ASKING_AFTER, ASKING_INTERVAL, BUSY_INTERVAL, CHECKED, Checks, DEAF_AFTER, DEAF_AFTER_RETURN,
    FEW, FIRST_WORD, HEARD_WITHIN, INTERVAL, LATE, Life, MAX_ANSWERS, NEAR, OWED_FOR,
    QUIET_INTERVAL, SILENT_AFTER, Signs, UNHEARD_AFTER,
};
use crate::Instant;

/// While there is a pulse.
#[derive(Debug)]
pub(super) struct Run {
    /// When the far side was last heard; a little later than now until it was heard at all.
    pub(super) heard: Instant,
    pub(super) is_first: bool,
    /// When it last answered a ping; a little later than now until it was heard at all.
    pub(super) answered_us: Instant,
    /// When the path came back, as it seems; until it answers.
    pub(super) returned: Option<Instant>,
    /// Since when it is back without all that it was sent before.
    pub(super) owed: Option<Instant>,
    /// When its path last showed that it carries something.
    pub(super) carried: Instant,
    pub(super) life: Life,
    messages: u64,
    /// What the path has carried, as it was seen since the far side was last heard, and how often it was looked at.
    path: Option<(Instant, u64)>,
    looks: u32,
    /// When [`Pulse::poll`](super::Pulse::poll) was last called, when it is to be called next, and whether the last call came late.
    pub(super) polled: Instant,
    pub(super) due: Instant,
    was_late: bool,
    /// When the next ping is sent, and when the first one was of those that have no answer.
    ping_due: Instant,
    asked: Option<Instant>,
    /// The checks of ICE speak for the far side.
    pub(super) is_quiet: bool,
    pub(super) answers: Answers,
    pub(super) arrivals: Arrivals,
    /// How many pings were answered since then.
    answered: (Instant, u32),
}

impl Run {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            heard: now + FIRST_WORD,
            is_first: true,
            answered_us: now + FIRST_WORD,
            returned: None,
            owed: None,
            carried: now,
            life: Life::Answers,
            messages: 0,
            path: None,
            looks: 0,
            polled: now,
            // The channels of the game are opening now.
            due: now + INTERVAL,
            was_late: false,
            ping_due: now + INTERVAL,
            asked: None,
            is_quiet: false,
            answers: Answers::default(),
            arrivals: Arrivals::default(),
            answered: (now, 0),
        }
    }

    /// A ping of ours was answered.
    pub(super) fn take_answer(&mut self, now: Instant) {
        self.asked = None;
        self.answered_us = self.answered_us.max(now);
        self.returned = None;
        self.hear(now);
    }

    pub(super) fn hear(&mut self, at: Instant) {
        let is_first = core::mem::take(&mut self.is_first);
        self.heard = if is_first { at } else { self.heard.max(at) };
        self.carried = self.carried.max(at);
        self.path = None;
        self.looks = 0;
        if self.life == Life::Stalled {
            // It had no occasion to answer. One that was silent has to: what it says may arrive and what we say not.
            self.answered_us = self.answered_us.max(at);
            self.returned = self.returned.map(|returned| returned.max(at));
            // SCTP has delivered meanwhile, and only its thread was busy.
            self.owed = None;
        } else if self.life == Life::Silent {
            // Until now nothing could be answered.
            self.returned = self.returned.map(|returned| returned.max(at));
        }
        // We may have stood still since the last poll, which is to be minded first.
        self.life = self.life_of_one_heard(self.polled);
    }

    fn life_of_one_heard(&self, now: Instant) -> Life {
        let unanswered = now - self.answered_us;
        let is_back_in_vain = |returned| now - returned >= DEAF_AFTER_RETURN;
        if unanswered >= DEAF_AFTER || self.returned.is_some_and(is_back_in_vain) {
            Life::Deaf
        } else if self.is_owed(now) {
            Life::Owed
        } else if unanswered >= UNHEARD_AFTER {
            Life::Unheard
        } else {
            Life::Answers
        }
    }

    fn is_owed(&self, now: Instant) -> bool {
        self.owed.is_some_and(|since| now - since < OWED_FOR)
    }

    pub(super) fn may_answer(&mut self, now: Instant) -> bool {
        if now - self.answered.0 >= INTERVAL {
            self.answered = (now, 0);
        }
        self.answered.1 = self.answered.1.saturating_add(1);
        self.answered.1 <= MAX_ANSWERS
    }

    pub(super) fn poll(&mut self, now: Instant, signs: Signs) -> Option<Vec<u8>> {
        let is_busy = signs.messages > self.messages;
        if is_busy {
            self.messages = signs.messages;
            // They came since the last poll, and may have come right after it.
            self.hear(self.polled);
        }
        self.mind_lateness(now);
        if let Some(path) = signs.path {
            self.look(now, path);
        }
        self.is_quiet = self.mind_checks(now, signs.checks.filter(|_| !is_busy));
        self.polled = now;
        self.judge(now);
        let is_near = matches!(
            self.life,
            Life::Answers | Life::Unheard | Life::Deaf | Life::Owed
        );
        // Where a path has come back, an answer is waited for.
        let usual = if is_busy && self.returned.is_none() {
            BUSY_INTERVAL
        } else if self.is_quiet {
            QUIET_INTERVAL
        } else {
            INTERVAL
        };
        let patience = usual.min(BUSY_INTERVAL) + (ASKING_AFTER - INTERVAL);
        let is_missed = now - self.heard >= ASKING_AFTER || now - self.answered_us >= patience;
        let interval = if is_near && is_missed {
            ASKING_INTERVAL
        } else {
            usual
        };
        self.ping_due = self.ping_due.min(now + interval);
        let ping = (self.ping_due <= now).then(|| {
            self.ping_due = now + interval;
            self.ping(now)
        });
        // Messages count as heard when the poll before them was made, so polls keep their pace.
        let longest = if self.is_quiet {
            ASKING_AFTER
        } else {
            INTERVAL
        };
        self.due = self.next_look().min(self.ping_due).min(now + longest);
        ping
    }

    /// Whether the checks of ICE speak for the far side: they show that it is there, and that it hears us. Not while a ping waits for
    /// its answer, because SCTP may have stopped; nor before it is known how far away the far side is, and how much is lost.
    fn mind_checks(&mut self, now: Instant, checks: Option<Checks>) -> bool {
        let Some(checks) = checks.filter(|checks| now - checks.answered < CHECKED) else {
            return false;
        };
        let is_near = self.answers.round_trip.is_some_and(|it| it <= NEAR);
        let losses = [self.arrivals.loss(), self.arrivals.loss_sent];
        let is_sound = losses.iter().all(|loss| loss.is_some_and(|it| it <= FEW));
        let is_well = self.life == Life::Answers && self.returned.is_none();
        if !is_near || !is_sound || !is_well {
            return false;
        }
        if let Some(asked) = self.asked.filter(|asked| now - *asked >= ASKING_AFTER) {
            // Checks may have been answered since.
            self.answered_us = self.answered_us.min(asked);
            return false;
        }
        self.answered_us = self.answered_us.max(checks.answered);
        // Whoever knows our port could make something seem heard, but no answer.
        let heard = checks.heard.min(checks.answered + INTERVAL);
        if heard > self.heard {
            self.hear(heard);
        }
        true
    }

    /// We may have stood still, and what was said to us meanwhile waits behind this: then we ask first. Not so if we were
    /// late the last time, too, and have heard nothing since, though there was time: the timers of a hidden page come late
    /// always.
    fn mind_lateness(&mut self, now: Instant) {
        let is_late = now - self.due >= LATE;
        let is_excused = !self.was_late || self.heard >= self.polled;
        self.was_late = is_late;
        if !is_late {
            return;
        }
        self.ping_due = now;
        let unseen = now - self.polled;
        self.answered_us += unseen;
        // One that is silent is not waited for longer.
        if self.life != Life::Silent {
            self.returned = self.returned.map(|returned| returned + unseen);
        }
        let excess = (now - self.heard).saturating_sub(ASKING_AFTER);
        // What is silent stays so until something is heard.
        if is_excused && self.life != Life::Silent && !excess.is_zero() {
            self.heard += excess;
            self.carried = self.carried.max(self.heard);
            self.path = None;
            self.looks = 0;
        }
    }

    pub(super) fn look(&mut self, now: Instant, path: u64) {
        let before = self.path.replace((now, path));
        self.looks = self.looks.saturating_add(1);
        if let Some((then, before)) = before
            && path > before
        {
            // It came since the last look, and may have come right after it.
            self.carried = self.carried.max(then);
            if self.life == Life::Silent {
                self.returned.get_or_insert(now);
            }
        }
    }

    pub(super) fn judge(&mut self, now: Instant) {
        let silence = now - self.heard;
        // One look alone shows nothing.
        let was_looked_at = self.looks > 1 || silence >= SILENT_AFTER + LATE;
        let uncarried = now - self.carried;
        let is_back_lately = |returned| now - returned < HEARD_WITHIN;
        let before = self.life;
        self.life = if silence < SILENT_AFTER {
            self.life_of_one_heard(now)
        } else if uncarried < SILENT_AFTER {
            let is_back = self.returned.is_some_and(is_back_lately);
            if before == Life::Silent && is_back || before == Life::Owed && self.is_owed(now) {
                before
            } else {
                Life::Stalled
            }
        } else if was_looked_at || before == Life::Silent {
            Life::Silent
        } else {
            before
        };
        // The path is not back yet, or not any more. A page whose timers come late looks at it once a second.
        let is_new = before != Life::Silent;
        if self.life == Life::Silent && (is_new || uncarried >= SILENT_AFTER * 2) {
            self.returned = None;
        }
    }

    fn ping(&mut self, now: Instant) -> Vec<u8> {
        self.asked.get_or_insert(now);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the number on the wire goes round"
        )]
        let sent = now.as_micros() as u32;
        let ping = Ping {
            number: self.answers.ask(now),
            sent,
            loss: self.arrivals.loss(),
        };
        Message::Ping(ping).to_bytes()
    }

    /// When the silence, if it lasts, comes to its next step.
    fn next_look(&self) -> Instant {
        let steps = [
            self.heard + ASKING_AFTER,
            self.heard + SILENT_AFTER,
            self.carried + SILENT_AFTER,
        ];
        let later = steps.into_iter().filter(|step| *step > self.polled);
        later.min().unwrap_or(self.ping_due)
    }
}
