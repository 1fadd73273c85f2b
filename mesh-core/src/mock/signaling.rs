//! The signaling of a participant.

use alloc::string::String;
use core::task::{Context, Poll, Waker};

use super::key::Key;
use super::network::Network;
use crate::{
    Duration, Instant, PeerId, Signal, Signaling, SignalingError, SignalingEvent, Topology,
};

/// A [`Signaling`] on the lobby service of a [`Network`], made by [`Network::signaling`]. Dropping it leaves the lobby.
///
/// The rules are those of Godot's official 4.x demo. The first member of a lobby is its host and has the id 1; the others
/// get random ids. The host may seal the lobby, which then admits nobody and ends after 10 s. When the host leaves, the
/// lobby ends.
///
/// It uses the network's clock and ignores the `now` it is given.
#[derive(Debug)]
pub struct MockSignaling {
    network: Network,
    id: SignalingId,
}

/// The name of a signaling client on its network, for [`Network::lose_signaling`] and [`Network::restore_signaling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignalingId(Key);

impl Network {
    /// Adds a client of the network's lobby service that joins a lobby at once.
    ///
    /// The lobby is made if it does not exist. An empty name asks for a new lobby, whose name is told in
    /// [`SignalingEvent::Joined`].
    #[must_use]
    pub fn signaling(&self, lobby: &str) -> MockSignaling {
        self.signaling_with(lobby, Topology::Mesh)
    }

    /// Adds a client as [`signaling`](Self::signaling) does. If its lobby does not exist yet, it is made with this topology.
    #[must_use]
    pub fn signaling_with(&self, lobby: &str, topology: Topology) -> MockSignaling {
        let key = self.with(|world| world.add_member(String::from(lobby), topology));
        MockSignaling {
            network: self.clone(),
            id: SignalingId(key),
        }
    }

    /// Breaks a client's connection with the service. The client gets [`SignalingEvent::Lost`], the other members
    /// [`SignalingEvent::PeerLeft`].
    pub fn lose_signaling(&self, client: SignalingId) {
        self.with(|world| world.lose_member(client.0));
    }

    /// Lets a client that got `Lost` join again, under the id it had.
    pub fn restore_signaling(&self, client: SignalingId) {
        self.with(|world| world.restore_member(client.0));
    }

    /// Stops the service. Every client gets [`SignalingEvent::Lost`], and all lobbies are forgotten.
    pub fn stop_signaling(&self) {
        self.with(|world| world.stop_service());
    }

    /// Starts the service again. Clients that were lost with it, or that tried to join in the meantime, join under the ids
    /// they had.
    pub fn start_signaling(&self) {
        self.with(|world| world.start_service());
    }

    /// Sets how long a message between a client and the service takes. The default is 5 ms.
    pub fn set_signaling_latency(&self, latency: Duration) {
        self.with(|world| world.service.latency = latency);
    }
}

impl MockSignaling {
    /// The name of this client on its network.
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

    /// Seals the lobby, so that nobody can join any more.
    ///
    /// # Errors
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
