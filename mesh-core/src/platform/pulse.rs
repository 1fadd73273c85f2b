//! The pulse: how two backends of ours notice that the other one does not answer any more, and what they measure meanwhile. Of a far
//! side that has vanished they notice it within 2.5 s, of one that is still heard after 10 s without an answer,
//! or after 3 s where the path has just come back ([`Life::Deaf`]). One that was silent is back when it is heard, and where a backend
//! asks for that, when it has what it was sent before ([`Life::Owed`]).
//!
//! It goes on a negotiated channel on the SCTP stream [`STREAM`], unordered and unreliable. As on the
//! [control channel](super::control), a side says nothing on it before the far side has announced that it listens, from
//! version [`SINCE`] on. `docs/wire.md` has its messages byte by byte.
//!
//! [`Pulse`] is the part without I/O. Each side sends a ping twice a second, or once a second while it gets other
//! messages, and answers those of the far side. On an idle link whose checks of ICE say the same of the far side ([`announce`]), it
//! sends one every five seconds. If SCTP alone stops there, this is noticed up to five seconds later. The backend does both, and the game's loop has no part in it: a game that does not
//! poll for a while is not taken for one that is gone. A page answers no ping while its thread is busy; but its SCTP acknowledges them, which the backend can see. So after a silence the
//! backend looks at the path: while something comes, the far side is [stalled](Life::Stalled), and only if nothing does, it is
//! [silent](Life::Silent). [`judge`] says what that means for the state of the connection.
//!
//! A side that stood still itself, or whose timers come late, cannot know what it would have heard. It does not count that time.

mod life;
mod measures;
mod run;
#[cfg(test)]
mod tests;
mod wire;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

pub use self::life::{Life, judge};
use self::run::Run;
use self::wire::Message;
use super::{LinkFault, control};
use crate::sdp::with_session_line;
use crate::{ChannelParameters, ChannelSpec, Instant, LinkStats, Reliability, SendLimits};

/// The SCTP stream of the channel.
pub const STREAM: u16 = 1000;

/// The first version of the [announcement](control::announce) whose side answers pings.
pub const SINCE: u16 = 2;

/// How often a ping is sent.
const INTERVAL: Duration = Duration::from_millis(500);

/// The same while messages come from the far side. They show that it is there, so pings only measure and check that what we say
/// arrives.
const BUSY_INTERVAL: Duration = Duration::from_secs(1);

/// How often a ping is sent while the checks of ICE show that the far side is there and hears us. Pings measure then, and show that
/// SCTP is alive.
const QUIET_INTERVAL: Duration = Duration::from_secs(5);

/// How long ago a check must have been answered for that.
const CHECKED: Duration = Duration::from_secs(2);

/// How long the way there and back may take for that, and how many percent may be lost. The words of a far side come further apart where
/// it is farther away or where more is lost, and then they say less.
const NEAR: Duration = Duration::from_millis(100);
const FEW: u8 = 3;

/// How a description says that whatever answers checks of ICE on this side also answers pings. So an answer to either shows that the
/// side is there.
const ATTRIBUTE: &str = "a=webrtc-multiplayer-pulse:";
const ICE: &str = "ice";

/// After how long a silence pings are sent faster, and how fast: some of them may be lost.
const ASKING_AFTER: Duration = Duration::from_secs(1);
const ASKING_INTERVAL: Duration = Duration::from_millis(200);

/// After how long a silence the far side does not answer. Its last word may have travelled for 0.4 s, so this is noticed within
/// 2.5 s. A path that loses a fifth of what is sent each way, and takes up to 900 ms there and back, delivers no pulse for so long
/// once in three hours; the look at the path shows then that it carries something.
const SILENT_AFTER: Duration = Duration::from_secs(2);

/// After how long without an answer what we say does not arrive. A path that loses a fifth each way leaves twelve pings without one once
/// in hundreds of thousands of times. Where it takes 900 ms there and back and messages of the game come, there are nine, which
/// have none once in ten thousand times.
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

/// How long it matters that a far side that is heard again has not what it was sent before. A path that needs longer is only slow.
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

/// A local description that says that whatever answers checks of ICE on this side also answers pings, so that an answer to either is a
/// sign of life. Not so of a page: the browser answers checks while the page's thread is busy.
#[must_use]
pub fn announce(sdp: &str) -> String {
    with_session_line(sdp, &alloc::format!("{ATTRIBUTE}{ICE}"))
}

/// What has come from the far side since the connection was made, other than pulses. All of it only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// Messages on any channel of the game, and on the control channel.
    pub messages: u64,
    /// Whatever shows that the path carries something, in a unit of the backend's: datagrams, or bytes. `None`: not known now.
    pub path: Option<u64>,
    /// When the pair of candidates in use has last carried something from the far side. `None`: not known, or it does not speak for the far
    /// side now.
    pub checks: Option<Checks>,
}

/// What checks of ICE show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// When a datagram of the far side last came.
    pub heard: Instant,
    /// When the far side last answered a check of ours.
    pub answered: Instant,
}

/// The pulse of one link.
#[derive(Debug, Default)]
pub struct Pulse {
    is_announced: bool,
    /// What answers the far side's checks of ICE answers its pings, too.
    is_one_with_ice: bool,
    is_open: bool,
    run: Option<Run>,
}

impl Pulse {
    /// The far side described itself.
    pub fn described(&mut self, now: Instant, sdp: &str) {
        let version = control::announced(sdp);
        self.is_announced = version.is_some_and(|version| version >= SINCE);
        let mut lines = sdp.lines();
        let word = lines.find_map(|line| line.strip_prefix(ATTRIBUTE));
        self.is_one_with_ice = word.is_some_and(|word| word.trim_end() == ICE);
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
            Life::Answers | Life::Unheard | Life::Deaf | Life::Owed if run.is_first => {
                Life::Unknown
            }
            life @ (Life::Unknown
            | Life::Answers
            | Life::Unheard
            | Life::Deaf
            | Life::Owed
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
                    run.take_answer(now);
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
        let checks = signs.checks.filter(|_| self.is_one_with_ice);
        self.run.as_mut()?.poll(now, Signs { checks, ..signs })
    }

    /// Whether the checks of ICE speak for the far side, as of the last [`poll`](Self::poll). They are to be answered every 1.2 s at least
    /// then, and the two sides are to take turns with them, so that something is heard about every half second.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.is_quiet)
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
