//! What a channel has been given to send and its backend has not taken: how much may wait, and what is dropped.
//!
//! [`Mesh::send`](super::Mesh::send) puts messages here, [`Mesh::poll_transmit`](super::Mesh::poll_transmit) takes them out.
//! A message for a channel on which nothing waits goes through the [`Lane`](super::lane::Lane) instead and comes here only if
//! the backend gives it back, so that an idle channel costs no memory and a busy one no time.
//!
//! Where the following will sit once it is built (the control channel is not among it: the backends own that, see
//! [`platform::control`](crate::platform::control)): a *tag* (whole, part, last, batch) is
//! put before the payload where a message leaves this queue, because only then it is known whether it is cut or joined:
//! *fragments* of large messages are cut here one at a time as room comes, and *coalescing* joins neighbours here, so both
//! need `flush` or the end of a poll to close a batch. *Pacing* and the *bulk class* are a smaller window of the backend for
//! the channels concerned, set by what the pulses measure; the rounds of `poll_transmit` are where one class waits for another.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::platform::inbox::OVERHEAD;
use crate::{ChannelLimits, Instant, Payload, TransferMode};

/// The queue of one channel.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
    /// Of the payloads that wait.
    bytes: usize,
    /// Whether the backend has said that it is full, and not that there is room again.
    blocked: bool,
    /// Whether there is no backend that takes anything: what comes waits for another link.
    on_hold: bool,
    /// When it said so.
    full_since: Option<Instant>,
    /// How long the backend took the last time to have room again. The next message waits about as long there.
    delay: Duration,
    /// Whether the game is to be told when there is room again.
    owes_low: bool,
    dropped: u64,
    reliable: bool,
    limits: ChannelLimits,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) payload: Payload,
    pub(super) since: Instant,
}

/// A reliable channel takes no more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Outbox {
    pub(super) const fn new(mode: TransferMode, limits: ChannelLimits) -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            blocked: false,
            on_hold: false,
            full_since: None,
            delay: Duration::ZERO,
            owes_low: false,
            dropped: 0,
            reliable: mode.is_reliable(),
            limits,
        }
    }

    /// Whether the next message may go past this queue.
    pub(super) fn is_clear(&self) -> bool {
        !self.is_stopped() && self.waiting.is_empty()
    }

    const fn is_stopped(&self) -> bool {
        self.blocked || self.on_hold
    }

    /// Whether there is something that the backend may take now, or something to tell the game.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_stopped() && (self.owes_low || !self.waiting.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes of the messages that wait.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Messages dropped since the channel was made.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Puts a message behind all others.
    pub(super) fn push(&mut self, now: Instant, payload: Payload) -> Result<(), Full> {
        self.make_room(now, payload.len())?;
        self.append(now, payload);
        Ok(())
    }

    /// Takes a message that went past this queue and was given back, because the backend is full.
    pub(super) fn keep(&mut self, now: Instant, payload: Payload) -> Result<(), Full> {
        // What was measured before the channel was idle says nothing any more.
        self.delay = Duration::ZERO;
        self.block(now);
        self.make_room(now, payload.len())?;
        self.put_first(payload, now);
        Ok(())
    }

    /// Takes a message that left this queue and was given back, because the backend is full. It was accepted, so there is
    /// room for it in any case.
    pub(super) fn put_back(&mut self, now: Instant, waiting: Waiting) {
        self.block(now);
        self.put_first(waiting.payload, waiting.since);
    }

    fn block(&mut self, now: Instant) {
        self.blocked = true;
        self.full_since.get_or_insert(now);
    }

    fn put_first(&mut self, payload: Payload, since: Instant) {
        self.bytes += payload.len();
        self.waiting.push_front(Waiting { payload, since });
    }

    fn make_room(&mut self, now: Instant, bytes: usize) -> Result<(), Full> {
        if !self.reliable {
            self.drop_old(now);
            while !self.has_room(bytes) && self.drop_first() {}
            return Ok(());
        }
        if self.has_room(bytes) {
            return Ok(());
        }
        self.owes_low = true;
        Err(Full)
    }

    /// What a full backend holds is part of the limit. How much one holds that is not full is not known; it will take what
    /// waits here at once.
    fn has_room(&self, bytes: usize) -> bool {
        let held = if self.blocked && !self.on_hold {
            self.limits.backend.high_water
        } else {
            0
        };
        let overhead = (self.waiting.len() + 1).saturating_mul(OVERHEAD);
        let wanted = held
            .saturating_add(self.bytes)
            .saturating_add(bytes)
            .saturating_add(overhead);
        wanted <= self.limits.bytes
    }

    /// Drops what would be too old when the backend has sent it. The newest message goes only if it is too old already.
    fn drop_old(&mut self, now: Instant) {
        while let Some(first) = self.waiting.front() {
            let age = now - first.since;
            let would_be = age.saturating_add(self.delay);
            let is_newest = self.waiting.len() == 1;
            if age <= self.limits.age && (is_newest || would_be <= self.limits.age) {
                break;
            }
            self.drop_first();
        }
    }

    fn drop_first(&mut self) -> bool {
        let Some(first) = self.waiting.pop_front() else {
            return false;
        };
        self.bytes -= first.payload.len();
        self.dropped = self.dropped.saturating_add(1);
        true
    }

    /// Drops and counts what waits, unless it is reliable.
    pub(super) fn drop_unreliable(&mut self) {
        while !self.reliable && self.drop_first() {}
    }

    /// Takes the next message, if the backend may take one.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Waiting> {
        if self.is_stopped() {
            return None;
        }
        if !self.reliable {
            self.drop_old(now);
        }
        let first = self.waiting.pop_front()?;
        self.bytes -= first.payload.len();
        if self.waiting.is_empty() {
            // Seldom needed, and there may be thousands of channels.
            self.waiting = VecDeque::new();
        }
        Some(first)
    }

    /// There is room in the backend again.
    pub(super) fn low(&mut self, now: Instant) {
        self.blocked = false;
        self.owes_low = self.reliable;
        if let Some(since) = self.full_since.take() {
            self.delay = now - since;
        }
    }

    /// The backend takes nothing more: what comes waits for another link.
    pub(super) const fn hold(&mut self) {
        self.on_hold = true;
    }

    /// Another link takes over. `again` is sent first, then what waits here. `surplus` of the first messages that wait are left out.
    pub(super) fn go_on(&mut self, now: Instant, surplus: usize, again: VecDeque<Payload>) {
        self.blocked = false;
        self.on_hold = false;
        self.full_since = None;
        self.delay = Duration::ZERO;
        let surplus = surplus.min(self.waiting.len());
        self.bytes -= self
            .waiting
            .drain(..surplus)
            .map(|first| first.payload.len())
            .sum::<usize>();
        for payload in again.into_iter().rev() {
            self.put_first(payload, now);
        }
    }

    /// Counts what the outbox of the former link has dropped and what is dropped with it.
    pub(super) fn add_dropped(&mut self, former: &Self) {
        let dropped = former.dropped.saturating_add(former.waiting.len() as u64);
        self.dropped = self.dropped.saturating_add(dropped);
    }

    /// Puts a message that was accepted before behind all others.
    pub(super) fn append(&mut self, now: Instant, payload: Payload) {
        self.bytes += payload.len();
        self.waiting.push_back(Waiting {
            payload,
            since: now,
        });
    }

    /// The backend may be asked again, whatever it has said.
    pub(super) const fn try_again(&mut self) {
        self.blocked = false;
    }

    /// Whether the game is to be told now that there is room: nothing waits here any more.
    pub(super) fn take_low(&mut self) -> bool {
        self.is_clear() && core::mem::take(&mut self.owes_low)
    }

    /// What waits and must not be lost, because no more will be taken out in turn.
    pub(super) fn take_rest(&mut self) -> impl Iterator<Item = Payload> {
        let rest = core::mem::take(&mut self.waiting);
        self.bytes = 0;
        let is_wanted = self.reliable;
        rest.into_iter()
            .filter(move |_| is_wanted)
            .map(|waiting| waiting.payload)
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::SendLimits;

    const LIMITS: ChannelLimits = ChannelLimits {
        bytes: 1000,
        age: Duration::from_millis(150),
        backend: SendLimits {
            high_water: 400,
            low_water: 100,
            age: Duration::MAX,
        },
    };

    fn at(millis: u64) -> Instant {
        Instant::from_micros(1 + millis * 1000)
    }

    fn message(bytes: usize, tag: u8) -> Payload {
        Payload::from(vec![tag; bytes])
    }

    fn tags(outbox: &mut Outbox, now: Instant) -> Vec<u8> {
        core::iter::from_fn(|| outbox.pop(now))
            .map(|waiting| waiting.payload.bytes()[0])
            .collect()
    }

    #[test]
    fn a_reliable_channel_refuses_at_its_limit_and_owes_a_word() {
        let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
        assert_eq!(outbox.keep(at(0), message(100, 0)), Ok(()));
        for tag in 1..3 {
            assert_eq!(outbox.push(at(0), message(100, tag)), Ok(()));
        }
        assert_eq!(outbox.push(at(0), message(100, 3)), Err(Full));
        assert_eq!(outbox.bytes(), 300);
        assert!(!outbox.take_low(), "the backend is full");
        outbox.low(at(0));
        assert!(!outbox.take_low(), "messages wait");
        assert_eq!(tags(&mut outbox, at(10_000)), [0, 1, 2], "none is too old");
        assert!(outbox.take_low());
        assert!(!outbox.take_low(), "once");
    }

    #[test]
    fn a_reliable_channel_whose_limit_is_the_backends_keeps_nothing() {
        let limits = ChannelLimits {
            bytes: 400,
            ..LIMITS
        };
        let mut outbox = Outbox::new(TransferMode::Reliable, limits);
        assert_eq!(outbox.keep(at(0), message(1, 0)), Err(Full));
        assert!(!outbox.is_clear(), "the next is refused without asking");
        outbox.low(at(0));
        assert!(outbox.is_clear() && outbox.take_low());
    }

    #[test]
    fn what_was_accepted_goes_back_to_its_place() {
        let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
        for tag in 0..4 {
            outbox.push(at(0), message(100, tag)).unwrap();
        }
        let first = outbox.pop(at(0)).unwrap();
        outbox.put_back(at(0), first);
        assert!(outbox.pop(at(0)).is_none(), "blocked");
        outbox.low(at(0));
        assert_eq!(tags(&mut outbox, at(0)), [0, 1, 2, 3]);
    }

    #[test]
    fn an_unreliable_channel_drops_the_oldest_beyond_its_bytes() {
        let mut outbox = Outbox::new(TransferMode::Unreliable, LIMITS);
        outbox.keep(at(0), message(100, 0)).unwrap();
        for tag in 1..6 {
            outbox.push(at(0), message(100, tag)).unwrap();
        }
        assert_eq!(outbox.dropped(), 3);
        assert_eq!(outbox.bytes(), 300);
        // Larger than the limit, and the newest all the same.
        outbox.push(at(0), message(5000, 6)).unwrap();
        assert_eq!(outbox.dropped(), 6);
        outbox.low(at(0));
        assert_eq!(tags(&mut outbox, at(0)), [6]);
        assert!(!outbox.take_low(), "nobody was refused");
    }

    #[test]
    fn an_unreliable_channel_drops_what_is_too_old() {
        let mut outbox = Outbox::new(TransferMode::UnreliableOrdered, LIMITS);
        outbox.keep(at(0), message(10, 0)).unwrap();
        outbox.push(at(100), message(10, 1)).unwrap();
        outbox.push(at(200), message(10, 2)).unwrap();
        assert_eq!(outbox.dropped(), 1);
        outbox.low(at(0));
        assert_eq!(tags(&mut outbox, at(250)), [1, 2], "150 ms is not too old");
        assert_eq!(outbox.dropped(), 1);
    }

    #[test]
    fn the_time_that_the_backend_takes_is_part_of_the_age() {
        let mut outbox = Outbox::new(TransferMode::Unreliable, LIMITS);
        outbox.keep(at(0), message(10, 0)).unwrap();
        outbox.push(at(20), message(10, 1)).unwrap();
        outbox.push(at(50), message(10, 2)).unwrap();
        outbox.low(at(90));
        // 70 ms and another 90 are too many; 40 and 90 are not.
        let next = outbox.pop(at(90)).unwrap();
        assert_eq!(next.payload.bytes()[0], 2);
        assert_eq!(outbox.dropped(), 2);
        outbox.put_back(at(90), next);
        outbox.low(at(200));
        assert_eq!(
            tags(&mut outbox, at(200)),
            [2],
            "the newest is better than none"
        );
    }

    #[test]
    fn what_would_be_stale_is_dropped_and_counted() {
        for (mode, kept) in [(TransferMode::Reliable, 3), (TransferMode::Unreliable, 0)] {
            let mut outbox = Outbox::new(mode, LIMITS);
            outbox.keep(at(0), message(100, 0)).unwrap();
            outbox.push(at(0), message(100, 1)).unwrap();
            outbox.push(at(0), message(100, 2)).unwrap();
            outbox.drop_unreliable();
            outbox.low(at(0));
            assert_eq!(tags(&mut outbox, at(0)).len(), kept, "{mode:?}");
            assert_eq!(outbox.dropped(), 3 - kept as u64);
        }
    }

    #[test]
    fn what_waits_for_another_link_has_all_the_room() {
        let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
        outbox.keep(at(0), message(10, 2)).unwrap();
        outbox.hold();
        outbox.try_again();
        for tag in 3..5 {
            outbox.push(at(0), message(100, tag)).unwrap();
        }
        assert!(outbox.pop(at(0)).is_none() && !outbox.is_clear());
        outbox.go_on(at(9), 0, VecDeque::from([message(10, 0), message(10, 1)]));
        assert_eq!(tags(&mut outbox, at(9)), [0, 1, 2, 3, 4]);
        assert!(outbox.is_clear());
        // What was to be sent again may be there already.
        outbox.push(at(9), message(10, 5)).unwrap();
        outbox.push(at(9), message(10, 6)).unwrap();
        outbox.go_on(at(9), 1, VecDeque::new());
        assert_eq!((outbox.bytes(), tags(&mut outbox, at(9))), (10, vec![6]));
    }

    #[test]
    fn it_is_ready_when_there_is_something_to_do() {
        let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
        assert!(!outbox.is_ready(), "nothing waits");
        outbox.push(at(0), message(1, 0)).unwrap();
        assert!(outbox.is_ready());
        let first = outbox.pop(at(0)).unwrap();
        outbox.put_back(at(0), first);
        assert!(!outbox.is_ready(), "the backend is full");
        outbox.low(at(0));
        assert!(outbox.is_ready());
        assert_eq!(tags(&mut outbox, at(0)), [0]);
        assert!(outbox.is_ready(), "the game is to be told of the room");
        assert!(outbox.take_low() && !outbox.is_ready());
        outbox.push(at(0), message(1, 1)).unwrap();
        outbox.hold();
        assert!(!outbox.is_ready(), "nobody takes anything");
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let whole = LIMITS.bytes - OVERHEAD;
        for (bytes, taken) in [(whole, Ok(())), (whole + 1, Err(Full))] {
            let mut outbox = Outbox::new(TransferMode::Reliable, LIMITS);
            assert_eq!(outbox.push(at(0), message(bytes, 0)), taken);
        }
    }

    #[test]
    fn what_is_taken_out_or_forgotten_takes_no_room() {
        for (mode, kept) in [(TransferMode::Reliable, 2), (TransferMode::Unreliable, 0)] {
            let mut outbox = Outbox::new(mode, LIMITS);
            for tag in 0..2 {
                outbox.push(at(0), message(100, tag)).unwrap();
            }
            assert_eq!(outbox.take_rest().count(), kept, "{mode:?}");
            assert!(outbox.is_empty() && outbox.bytes() == 0);
            outbox.push(at(0), message(100, 2)).unwrap();
            assert!(!outbox.is_empty());
            outbox.clear();
            assert!(outbox.is_empty() && outbox.bytes() == 0);
        }
    }

    #[test]
    fn what_a_former_outbox_has_dropped_is_counted_with_what_it_holds() {
        let mut former = Outbox::new(TransferMode::Unreliable, LIMITS);
        former.push(at(0), message(1, 0)).unwrap();
        former.drop_unreliable();
        for tag in 1..3 {
            former.push(at(0), message(1, tag)).unwrap();
        }
        let mut outbox = Outbox::new(TransferMode::Unreliable, LIMITS);
        outbox.add_dropped(&former);
        assert_eq!(outbox.dropped(), 3);
    }

    #[test]
    fn a_flood_of_empty_messages_is_bounded() {
        for mode in TransferMode::ALL {
            let mut outbox = Outbox::new(mode, LIMITS);
            let _ = outbox.keep(at(0), message(0, 0));
            for _ in 0..1000 {
                let _ = outbox.push(at(0), message(0, 0));
            }
            outbox.low(at(0));
            let kept = core::iter::from_fn(|| outbox.pop(at(0))).count();
            assert_eq!(kept, 600 / OVERHEAD, "{mode:?}");
        }
    }
}
