//! An app that writes down what it sees.

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;
use bevy_webrtc_multiplayer::Mesh;
use bevy_webrtc_multiplayer::prelude::*;
use bevy_webrtc_multiplayer::{Interrupted, JoinFailed, MeshPacket, SendFailed};
use serde::{Deserialize, Serialize};
use webrtc_multiplayer::{DisconnectReason, Event, Packet};

/// A line of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said(pub(crate) String);

impl MeshMessage for Said {
    const ID: u16 = 300;
}

#[derive(Debug, Default, Resource)]
pub(crate) struct Seen {
    pub(crate) joined: Vec<PeerId>,
    pub(crate) left: Vec<(PeerId, DisconnectReason)>,
    pub(crate) heard: Vec<(PeerId, String)>,
    pub(crate) packets: Vec<Packet>,
    pub(crate) events: Vec<Event>,
    pub(crate) send_failed: Vec<SendFailed>,
    pub(crate) join_failed: usize,
    /// How many frames a system ran that waits for peers.
    pub(crate) frames_with_peers: u32,
    /// How many frames a system ran that waits to be the host.
    pub(crate) frames_as_host: u32,
}

/// What is to be said in the next frame.
#[derive(Debug, Default, Resource)]
pub(crate) struct ToSay(pub(crate) Vec<Said>);

pub(crate) fn app() -> App {
    let mut app = App::new();
    app.add_plugins(MeshPlugin)
        .add_mesh_message::<Said>(TransferMode::Reliable)
        .init_resource::<Seen>()
        .init_resource::<ToSay>()
        .add_systems(Update, (say, hear, look))
        .add_systems(
            Update,
            (
                (|mut seen: ResMut<Seen>| seen.frames_with_peers += 1).run_if(has_peers),
                (|mut seen: ResMut<Seen>| seen.frames_as_host += 1).run_if(is_host),
            ),
        )
        .add_observer(
            |joined: On<PeerJoined>, peers: Query<&Peer>, mut seen: ResMut<Seen>| {
                let peer = peers.get(joined.entity).map(|peer| peer.0);
                assert_eq!(peer.ok(), Some(joined.peer), "its entity is there");
                seen.joined.push(joined.peer);
            },
        )
        .add_observer(
            |left: On<PeerLeft>, peers: Query<&Peer>, mut seen: ResMut<Seen>| {
                assert!(peers.contains(left.entity), "its entity is still there");
                seen.left.push((left.peer, left.reason.clone()));
            },
        );
    app
}

fn say(mut to_say: ResMut<ToSay>, mut sender: MeshSender) -> Result {
    for said in to_say.0.drain(..) {
        sender.send(Target::All, &said)?;
    }
    Ok(())
}

fn hear(mut said: MessageReader<Received<Said>>, mut seen: ResMut<Seen>) {
    for said in said.read() {
        seen.heard.push((said.from, said.message.0.clone()));
    }
}

fn look(
    mut packets: MessageReader<MeshPacket>,
    mut events: MessageReader<MeshEvent>,
    mut send_failed: MessageReader<SendFailed>,
    mut join_failed: MessageReader<JoinFailed>,
    mut seen: ResMut<Seen>,
) {
    seen.packets.extend(packets.read().map(|it| it.0.clone()));
    seen.events.extend(events.read().map(|it| it.0.clone()));
    seen.send_failed.extend(send_failed.read().cloned());
    seen.join_failed += join_failed.read().count();
}

pub(crate) fn seen(app: &App) -> &Seen {
    app.world().resource::<Seen>()
}

pub(crate) fn mesh(app: &App) -> &Mesh {
    app.world().resource::<Mesh>()
}

/// The peers that have an entity, and whether they are interrupted.
pub(crate) fn entities(app: &mut App) -> Vec<(PeerId, bool)> {
    let world = app.world_mut();
    let mut peers = world.query::<(&Peer, Has<Interrupted>)>();
    let peers = peers.iter(world);
    peers
        .map(|(peer, is_interrupted)| (peer.0, is_interrupted))
        .collect()
}

/// Has an app say something.
pub(crate) fn tell(app: &mut App, text: &str) {
    let mut to_say = app.world_mut().resource_mut::<ToSay>();
    to_say.0.push(Said(text.to_owned()));
}

/// Runs a command.
pub(crate) fn command(app: &mut App, command: impl FnOnce(&mut Commands)) {
    command(&mut app.world_mut().commands());
    app.world_mut().flush();
}
