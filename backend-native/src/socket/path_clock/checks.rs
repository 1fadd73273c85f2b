//! The connectivity checks of the pair that the connection uses: whether they are answered, and when one is sent again.
//!
//! The crate checks other pairs, too, whenever the far side does. So each check is kept by its pair, and an answer counts for
//! the check whose transaction it names.
//!
//! In quiet, checks need only show that the far side is there ([`Checks::be_quiet`]). Fewer go out then.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Silence after which the path may be gone: two checks without an answer, by default.
pub(super) const DOUBT: Duration = Duration::from_secs(1);

/// How often a check is repeated after [`DOUBT`] without an answer.
const REPEAT: Duration = Duration::from_millis(200);

/// How often it is repeated where a sign of life is wanted soon.
const URGENT: Duration = Duration::from_millis(50);

/// How long the pair must be without an answer until it counts as silent.
const SILENT: Duration = Duration::from_millis(1500);

/// In quiet a pair counts as silent only if it has left so many checks without an answer, too: few are sent.
const UNHEEDED: u32 = 5;

/// How often a check is repeated in quiet if nothing is heard when it is due.
const REPEAT_IN_QUIET: Duration = Duration::from_millis(100);

/// How long a silent pair must answer until it counts as sound again.
const STEADY: Duration = Duration::from_secs(3);

/// How many pairs are known where nobody has said which one is used.
const PAIRS: usize = 4;

/// How many checks of a pair may be without an answer and still get one.
const UNANSWERED: usize = 8;

/// Tells a check's answer from others.
type TransactionId = [u8; 12];

/// A connectivity check that is to be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::socket) struct Check {
    pub(in crate::socket) destination: SocketAddr,
    pub(in crate::socket) request: Vec<u8>,
}

/// Where a check goes: the socket it went through, its destination, and the TURN channel within, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) socket: u64,
    pub(super) destination: SocketAddr,
    pub(super) channel: Option<u16>,
}

/// The last check of one pair.
#[derive(Debug)]
struct Last {
    way: Way,
    request: Vec<u8>,
    /// One that the crate has made since, and that waits until it is due.
    waiting: Option<(TransactionId, Vec<u8>)>,
    asked: VecDeque<Asked>,
    sent: Instant,
    repeated: Instant,
}

/// A check that may be answered.
#[derive(Clone, Copy, Debug)]
struct Asked {
    id: TransactionId,
    /// When it was sent. `None`: more than once, and an answer does not say to which; or it is answered.
    sent: Option<Instant>,
}

impl Last {
    fn ask(&mut self, now: Instant, id: TransactionId) {
        if let Some(asked) = self.asked.iter_mut().find(|asked| asked.id == id) {
            asked.sent = None;
            return;
        }
        if self.asked.len() >= UNANSWERED {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked {
            id,
            sent: Some(now),
        });
    }
}

/// What is known of a connection's checks.
#[derive(Debug)]
pub(super) struct Checks {
    /// The socket and the destination of the pair in use. `None`: the pair is not known, and each one counts.
    selected: Option<(u64, SocketAddr)>,
    last: VecDeque<Last>,
    /// How often the crate checks the pair.
    pace: Duration,
    answered: Instant,
    /// How many checks went out since then.
    unheeded: u32,
    round_trip: Option<Duration>,
    /// Checks need only show that the far side is there.
    is_quiet: bool,
    /// Since when there has been no silence.
    steady_since: Instant,
    is_silent: bool,
}

impl Checks {
    pub(super) const fn new(now: Instant, pace: Duration) -> Self {
        Self {
            selected: None,
            last: VecDeque::new(),
            pace,
            answered: now,
            unheeded: 0,
            round_trip: None,
            is_quiet: false,
            steady_since: now,
            is_silent: false,
        }
    }

    /// When a check was last answered.
    pub(super) const fn last_answer(&self) -> Instant {
        self.answered
    }

    /// How long the pair in use took there and back at the last check.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.selected.and(self.round_trip)
    }

    /// Whether the pair in use is known and works.
    pub(super) const fn is_sound(&self) -> bool {
        self.selected.is_some() && !self.is_silent
    }

    /// Whether checks need only show that the far side is there. A pair that was silent must show more.
    pub(super) const fn be_quiet(&mut self, is_quiet: bool) {
        self.is_quiet = is_quiet;
    }

    pub(super) const fn is_quiet(&self) -> bool {
        self.is_quiet && self.is_sound()
    }

    /// This is the pair in use. Checks of others do not count from now on.
    pub(super) fn select(&mut self, selected: Option<(u64, SocketAddr)>) {
        if self.selected != selected {
            self.round_trip = None;
        }
        self.selected = selected;
        if let Some(selected) = selected {
            let is_selected = |last: &Last| (last.way.socket, last.way.destination) == selected;
            self.last.retain(is_selected);
        }
    }

    /// A check goes out: the message of STUN, and the datagram that holds it.
    pub(super) fn sent(&mut self, now: Instant, way: Way, message: &[u8], datagram: &[u8]) {
        let is_selected = |selected| (way.socket, way.destination) == selected;
        let Some(id) = transaction_id(message).filter(|_| self.selected.is_none_or(is_selected))
        else {
            return;
        };
        let known = self.last.iter().position(|last| last.way == way);
        let mut last = known
            .and_then(|at| self.last.remove(at))
            .unwrap_or_else(|| Last {
                way,
                request: Vec::new(),
                waiting: None,
                asked: VecDeque::new(),
                sent: now,
                repeated: now,
            });
        last.ask(now, id);
        last.waiting = None;
        last.sent = now;
        self.unheeded = self.unheeded.saturating_add(1);
        last.request.clear();
        last.request.extend_from_slice(datagram);
        if self.last.len() >= PAIRS {
            self.last.pop_front();
        }
        self.last.push_back(last);
    }

    /// Whether a check of the pair in use can be left out: the last one was sent less than a step of the pace ago, and the one before was
    /// answered. Whoever is controlled checks a pair whenever it is asked, and at its own pace as well. In quiet each check is kept until
    /// one is [due](Self::repeat_at): it has a transaction of its own, which the crate knows.
    pub(super) fn leave_out(
        &mut self,
        now: Instant,
        way: Way,
        message: &[u8],
        datagram: &[u8],
    ) -> bool {
        let is_selected = self.selected == Some((way.socket, way.destination));
        let unanswered = now - self.answered;
        let is_quiet = self.is_quiet();
        let Some(last) = self.last.iter_mut().find(|last| last.way == way) else {
            return false;
        };
        if is_quiet && unanswered < SILENT && is_selected {
            last.waiting = transaction_id(message).map(|id| (id, datagram.to_vec()));
            return true;
        }
        let tenth = self.pace / 10;
        is_selected
            && unanswered < tenth.saturating_mul(14)
            && now - last.sent < tenth.saturating_mul(9)
    }

    /// Whether a check went there, or none is known.
    pub(super) fn may_come_from(&self, address: SocketAddr) -> bool {
        let mut ways = self.last.iter().map(|last| last.way.destination);
        self.last.is_empty() || ways.any(|destination| destination == address)
    }

    /// An answer has come. Whether it is one to these checks.
    pub(super) fn answered(&mut self, now: Instant, message: &[u8]) -> bool {
        let Some(id) = transaction_id(message) else {
            return false;
        };
        // A check that is repeated is answered more than once.
        let mut asked = self.last.iter_mut().flat_map(|last| &mut last.asked);
        let Some(asked) = asked.find(|asked| asked.id == id) else {
            return false;
        };
        // The path may deliver an answer twice.
        if let Some(sent) = asked.sent.take() {
            self.round_trip = Some(now - sent);
        }
        if now - self.answered >= DOUBT {
            self.steady_since = now;
        }
        self.answered = now;
        self.unheeded = 0;
        self.judge(now);
        true
    }

    /// When the last check of this socket is to be repeated: if it has no answer until then, or from a moment on in any case. In quiet
    /// one is due from `turn` on.
    pub(super) fn repeat_at(
        &self,
        socket: u64,
        in_any_case: Option<Instant>,
        turn: Option<Instant>,
    ) -> Option<Instant> {
        let of_socket = self.last.iter().filter(|last| last.way.socket == socket);
        let due = of_socket.map(|last| {
            let unanswered = match turn {
                Some(turn) => turn.max(last.sent.max(last.repeated) + REPEAT_IN_QUIET),
                None => (self.answered + DOUBT).max(last.repeated + REPEAT),
            };
            let urgent = in_any_case.map(|due| due.max(last.repeated + URGENT));
            urgent.map_or(unanswered, |urgent| urgent.min(unanswered))
        });
        due.min()
    }

    /// The check of this socket that has waited longest to be repeated, or the one that the crate has made since.
    pub(super) fn repeat(&mut self, now: Instant, socket: u64) -> Option<Check> {
        let of_socket = self
            .last
            .iter_mut()
            .filter(|last| last.way.socket == socket);
        let last = of_socket.min_by_key(|last| last.repeated)?;
        last.repeated = now;
        if let Some((id, request)) = last.waiting.take() {
            last.ask(now, id);
            last.request = request;
        } else if let Some(asked) = last.asked.back_mut() {
            asked.sent = None;
        }
        let check = Check {
            destination: last.way.destination,
            request: last.request.clone(),
        };
        self.unheeded = self.unheeded.saturating_add(1);
        self.judge(now);
        Some(check)
    }

    /// Whether the pair in use has not answered for some time. It is not known where the pair is not.
    pub(super) const fn is_silent(&self) -> bool {
        self.is_silent && self.selected.is_some()
    }

    fn judge(&mut self, now: Instant) {
        let is_enough = !self.is_quiet || self.unheeded >= UNHEEDED;
        if now - self.answered >= SILENT && is_enough {
            self.is_silent = true;
        } else if now - self.steady_since >= STEADY {
            self.is_silent = false;
        }
    }
}

/// The transaction that a message of STUN names (RFC 8489, section 5).
fn transaction_id(message: &[u8]) -> Option<TransactionId> {
    message.get(8..20)?.try_into().ok()
}
