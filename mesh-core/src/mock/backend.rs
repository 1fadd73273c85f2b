//! The backend of a participant.

use core::task::{Context, Poll, Waker};

use super::conditions::BackendId;
use super::network::Network;
use crate::{
    Backend, Capabilities, ChannelIndex, ChannelSpec, Command, Instant, LinkEvent, LinkId, Payload,
    Rejected,
};

/// A [`Backend`] on a [`Network`], made by [`Network::backend`].
///
/// Dropping it closes its links, and their far sides are told.
#[derive(Debug)]
pub struct MockBackend {
    network: Network,
    id: BackendId,
}

impl MockBackend {
    pub(super) const fn new(network: Network, id: BackendId) -> Self {
        Self { network, id }
    }

    /// The name of this backend on its network.
    #[must_use]
    pub const fn id(&self) -> BackendId {
        self.id
    }

    /// The network it is on.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Makes a channel in-band (DCEP, RFC 8832), as stacks other than ours do, to test how a mesh takes it.
    ///
    /// The channel opens on both sides; on the far side it is reported as `remote`. Returns `false` and does nothing when
    /// the link is not connected, or when the index or the stream is in use.
    pub fn open_in_band(
        &mut self,
        link: LinkId,
        channel: ChannelIndex,
        spec: &ChannelSpec,
    ) -> bool {
        let host = self.id.0;
        self.network
            .with(|world| world.open_in_band(host, link, channel, spec))
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
        self.network
            .with(|world| world.send(self.id.0, link, channel, payload))
    }

    fn buffered_amount(&self, link: LinkId, channel: ChannelIndex) -> usize {
        self.network
            .with(|world| world.buffered_amount(self.id.0, link, channel))
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<LinkEvent> {
        // The former waker is dropped outside the lock, because it may own a task that owns a backend.
        let (event, _former): (_, Option<Waker>) = self.network.with(|world| {
            if let Some(event) = world.take_event(self.id.0) {
                return (Poll::Ready(event), None);
            }
            (Poll::Pending, world.wait(self.id.0, cx.waker()))
        });
        event
    }

    fn set_alarm(&mut self, deadline: Option<Instant>) {
        self.network
            .with(|world| world.set_alarm(self.id.0, deadline));
    }

    fn capabilities(&self) -> Capabilities {
        let config = self.network.with(|world| {
            let host = world.host(self.id.0);
            host.map(|host| host.config).unwrap_or_default()
        });
        Capabilities {
            max_message_size: config.max_message_size,
            ice_restart: false,
            configurable_timeouts: true,
        }
    }
}

impl Drop for MockBackend {
    fn drop(&mut self) {
        let _former = self.network.with(|world| {
            world.drop_host(self.id.0);
            world.host_mut(self.id.0).and_then(|host| host.waker.take())
        });
    }
}
