//! What is not disturbed goes to the backend inside as it is.

use core::task::{Context, Poll, Waker};

use super::Conditioned;
use crate::{
    Backend, Capabilities, ChannelIndex, Command, Duration, Instant, LinkEvent, LinkId, LinkStats,
    Payload, Rejected,
};

/// A backend that remembers what it was asked.
struct Plain {
    now: Instant,
    flushes: u32,
    alarm: Option<Instant>,
}

const CAPABILITIES: Capabilities = Capabilities {
    max_message_size: 1234,
    configurable_timeouts: true,
    coalesces: true,
};

impl Backend for Plain {
    fn now(&self) -> Instant {
        self.now
    }

    fn execute(&mut self, _: Command) {}

    fn send(&mut self, _: LinkId, _: ChannelIndex, _: Payload) -> Result<(), Rejected> {
        Ok(())
    }

    fn flush(&mut self) {
        self.flushes += 1;
    }

    fn buffered_amount(&self, _: LinkId, _: ChannelIndex) -> usize {
        0
    }

    fn stats(&self, _: LinkId) -> LinkStats {
        LinkStats {
            pair_changes: 7,
            ..LinkStats::default()
        }
    }

    fn poll_event(&mut self, _: &mut Context<'_>) -> Poll<LinkEvent> {
        Poll::Pending
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.alarm = deadline;
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }
}

fn over_plain() -> Conditioned<Plain> {
    let plain = Plain {
        now: Instant::from_micros(1_000_000),
        flushes: 0,
        alarm: None,
    };
    Conditioned::new(plain, 1)
}

#[test]
fn figures_and_a_flush_pass() {
    let mut backend = over_plain();
    backend.flush();
    assert_eq!(backend.inner().flushes, 1);
    let link = LinkId {
        slot: 0,
        generation: 0,
    };
    assert_eq!(backend.stats(link).pair_changes, 7);
    assert_eq!(backend.capabilities(), CAPABILITIES);
}

#[test]
fn an_alarm_is_set_until_it_has_rung() {
    let mut backend = over_plain();
    let start = backend.now();
    let deadline = start + Duration::from_secs(1);
    let poll_at = |backend: &mut Conditioned<Plain>, now| {
        backend.inner_mut().now = now;
        let polled = backend.poll_event(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        backend.inner().alarm
    };
    backend.set_alarm(Some(deadline));
    assert_eq!(backend.inner().alarm, Some(deadline));
    let before = deadline - start - Duration::from_micros(1);
    assert_eq!(poll_at(&mut backend, start + before), Some(deadline));
    assert_eq!(poll_at(&mut backend, deadline), None);
    backend.set_alarm(None);
    assert_eq!(backend.inner().alarm, None);
}
