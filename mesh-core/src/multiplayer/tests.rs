//! Two layers that share the one alarm of a backend.

use core::task::{Context, Poll};

use crate::{
    Backend, BackendSendError, Capabilities, ChannelIndex, Command, Instant, LinkEvent, LinkId,
    MeshConfig, Multiplayer, Payload, Rejected,
};

/// A platform that has nothing but a clock.
struct Clock {
    now: Instant,
    alarm: Option<Instant>,
}

impl Backend for Clock {
    fn now(&self) -> Instant {
        self.now
    }

    fn execute(&mut self, _: Command) {}

    fn send(&mut self, _: LinkId, _: ChannelIndex, payload: Payload) -> Result<(), Rejected> {
        let reason = BackendSendError::NotOpen;
        Err(Rejected { payload, reason })
    }

    fn buffered_amount(&self, _: LinkId, _: ChannelIndex) -> usize {
        0
    }

    fn poll_event(&mut self, _: &mut Context<'_>) -> Poll<LinkEvent> {
        Poll::Pending
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.alarm = deadline;
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
}

#[test]
fn the_alarm_is_that_of_the_layer_that_is_due_first() {
    let [one, three, five, nine] = [1, 3, 5, 9].map(Instant::from_micros);
    let clock = Clock {
        now: one,
        alarm: None,
    };
    let mut multiplayer = Multiplayer::new(clock, MeshConfig::default());
    multiplayer.set_alarm(Some(five));
    assert_eq!(multiplayer.backend().alarm, Some(five));
    multiplayer.wake_at(Some(three));
    assert_eq!(multiplayer.backend().alarm, Some(three));
    multiplayer.wake_at(Some(nine));
    assert_eq!(multiplayer.backend().alarm, Some(five));
    // Whoever was due has been woken.
    multiplayer.backend_mut().now = five;
    multiplayer.wake_at(Some(nine));
    assert_eq!(multiplayer.backend().alarm, Some(nine));
}
