//! What a handshake has sent and had no answer to.
//!
//! **The fault.** DTLS and SCTP of the `webrtc` crate repeat what is lost after a second and not before, and a handshake has
//! a dozen datagrams: on a path that loses one in ten, most connections take a second longer than they need.
//!
//! **The cure.** Until the channels are open the socket repeats what had no answer by itself, three times, the first time
//! after a quarter of a second, and whenever the far side repeats what it has said. It is the same record again: a peer that
//! had it already drops it (RFC 6347, section 4.1.2.6).
//! docs/upstream.md, "one second for a lost datagram".

use core::pin::Pin;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::envelope;
use super::handshake::Told;

/// When the first repetition is due. The next ones take twice as long each.
const FIRST: Duration = Duration::from_millis(250);

const REPETITIONS: u32 = 3;

/// How often the same is sent again because the far side repeats itself.
const DEMANDED: u32 = 8;

/// The shortest time between two such repetitions.
const PAUSE: Duration = Duration::from_millis(100);

/// How many datagrams are kept. The largest flight has five or six.
const KEPT: usize = 12;

/// How many numbers of received records are kept.
const NUMBERS: usize = 64;

/// A DTLS record's epoch and number.
type Number = [u8; 8];

#[derive(Debug, Default)]
pub(super) struct Unanswered {
    sent: VecDeque<(SocketAddr, Vec<u8>)>,
    received: VecDeque<Number>,
    repetitions: u32,
    demanded: u32,
    last: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Unanswered {
    /// Something goes out.
    pub(super) fn sent(&mut self, to: SocketAddr, datagram: &[u8]) {
        if number(datagram).is_none() {
            return;
        }
        if self.sent.len() >= KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back((to, datagram.to_vec()));
        self.repetitions = 0;
        self.demanded = 0;
        self.last = Some(Instant::now());
        self.arm();
    }

    /// Something has come. It is an answer unless it says nothing new, or is the same record again.
    pub(super) fn received(&mut self, datagram: &[u8], told: Told) {
        let Some(number) = number(datagram) else {
            return;
        };
        if told != Told::New || self.received.contains(&number) {
            self.demand();
            return;
        }
        if self.received.len() >= NUMBERS {
            self.received.pop_front();
        }
        self.received.push_back(number);
        self.sent.clear();
        self.timer = None;
    }

    /// The far side repeats itself, so it has not had our answer.
    fn demand(&mut self) {
        let is_soon = self.last.is_some_and(|last| last.elapsed() < PAUSE);
        if self.sent.is_empty() || is_soon || self.demanded >= DEMANDED {
            return;
        }
        self.demanded += 1;
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(Instant::now()),
            None => self.timer = Some(Box::pin(sleep(Duration::ZERO))),
        }
    }

    /// What must be sent again now. With nothing to send the waker is woken when there is.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Option<Vec<(SocketAddr, Vec<u8>)>> {
        let timer = self.timer.as_mut()?;
        if timer.as_mut().poll(cx) == Poll::Pending {
            return None;
        }
        self.last = Some(Instant::now());
        self.repetitions += 1;
        if self.repetitions < REPETITIONS {
            self.arm();
            // So that the waker is known to the new time.
            cx.waker().wake_by_ref();
        } else {
            self.timer = None;
        }
        Some(self.sent.iter().cloned().collect())
    }

    fn arm(&mut self) {
        let due = FIRST * 2_u32.pow(self.repetitions.min(REPETITIONS));
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(Instant::now() + due),
            None => self.timer = Some(Box::pin(sleep(due))),
        }
    }
}

/// The first record's epoch and number, if it is one of a handshake or of the data after it.
fn number(datagram: &[u8]) -> Option<Number> {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    const HANDSHAKE: u8 = 22;
    const APPLICATION_DATA: u8 = 23;
    let record = envelope::content(datagram);
    let is_wanted = matches!(
        record.first()?,
        &CHANGE_CIPHER_SPEC | &HANDSHAKE | &APPLICATION_DATA
    );
    is_wanted.then_some(())?;
    record.get(3..11)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn record(number: u8) -> Vec<u8> {
        vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, number, 0, 0]
    }

    fn due(unanswered: &mut Unanswered) -> Option<usize> {
        let due = unanswered.poll_due(&mut Context::from_waker(Waker::noop()));
        due.map(|datagrams| datagrams.len())
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_answer_is_repeated_three_times() {
        let peer = SocketAddr::from(([192, 0, 2, 1], 1));
        let mut unanswered = Unanswered::default();
        unanswered.sent(peer, &record(1));
        unanswered.sent(peer, &record(2));
        unanswered.sent(peer, b"a STUN message");
        for wait in [FIRST, FIRST * 2, FIRST * 4] {
            tokio::time::advance(wait - Duration::from_millis(1)).await;
            assert_eq!(due(&mut unanswered), None);
            tokio::time::advance(Duration::from_millis(2)).await;
            assert_eq!(due(&mut unanswered), Some(2));
        }
        tokio::time::advance(FIRST * 100).await;
        assert_eq!(due(&mut unanswered), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_it_and_a_repetition_demands_it() {
        let peer = SocketAddr::from(([192, 0, 2, 1], 1));
        let mut unanswered = Unanswered::default();
        unanswered.received(&record(7), Told::New);
        unanswered.sent(peer, &record(1));
        tokio::time::advance(PAUSE).await;
        assert_eq!(due(&mut unanswered), None);
        unanswered.received(&record(7), Told::New);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(due(&mut unanswered), Some(1));
        unanswered.received(&record(8), Told::New);
        tokio::time::advance(FIRST * 10).await;
        assert_eq!(due(&mut unanswered), None);
    }

    #[test]
    fn a_flood_is_not_remembered() {
        let mut unanswered = Unanswered::default();
        for high in 0..=255 {
            let mut record = record(1);
            record[9] = high;
            unanswered.received(&record, Told::New);
        }
        assert_eq!(unanswered.received.len(), NUMBERS);
    }
}
