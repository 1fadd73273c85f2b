//! The pulse: how two backends of ours notice that the other one does not answer any more, and what they measure meanwhile. Of a far
//! side that has vanished they notice it within 2.5 s, of one that is still heard after 10 s without an answer,
//! or after 3 s where the path has just come back ([`Life::Deaf`]).
//!
//! It goes on a negotiated channel on the SCTP stream [`STREAM`], unordered and unreliable. As on the
//! [control channel](super::control), a side says nothing on it before the far side has announced that it listens, from
//! version [`SINCE`] on. `docs/wire.md` has its messages byte by byte.
//!
//! [`Pulse`] is the part without I/O. Each side sends a ping twice a second and answers those of the far side. The backend does
//! both, and the game's loop has no part in it: a game that does not poll for a while is not taken for one that is gone. A page
//! answers no ping while its thread is busy; but its SCTP acknowledges them, which the backend can see. So after a silence the
//! backend looks at the path: while something comes, the far side is [stalled](Life::Stalled), and only if nothing does, it is
//! [silent](Life::Silent). [`judge`] says what that means for the state of the connection.
//!
//! A side that stood still itself, or whose timers come late, cannot know what it would have heard. It does not count that time.

mod life;
mod measures;
#[cfg(test)]
mod tests;
mod wire;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

pub use self::life::{Life, judge};
use self::measures::{Answers, Arrivals};
use self::wire::{Message, Ping};
use super::{LinkFault, control};
use crate::{ChannelParameters, ChannelSpec, Instant, LinkStats, Reliability, SendLimits};

/// The SCTP stream of the channel.
pub const STREAM: u16 = 1000;

/// The first version of the [announcement](control::announce) whose side answers pings.
pub const SINCE: u16 = 2;

/// How often a ping is sent.
const INTERVAL: Duration = Duration::from_millis(500);

/// After how long a silence pings are sent faster, and how fast: some of them may be lost.
const ASKING_AFTER: Duration = Duration::from_secs(1);
const ASKING_INTERVAL: Duration = Duration::from_millis(200);

/// After how long a silence the far side does not answer. Its last word may have travelled for 0.4 s, so this is noticed within
/// 2.5 s. A path that loses a fifth of what is sent each way, and takes up to 900 ms there and back, delivers no pulse for so long
/// once in three hours; the look at the path shows then that it carries something.
const SILENT_AFTER: Duration = Duration::from_secs(2);

/// After how long without an answer what we say does not arrive. A path that loses a fifth each way leaves twelve pings without one once
/// in hundreds of thousands of times.
const UNHEARD_AFTER: Duration = Duration::from_secs(4);

/// After how long without an answer that is certain: the platform has had time to find out by itself that the path is broken in one
/// direction, and what is queued before a ping has left on any path that a game could be played over.
const DEAF_AFTER: Duration = Duration::from_secs(10);

/// The same for a path that has just come back. Chromium's SCTP may have stopped in one direction then. A healthy one tries again within
/// 3.5 s (measured after cuts of up to 20 s, with both browsers), and it takes half a second to see that the path is back.
const DEAF_AFTER_RETURN: Duration = Duration::from_secs(3);

/// How long after a silence a path that carries something again may bring no word, until its far side counts as busy. SCTP waits
/// for its next try meanwhile, which comes after 3.5 s at most as above; another link is faster.
const HEARD_WITHIN: Duration = Duration::from_secs(4);

/// How long it matters that a far side that is heard again has not what it was sent before. Nothing is wrong with a path that needs longer
/// for it, but that it is slow.
const OWED_FOR: Duration = Duration::from_secs(10);

/// How much longer the first word may take: the far side's channel opens up to a round trip later than ours.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// By how much we may be late without having stood still.
const LATE: Duration = Duration::from_millis(250);

/// How many pings of the far side are answered in [`INTERVAL`]; an honest one sends five at most, and more in a burst after it
/// stood still.
const MAX_ANSWERS: u32 = 32;

/// What the channel is to be.
#[must_use]
pub fn spec() -> ChannelSpec {
    ChannelSpec {
        label: String::from("pulse"),
        parameters: ChannelParameters {
            id: STREAM,
            ordered: false,
            reliability: Reliability::Retransmits(0),
        },
        limits: SendLimits::SHORT,
        bulk: false,
    }
}

/// What has come from the far side since the connection was made, other than pulses. Both only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// Messages on any channel of the game, and on the control channel.
    pub messages: u64,
    /// Whatever shows that the path carries something, in a unit of the backend's: datagrams, or bytes. `None`: not known now.
    pub path: Option<u64>,
}

/// The pulse of one link.
#[derive(Debug, Default)]
pub struct Pulse {
    is_announced: bool,
    is_open: bool,
    run: Option<Run>,
}

/// While there is a pulse.
#[derive(Debug)]
struct Run {
    /// When the far side was last heard; a little later than now until it was heard at all.
    heard: Instant,
    is_first: bool,
    /// When it last answered a ping; a little later than now until it was heard at all.
    answered_us: Instant,
    /// When the path came back, as it seems; until it answers.
    returned: Option<Instant>,
    /// Since when it is back without all that it was sent before.
    owed: Option<Instant>,
    /// When its path last showed that it carries something.
    carried: Instant,
    life: Life,
    messages: u64,
    /// What the path has carried, as it was seen since the far side was last heard, and how often it was looked at.
    path: Option<(Instant, u64)>,
    looks: u32,
    /// When [`Pulse::poll`] was last called, when it is to be called next, and whether the last call came late.
    polled: Instant,
    due: Instant,
    was_late: bool,
    /// When the next ping is sent.
    ping_due: Instant,
    answers: Answers,
    arrivals: Arrivals,
    /// How many pings were answered since then.
    answered: (Instant, u32),
}

impl Pulse {
    /// The far side described itself.
    pub fn described(&mut self, now: Instant, sdp: &str) {
        let version = control::announced(sdp);
        self.is_announced = version.is_some_and(|version| version >= SINCE);
        self.settle(now);
    }

    /// Our channel is open.
    pub fn opened(&mut self, now: Instant) {
        self.is_open = true;
        self.settle(now);
    }

    /// Our channel is closed: nothing more is heard or said.
    pub fn closed(&mut self) {
        self.is_open = false;
        self.run = None;
    }

    fn settle(&mut self, now: Instant) {
        if !(self.is_open && self.is_announced) {
            self.run = None;
        } else if self.run.is_none() {
            self.run = Some(Run::new(now));
        }
    }

    /// Whether the far side is there, as of the last call.
    #[must_use]
    pub fn life(&self) -> Life {
        self.run.as_ref().map_or(Life::Unknown, |run| run.life)
    }

    /// The same for [`judge`]: until the far side has said something the platform knows more, unless the far side stays silent.
    #[must_use]
    pub fn life_to_judge(&self) -> Life {
        let run = self.run.as_ref();
        run.map_or(Life::Unknown, |run| match run.life {
            Life::Answers | Life::Unheard | Life::Deaf if run.is_first => Life::Unknown,
            life @ (Life::Unknown
            | Life::Answers
            | Life::Unheard
            | Life::Deaf
            | Life::Stalled
            | Life::Silent) => life,
        })
    }

    /// Takes a message of the far side; gives the answer that is to be sent, if there is one. A message of a kind that this
    /// version does not know is ignored, and so is any from a side that has announced no pulse.
    ///
    /// # Errors
    ///
    /// [`LinkFault::Pulse`] for a message that breaks the rules of its kind.
    pub fn take(&mut self, now: Instant, message: &[u8]) -> Result<Option<Vec<u8>>, LinkFault> {
        let Some(run) = &mut self.run else {
            return Ok(None);
        };
        match Message::from_bytes(message)? {
            Some(Message::Ping(ping)) => {
                run.arrivals.take(now, ping);
                run.hear(now);
                let number = ping.number;
                let answer = run.may_answer(now).then_some(Message::Pong { number });
                Ok(answer.map(Message::to_bytes))
            }
            Some(Message::Pong { number }) => {
                if run.answers.take(now, number) {
                    run.answered_us = run.answered_us.max(now);
                    run.returned = None;
                    run.hear(now);
                }
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// The platform has seen the path come back. It may carry something in one direction alone, and SCTP may wait for its next try, so
    /// an answer is awaited again, and after a silence a word.
    pub fn path_is_back(&mut self, now: Instant) {
        if let Some(run) = &mut self.run {
            if matches!(run.life, Life::Unheard | Life::Deaf | Life::Silent) {
                run.returned = Some(now);
            }
            run.answered_us = run.answered_us.max(now);
            if run.life == Life::Silent {
                run.carried = now;
            } else {
                run.hear(now);
            }
        }
    }

    /// The path is back, and the far side has not all that was sent reliably before. Messages that are sent anew may arrive while
    /// the platform does not repeat those: Chromium's SCTP was seen to do so for 20 s, in one direction, after one cut of 3 s in five. Or what
    /// was said during the outage arrives slowly: Chromium sent one packet in a round trip for 8 s.
    pub fn owes(&mut self, now: Instant) {
        if let Some(run) = &mut self.run {
            run.returned.get_or_insert(now);
            run.owed = Some(now);
            run.judge(now);
        }
    }

    /// The far side has all that was owed to it.
    pub fn is_settled(&mut self, now: Instant) {
        if let Some(run) = &mut self.run
            && run.owed.take().is_some()
        {
            run.judge(now);
        }
    }

    /// When [`poll`](Self::poll) is to be called next, whatever happens until then. `None`: never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.run.as_ref().map(|run| run.due)
    }

    /// Takes in that it is `now`, and what has come until then. Gives the ping that is to be sent, if one is due.
    #[must_use]
    pub fn poll(&mut self, now: Instant, signs: Signs) -> Option<Vec<u8>> {
        self.run.as_mut()?.poll(now, signs)
    }

    /// Whether the path is to be looked at now, for [`look`](Self::look): a backend to which that costs something does it then
    /// alone.
    #[must_use]
    pub fn wants_look(&self) -> bool {
        let run = self.run.as_ref();
        run.is_some_and(|run| run.polled - run.heard >= ASKING_AFTER)
    }

    /// [`Signs::path`] as it is at this moment.
    pub fn look(&mut self, now: Instant, path: u64) {
        if let Some(run) = &mut self.run {
            run.look(now, path);
            run.judge(now);
        }
    }

    /// Writes into the figures of a link what the pulse has measured.
    pub fn measured(&self, stats: &mut LinkStats) {
        let Some(run) = &self.run else {
            return;
        };
        stats.round_trip = run.answers.round_trip.or(stats.round_trip);
        stats.jitter = run.arrivals.jitter;
        stats.loss_sent = run.arrivals.loss_sent;
        stats.loss_received = run.arrivals.loss();
        stats.stalled = run.life == Life::Stalled;
    }
}

impl Run {
    fn new(now: Instant) -> Self {
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
            answers: Answers::default(),
            arrivals: Arrivals::default(),
            answered: (now, 0),
        }
    }

    fn hear(&mut self, at: Instant) {
        let is_first = core::mem::take(&mut self.is_first);
        self.heard = if is_first { at } else { self.heard.max(at) };
        self.carried = self.carried.max(at);
        self.path = None;
        self.looks = 0;
        if self.life == Life::Stalled {
            // It had no occasion to answer. One that was silent has to: what it says may arrive and what we say not.
            self.answered_us = self.answered_us.max(at);
            self.returned = self.returned.map(|returned| returned.max(at));
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
        let is_owed_lately = |since| now - since < OWED_FOR;
        if unanswered >= DEAF_AFTER
            || self.returned.is_some_and(is_back_in_vain)
            || self.owed.is_some_and(is_owed_lately)
        {
            Life::Deaf
        } else if unanswered >= UNHEARD_AFTER {
            Life::Unheard
        } else {
            Life::Answers
        }
    }

    fn may_answer(&mut self, now: Instant) -> bool {
        if now - self.answered.0 >= INTERVAL {
            self.answered = (now, 0);
        }
        self.answered.1 = self.answered.1.saturating_add(1);
        self.answered.1 <= MAX_ANSWERS
    }

    fn poll(&mut self, now: Instant, signs: Signs) -> Option<Vec<u8>> {
        if signs.messages > self.messages {
            self.messages = signs.messages;
            // They came since the last poll, and may have come right after it.
            self.hear(self.polled);
        }
        self.mind_lateness(now);
        if let Some(path) = signs.path {
            self.look(now, path);
        }
        self.polled = now;
        self.judge(now);
        let is_near = matches!(self.life, Life::Answers | Life::Unheard | Life::Deaf);
        let is_asking = is_near && now - self.heard.min(self.answered_us) >= ASKING_AFTER;
        let interval = if is_asking { ASKING_INTERVAL } else { INTERVAL };
        self.ping_due = self.ping_due.min(now + interval);
        let ping = (self.ping_due <= now).then(|| {
            self.ping_due = now + interval;
            self.ping(now)
        });
        self.due = self.next_look().min(self.ping_due);
        ping
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
        self.returned = self.returned.map(|returned| returned + unseen);
        let excess = (now - self.heard).saturating_sub(ASKING_AFTER);
        // What is silent stays so until something is heard.
        if is_excused && self.life != Life::Silent && !excess.is_zero() {
            self.heard += excess;
            self.carried = self.carried.max(self.heard);
            self.path = None;
            self.looks = 0;
        }
    }

    fn look(&mut self, now: Instant, path: u64) {
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

    fn judge(&mut self, now: Instant) {
        let silence = now - self.heard;
        // One look alone shows nothing.
        let was_looked_at = self.looks > 1 || silence >= SILENT_AFTER + LATE;
        let carries = now - self.carried < SILENT_AFTER;
        if self.life == Life::Silent && !carries {
            self.returned = None;
        }
        let is_back_lately = |returned| now - returned < HEARD_WITHIN;
        let may_be_busy = self.life != Life::Silent || !self.returned.is_some_and(is_back_lately);
        self.life = if silence < SILENT_AFTER {
            self.life_of_one_heard(now)
        } else if carries && may_be_busy {
            Life::Stalled
        } else if was_looked_at || self.life == Life::Silent {
            Life::Silent
        } else {
            self.life
        };
    }

    fn ping(&mut self, now: Instant) -> Vec<u8> {
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
