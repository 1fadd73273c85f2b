//! The ends of links: by a close, a failure or a goodbye, or without a word.

use alloc::vec::Vec;
use core::time::Duration;

use super::channel::{Channel, ChannelState};
use super::clock::Action;
use super::key::Key;
use super::world::World;
use crate::{CloseReason, ConnectFailure, LinkEvent, Reliability};

impl World {
    /// Takes nothing more, sends what reliable channels have accepted for at most `linger`, then closes.
    pub(super) fn close(&mut self, key: Key, linger: Duration) {
        let now = self.clock.now();
        let Some(end) = self.live_mut(key).filter(|end| !end.closing) else {
            return;
        };
        end.closing = true;
        // After a close, no further event of the link is required.
        end.inbox.clear();
        for channel in &mut end.channels {
            if channel.is_open() {
                channel.state = ChannelState::Closing;
            }
        }
        if linger.is_zero() || !end.is_associated() {
            self.close_now(key);
            return;
        }
        self.clock
            .schedule(now + linger, Action::LingerOver { end: key });
        self.progress_of_closing(key);
    }

    /// Completes the close of a link, or of single channels, whose data has arrived.
    pub(super) fn progress_of_closing(&mut self, key: Key) {
        let Some(end) = self.live(key) else {
            return;
        };
        if end.closing {
            if end.channels.iter().all(Channel::is_drained) {
                self.close_now(key);
            }
            return;
        }
        let drained: Vec<u16> = end
            .channels
            .iter()
            .filter(|channel| channel.state == ChannelState::Closing && channel.is_drained())
            .map(Channel::stream)
            .collect();
        for stream in drained {
            self.send_reset(key, stream);
        }
    }

    pub(super) fn close_now(&mut self, key: Key) {
        self.finish(key, CloseReason::Local, true);
    }

    pub(super) fn fail(&mut self, key: Key, failure: ConnectFailure) {
        self.finish(key, CloseReason::Failed(failure), true);
    }

    /// The far side's goodbye arrived.
    pub(super) fn aborted(&mut self, key: Key, from: u32) {
        let arrives = self
            .live(key)
            .is_some_and(|end| self.paths.is_up(from, end.host));
        if arrives {
            self.finish(key, CloseReason::Remote, false);
        }
    }

    /// Ends a link: its last events are queued, what it held is freed, and the far side is told if it can be.
    pub(super) fn finish(&mut self, key: Key, reason: CloseReason, say_goodbye: bool) {
        let now = self.clock.now();
        let Some(end) = self.live_mut(key) else {
            return;
        };
        end.gone = true;
        let (host, link, far) = (end.host, end.link, end.far);
        let goodbye = say_goodbye && end.is_secured() && end.reachable;
        let quiet = end.closing;
        let channels = core::mem::take(&mut end.channels);
        let held = core::mem::take(&mut end.held);
        for flight in held {
            self.flights.remove(flight);
        }
        // Closed channels mean that the far side has left. An end of our own is reported by its reason alone.
        if !quiet && reason != CloseReason::InboxFull {
            for channel in channels.iter().filter(|channel| channel.is_receiving()) {
                let channel = channel.index;
                self.tell(key, LinkEvent::ChannelClosed { link, channel });
            }
        }
        self.tell(key, LinkEvent::Closed { link, reason });
        if let Some(owner) = self.host_mut(host) {
            owner.links.remove(&link);
        }
        let Some(far) = far else {
            return;
        };
        if goodbye && let Some(delay) = self.goodbye_delay(host, far) {
            self.clock.schedule(
                now + delay,
                Action::Abort {
                    to: far,
                    from: host,
                },
            );
        }
        self.refresh(far);
    }

    /// How long the goodbye takes, or `None` if it is lost. It is an ABORT and a DTLS alert, each of which is sent once.
    fn goodbye_delay(&mut self, host: u32, far: Key) -> Option<Duration> {
        let to = self.live(far)?.host;
        let path = *self.paths.path(host, to);
        let rng = &mut self.rng;
        let mut once = || path.transit(rng, 1, Reliability::Retransmits(0), Duration::ZERO);
        once().or_else(once)
    }

    /// Ends a backend without a goodbye on any link.
    pub(super) fn kill(&mut self, host: u32) {
        for key in self.forget_host(host) {
            let far = self.ends.get(key).and_then(|end| end.far);
            self.remove_end(key);
            if let Some(far) = far {
                self.refresh(far);
            }
        }
    }

    /// Ends a backend with a goodbye on every link.
    pub(super) fn drop_host(&mut self, host: u32) {
        for key in self.forget_host(host) {
            self.close_now(key);
            self.remove_end(key);
        }
    }

    fn forget_host(&mut self, index: u32) -> Vec<Key> {
        self.set_alarm(index, None);
        if let Some(host) = self.host_mut(index) {
            host.alive = false;
            host.links.clear();
            host.ready.clear();
        }
        let mut ends = self.ends.ids();
        ends.retain(|key| self.ends.get(*key).is_some_and(|end| end.host == index));
        ends
    }

    fn remove_end(&mut self, key: Key) {
        let Some(end) = self.ends.remove(key) else {
            return;
        };
        for flight in end.held {
            self.flights.remove(flight);
        }
    }
}
