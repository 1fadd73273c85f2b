//! The backend of a participant.

use core::task::{Context, Poll};

use super::conditions::BackendId;
use super::network::Network;
use crate::{
    Backend, Capabilities, ChannelIndex, Command, Instant, LinkEvent, LinkId, LinkStats, Payload,
    Rejected,
};

/// A [`Backend`] on a [`Network`], made by [`Network::backend`].
///
/// Dropping it closes its links, and their far sides are told.
#[derive(Debug)]
pub struct MockBackend {
    pub(super) network: Network,
    pub(super) id: BackendId,
}

impl MockBackend {
    /// The name of this backend on its network.
    #[must_use]
    pub const fn id(&self) -> BackendId {
        self.id
    }
}

impl Backend for MockBackend {
    fn now(&self) -> Instant {
        self.network.now()
    }

    fn execute(&mut self, command: Command) {
        self.network.with(|world| world.execute(self.id.0, command));
    }

    fn send(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<(), Rejected> {
        let key = (self.id.0, link);
        self.network.with(|world| world.send(key, channel, payload))
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        let key = (self.id.0, link);
        self.network
            .with(|world| world.buffered_amount(key, channel))
    }

    fn stats(&self, link: LinkId) -> LinkStats {
        let key = (self.id.0, link);
        let stats = self.network.with(|world| world.stats(key));
        stats.unwrap_or_default()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        self.network.with(|world| {
            let event = world.take_event(self.id.0);
            if event.is_none() {
                world.wait(self.id.0, cx.waker());
            }
            event.map_or(Poll::Pending, Poll::Ready)
        })
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.network
            .with(|world| world.set_alarm(self.id.0, deadline));
    }

    fn capabilities(&self) -> Capabilities {
        let config = self.network.with(|world| world.config(self.id.0));
        Capabilities {
            max_message_size: config.max_message_size,
            configurable_timeouts: true,
            coalesces: true,
        }
    }
}

impl Drop for MockBackend {
    fn drop(&mut self) {
        self.network.with(|world| world.end_host(self.id.0, true));
    }
}
