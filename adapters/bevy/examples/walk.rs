//! Dots that walk on a line, one for each player, in the terminal: `cargo run --example walk -- URL LOBBY`, as often as you like.
//!
//! Without a window, so that it compiles in a minute: a game adds `DefaultPlugins`, and draws where this prints.
#![expect(clippy::print_stdout, reason = "it shows the game in the terminal")]

use std::time::Duration;

use bevy_app::ScheduleRunnerPlugin;
use bevy_app::prelude::*;
use bevy_ecs::prelude::*;
use bevy_webrtc_multiplayer::prelude::*;
use bevy_webrtc_multiplayer::{JoinFailed, MeshStatus};
use serde::{Deserialize, Serialize};

/// How long the line is.
const WIDTH: u8 = 60;

/// Where a player stands. Only the latest matters.
#[derive(Clone, Copy, Component, Serialize, Deserialize)]
struct Place(u8);

impl MeshMessage for Place {
    const ID: u16 = 1;
    const MODE: TransferMode = TransferMode::UnreliableOrdered;
}

/// Our own dot, beside those of the peers, which are on their entities.
#[derive(Component)]
struct Own;

fn main() -> AppExit {
    let frame = Duration::from_millis(100);
    App::new()
        .add_plugins((ScheduleRunnerPlugin::run_loop(frame), MeshPlugin))
        .add_mesh_message::<Place>()
        .add_systems(Startup, begin)
        .add_systems(
            Update,
            (give_up, (hear, walk, show).chain().run_if(in_lobby)),
        )
        .add_observer(|joined: On<PeerJoined>| println!("{} is here", joined.peer))
        .add_observer(|left: On<PeerLeft>| println!("{} is gone: {}", left.peer, left.reason))
        .run()
}

fn begin(mut commands: Commands) {
    let mut words = std::env::args().skip(1);
    let url = words.next();
    let url = url.unwrap_or_else(|| "ws://127.0.0.1:9080".to_owned());
    let lobby = words.next().unwrap_or_else(|| "walk".to_owned());
    println!("joining the lobby {lobby} at {url}");
    commands.join_lobby(Lobby::new(url, lobby));
    commands.spawn((Own, Place(0)));
}

fn give_up(
    mesh: Res<Mesh>,
    mut failed: MessageReader<JoinFailed>,
    mut exit: MessageWriter<AppExit>,
) {
    let failed = failed.read().next().map(|failed| failed.0.to_string());
    let mut lost = None;
    if let MeshStatus::Lost(why) = mesh.status()
        && mesh.peers().next().is_none()
    {
        lost = Some(why.to_string());
    }
    if let Some(why) = failed.or(lost) {
        println!("{why}");
        exit.write(AppExit::error());
    }
}

fn hear(mut places: MessageReader<Received<Place>>, mesh: Res<Mesh>, mut commands: Commands) {
    for place in places.read() {
        if let Some(entity) = mesh.entity_of(place.from) {
            commands.entity(entity).insert(place.message);
        }
    }
}

fn walk(mut own: Single<&mut Place, With<Own>>, mut sender: MeshSender) -> Result {
    own.0 = (own.0 + 1) % WIDTH;
    sender.send(Target::All, &**own)?;
    Ok(())
}

fn show(own: Single<&Place, With<Own>>, peers: Query<&Place, With<Peer>>) {
    let mut line = vec!['.'; usize::from(WIDTH)];
    let others = peers.iter().map(|place| (place, 'o'));
    for (place, sign) in others.chain([(*own, '@')]) {
        // A peer may say anything.
        if let Some(dot) = line.get_mut(usize::from(place.0)) {
            *dot = sign;
        }
    }
    println!("{}", line.iter().collect::<String>());
}
