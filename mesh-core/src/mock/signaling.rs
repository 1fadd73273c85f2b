//! The signaling of a participant.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::task::{Context, Poll};

use super::lobby_entry::MockLobby;
use super::network::Network;
use super::world::World;
use crate::{
    Instant, LobbyCommand, LostReason, PeerId, Signal, Signaling, SignalingError, SignalingEvent,
    Topology,
};

/// A [`Signaling`] on the lobby service of a [`Network`], made by [`Network::signaling`]. Dropping it leaves the lobby.
///
/// The rules are those of Godot's official 4.x demo. The first member of a lobby is its host and has the id 1; the others
/// get random ids. The host may seal the lobby, which then admits nobody and ends after 10 s. When the host leaves, the
/// lobby ends, unless it was made to go on ([`MockLobby::host_migration`]).
///
/// It uses the network's clock and ignores the `now` it is given.
#[derive(Debug)]
pub struct MockSignaling {
    pub(super) network: Network,
    id: SignalingId,
}

/// The name of a signaling client on its network, for [`Network::lose_signaling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignalingId(u64);

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
        let rules = MockLobby {
            topology,
            ..MockLobby::default()
        };
        self.signaling_in(lobby, rules)
    }

    /// Adds a client as [`signaling`](Self::signaling) does. If its lobby does not exist yet, it is made with these rules.
    #[must_use]
    pub fn signaling_in(&self, lobby: &str, rules: MockLobby) -> MockSignaling {
        let add = |world: &mut World| world.add_client(lobby, rules);
        MockSignaling {
            network: self.clone(),
            id: SignalingId(self.with(add)),
        }
    }

    /// The names of the lobbies on the public list that take somebody new, ascending.
    #[must_use]
    pub fn listed_lobbies(&self) -> Vec<String> {
        self.with(|world| {
            let lobbies = world.service.lobbies.values();
            let shown = lobbies.filter(|lobby| lobby.rules.is_listed && lobby.is_open());
            shown.map(|lobby| lobby.name.clone()).collect()
        })
    }

    /// Breaks a client's connection with the service. The client gets [`SignalingEvent::Lost`], the other members
    /// [`SignalingEvent::PeerLeft`].
    pub fn lose_signaling(&self, client: SignalingId) {
        let reason = LostReason::Unreachable("the connection broke".to_string());
        self.with(|world| world.lose_client(client.0, reason));
    }

    /// Puts the service out of reach, as a server that is started again is for its clients. Every member gets
    /// [`SignalingEvent::Interrupted`] and keeps its seat; what it sends, and what the others do meanwhile, arrives after
    /// [`start_signaling`](Self::start_signaling), which everybody hears as [`SignalingEvent::Resumed`]. Who tries to join
    /// meanwhile gets [`SignalingEvent::Lost`]. Does nothing while the service is stopped.
    pub fn interrupt_signaling(&self) {
        self.with(World::interrupt_service);
    }

    /// Stops the service. Every client gets [`SignalingEvent::Lost`], and all lobbies are forgotten.
    pub fn stop_signaling(&self) {
        self.with(World::stop_service);
    }

    /// Ends an interruption, and lets the clients join again that lost the service, or that tried to join while it was away. They
    /// get the ids they had.
    pub fn start_signaling(&self) {
        self.with(World::start_service);
    }
}

impl MockSignaling {
    /// The name of this client on its network.
    #[must_use]
    pub const fn id(&self) -> SignalingId {
        self.id
    }
}

impl Signaling for MockSignaling {
    fn send(&mut self, _now: Instant, to: PeerId, signal: Signal) -> Result<(), SignalingError> {
        self.network
            .with(|world| world.send_signal(self.id.0, to, signal))
    }

    fn poll_event(&mut self, _now: Instant, cx: &mut Context<'_>) -> Poll<SignalingEvent> {
        let poll = |world: &mut World| world.poll_signaling(self.id.0, cx.waker());
        let event = self.network.with(poll);
        event.map_or(Poll::Pending, Poll::Ready)
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

    /// Kicks, bans, locks, lists or sets the lobby's data, as the host, or sets its own data.
    ///
    /// A client that was sent away joins no more. The service does not recognise whom it belonged to: a new client is a new
    /// member, also after a ban.
    ///
    /// # Errors
    ///
    /// [`SignalingError::NotConnected`] before `Joined` and after `Lost`, [`SignalingError::Unsendable`] for anybody but
    /// the host, for a reason or data that are too long, for data that are no JSON object and for the host as the one to go.
    fn control(&mut self, _now: Instant, command: LobbyCommand) -> Result<(), SignalingError> {
        let control = |world: &mut World| world.control_lobby(self.id.0, command);
        self.network.with(control)
    }

    fn close(&mut self) {
        self.network.with(|world| world.remove_client(self.id.0));
    }
}

impl Drop for MockSignaling {
    fn drop(&mut self) {
        self.close();
    }
}
