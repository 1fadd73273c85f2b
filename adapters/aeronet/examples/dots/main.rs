//! A game with a server and without one: replicon replicates from the host of the lobby to its peers.
//!
//! `cargo run --example dots -- URL LOBBY`, in as many terminals as you like. Without a window, as the other examples.
#![expect(clippy::print_stdout, reason = "it shows the game in the terminal")]

mod game;

use std::time::Duration;

use bevy::app::ScheduleRunnerPlugin;
use bevy::prelude::*;
use bevy::time::common_conditions::on_timer;
use bevy_webrtc_multiplayer::prelude::{Lobby, MeshCommands};
use bevy_webrtc_multiplayer::{JoinFailed, Mesh, MeshStatus};

use crate::game::{Dot, DotsPlugin};

fn main() -> AppExit {
    let frames = ScheduleRunnerPlugin::run_loop(Duration::from_millis(16));
    let each_second = on_timer(Duration::from_secs(1));
    App::new()
        .add_plugins((MinimalPlugins.set(frames), DotsPlugin))
        .add_systems(Startup, begin)
        .add_systems(Update, (give_up, show.run_if(each_second)))
        .run()
}

fn begin(mut commands: Commands) {
    let mut words = std::env::args().skip(1);
    let url = words.next();
    let url = url.unwrap_or_else(|| "ws://127.0.0.1:9080".to_owned());
    let lobby = words.next().unwrap_or_else(|| "dots".to_owned());
    println!("joining the lobby {lobby} at {url}");
    commands.join_lobby(Lobby::new(url, lobby));
}

fn give_up(
    mesh: Res<Mesh>,
    mut failed: MessageReader<JoinFailed>,
    mut exit: MessageWriter<AppExit>,
) {
    let failed = failed.read().next().map(|failed| failed.0.to_string());
    let lost = match mesh.status() {
        MeshStatus::Lost(why) => Some(why.to_string()),
        MeshStatus::Idle
        | MeshStatus::Joining
        | MeshStatus::Joined
        | MeshStatus::Interrupted(_) => None,
    };
    if let Some(why) = failed.or(lost) {
        println!("{why}");
        exit.write(AppExit::error());
    }
}

fn show(dots: Query<&Dot>, mesh: Res<Mesh>) {
    let role = if mesh.is_host() { "host" } else { "guest" };
    let mut dots: Vec<_> = dots.iter().map(|dot| (dot.owner, dot.steps)).collect();
    dots.sort_unstable();
    println!("{role}: {dots:?}");
}
