//! A player without a window: it goes to the coin, and writes down the score.
#![expect(clippy::print_stdout, reason = "it shows the game in the terminal")]

use std::time::Duration;

use bevy::app::ScheduleRunnerPlugin;
use bevy::prelude::*;
use bevy_webrtc_multiplayer::Mesh;
use bevy_webrtc_multiplayer::prelude::*;

use crate::game::{Own, Place, Score, Steering};
use crate::trouble::trouble;

/// One frame.
const FRAME: Duration = Duration::from_millis(16);

/// What stands in for a window.
pub(crate) struct FrontPlugin;

impl Plugin for FrontPlugin {
    fn build(&self, app: &mut App) {
        let frames = ScheduleRunnerPlugin::run_loop(FRAME);
        app.add_plugins(MinimalPlugins.set(frames))
            .add_systems(PreUpdate, steer)
            .add_systems(
                Update,
                (
                    show.run_if(resource_changed::<Score>),
                    trouble.pipe(give_up),
                ),
            )
            .add_observer(|joined: On<PeerJoined>| println!("{} is here", joined.peer))
            .add_observer(|left: On<PeerLeft>| println!("{} is gone: {}", left.peer, left.reason));
    }
}

/// Goes to the coin.
pub(crate) fn steer(
    own: Single<&Place, With<Own>>,
    score: Res<Score>,
    mut steering: ResMut<Steering>,
) {
    steering.0 = (score.coin().vector() - own.vector()).normalize_or_zero();
}

fn show(score: Res<Score>) {
    for (player, coins) in &score.0 {
        print!("{player} has {coins}  ");
    }
    println!();
}

fn give_up(In(trouble): In<Option<String>>, mesh: Res<Mesh>, mut exit: MessageWriter<AppExit>) {
    if let Some(why) = trouble
        && mesh.peers().next().is_none()
    {
        println!("{why}");
        exit.write(AppExit::error());
    }
}
