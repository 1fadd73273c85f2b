//! Our signals on their way to members that speak our extension: numbered, kept for a while, and sent again where a
//! connection with the server was broken.

use std::collections::{BTreeMap, VecDeque};

use mesh_core::{Duration, Instant, PeerId};

use crate::{Request, SignalNumber, SignalType};

/// How long a signal is kept to be sent again. A handshake is given up before.
const KEPT: Duration = Duration::from_secs(20);

/// How many bytes are kept at most, for all members together. After a break all of it goes out at once, and must stay below
/// what a server of ours takes at once: by default 2048 messages, where each 256 bytes begun count as one.
const MAX_KEPT: usize = 256 * 1024;

/// How long at least between two times that the signals for one member are begun anew. A member that comes back in a loop must not
/// have us send for ever.
const REWIND_PAUSE: Duration = Duration::from_secs(1);

/// What a signal costs besides its text.
const COST: usize = 128;

/// The signals for all members.
///
/// All have one numbering, which is never used anew: the number of a signal tells its receiver whether it has had it already,
/// whatever became of either connection.
#[derive(Debug)]
pub(super) struct Courier {
    lanes: BTreeMap<PeerId, Lane>,
    last: u32,
    /// What all that is kept costs.
    cost: usize,
}

/// The signals for one member, in order.
#[derive(Debug, Default)]
struct Lane {
    kept: VecDeque<Kept>,
    /// How many of them, from the first, have been sent on the connection that stands.
    sent: usize,
    /// When they were last begun anew.
    rewound: Option<Instant>,
    /// When they are to be begun anew once more.
    rewind_at: Option<Instant>,
}

impl Lane {
    fn rewind(&mut self, now: Instant) {
        self.sent = 0;
        self.rewound = Some(now);
        self.rewind_at = None;
    }
}

#[derive(Debug)]
struct Kept {
    at: Instant,
    seq: Option<u32>,
    kind: SignalType,
    data: String,
}

/// There is no room for a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Kept {
    const fn cost(&self) -> usize {
        self.data.len() + COST
    }
}

impl Courier {
    pub(super) const fn new() -> Self {
        Self {
            lanes: BTreeMap::new(),
            last: 0,
            cost: 0,
        }
    }

    /// Takes a signal, with a number if its receiver knows numbers.
    pub(super) fn push(
        &mut self,
        now: Instant,
        to: PeerId,
        numbered: bool,
        kind: SignalType,
        data: String,
    ) -> Result<(), Full> {
        self.forget_old(now);
        let cost = data.len() + COST;
        while self.cost + cost > MAX_KEPT {
            self.forget_oldest_sent().ok_or(Full)?;
        }
        let seq = match numbered {
            true => Some(self.last.checked_add(1).ok_or(Full)?),
            false => None,
        };
        self.last = seq.unwrap_or(self.last);
        self.cost += cost;
        self.lanes.entry(to).or_default().kept.push_back(Kept {
            at: now,
            seq,
            kind,
            data,
        });
        Ok(())
    }

    /// Takes back the signal that was taken last, which was not sent.
    pub(super) fn take_back(&mut self, to: PeerId) {
        let lane = self.lanes.get_mut(&to);
        if let Some(kept) = lane.and_then(|lane| lane.kept.pop_back()) {
            self.cost = self.cost.saturating_sub(kept.cost());
        }
        self.tidy(to);
    }

    /// The next signal for a member that has not been sent on this connection.
    pub(super) fn unsent(&self, to: PeerId) -> Option<Request> {
        let lane = self.lanes.get(&to)?;
        let kept = lane.kept.get(lane.sent)?;
        let before = lane
            .sent
            .checked_sub(1)
            .and_then(|index| lane.kept.get(index));
        let number = kept.seq.map(|this| SignalNumber {
            this,
            previous: before.and_then(|kept| kept.seq).unwrap_or_default(),
        });
        Some(Request::Relay {
            kind: kept.kind,
            to: to.get(),
            data: kept.data.clone(),
            number,
        })
    }

    /// Those for whom something has not been sent.
    pub(super) fn waiting(&self) -> impl Iterator<Item = PeerId> {
        let waiting = self
            .lanes
            .iter()
            .filter(|(_, lane)| lane.sent < lane.kept.len());
        waiting.map(|(peer, _)| *peer)
    }

    /// The signal that [`unsent`](Self::unsent) gave has been sent. Without a number it must not be sent again.
    pub(super) fn note_sent(&mut self, to: PeerId) {
        let Some(lane) = self.lanes.get_mut(&to) else {
            return;
        };
        let is_numbered = |kept: &Kept| kept.seq.is_some();
        if lane.kept.get(lane.sent).is_some_and(is_numbered) {
            lane.sent += 1;
        } else if let Some(kept) = lane.kept.remove(lane.sent) {
            self.cost = self.cost.saturating_sub(kept.cost());
        }
        self.tidy(to);
    }

    /// What was sent to a member may be lost: [`handle_timeout`](Self::handle_timeout) begins it anew, at once or soon.
    pub(super) fn rewind(&mut self, now: Instant, to: PeerId) {
        self.forget_old(now);
        let Some(lane) = self.lanes.get_mut(&to).filter(|lane| lane.sent > 0) else {
            return;
        };
        let due = lane.rewound.map_or(now, |rewound| rewound + REWIND_PAUSE);
        lane.rewind_at = Some(due);
    }

    /// What was sent to anybody may be lost: we have a new connection ourselves.
    pub(super) fn rewind_all(&mut self, now: Instant) {
        self.forget_old(now);
        for lane in self.lanes.values_mut() {
            lane.sent = 0;
            lane.rewind_at = None;
        }
    }

    /// A member does not know numbers, or the server does not pass them on. What was sent must not be sent again then, because a
    /// double would not be noticed, and what was not is sent without a number.
    pub(super) fn strip(&mut self, to: PeerId) {
        let Some(lane) = self.lanes.get_mut(&to) else {
            return;
        };
        let sent: usize = lane.kept.drain(..lane.sent).map(|kept| kept.cost()).sum();
        self.cost = self.cost.saturating_sub(sent);
        lane.sent = 0;
        lane.rewind_at = None;
        for kept in &mut lane.kept {
            kept.seq = None;
        }
        self.tidy(to);
    }

    /// The same for all members.
    pub(super) fn strip_all(&mut self) {
        for to in Vec::from_iter(self.lanes.keys().copied()) {
            self.strip(to);
        }
    }

    /// When something that was sent is to be sent again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.lanes.values().filter_map(|lane| lane.rewind_at).min()
    }

    /// Begins those anew for which it is time.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        self.forget_old(now);
        for lane in self.lanes.values_mut() {
            if lane.rewind_at.is_some_and(|due| due <= now) {
                lane.rewind(now);
            }
        }
    }

    /// A member has left.
    pub(super) fn forget(&mut self, to: PeerId) {
        if let Some(lane) = self.lanes.remove(&to) {
            let cost: usize = lane.kept.iter().map(Kept::cost).sum();
            self.cost = self.cost.saturating_sub(cost);
        }
    }

    /// Forgets what no handshake needs any more.
    pub(super) fn forget_old(&mut self, now: Instant) {
        for lane in self.lanes.values_mut() {
            while let Some(kept) = lane.kept.pop_front_if(|kept| kept.at + KEPT <= now) {
                lane.sent = lane.sent.saturating_sub(1);
                self.cost = self.cost.saturating_sub(kept.cost());
            }
        }
        self.lanes.retain(|_, lane| !lane.kept.is_empty());
    }

    /// Makes room: what has been sent has most likely arrived.
    fn forget_oldest_sent(&mut self) -> Option<()> {
        let lanes = self.lanes.iter_mut().filter(|(_, lane)| lane.sent > 0);
        let oldest = lanes.min_by_key(|(_, lane)| lane.kept.front().map(|kept| kept.at));
        let (peer, lane) = oldest?;
        let peer = *peer;
        let kept = lane.kept.pop_front()?;
        lane.sent -= 1;
        self.cost = self.cost.saturating_sub(kept.cost());
        self.tidy(peer);
        Some(())
    }

    fn tidy(&mut self, peer: PeerId) {
        if self
            .lanes
            .get(&peer)
            .is_some_and(|lane| lane.kept.is_empty())
        {
            self.lanes.remove(&peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_micros(9);

    fn peer(id: u32) -> PeerId {
        PeerId::new(id).expect("an id")
    }

    fn push(courier: &mut Courier, now: Instant, to: u32, numbered: bool, data: &str) -> bool {
        let data = data.to_owned();
        let kind = SignalType::Offer;
        courier.push(now, peer(to), numbered, kind, data).is_ok()
    }

    /// Sends all that is unsent; `data` and number of each, and the number before it.
    fn flush(courier: &mut Courier, to: u32) -> Vec<(String, Option<(u32, u32)>)> {
        let mut sent = Vec::new();
        while let Some(Request::Relay { data, number, .. }) = courier.unsent(peer(to)) {
            sent.push((data, number.map(|number| (number.this, number.previous))));
            courier.note_sent(peer(to));
        }
        sent
    }

    #[test]
    fn numbers_rise_over_all_members_and_stay_the_same_when_sent_again() {
        let mut courier = Courier::new();
        assert!(push(&mut courier, START, 2, true, "a"));
        assert!(push(&mut courier, START, 3, true, "b"));
        assert!(push(&mut courier, START, 2, true, "c"));
        let to_2 = [
            ("a".to_owned(), Some((1, 0))),
            ("c".to_owned(), Some((3, 1))),
        ];
        assert_eq!(flush(&mut courier, 2), to_2);
        assert_eq!(flush(&mut courier, 2), []);
        assert_eq!(flush(&mut courier, 3), [("b".to_owned(), Some((2, 0)))]);
        assert_eq!(courier.waiting().next(), None);
        courier.rewind(START, peer(2));
        courier.handle_timeout(START);
        assert_eq!(flush(&mut courier, 2), to_2);
        courier.rewind_all(START);
        assert_eq!(Vec::from_iter(courier.waiting()), [peer(2), peer(3)]);
    }

    #[test]
    fn what_has_no_number_is_sent_once() {
        let mut courier = Courier::new();
        assert!(push(&mut courier, START, 2, false, "a"));
        assert_eq!(flush(&mut courier, 2), [("a".to_owned(), None)]);
        courier.rewind_all(START);
        assert_eq!(flush(&mut courier, 2), []);
        assert_eq!(courier.cost, 0);
    }

    #[test]
    fn who_knows_no_numbers_any_more_gets_none_and_nothing_twice() {
        let mut courier = Courier::new();
        assert!(push(&mut courier, START, 2, true, "a"));
        assert_eq!(flush(&mut courier, 2).len(), 1);
        assert!(push(&mut courier, START, 2, true, "b"));
        assert!(push(&mut courier, START, 3, true, "c"));
        courier.strip_all();
        courier.rewind_all(START);
        assert_eq!(flush(&mut courier, 2), [("b".to_owned(), None)]);
        assert_eq!(flush(&mut courier, 3), [("c".to_owned(), None)]);
        assert_eq!((courier.cost, courier.lanes.len()), (0, 0));
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes_and_time() {
        let mut courier = Courier::new();
        let big = "x".repeat(MAX_KEPT / 4);
        for _ in 0..3 {
            assert!(push(&mut courier, START, 2, true, &big));
        }
        assert!(!push(&mut courier, START, 3, true, &big), "none was sent");
        assert_eq!(flush(&mut courier, 2).len(), 3);
        assert!(push(&mut courier, START, 3, true, &big));
        // The first was forgotten, and what comes next goes out all the same.
        assert!(push(&mut courier, START, 2, true, "y"));
        assert_eq!(flush(&mut courier, 2), [("y".to_owned(), Some((5, 3)))]);
        courier.rewind_all(START);
        let again = flush(&mut courier, 2);
        let numbers = Vec::from_iter(again.into_iter().map(|(_, number)| number));
        assert_eq!(numbers, [Some((2, 0)), Some((3, 2)), Some((5, 3))]);
        courier.forget_old(START + KEPT);
        assert_eq!((courier.cost, courier.lanes.len()), (0, 0));
    }

    #[test]
    fn one_signal_may_take_all_the_room_and_no_more() {
        let whole = "x".repeat(MAX_KEPT - COST);
        assert!(push(&mut Courier::new(), START, 2, true, &whole));
        let larger = whole + "x";
        assert!(!push(&mut Courier::new(), START, 2, true, &larger));
    }

    #[test]
    fn a_member_that_comes_back_in_a_loop_has_it_all_once_a_second() {
        let mut courier = Courier::new();
        assert!(push(&mut courier, START, 2, true, "a"));
        let mut sent = 0;
        for tick in 0..100 {
            let now = START + Duration::from_millis(50) * tick;
            courier.rewind(now, peer(2));
            courier.handle_timeout(now);
            sent += flush(&mut courier, 2).len();
        }
        assert_eq!(sent, 1 + 5);
        // The last return is not forgotten.
        let due = courier.poll_timeout().expect("it is due");
        courier.handle_timeout(due + Duration::from_millis(1));
        assert_eq!(flush(&mut courier, 2).len(), 1);
        assert_eq!(courier.poll_timeout(), None);
    }

    #[test]
    fn what_is_too_old_is_not_sent_again() {
        let mut courier = Courier::new();
        assert!(push(&mut courier, START, 2, true, "a"));
        assert_eq!(flush(&mut courier, 2).len(), 1);
        courier.rewind(START + KEPT, peer(2));
        courier.handle_timeout(START + KEPT);
        assert_eq!(flush(&mut courier, 2), []);
    }

    #[test]
    fn a_signal_that_was_taken_back_leaves_nothing() {
        let mut courier = Courier::new();
        assert!(push(&mut courier, START, 2, true, "a"));
        courier.take_back(peer(2));
        assert_eq!(flush(&mut courier, 2), []);
        assert_eq!((courier.cost, courier.lanes.len()), (0, 0));
    }
}
