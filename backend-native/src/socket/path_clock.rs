//! What time it is for the `webrtc` crate, which depends on what is heard of the far side.
//!
//! **The fault.** SCTP doubles its retransmission timeout whenever the timer expires: 1, 2, 4, 8 and 16 s. So it notices that a
//! path is back only up to as long after as the path was gone. The sixth expiry starts no timer at all: after an outage of
//! half a minute no data flows any more, ever. None of that can be set. docs/upstream.md, "the timeout of SCTP after an
//! outage".
//!
//! **The cure.** The crate's clock is ours.
//!
//! - It stands still when nothing has been heard for a while, or no check was answered for a longer while, so that the timer does
//!   not expire again and again. The crate sends no connectivity checks then, so its last one is sent again and again instead
//!   ([`CuredSocket`](super::CuredSocket)).
//! - When the far side is heard again, the clock goes on from where it stood. What was only late may come now: an
//!   acknowledgement that is measured against a clock that has leapt would spoil the estimate of the round trip.
//! - A moment later the clock makes up for the time that it stood still. If checks were unanswered before, it leaps so far that
//!   the timer has expired, once.
//!
//! The leap comes with a check of the far side or an answer to ours, so ICE has heard of it at the new time and does not take the
//! leap for silence.
//!
//! **Quiet.** On an idle link the checks alone show that the far side is there ([`pulse`](mesh_core::platform::pulse)). The two sides take turns
//! with them then, about every half second.

mod checks;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use self::checks::{Checks, DOUBT, Way};
use super::envelope;

pub(super) use self::checks::Check;

/// How long checks have no answer when the path, or one way of it, must have been gone. On a path that loses every fifth datagram
/// that happens by chance once in half an hour.
const UNANSWERED: Duration = Duration::from_secs(2);

/// How long the clock goes on, at least, while the far side is heard and answers no check: one way of the path is gone. SCTP's
/// timer expires three times meanwhile.
const ONE_WAY: Duration = Duration::from_secs(10);

/// From the first sign of life to the leap: what the far side acknowledges of what was only late is here then.
const GRACE: Duration = Duration::from_millis(50);

/// The longest leap: SCTP's longest timeout.
const LONGEST_LEAP: Duration = Duration::from_secs(60);

/// After how long a silence a side whose turn it is checks the path in quiet.
const TURN: Duration = Duration::from_millis(500);

/// How much longer the side waits that has checked last: if it is controlling, and if it is controlled. With the same time for both, two sides
/// that have checked at the same moment would do so again and again. A check arrives within the difference: quiet is for round trips
/// of 100 ms at most.
const COURTESY: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(130)];

/// For how long the crate's own pair says nothing of a far side that was heard by a path that the crate does not know.
const ELSEWHERE: Duration = Duration::from_secs(2);

/// How long the crate must wait, at least, until it calls a silent connection disconnected. It hears less in quiet.
const SHORTEST_SILENCE: Duration = Duration::from_secs(2);

/// How often a side checks the path in quiet at least.
const OWN_PACE: Duration = Duration::from_millis(1200);

const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const ICE_CONTROLLING: [u8; 2] = [0x80, 0x2a];

/// Where the attributes of a message of STUN begin.
const ATTRIBUTES: usize = 20;

/// The clock of one connection.
#[derive(Debug)]
pub(super) struct PathClock {
    /// Whether an address is that of a STUN or TURN server.
    is_server: fn(SocketAddr) -> bool,
    /// A moment by tokio's clock, and what time it was by this one, which has gone at the same pace since unless it stands still.
    anchor: [Instant; 2],
    /// How far the next datagram puts it forward.
    owed: Duration,
    /// Once the connection stands; before that the clock goes as any other.
    watch: Option<Watch>,
}

#[derive(Debug)]
struct Watch {
    /// How long the clock goes on when nothing is heard.
    patience: Duration,
    /// When something was heard of the far side, by tokio's clock.
    heard: Instant,
    /// The longest silence since the far side has last answered a check.
    longest_silence: Duration,
    /// When that was, by tokio's clock and by this one.
    answered: [Instant; 2],
    /// When the far side last checked the path.
    asked: Instant,
    courtesy: Duration,
    /// Whether the settings of the crate allow fewer checks.
    may_be_quiet: bool,
    /// When something was heard on a way that checks go, and when on one that the crate does not know of.
    heard_here: Instant,
    heard_elsewhere: Option<Instant>,
    checks: Checks,
    debt: Option<Debt>,
}

/// How far the clock is to be put forward because it stood still, or because timers are to expire.
#[derive(Clone, Copy, Debug)]
struct Debt {
    by: Duration,
    /// When, by tokio's clock; the next check or answer after that does it.
    due: Instant,
    /// The far side has answered a check since.
    is_answered: bool,
}

impl PathClock {
    pub(super) fn new(is_server: fn(SocketAddr) -> bool) -> Self {
        Self {
            is_server,
            anchor: [Instant::now(); 2],
            owed: Duration::ZERO,
            watch: None,
        }
    }

    /// What time it is for the crate.
    pub(super) fn now(&self) -> Instant {
        self.at(Instant::now())
    }

    fn at(&self, now: Instant) -> Instant {
        let [anchor, here] = self.anchor;
        let end = self.watch.as_ref().map(Watch::end);
        let now = end.map_or(now, |end| now.min(end));
        here + now.saturating_duration_since(anchor)
    }

    /// Whether it stands still.
    pub(super) fn is_still(&self) -> bool {
        let watch = self.watch.as_ref();
        watch.is_some_and(|watch| Instant::now() > watch.end())
    }

    /// The connection stands, and the crate checks it at this pace. From now on the clock goes on for no longer than `patience` without a word
    /// of the far side.
    pub(super) fn watch(&mut self, patience: Duration, pace: Duration) {
        if self.watch.is_some() {
            return;
        }
        let now = Instant::now();
        self.watch = Some(Watch {
            patience,
            heard: now,
            longest_silence: Duration::ZERO,
            answered: [now, self.at(now)],
            asked: now,
            courtesy: COURTESY[1],
            may_be_quiet: pace <= OWN_PACE
                && patience >= pace.saturating_mul(2).saturating_add(SHORTEST_SILENCE),
            heard_here: now,
            heard_elsewhere: None,
            checks: Checks::new(now, pace),
            debt: None,
        });
    }

    /// This is the pair that the connection uses: the socket and the destination. `None`: it is not known.
    pub(super) fn select(&mut self, selected: Option<(u64, SocketAddr)>) {
        if let Some(watch) = &mut self.watch {
            watch.checks.select(selected);
        }
    }

    /// When the far side was last heard on the pair in use, and when it last answered there. `None` where that pair does not speak for the
    /// far side: it is not known, it was silent lately, another path is used, or the connection is to be checked at another pace.
    pub(super) fn signs_of_life(&self) -> Option<[Instant; 2]> {
        let watch = self.watch.as_ref();
        let watch = watch.filter(|watch| watch.may_be_quiet && watch.checks.is_sound())?;
        let elsewhere = watch.heard_elsewhere.map(|heard| heard.elapsed());
        let is_here = elsewhere.is_none_or(|age| age >= ELSEWHERE);
        is_here.then(|| [watch.heard_here, watch.checks.last_answer()])
    }

    /// How long the pair in use took there and back at the last check.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.watch.as_ref()?.checks.round_trip()
    }

    /// Whether checks need only show that the far side is there. When one is due is looked at when the driver next goes round, which is
    /// soon: the crate wakes it every 0.2 s.
    pub(super) fn be_quiet(&mut self, is_quiet: bool) {
        if let Some(watch) = &mut self.watch {
            watch.checks.be_quiet(is_quiet);
        }
    }

    /// Whether that pair has not answered for some time.
    pub(super) fn is_pair_silent(&self) -> bool {
        let watch = self.watch.as_ref();
        watch.is_some_and(|watch| watch.checks.is_silent())
    }

    /// The connection looks for a path anew. A clock that stands still would keep it from trying each pair more than once.
    pub(super) fn unwatch(&mut self) {
        let debt = self.watch.take().and_then(|watch| watch.debt);
        self.put_forward(debt.map(|debt| debt.by).unwrap_or_default());
    }

    /// The far side has answered by a path that the crate does not know of (module `direct`). Whether that has put the clock
    /// forward.
    pub(super) fn heard_elsewhere(&mut self) -> bool {
        let now = Instant::now();
        self.hear(now);
        if let Some(watch) = &mut self.watch {
            watch.heard_elsewhere = Some(now);
        }
        // The crate's own pair is silent. Something else of the far side may have been heard all the time.
        self.take_answer(now, DOUBT);
        self.pay(now)
    }

    /// Puts the clock forward with the next datagram.
    pub(super) fn owe(&mut self, leap: Duration) {
        self.owed = leap;
    }

    /// Whether a datagram that is to go out is a check that needs not be sent now.
    pub(super) fn leave_out(
        &mut self,
        socket: u64,
        destination: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let way = self.way_of_check(socket, destination, datagram);
        let (Some(watch), Some(way)) = (&mut self.watch, way) else {
            return false;
        };
        let content = envelope::content(datagram);
        watch
            .checks
            .leave_out(Instant::now(), way, content, datagram)
    }

    /// A datagram goes out.
    pub(super) fn sent(&mut self, socket: u64, destination: SocketAddr, datagram: &[u8]) {
        let way = self.way_of_check(socket, destination, datagram);
        if let (Some(watch), Some(way)) = (&mut self.watch, way) {
            let content = envelope::content(datagram);
            let attributes = content.get(ATTRIBUTES..).unwrap_or_default();
            let [controlling, controlled] = COURTESY;
            watch.courtesy = if is_controlling(attributes) {
                controlling
            } else {
                controlled
            };
            watch.checks.sent(Instant::now(), way, content, datagram);
        }
    }

    /// Which way a datagram goes, if it is a check of the far side.
    fn way_of_check(&self, socket: u64, destination: SocketAddr, datagram: &[u8]) -> Option<Way> {
        let content = envelope::content(datagram);
        let is_of_server = self.is_of_server(destination, datagram, content);
        (content.starts_with(&BINDING_REQUEST) && !is_of_server).then(|| Way {
            socket,
            destination,
            channel: envelope::channel(datagram),
        })
    }

    /// A datagram has come and is about to be handed to the crate. Whether it is a sign of life of the far side.
    pub(super) fn heard(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        let content = envelope::content(datagram);
        let watch = self.watch.as_ref();
        let is_from_elsewhere = watch.is_some_and(|watch| !watch.checks.may_come_from(from));
        // Data may come by a path that the crate does not know of (module `direct`). What a TURN server says itself says nothing
        // of the far side.
        if is_from_elsewhere && !is_dtls(content) || self.is_of_server(from, datagram, content) {
            return false;
        }
        let owed = core::mem::take(&mut self.owed);
        self.put_forward(owed);
        let now = Instant::now();
        self.hear(now);
        let is_answer = content.starts_with(&BINDING_SUCCESS);
        if let Some(watch) = &mut self.watch
            && is_answer
            && watch.checks.answered(now, content)
        {
            self.take_answer(now, UNANSWERED);
        }
        let is_check = content.starts_with(&BINDING_REQUEST);
        if let Some(watch) = self.watch.as_mut().filter(|_| !is_from_elsewhere) {
            watch.heard_here = now;
            if is_check {
                watch.asked = now;
            }
        }
        // ICE counts nothing else as a sign of life.
        if !is_from_elsewhere && (is_answer || is_check) {
            self.pay(now);
        }
        true
    }

    /// When the last check of this socket is to be sent again: because it has no answer until then, or because an answer is to
    /// put the clock forward.
    pub(super) fn repeat_at(&self, socket: u64) -> Option<Instant> {
        let watch = self.watch.as_ref()?;
        let debt = watch.debt.filter(|_| !self.is_still());
        let turn = watch.checks.is_quiet().then(|| watch.turn());
        watch
            .checks
            .repeat_at(socket, debt.map(|debt| debt.due), turn)
    }

    /// The check of this socket that is to be repeated now.
    pub(super) fn repeat(&mut self, socket: u64) -> Option<Check> {
        let watch = self.watch.as_mut()?;
        watch.checks.repeat(Instant::now(), socket)
    }

    /// Whether a datagram is between us and a server, and has nothing of the far side inside.
    fn is_of_server(&self, address: SocketAddr, datagram: &[u8], content: &[u8]) -> bool {
        content.len() == datagram.len() && (self.is_server)(address)
    }

    /// Something was heard of the far side. A clock that stood still goes on from where it stood, unless it still lacks an answer.
    fn hear(&mut self, now: Instant) {
        let here = self.at(now);
        let Some(watch) = &mut self.watch else {
            return;
        };
        let stood = now.saturating_duration_since(watch.end().max(self.anchor[0]));
        watch.longest_silence = watch.longest_silence.max(now - watch.heard);
        watch.heard = now;
        if !stood.is_zero() {
            self.anchor = [now, here];
            let debt = watch.debt.get_or_insert_with(|| Debt::due_at(now + GRACE));
            debt.by += stood;
            debt.due = now + GRACE;
        }
    }

    /// A check was answered. If nothing was heard for a while, or no check was answered for so long, a timer that has doubled
    /// meanwhile is to expire.
    fn take_answer(&mut self, now: Instant, unanswered: Duration) {
        let here = self.at(now);
        let Some(watch) = &mut self.watch else {
            return;
        };
        let [answered, answered_here] = watch.answered;
        let silence = core::mem::take(&mut watch.longest_silence);
        if silence >= DOUBT || now - answered >= unanswered {
            // It has doubled each time since, so it expires before this, and only once.
            let leap = ((here - answered_here) * 2).min(LONGEST_LEAP);
            let debt = watch.debt.get_or_insert_with(|| Debt::due_at(now + GRACE));
            debt.by = debt.by.max(leap);
        }
        if let Some(debt) = &mut watch.debt {
            debt.is_answered = true;
        }
        watch.answered = [now, here];
    }

    /// Puts the clock forward if that is due. Whether it was.
    fn pay(&mut self, now: Instant) -> bool {
        let Some(watch) = &mut self.watch else {
            return false;
        };
        let is_still = now > watch.end();
        let Some(debt) = watch.debt.take_if(|debt| now >= debt.due && !is_still) else {
            return false;
        };
        if debt.is_answered {
            watch.answered[1] += debt.by;
        }
        self.put_forward(debt.by);
        true
    }

    fn put_forward(&mut self, by: Duration) {
        self.anchor[1] += by;
    }
}

impl Watch {
    /// When a check of ours is due in quiet: the sides take turns, so that each hears the other one at any check. Whoever has asked last gives
    /// the other one some time. Where other datagrams come all the time, each asks at its own pace.
    fn turn(&self) -> Instant {
        let answered = self.checks.last_answer();
        let is_ours = self.asked >= answered;
        let pause = if is_ours { TURN } else { TURN + self.courtesy };
        (self.heard_here + pause).min(answered + OWN_PACE)
    }

    /// Until when the clock goes on if nothing more happens, by tokio's clock.
    fn end(&self) -> Instant {
        let [answered, _] = self.answered;
        let of_silence = self.heard + self.patience;
        of_silence.min(answered + self.patience.max(ONE_WAY))
    }
}

impl Debt {
    const fn due_at(due: Instant) -> Self {
        Self {
            by: Duration::ZERO,
            due,
            is_answered: false,
        }
    }
}

/// Whether the sender of a check is controlling, as the check says (RFC 8445, section 16.1).
fn is_controlling(mut attributes: &[u8]) -> bool {
    while let Some((&[a, b, c, d], rest)) = attributes.split_first_chunk() {
        if [a, b] == ICE_CONTROLLING {
            return true;
        }
        let length = usize::from(u16::from_be_bytes([c, d])).next_multiple_of(4);
        attributes = rest.get(length..).unwrap_or_default();
    }
    false
}

/// RFC 7983, section 7.
fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(20..=63))
}
