//! An app that writes down what happens to its sessions.

use aeronet_io::Session;
use aeronet_io::connection::{DisconnectReason, Disconnected};
use aeronet_webrtc_multiplayer::{MeshIoPlugin, MeshServer, aeronet_io};
use bevy_app::prelude::*;
use bevy_ecs::prelude::*;
use bevy_webrtc_multiplayer::Mesh;
use bevy_webrtc_multiplayer::prelude::*;

#[derive(Debug, Default, Resource)]
pub(crate) struct Seen {
    /// What came, from whom.
    pub(crate) packets: Vec<(PeerId, Vec<u8>)>,
    /// How sessions ended.
    pub(crate) ended: Vec<DisconnectReason>,
}

pub(crate) fn app() -> App {
    let mut app = App::new();
    app.add_plugins(MeshIoPlugin::default())
        .init_resource::<Seen>()
        .add_systems(Startup, |mut commands: Commands| {
            _ = commands.spawn(MeshServer)
        })
        .add_systems(Update, take)
        .add_observer(end);
    app
}

fn take(mut sessions: Query<(&Peer, &mut Session)>, mut seen: ResMut<Seen>) {
    for (peer, mut session) in &mut sessions {
        let packets = session.recv.drain(..);
        seen.packets
            .extend(packets.map(|packet| (peer.0, packet.payload.to_vec())));
    }
}

fn end(ended: On<Disconnected>, sessions: Query<&Session>, mut seen: ResMut<Seen>) {
    assert!(
        sessions.contains(ended.entity),
        "its session is still there"
    );
    seen.ended.push(match &ended.reason {
        DisconnectReason::ByUser(reason) => DisconnectReason::by_user(reason),
        DisconnectReason::ByPeer(reason) => DisconnectReason::by_peer(reason),
        DisconnectReason::ByError(error) => {
            let gone = error.downcast_ref::<aeronet_webrtc_multiplayer::PeerGone>();
            DisconnectReason::ByError(gone.unwrap().clone().into())
        }
    });
}

pub(crate) fn seen(app: &App) -> &Seen {
    app.world().resource::<Seen>()
}

pub(crate) fn mesh(app: &App) -> &Mesh {
    app.world().resource::<Mesh>()
}

/// The entities of peers with a session.
pub(crate) fn sessions(app: &mut App) -> Vec<Entity> {
    let world = app.world_mut();
    let mut sessions = world.query_filtered::<Entity, (With<Peer>, With<Session>)>();
    sessions.iter(world).collect()
}

/// Has all sessions send this.
pub(crate) fn send(app: &mut App, packet: &'static [u8]) {
    let world = app.world_mut();
    let mut sessions = world.query::<&mut Session>();
    for mut session in sessions.iter_mut(world) {
        session.send.push(packet.into());
    }
}

/// Runs a command.
pub(crate) fn command(app: &mut App, command: impl FnOnce(&mut Commands)) {
    command(&mut app.world_mut().commands());
    app.world_mut().flush();
}
