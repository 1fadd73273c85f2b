//! The beginning of a frame: what has happened becomes messages, entities and the state of [`Mesh`].

use bevy_ecs::prelude::{Entity, World};
use webrtc_multiplayer::{DisconnectReason, Event, Instant, PeerId};

use crate::message::dispatch;
use crate::session::MeshSession;
use crate::{Interrupted, Mesh, MeshEvent, MeshStatus, Peer, PeerFigures, PeerJoined, PeerLeft};

/// The session, which stays on its thread.
#[derive(Default)]
pub(crate) struct Driver {
    pub(crate) session: Option<Box<dyn MeshSession>>,
    /// A session that was left, and until when it may still say its last words.
    pub(crate) leaving: Option<(Box<dyn MeshSession>, Instant)>,
}

impl Driver {
    /// The events of this frame. They are bounded by the inboxes of the session.
    fn poll(&mut self) -> Vec<Event> {
        if let Some((session, until)) = &mut self.leaving {
            while session.poll().is_some() {}
            if session.now() >= *until {
                self.leaving = None;
            }
        }
        let mut session = self.session.as_mut();
        std::iter::from_fn(|| session.as_mut()?.poll()).collect()
    }
}

pub(crate) fn receive(world: &mut World) {
    let Some(mut driver) = world.get_non_send_mut::<Driver>() else {
        return;
    };
    let events = driver.poll();
    // Before them, so that observers know who is host.
    stand(world);
    for event in events {
        if let Event::Packet(packet) = event {
            dispatch(world, packet);
        } else {
            change(world, &event);
            world.write_message(MeshEvent(event));
        }
    }
    look(world);
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the game reads the rest itself"
)]
fn change(world: &mut World, event: &Event) {
    match event {
        Event::PeerConnected(peer) => join(world, *peer),
        Event::PeerDisconnected { peer, reason } => part(world, *peer, reason),
        Event::PeerInterrupted(peer) => {
            if let Some(entity) = entity_of(world, *peer) {
                world.entity_mut(entity).insert(Interrupted);
            }
        }
        Event::PeerResumed(peer) => {
            if let Some(entity) = entity_of(world, *peer) {
                world.entity_mut(entity).remove::<Interrupted>();
            }
        }
        Event::Joined { lobby, .. } => {
            let mut mesh = world.resource_mut::<Mesh>();
            mesh.lobby.clone_from(lobby);
            mesh.status = MeshStatus::Joined;
        }
        Event::Sealed => world.resource_mut::<Mesh>().is_sealed = true,
        Event::SignalingResumed => set(world, MeshStatus::Joined),
        Event::SignalingInterrupted(why) => set(world, MeshStatus::Interrupted(why.clone())),
        Event::SignalingLost(why) => set(world, MeshStatus::Lost(why.clone())),
        _ => {}
    }
}

fn set(world: &mut World, status: MeshStatus) {
    world.resource_mut::<Mesh>().status = status;
}

/// The entity of a peer, unless the game has despawned it.
fn entity_of(world: &World, peer: PeerId) -> Option<Entity> {
    let entity = world.resource::<Mesh>().entity_of(peer)?;
    world.entities().contains(entity).then_some(entity)
}

fn join(world: &mut World, peer: PeerId) {
    let entity = world.spawn((Peer(peer), PeerFigures::default())).id();
    world.resource_mut::<Mesh>().peers.insert(peer, entity);
    world.trigger(PeerJoined { entity, peer });
}

pub(crate) fn part(world: &mut World, peer: PeerId, reason: &DisconnectReason) {
    let entity = entity_of(world, peer);
    world.resource_mut::<Mesh>().peers.remove(&peer);
    let Some(entity) = entity else {
        return;
    };
    let reason = reason.clone();
    world.trigger(PeerLeft {
        entity,
        peer,
        reason,
    });
    // What the observers ask to be done with the entity must find it.
    world.flush();
    // They may have despawned it.
    if let Ok(entity) = world.get_entity_mut(entity) {
        entity.despawn();
    }
}

fn session(world: &World) -> Option<&dyn MeshSession> {
    world.get_non_send::<Driver>()?.session.as_deref()
}

/// Takes in who we are, and who is host.
fn stand(world: &mut World) {
    let Some(session) = session(world) else {
        return;
    };
    let id = session.unique_id();
    let host = id.map(|_| session.roster().host());
    let mesh = world.resource::<Mesh>();
    let is_new = (mesh.id, mesh.host) != (id, host);
    if is_new {
        let mut mesh = world.resource_mut::<Mesh>();
        (mesh.id, mesh.host) = (id, host);
    }
}

/// Takes in the figures of the peers.
fn look(world: &mut World) {
    let Some(session) = session(world) else {
        return;
    };
    let peers = world.resource::<Mesh>().peers();
    let figures: Vec<_> = peers
        .filter_map(|(peer, entity)| Some((entity, session.stats(peer)?)))
        .collect();
    for (entity, stats) in figures {
        let entity = world.get_entity_mut(entity).ok();
        let Some(mut entity) = entity else {
            continue;
        };
        // Only what has changed is marked as changed.
        if entity.get::<PeerFigures>() != Some(&PeerFigures(stats)) {
            entity.insert(PeerFigures(stats));
        }
    }
}
