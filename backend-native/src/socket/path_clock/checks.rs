//! The connectivity checks of the pair that the connection uses: whether they are answered, and when one is sent again.
//!
//! The crate checks other pairs, too, whenever the far side does. So each check is kept by its pair, and an answer counts for
//! the check whose transaction it names.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Silence after which the path may be gone: two checks without an answer, by default.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// How often a check is repeated after [`QUIET`] without an answer.
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
        if now - self.answered >= QUIET {
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
                None => (self.answered + QUIET).max(last.repeated + REPEAT),
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const ONE: u64 = 1;
    const PACE: Duration = Duration::from_millis(500);

    fn checks() -> Checks {
        Checks::new(Instant::now(), PACE)
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 1))
    }

    fn message(id: u8) -> [u8; 20] {
        let mut message = [0; 20];
        message[8..].fill(id);
        message
    }

    fn sent(checks: &mut Checks, socket: u64, to: u8, id: u8) {
        let way = Way {
            socket,
            destination: address(to),
            channel: None,
        };
        checks.sent(Instant::now(), way, &message(id), &message(id));
    }

    fn answered(checks: &mut Checks, id: u8) -> bool {
        checks.answered(Instant::now(), &message(id))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_counts_for_the_check_that_it_names() {
        let mut checks = checks();
        sent(&mut checks, ONE, 1, 1);
        sent(&mut checks, ONE, 2, 2);
        assert!(!answered(&mut checks, 3));
        assert!(answered(&mut checks, 1));
        assert!(answered(&mut checks, 1), "it was repeated");
        checks.select(Some((ONE, address(2))));
        assert!(!answered(&mut checks, 1), "another pair's");
        assert!(answered(&mut checks, 2));
        sent(&mut checks, ONE, 1, 4);
        assert!(!answered(&mut checks, 4));
        assert!(!checks.may_come_from(address(1)));
        assert!(checks.may_come_from(address(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_check_of_the_pair_in_use_is_repeated_whatever_was_sent_last() {
        let mut checks = checks();
        sent(&mut checks, ONE, 1, 1);
        checks.select(Some((ONE, address(1))));
        sent(&mut checks, ONE, 2, 2);
        sent(&mut checks, 2, 1, 3);
        advance(QUIET).await;
        assert_eq!(checks.repeat_at(2, None, None), None);
        assert_eq!(checks.repeat_at(ONE, None, None), Some(Instant::now()));
        let check = checks.repeat(Instant::now(), ONE).expect("a check");
        assert_eq!(check.destination, address(1));
        assert_eq!(check.request, message(1));
        assert_eq!(
            checks.repeat_at(ONE, None, None),
            Some(Instant::now() + REPEAT)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_within_a_step_of_the_pace_is_superfluous_while_the_pair_answers() {
        let mut checks = checks();
        let way = Way {
            socket: ONE,
            destination: address(1),
            channel: None,
        };
        let is_superfluous =
            |checks: &mut Checks| checks.leave_out(Instant::now(), way, &message(77), &message(77));
        sent(&mut checks, ONE, 1, 1);
        assert!(!is_superfluous(&mut checks), "who knows which pair is used");
        checks.select(Some((ONE, address(1))));
        assert!(answered(&mut checks, 1));
        assert!(is_superfluous(&mut checks));
        let elsewhere = Way { socket: 2, ..way };
        assert!(!checks.leave_out(Instant::now(), elsewhere, &message(77), &message(77)));
        advance(PACE * 9 / 10).await;
        assert!(!is_superfluous(&mut checks), "it is time for another one");
        sent(&mut checks, ONE, 1, 2);
        assert!(is_superfluous(&mut checks));
        advance(PACE / 2).await;
        assert!(!is_superfluous(&mut checks), "it has no answer yet");
        assert!(answered(&mut checks, 2) && is_superfluous(&mut checks));
    }

    fn quiet() -> (Checks, Way) {
        let mut checks = checks();
        let way = Way {
            socket: ONE,
            destination: address(1),
            channel: None,
        };
        sent(&mut checks, ONE, 1, 1);
        checks.select(Some((ONE, address(1))));
        assert!(answered(&mut checks, 1));
        checks.be_quiet(true);
        (checks, way)
    }

    #[tokio::test(start_paused = true)]
    async fn in_quiet_a_check_waits_until_one_is_due() {
        let (mut checks, way) = quiet();
        for id in 2..6 {
            let check = message(id);
            assert!(checks.leave_out(Instant::now(), way, &check, &check));
        }
        assert!(!answered(&mut checks, 5), "it was not sent yet");
        let turn = Some(Instant::now());
        assert_eq!(
            checks.repeat_at(ONE, None, turn),
            Some(Instant::now() + REPEAT_IN_QUIET)
        );
        advance(REPEAT_IN_QUIET).await;
        let check = checks.repeat(Instant::now(), ONE).expect("a check");
        assert_eq!(check.request, message(5), "the crate's latest");
        advance(Duration::from_millis(30)).await;
        assert!(answered(&mut checks, 5));
        assert_eq!(checks.round_trip(), Some(Duration::from_millis(30)));
        advance(SILENT).await;
        let check = message(6);
        let is_left_out = checks.leave_out(Instant::now(), way, &check, &check);
        assert!(!is_left_out, "nothing answers");
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_first_answer_to_a_check_that_was_sent_once_measures() {
        let (mut checks, _) = quiet();
        sent(&mut checks, ONE, 1, 2);
        advance(Duration::from_millis(10)).await;
        assert!(answered(&mut checks, 2));
        advance(Duration::from_millis(90)).await;
        assert!(answered(&mut checks, 2), "twice");
        sent(&mut checks, ONE, 1, 3);
        advance(QUIET).await;
        assert_eq!(
            checks.repeat(Instant::now(), ONE).unwrap().request,
            message(3)
        );
        assert!(answered(&mut checks, 3));
        assert_eq!(checks.round_trip(), Some(Duration::from_millis(10)));
        checks.select(None);
        assert_eq!(checks.round_trip(), None, "of which pair?");
    }

    #[tokio::test(start_paused = true)]
    async fn in_quiet_a_pair_is_not_silent_that_was_asked_too_seldom() {
        let (mut checks, _) = quiet();
        advance(SILENT).await;
        for _ in 0..UNHEEDED {
            assert!(!checks.is_silent());
            checks.repeat(Instant::now(), ONE);
        }
        assert!(checks.is_silent() && !checks.is_quiet());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pace_may_be_as_slow_as_can_be() {
        let mut checks = Checks::new(Instant::now(), Duration::MAX);
        sent(&mut checks, ONE, 1, 1);
        checks.select(Some((ONE, address(1))));
        let way = Way {
            socket: ONE,
            destination: address(1),
            channel: None,
        };
        assert!(checks.leave_out(Instant::now(), way, &message(2), &message(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn all_pairs_take_turns_where_the_one_in_use_is_not_known() {
        let mut checks = checks();
        for to in 0..10 {
            sent(&mut checks, ONE, to, to);
        }
        advance(QUIET).await;
        let mut repeated = Vec::new();
        for _ in 0..PAIRS {
            let check = checks.repeat(Instant::now(), ONE).expect("a check");
            repeated.push(check.destination);
            advance(REPEAT).await;
        }
        assert_eq!(repeated, [6, 7, 8, 9].map(address));
        assert!(!checks.is_silent(), "it is not known which one is used");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pair_is_silent_until_it_has_answered_for_a_while() {
        let mut checks = checks();
        sent(&mut checks, ONE, 1, 1);
        checks.select(Some((ONE, address(1))));
        advance(QUIET).await;
        checks.repeat(Instant::now(), ONE);
        assert!(!checks.is_silent());
        advance(SILENT - QUIET).await;
        checks.repeat(Instant::now(), ONE);
        assert!(checks.is_silent());
        let back = Instant::now();
        while back.elapsed() < STEADY {
            assert!(answered(&mut checks, 1));
            assert!(checks.is_silent());
            advance(Duration::from_millis(500)).await;
        }
        assert!(answered(&mut checks, 1));
        assert!(!checks.is_silent());
    }

    #[tokio::test(start_paused = true)]
    async fn checks_without_an_answer_are_bounded() {
        let mut checks = checks();
        for id in 0..100 {
            sent(&mut checks, ONE, 1, id);
        }
        assert!(!answered(&mut checks, 99 - 8));
        assert!(answered(&mut checks, 99 - 7));
    }
}
