//! Sessions: they open when peers connect, and packets go in and out.
//!
//! A command says `try_insert`, because another system may despawn the entity before it is carried out.

use aeronet_io::packet::{PacketRtt, RecvPacket};
use aeronet_io::server::Server;
use aeronet_io::{Session, SessionEndpoint};
use bevy_ecs::prelude::*;
use bevy_platform::time::Instant;
use bevy_webrtc_multiplayer::{Mesh, MeshPacket, MeshSender, Peer, PeerFigures};

use crate::plugin::{Lane, MIN_MTU};
use crate::{HostSession, MeshServer};

/// Whoever is new is about to have a session. Observers of the endpoint may add what must be there before it.
pub(crate) fn announce(
    new: Query<(Entity, &Peer), Without<SessionEndpoint>>,
    servers: Query<Entity, (With<MeshServer>, With<Server>)>,
    mesh: Res<Mesh>,
    mut commands: Commands,
) {
    for (entity, peer) in &new {
        let mut entity = commands.entity(entity);
        if let Some(server) = servers.iter().next() {
            entity.try_insert(ChildOf(server));
        }
        if mesh.host() == Some(peer.0) {
            entity.try_insert(HostSession);
        }
        entity.try_insert(SessionEndpoint);
    }
}

/// A peer that was announced and has no session yet.
type IsAnnounced = (With<Peer>, With<SessionEndpoint>, Without<Session>);

/// Whoever was announced gets a session.
pub(crate) fn open(announced: Query<Entity, IsAnnounced>, mut commands: Commands) {
    let now = Instant::now();
    for entity in &announced {
        commands
            .entity(entity)
            .try_insert(Session::new(now, MIN_MTU));
    }
}

/// Packets of this frame. They are as many as the inbox of the mesh holds at most.
pub(crate) fn receive(
    mut packets: MessageReader<MeshPacket>,
    mut sessions: Query<&mut Session>,
    lane: Res<Lane>,
    mesh: Res<Mesh>,
) {
    let recv_at = Instant::now();
    for MeshPacket(packet) in packets.read() {
        // A text is nothing that a session has sent.
        if packet.channel != lane.0 || packet.payload.is_text() {
            continue;
        }
        // Who has left since has no session any more.
        let entity = mesh.entity_of(packet.from);
        let session = entity.and_then(|entity| sessions.get_mut(entity).ok());
        if let Some(mut session) = session {
            let payload = packet.payload.bytes().clone();
            session.stats.packets_recv += 1;
            session.stats.bytes_recv += payload.len();
            session.recv.push(RecvPacket { recv_at, payload });
        }
    }
}

/// A session whose peer has new figures.
type HasNewFigures = (With<Session>, Changed<PeerFigures>);

/// The round trip as the mesh has measured it.
pub(crate) fn measure(
    sessions: Query<(Entity, &PeerFigures), HasNewFigures>,
    mut commands: Commands,
) {
    for (entity, figures) in &sessions {
        if let Some(round_trip) = figures.0.link.round_trip {
            commands.entity(entity).try_insert(PacketRtt(round_trip));
        }
    }
}

/// What a session has to send goes to its peer.
pub(crate) fn send(
    mut sessions: Query<(&Peer, &mut Session)>,
    lane: Res<Lane>,
    mut sender: MeshSender,
) {
    for (peer, mut session) in &mut sessions {
        if session.send.is_empty() {
            continue;
        }
        for packet in std::mem::take(&mut session.send) {
            session.stats.packets_sent += 1;
            session.stats.bytes_sent += packet.len();
            sender.send_bytes(peer.0, lane.0, packet);
        }
    }
}
