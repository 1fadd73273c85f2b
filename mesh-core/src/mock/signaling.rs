//! A participant's signaling: the lobby service behind its seam.

use alloc::string::String;
use core::task::{Context, Poll, Waker};

use super::network::Network;
use super::slab::Key;
use crate::{
    Duration, Instant, PeerId, Signal, Signaling, SignalingError, SignalingEvent, Topology,
};

/// A [`Signaling`] on a [`Network`]'s lobby service; made by [`Network::signaling`]. Dropping it leaves the lobby.
///
/// The rules are those of Godot's official 4.x demo: the first member of a lobby is its host, peer 1, the others get random
/// ids; the host may seal the lobby, which then takes nobody and ends after 10 s; a host that leaves takes it along.
///
/// Time is the network's, whatever `now` says.
#[derive(Debug)]
pub struct MockSignaling {
    network: Network,
    id: SignalingId,
}

/// A signaling client as the network knows it: what [`Network::lose_signaling`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignalingId(Key);

impl Network {
    /// A new client of the network's lobby service, which joins at once; see [`MockSignaling`].
    ///
    /// A lobby that is not there is made; an empty name asks for one with a name of its own, told in `Joined`.
    #[must_use]
    pub fn signaling(&self, lobby: &str) -> MockSignaling {
        self.signaling_with(lobby, Topology::Mesh)
    }

    /// As [`signaling`](Self::signaling); a lobby that is made has this topology.
    #[must_use]
    pub fn signaling_with(&self, lobby: &str, topology: Topology) -> MockSignaling {
        let key = self.with(|world| world.add_member(String::from(lobby), topology));
        MockSignaling {
            network: self.clone(),
            id: SignalingId(key),
        }
    }

    /// Breaks a client's connection with the service: it gets `Lost`, the others `PeerLeft`.
    pub fn lose_signaling(&self, client: SignalingId) {
        self.with(|world| world.lose_member(client.0));
    }

    /// Lets a client that got `Lost` join again, under the id it had.
    pub fn restore_signaling(&self, client: SignalingId) {
        self.with(|world| world.restore_member(client.0));
    }

    /// Stops the whole service: every client gets `Lost`, every lobby is forgotten.
    pub fn stop_signaling(&self) {
        self.with(|world| world.stop_service());
    }

    /// Starts the service again: clients that it had, or that tried, join again under the ids they had.
    pub fn start_signaling(&self) {
        self.with(|world| world.start_service());
    }

    /// Sets how long anything takes between a client and the service: 5 ms.
    pub fn set_signaling_latency(&self, latency: Duration) {
        self.with(|world| world.service.latency = latency);
    }
}

impl MockSignaling {
    /// What the network calls this client.
    #[must_use]
    pub const fn id(&self) -> SignalingId {
        self.id
    }

    /// The network it is on.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }
}

impl Signaling for MockSignaling {
    fn send(&mut self, _now: Instant, to: PeerId, signal: Signal) -> Result<(), SignalingError> {
        self.network
            .with(|world| world.send_signal(self.id.0, to, signal))
    }

    fn poll_event(&mut self, _now: Instant, cx: &mut Context<'_>) -> Poll<SignalingEvent> {
        let (event, _former): (_, Option<Waker>) = self.network.with(|world| {
            if let Some(event) = world.take_signaling_event(self.id.0) {
                return (Poll::Ready(event), None);
            }
            (
                Poll::Pending,
                world.wait_for_signaling(self.id.0, cx.waker()),
            )
        });
        event
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Seals the lobby: nobody can join any more.
    ///
    /// [`SignalingError::NotConnected`] before `Joined` and after `Lost`, [`SignalingError::Unsendable`] for anybody but
    /// the host.
    fn seal(&mut self, _now: Instant) -> Result<(), SignalingError> {
        self.network.with(|world| world.seal_lobby(self.id.0))
    }

    fn close(&mut self) {
        let _former = self.network.with(|world| world.close_member(self.id.0));
    }
}

impl Drop for MockSignaling {
    fn drop(&mut self) {
        self.close();
    }
}
