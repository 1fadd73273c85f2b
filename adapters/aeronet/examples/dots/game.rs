//! The game: each player has a dot, which the host of the lobby moves for everybody when the player asks for it.

use std::time::Duration;

use aeronet_replicon::client::{AeronetRepliconClient, AeronetRepliconClientPlugin};
use aeronet_replicon::server::{AeronetRepliconServer, AeronetRepliconServerPlugin};
use aeronet_webrtc_multiplayer::{HostSession, MeshIoPlugin, MeshServer};
use bevy::prelude::*;
use bevy::state::app::StatesPlugin;
use bevy::time::common_conditions::on_timer;
use bevy_replicon::prelude::*;
use bevy_webrtc_multiplayer::{Mesh, Peer};
use serde::{Deserialize, Serialize};

/// How often a player takes a step.
const STEP: Duration = Duration::from_millis(100);

/// A player's dot. Replicon brings it from the host to everybody else.
#[derive(Clone, Copy, Component, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dot {
    /// The id of the player.
    pub(crate) owner: u32,
    /// How many steps it has taken.
    pub(crate) steps: u32,
}

/// Who moves a dot; only the host knows.
#[derive(Component)]
struct Seat(ClientId);

/// A player asks the host to move its dot.
#[derive(Message, Serialize, Deserialize)]
struct Step;

/// The game, beside `MinimalPlugins` or `DefaultPlugins`.
pub(crate) struct DotsPlugin;

impl Plugin for DotsPlugin {
    fn build(&self, app: &mut App) {
        let in_game = in_state(ClientState::Connected).or_else(in_state(ServerState::Running));
        app.add_plugins((StatesPlugin, RepliconPlugins, MeshIoPlugin::default()))
            .add_plugins((AeronetRepliconClientPlugin, AeronetRepliconServerPlugin))
            .replicate::<Dot>()
            .add_client_message::<Step>(Channel::Ordered)
            .add_systems(Startup, offer_to_serve)
            .add_systems(OnEnter(ServerState::Running), seat_host)
            .add_systems(Update, ask.run_if(in_game).run_if(on_timer(STEP)))
            .add_systems(Update, walk.run_if(in_state(ServerState::Running)))
            .add_observer(follow_host)
            .add_observer(seat)
            .add_observer(unseat);
    }
}

/// Everybody does: it opens at the host alone.
fn offer_to_serve(mut commands: Commands) {
    commands.spawn((MeshServer, AeronetRepliconServer));
}

/// A guest's server is the host.
fn follow_host(host: On<Add, HostSession>, mut commands: Commands) {
    commands.entity(host.entity).insert(AeronetRepliconClient);
}

fn seat_host(mesh: Res<Mesh>, mut commands: Commands) {
    if let Some(id) = mesh.id() {
        let dot = Dot {
            owner: id.get(),
            steps: 0,
        };
        commands.spawn((Replicated, dot, Seat(ClientId::Server)));
    }
}

fn seat(guest: On<Add, ConnectedClient>, peers: Query<&Peer>, mut commands: Commands) {
    if let Ok(peer) = peers.get(guest.entity) {
        let dot = Dot {
            owner: peer.0.get(),
            steps: 0,
        };
        commands.spawn((Replicated, dot, Seat(ClientId::Client(guest.entity))));
    }
}

fn unseat(
    guest: On<Remove, ConnectedClient>,
    seats: Query<(Entity, &Seat)>,
    mut commands: Commands,
) {
    let theirs = seats
        .iter()
        .filter(|(_, seat)| seat.0 == ClientId::Client(guest.entity));
    theirs.for_each(|(dot, _)| commands.entity(dot).despawn());
}

fn ask(mut steps: MessageWriter<Step>) {
    steps.write(Step);
}

/// Whoever asks moves only the own dot.
fn walk(mut asked: MessageReader<FromClient<Step>>, mut dots: Query<(&mut Dot, &Seat)>) {
    for step in asked.read() {
        let own = dots.iter_mut().filter(|(_, seat)| seat.0 == step.client_id);
        own.for_each(|(mut dot, _)| dot.steps += 1);
    }
}
