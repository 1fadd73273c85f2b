//! Who is the server: aeronet and what stands on it tell server and client apart, which a mesh does not.

use aeronet_io::server::{Server, ServerEndpoint};
use bevy_ecs::prelude::*;
use bevy_platform::time::Instant;
use bevy_webrtc_multiplayer::Mesh;

/// An aeronet server whose clients are the peers of the mesh. Every member of the lobby may spawn it: it opens where we are the host.
///
/// When it opens it gets a `Server`, and the session of each peer that comes from then on is its child. At a guest it stays as it
/// is, with `ServerEndpoint` alone.
#[derive(Clone, Copy, Debug, Default, Component)]
#[require(ServerEndpoint)]
pub struct MeshServer;

/// Is on the entity of the peer that was the host of the lobby when its session opened: the server, for a client.
///
/// It is there before `Session` is, so that an observer of `Add` may insert what must be there by then, too.
#[derive(Clone, Copy, Debug, Default, Component)]
pub struct HostSession;

/// Opens the server as soon as we are known to be the host. No peer has a session before we have an id.
pub(crate) fn open_server(
    servers: Query<Entity, (With<MeshServer>, Without<Server>)>,
    mesh: Res<Mesh>,
    mut commands: Commands,
) {
    if mesh.is_host() {
        for entity in &servers {
            commands.entity(entity).insert(Server::new(Instant::now()));
        }
    }
}
