//! What a channel has been given to send and the `webrtc` crate has not taken yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mesh_core::{BackendSendError, Payload, Rejected, Reliability, SendLimits};
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One entry of a send queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Message {
        payload: Payload,
        /// When it is given up, on an unreliable channel.
        expires: Option<Instant>,
    },
    /// Nothing comes after it.
    End,
}

/// The send queue of one channel, bounded by its high-water mark.
///
/// What the `webrtc` crate has taken does not count any more, as in a browser: it holds
/// [`PlatformConfig::sctp_send_limit`](crate::PlatformConfig::sctp_send_limit) bytes at most, in flight or about to be. Of an
/// unreliable channel it holds only what the path takes, and what it holds beyond still counts here: see
/// [`Pipe`](crate::pipe::Pipe).
pub(crate) struct Outbox {
    // Bounded by the high-water mark.
    messages: UnboundedSender<Outgoing>,
    buffered: AtomicUsize,
    /// Messages that have waited too long.
    given_up: AtomicU64,
    open: AtomicBool,
    /// Whether small messages may leave together.
    coalesces: AtomicBool,
    /// Whether what it has accepted is not to be sent any more.
    abandoned: AtomicBool,
    limits: SendLimits,
    /// How long a message may wait here, from the call that sends it. The crate counts a lifetime only from when it gets the
    /// message.
    patience: Option<Duration>,
}

impl Outbox {
    /// A queue that is not open yet, and the end that its sender task takes from.
    pub(crate) fn new(
        limits: SendLimits,
        reliability: Reliability,
    ) -> (Arc<Self>, UnboundedReceiver<Outgoing>) {
        let (messages, outgoing) = unbounded_channel();
        let outbox = Self {
            messages,
            buffered: AtomicUsize::new(0),
            given_up: AtomicU64::new(0),
            open: AtomicBool::new(false),
            coalesces: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            limits,
            patience: match reliability {
                Reliability::Reliable => None,
                Reliability::Lifetime(_) | Reliability::Retransmits(_) => {
                    Some(reliability.lifetime().unwrap_or(limits.age).min(limits.age))
                }
            },
        };
        (Arc::new(outbox), outgoing)
    }

    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// From now on small messages may leave together.
    pub(crate) fn coalesce(&self) {
        self.coalesces.store(true, Ordering::Release);
    }

    pub(crate) fn coalesces(&self) -> bool {
        self.coalesces.load(Ordering::Acquire)
    }

    /// Takes nothing more. What was accepted stays for the sender task.
    pub(crate) fn close(&self) {
        self.open.store(false, Ordering::Release);
        // Fails once the sender task has ended.
        let _ = self.messages.send(Outgoing::End);
    }

    /// Takes nothing more, and what the sender task has not handed over is not to be sent.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.close();
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    pub(crate) fn buffered(&self) -> usize {
        self.buffered.load(Ordering::Acquire)
    }

    pub(crate) fn send(&self, payload: Payload) -> Result<(), Rejected> {
        let rejected = |payload, reason| Err(Rejected { payload, reason });
        if !self.open.load(Ordering::Acquire) {
            return rejected(payload, BackendSendError::NotOpen);
        }
        if !self.limits.admits(self.buffered(), cost(&payload)) {
            return rejected(payload, BackendSendError::Full);
        }
        self.accept(payload)
            .or_else(|payload| rejected(payload, BackendSendError::NotOpen))
    }

    /// Takes a message however much is buffered, because nothing comes after it.
    pub(crate) fn send_last(&self, payload: Payload) {
        if self.open.load(Ordering::Acquire) {
            // It fails once the sender task has ended, and then nothing can be sent.
            let _ = self.accept(payload);
        }
    }

    fn accept(&self, payload: Payload) -> Result<(), Payload> {
        let cost = cost(&payload);
        // Counted first: the sender task may have it before this line's end.
        self.buffered.fetch_add(cost, Ordering::AcqRel);
        let expires = self
            .patience
            .and_then(|patience| Instant::now().checked_add(patience));
        match self.messages.send(Outgoing::Message { payload, expires }) {
            Err(SendError(Outgoing::Message { payload, .. })) => {
                self.buffered.fetch_sub(cost, Ordering::AcqRel);
                Err(payload)
            }
            // An end is no message, and not what was sent.
            Ok(()) | Err(SendError(Outgoing::End)) => Ok(()),
        }
    }

    /// A message of this cost has waited too long; whether that brought the queue down to its low-water mark.
    pub(crate) fn give_up(&self, cost: usize) -> bool {
        self.given_up.fetch_add(1, Ordering::Relaxed);
        self.taken(cost)
    }

    /// How many messages have waited too long.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    /// A message of this cost has been taken; whether that brought the queue down to its low-water mark.
    pub(crate) fn taken(&self, cost: usize) -> bool {
        let before = self.buffered.fetch_sub(cost, Ordering::AcqRel);
        let low = self.limits.low_mark();
        before > low && before.saturating_sub(cost) <= low
    }
}

/// What a message adds to the buffered amount: its bytes, and 1 for an empty one (as on the wire), so that empty messages are
/// bounded, too.
pub(crate) fn cost(payload: &Payload) -> usize {
    payload.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(high_water: usize, low_water: usize) -> (Arc<Outbox>, UnboundedReceiver<Outgoing>) {
        let limits = SendLimits {
            high_water,
            low_water,
            age: Duration::MAX,
        };
        let (outbox, outgoing) = Outbox::new(limits, Reliability::Reliable);
        outbox.open();
        (outbox, outgoing)
    }

    fn bytes(length: usize) -> Payload {
        Payload::from(vec![0; length])
    }

    fn full(payload: Payload) -> Result<(), Rejected> {
        let reason = BackendSendError::Full;
        Err(Rejected { payload, reason })
    }

    fn not_open(payload: Payload) -> Result<(), Rejected> {
        let reason = BackendSendError::NotOpen;
        Err(Rejected { payload, reason })
    }

    #[test]
    fn a_message_is_admitted_if_it_fits_below_the_mark() {
        let (outbox, _outgoing) = outbox(100, 40);
        assert_eq!(outbox.send(bytes(60)), Ok(()));
        assert_eq!(outbox.send(bytes(41)), full(bytes(41)));
        assert_eq!(outbox.send(bytes(40)), Ok(()));
        assert_eq!(outbox.buffered(), 100);
        assert_eq!(outbox.send(bytes(0)), full(bytes(0)));
    }

    #[test]
    fn one_larger_message_passes_where_little_waits() {
        let (outbox, _outgoing) = outbox(100, 40);
        assert_eq!(outbox.send(bytes(40)), Ok(()));
        assert_eq!(outbox.send(bytes(500)), Ok(()));
        assert_eq!(outbox.send(bytes(1)), full(bytes(1)));
    }

    #[test]
    fn low_is_told_once_when_it_is_reached_from_above() {
        let (outbox, _outgoing) = outbox(100, 40);
        for length in [30, 30, 30, 10] {
            outbox.send(bytes(length)).expect("room");
        }
        assert!(!outbox.taken(30), "70 left");
        assert!(outbox.taken(30), "40 left");
        assert!(!outbox.taken(30), "was low before");
        assert!(!outbox.taken(10));
    }

    #[test]
    fn a_full_queue_always_gets_low_again() {
        let (outbox, _outgoing) = outbox(100, 100);
        outbox.send(bytes(100)).expect("room");
        assert_eq!(outbox.send(bytes(1)), full(bytes(1)));
        assert!(outbox.taken(100));
    }

    #[test]
    fn empty_messages_are_bounded_too() {
        let (outbox, _outgoing) = outbox(3, 1);
        for _ in 0..3 {
            outbox.send(bytes(0)).expect("room");
        }
        assert_eq!(outbox.send(bytes(0)), full(bytes(0)));
    }

    #[test]
    fn a_closed_queue_keeps_what_it_accepted() {
        let (outbox, mut outgoing) = outbox(100, 40);
        outbox.send(bytes(7)).expect("room");
        outbox.close();
        assert_eq!(outbox.send(bytes(1)), not_open(bytes(1)));
        let next = outgoing.blocking_recv();
        let message = Outgoing::Message {
            payload: bytes(7),
            expires: None,
        };
        assert_eq!(next, Some(message));
        assert_eq!(outgoing.blocking_recv(), Some(Outgoing::End));
    }

    #[test]
    fn an_abandoned_queue_takes_nothing_and_says_so() {
        let (outbox, mut outgoing) = outbox(100, 40);
        outbox.send(bytes(7)).expect("room");
        assert!(!outbox.is_abandoned());
        outbox.abandon();
        assert!(outbox.is_abandoned());
        assert_eq!(outbox.send(bytes(1)), not_open(bytes(1)));
        // The sender task drops what it finds, and learns of the end.
        assert!(matches!(
            outgoing.blocking_recv(),
            Some(Outgoing::Message { .. })
        ));
        assert_eq!(outgoing.blocking_recv(), Some(Outgoing::End));
    }

    #[test]
    fn only_an_unreliable_message_is_given_up_and_at_the_earlier_of_its_two_ends() {
        let ends_within = |reliability, age| {
            let limits = SendLimits {
                age,
                ..SendLimits::default()
            };
            let (outbox, mut outgoing) = Outbox::new(limits, reliability);
            outbox.open();
            let start = Instant::now();
            outbox.send(bytes(1)).expect("room");
            match outgoing.blocking_recv() {
                Some(Outgoing::Message { expires, .. }) => {
                    expires.map(|at| (at - start).as_secs() / 100)
                }
                other => unreachable!("{other:?}"),
            }
        };
        let [short, long] = [100, 6500].map(Duration::from_secs);
        assert_eq!(ends_within(Reliability::Reliable, short), None);
        assert_eq!(ends_within(Reliability::Retransmits(0), short), Some(1));
        assert_eq!(
            ends_within(Reliability::Retransmits(0), Duration::MAX),
            None
        );
        assert_eq!(ends_within(Reliability::Lifetime(60_000), short), Some(0));
        assert_eq!(ends_within(Reliability::Lifetime(60_000), long), Some(0));
        assert_eq!(ends_within(Reliability::Lifetime(u16::MAX), long), Some(0));
    }

    #[test]
    fn what_is_given_up_is_counted_and_makes_room() {
        let (outbox, _outgoing) = outbox(100, 40);
        outbox.send(bytes(100)).expect("room");
        assert!(outbox.give_up(100));
        assert_eq!((outbox.buffered(), outbox.given_up()), (0, 1));
    }

    #[test]
    fn nothing_is_sent_before_the_channel_is_open() {
        let (outbox, _outgoing) = Outbox::new(SendLimits::default(), Reliability::Reliable);
        assert_eq!(outbox.send(bytes(1)), not_open(bytes(1)));
        assert_eq!(outbox.buffered(), 0);
    }
}
