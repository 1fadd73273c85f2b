//! How much of a channel that gives way to others is under way, and how much may be.
//!
//! A browser says neither what it has in flight nor what has arrived. A far side of ours tells when it has so many messages, if it is
//! asked on the control channel. What was under way at a question and how long the answer took give the rate of the path. The
//! window is what that rate carries in the shortest time that an answer has taken, and in [`WAIT`] more. So the path is busy all the time, and
//! what others send waits no longer than that.

use std::collections::VecDeque;

use mesh_core::{Duration, Instant};

/// The least window: one part of a transfer.
const LEAST: usize = 16 * 1024;

/// The largest window: a second of 32 Mbit/s, or a tenth of one of 320.
const MOST: usize = 4 * 1024 * 1024;

/// How long bulk may wait on the way. Others wait as long.
const WAIT: Duration = Duration::from_millis(20);

/// How many questions there are in a window: what leaves at one moment waits for itself.
const QUESTIONS: usize = 16;

/// What is under way of one channel.
pub(crate) struct Flight {
    window: usize,
    /// What the window becomes by and by.
    goal: usize,
    round: Round,
    /// Bytes that no answer has covered, and those of them that no question has.
    under_way: usize,
    unasked: usize,
    questions: VecDeque<Question>,
    /// The shortest time that an answer has taken.
    shortest: Option<Duration>,
    /// Whether the path has carried all so far: what it can carry is to be found out, by doubling.
    is_starting: bool,
}

/// What was seen since the last judgement, a round trip ago.
#[derive(Default)]
struct Round {
    began: Option<Instant>,
    /// How long the quickest answer took.
    least: Option<Duration>,
    /// Whether the window had no room for more at any question.
    is_full: bool,
}

/// A question whether everything until then has arrived.
struct Question {
    number: u16,
    asked: Instant,
    /// The bytes since the question before.
    bytes: usize,
    under_way: usize,
    /// Whether the window had no room for more.
    is_full: bool,
}

impl Flight {
    pub(crate) const fn new() -> Self {
        Self {
            window: LEAST,
            goal: LEAST,
            round: Round {
                began: None,
                least: None,
                is_full: false,
            },
            under_way: 0,
            unasked: 0,
            questions: VecDeque::new(),
            shortest: None,
            is_starting: true,
        }
    }

    /// Whether more may be sent now.
    pub(crate) const fn has_room(&self) -> bool {
        self.under_way < self.window
    }

    /// A message of so many bytes was sent.
    pub(crate) const fn sent(&mut self, bytes: usize) {
        self.under_way = self.under_way.saturating_add(bytes);
        self.unasked = self.unasked.saturating_add(bytes);
    }

    /// Whether a question is due. What little was sent since the last one waits for more.
    pub(crate) const fn wants_to_ask(&self) -> bool {
        let is_enough = self.unasked >= self.window / QUESTIONS && self.unasked >= LEAST;
        is_enough || (self.unasked > 0 && !self.has_room())
    }

    /// A question was sent under this number.
    pub(crate) fn asked(&mut self, now: Instant, number: u16) {
        self.questions.push_back(Question {
            number,
            asked: now,
            bytes: core::mem::take(&mut self.unasked),
            under_way: self.under_way,
            is_full: !self.has_room(),
        });
    }

    /// The far side cannot be asked: nobody knows what is under way.
    pub(crate) fn forget(&mut self) {
        *self = Self {
            window: self.window,
            goal: self.goal,
            shortest: self.shortest,
            is_starting: self.is_starting,
            ..Self::new()
        };
    }

    /// Takes the answers that have come. Whether there were any.
    pub(crate) fn answered(&mut self, now: Instant, is_answered: impl Fn(u16) -> bool) -> bool {
        let mut any = false;
        while let Some(question) = self
            .questions
            .pop_front_if(|question| is_answered(question.number))
        {
            any = true;
            self.under_way = self.under_way.saturating_sub(question.bytes);
            self.judge(now, &question);
        }
        any
    }

    fn judge(&mut self, now: Instant, question: &Question) {
        let took = now - question.asked;
        let round = &mut self.round;
        round.least = Some(round.least.map_or(took, |least| least.min(took)));
        round.is_full |= question.is_full;
        let round_is_over = round.began.is_none_or(|began| question.asked >= began);
        // Not all at one moment, which would have to wait.
        self.window = self.goal.min(self.window + question.bytes);
        if round_is_over {
            self.end_round(now, question.under_way);
        }
    }

    /// A round trip is over. What waited behind others of its own moment is no sign: the quickest answer counts.
    fn end_round(&mut self, now: Instant, under_way: usize) {
        let next = Round {
            began: Some(now),
            ..Round::default()
        };
        let Round { least, is_full, .. } = core::mem::replace(&mut self.round, next);
        let Some(took) = least else { return };
        let mut shortest = self.shortest.map_or(took, |shortest| shortest.min(took));
        if took > shortest + WAIT && self.window <= LEAST {
            // With so little under way it is not ours that waits: the path has become longer.
            shortest = took;
            self.is_starting = true;
        }
        self.shortest = Some(shortest);
        let limit = shortest + WAIT;
        let carried = under_way as u128 * limit.as_micros() / took.as_micros().max(1);
        let carried = usize::try_from(carried).unwrap_or(MOST);
        let twice = self.window.saturating_mul(2);
        if took > limit {
            self.is_starting = false;
            self.goal = self.goal.min(carried);
        } else if is_full && self.is_starting && took < shortest + WAIT / 2 {
            self.goal = twice;
        } else if is_full {
            self.goal = self.goal.max(carried.min(twice));
        }
        self.goal = self.goal.clamp(LEAST, MOST);
        self.window = self.window.min(self.goal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path that carries so many bytes in a millisecond, and takes so long there and back.
    struct Path {
        rate: usize,
        length: Duration,
        now: Instant,
        /// When all that was sent has passed the narrowest part.
        free: Instant,
        /// When the answer to each question comes.
        answers: VecDeque<(Instant, u16)>,
        last: u16,
        longest_wait: Duration,
        carried: usize,
    }

    impl Path {
        fn new(rate: usize, length: u64) -> Self {
            let now = Instant::from_micros(1_000_000);
            Self {
                rate,
                length: Duration::from_millis(length),
                now,
                free: now,
                answers: VecDeque::new(),
                last: 0,
                longest_wait: Duration::ZERO,
                carried: 0,
            }
        }

        /// Sends as much as there may be for so long.
        fn run(&mut self, flight: &mut Flight, span: Duration) {
            let end = self.now + span;
            self.longest_wait = Duration::ZERO;
            self.carried = 0;
            while self.now < end {
                self.send(flight);
                self.now += Duration::from_millis(1);
                let come = |(at, _): &mut (Instant, u16)| *at <= self.now;
                while let Some((_, answer)) = self.answers.pop_front_if(come) {
                    flight.answered(self.now, |number| number == answer);
                }
            }
        }

        fn send(&mut self, flight: &mut Flight) {
            while flight.has_room() {
                self.longest_wait = self.longest_wait.max(self.free - self.now);
                let micros = (LEAST * 1000 / self.rate) as u64;
                self.free = self.free.max(self.now) + Duration::from_micros(micros);
                self.carried += LEAST;
                flight.sent(LEAST);
                if flight.wants_to_ask() {
                    self.last = self.last.wrapping_add(1);
                    flight.asked(self.now, self.last);
                    let answer = (self.free + self.length, self.last);
                    self.answers.push_back(answer);
                }
            }
        }
    }

    #[test]
    fn a_path_is_filled_and_nothing_waits_long() {
        for (rate, length) in [(2000, 2), (2000, 50), (500, 20), (12_000, 30)] {
            let mut flight = Flight::new();
            let mut path = Path::new(rate, length);
            path.run(&mut flight, Duration::from_secs(2));
            path.run(&mut flight, Duration::from_secs(4));
            let share = path.carried as f64 / (rate as f64 * 4000.0);
            assert!(share > 0.9, "{rate} B/ms, {length} ms: {share}");
            let part = Duration::from_millis((LEAST / rate) as u64);
            let limit = WAIT * 2 + part * 2;
            assert!(path.longest_wait < limit, "{:?}", path.longest_wait);
        }
    }

    #[test]
    fn a_path_that_has_become_longer_is_filled_again() {
        let mut flight = Flight::new();
        let mut path = Path::new(2000, 5);
        path.run(&mut flight, Duration::from_secs(2));
        path.length = Duration::from_millis(200);
        path.run(&mut flight, Duration::from_secs(10));
        path.run(&mut flight, Duration::from_secs(4));
        assert!(path.carried > 4000 * 2000 * 9 / 10, "{}", path.carried);
    }

    #[test]
    fn a_path_that_has_become_narrow_is_not_flooded() {
        let mut flight = Flight::new();
        let mut path = Path::new(8000, 10);
        path.run(&mut flight, Duration::from_secs(2));
        path.rate = 1000;
        path.run(&mut flight, Duration::from_secs(3));
        path.run(&mut flight, Duration::from_secs(3));
        assert!(path.longest_wait < WAIT * 4, "{:?}", path.longest_wait);
    }

    #[test]
    fn what_is_sent_now_and_then_does_not_change_the_window() {
        let mut flight = Flight::new();
        let mut path = Path::new(2000, 10);
        path.run(&mut flight, Duration::from_secs(2));
        flight.forget();
        let before = flight.window;
        for number in 0..2000 {
            flight.sent(100);
            if flight.wants_to_ask() {
                flight.asked(path.now, number);
                path.now += Duration::from_millis(11);
                assert!(flight.answered(path.now, |answer| answer == number));
            }
            assert!(flight.has_room());
        }
        assert_eq!(flight.window, before);
    }

    #[test]
    fn a_full_window_has_a_question_under_way() {
        let mut flight = Flight::new();
        flight.sent(LEAST - 1);
        assert!(flight.has_room() && !flight.wants_to_ask());
        flight.sent(1);
        assert!(!flight.has_room() && flight.wants_to_ask());
        flight.asked(Instant::from_micros(5), 1);
        assert!(!flight.wants_to_ask(), "it is asked");
        assert!(!flight.answered(Instant::from_micros(6), |_| false));
        assert!(flight.answered(Instant::from_micros(9), |_| true));
        assert!(flight.has_room());
    }

    #[test]
    fn what_was_not_asked_for_is_when_the_window_becomes_small() {
        let mut flight = Flight::new();
        flight.window = MOST;
        flight.sent(MOST / QUESTIONS - 1);
        assert!(flight.has_room() && !flight.wants_to_ask());
        flight.window = LEAST;
        assert!(!flight.has_room() && flight.wants_to_ask());
    }
}
