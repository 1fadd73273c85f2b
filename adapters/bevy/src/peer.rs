//! Peers as entities, and what observers hear of them.

use bevy_ecs::prelude::{Component, Entity, EntityEvent};
use webrtc_multiplayer::mesh_core::PeerStats;
use webrtc_multiplayer::{DisconnectReason, PeerId};

/// A connected peer. Its entity is there from [`PeerJoined`] until [`PeerLeft`], and the plugin despawns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Component)]
#[component(immutable)]
pub struct Peer(pub PeerId);

/// The latest figures of a peer: round trip, loss, what was sent and received. They are about a second old at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Component)]
pub struct PeerFigures(pub PeerStats);

/// Is on the entity of a peer that does not answer for now. It goes when the peer answers again, or with the entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Component)]
pub struct Interrupted;

/// A peer is connected, and its entity is there.
#[derive(Clone, Debug, EntityEvent)]
pub struct PeerJoined {
    /// The entity of the peer.
    pub entity: Entity,
    /// Who.
    pub peer: PeerId,
}

/// A peer is gone. Its entity is still there for observers, and is despawned after them.
#[derive(Clone, Debug, EntityEvent)]
pub struct PeerLeft {
    /// The entity of the peer.
    pub entity: Entity,
    /// Who.
    pub peer: PeerId,
    /// Why. After our own leave it is [`DisconnectReason::Removed`] for all.
    pub reason: DisconnectReason,
}
