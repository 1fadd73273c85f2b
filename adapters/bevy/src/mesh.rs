//! What the systems of a game see of the mesh.

use std::collections::BTreeMap;

use bevy_ecs::prelude::{Entity, Message, Resource};
use webrtc_multiplayer::{Event, LostReason, PeerId};

/// The mesh as it was at the last [`MeshSystems::Receive`](crate::MeshSystems::Receive).
#[derive(Debug, Default, Resource)]
pub struct Mesh {
    pub(crate) status: MeshStatus,
    pub(crate) id: Option<PeerId>,
    pub(crate) host: Option<PeerId>,
    pub(crate) lobby: String,
    pub(crate) is_sealed: bool,
    pub(crate) peers: BTreeMap<PeerId, Entity>,
}

/// How we stand with the signaling. Connected peers stay whatever it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MeshStatus {
    /// In no lobby.
    #[default]
    Idle,
    /// The signaling server has been asked.
    Joining,
    /// In the lobby.
    Joined,
    /// The signaling server is out of reach for now and is being tried again.
    Interrupted(LostReason),
    /// The signaling server refused us, sent us away or is out of reach. Connected peers stay, and nobody new can join.
    Lost(LostReason),
}

impl Mesh {
    /// How we stand with the signaling.
    #[must_use]
    pub const fn status(&self) -> &MeshStatus {
        &self.status
    }

    /// Our own id, once we have joined.
    #[must_use]
    pub const fn id(&self) -> Option<PeerId> {
        self.id
    }

    /// The member that has the rights of the host in the lobby. It may be us.
    #[must_use]
    pub const fn host(&self) -> Option<PeerId> {
        self.host
    }

    /// Whether we have the rights of the host.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.id.is_some() && self.id == self.host
    }

    /// The lobby's name, empty before we have joined.
    #[must_use]
    pub fn lobby(&self) -> &str {
        &self.lobby
    }

    /// Whether the lobby takes nobody any more.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    /// The connected peers with their entities, ascending by id.
    pub fn peers(&self) -> impl Iterator<Item = (PeerId, Entity)> {
        self.peers.iter().map(|(peer, entity)| (*peer, *entity))
    }

    /// The entity of a connected peer.
    #[must_use]
    pub fn entity_of(&self, peer: PeerId) -> Option<Entity> {
        self.peers.get(&peer).copied()
    }
}

/// Everything that a session tells but packets, in its order. [`Mesh`], the entities of peers and their observers follow from
/// it; a game reads it for the rest, such as `Event::Lobby`.
#[derive(Clone, Debug, Message)]
pub struct MeshEvent(pub Event);
