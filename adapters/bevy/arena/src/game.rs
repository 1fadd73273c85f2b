//! The game without its picture: who stands where, where the coin lies, and who has how many.
//!
//! Everybody says where they stand. The host alone says who has taken the coin. When the host leaves, the mesh makes another member the
//! host, and that one goes on from the last score that it has heard.

use std::collections::BTreeMap;
use std::time::Duration;

use bevy::prelude::*;
use bevy::time::common_conditions::on_timer;
use bevy_webrtc_multiplayer::Mesh;
use bevy_webrtc_multiplayer::prelude::*;
use serde::{Deserialize, Serialize};

/// Half of the field's side.
pub(crate) const EDGE: f32 = 300.0;

/// How near to the coin a player takes it.
pub(crate) const REACH: f32 = 24.0;

/// Units that a player moves in a second.
const SPEED: f32 = 240.0;

/// How often the host says the score, beside what changes.
const AGAIN: Duration = Duration::from_secs(1);

/// Where a player stands. Only the latest matters, so it is sent unreliably.
#[derive(Clone, Copy, Component, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

impl MeshMessage for Place {
    const ID: u16 = 1;
}

impl Place {
    /// A place in the field. A peer may say anything, also what is no number.
    fn new(x: f32, y: f32) -> Self {
        let inside = |at: f32| {
            if at.is_finite() {
                at.clamp(-EDGE, EDGE)
            } else {
                0.0
            }
        };
        Self {
            x: inside(x),
            y: inside(y),
        }
    }

    /// The place as Bevy's vector.
    pub(crate) const fn vector(self) -> Vec2 {
        Vec2::new(self.x, self.y)
    }
}

/// The score, and the coin. The host says it to everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Resource, Serialize, Deserialize)]
pub(crate) struct Score(pub(crate) BTreeMap<PeerId, u32>);

impl MeshMessage for Score {
    const ID: u16 = 2;
}

impl Score {
    /// Where the coin lies. It follows from how many have been taken, so that nobody needs to say it.
    pub(crate) fn coin(&self) -> Place {
        let taken = self
            .0
            .values()
            .fold(0_u32, |sum, coins| sum.wrapping_add(*coins));
        // Multiples of the golden ratio, and of another number like it, are spread evenly.
        let spread =
            |ratio: f32| (f32::from(taken as u16) * ratio).fract().mul_add(1.8, -0.9) * EDGE;
        Place::new(spread(0.618_034), spread(0.754_877_7))
    }
}

/// Our own player. Those of the peers are on the peers' entities.
#[derive(Component)]
pub(crate) struct Own;

/// Where our player wants to go, from -1 to 1 in each direction.
#[derive(Default, Resource)]
pub(crate) struct Steering(pub(crate) Vec2);

/// The game. It wants Bevy's clock, and something that steers.
pub(crate) struct GamePlugin;

impl Plugin for GamePlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins(MeshPlugin)
            .add_mesh_message::<Place>(TransferMode::UnreliableOrdered)
            .add_mesh_message::<Score>(TransferMode::Reliable)
            .init_resource::<Score>()
            .init_resource::<Steering>()
            .add_systems(Startup, |mut commands: Commands| {
                commands.spawn((Own, Place::default()));
            })
            .add_systems(
                Update,
                (
                    hear_places,
                    hear_score,
                    walk,
                    (judge, tell.run_if(on_timer(AGAIN)))
                        .chain()
                        .run_if(is_host),
                )
                    .chain()
                    // Peers stay when the server is lost.
                    .run_if(in_lobby.or_else(has_peers)),
            );
    }
}

fn hear_places(
    mut places: MessageReader<Received<Place>>,
    mesh: Res<Mesh>,
    mut commands: Commands,
) {
    for Received { from, message } in places.read() {
        if let Some(peer) = mesh.entity_of(*from) {
            commands
                .entity(peer)
                .insert(Place::new(message.x, message.y));
        }
    }
}

fn hear_score(
    mut heard: MessageReader<Received<Score>>,
    mesh: Res<Mesh>,
    mut score: ResMut<Score>,
) {
    for Received { from, message } in heard.read() {
        if mesh.host() == Some(*from) {
            *score = message.clone();
        }
    }
}

fn walk(
    time: Res<Time>,
    steering: Res<Steering>,
    mut own: Single<&mut Place, With<Own>>,
    mut sender: MeshSender,
) -> Result {
    let step = steering.0.clamp_length_max(1.0) * SPEED * time.delta_secs();
    **own = Place::new(own.x + step.x, own.y + step.y);
    sender.send(Target::All, &**own)?;
    Ok(())
}

/// Gives the coin to who stands on it.
fn judge(
    mesh: Res<Mesh>,
    own: Single<&Place, With<Own>>,
    peers: Query<(&Peer, &Place)>,
    mut score: ResMut<Score>,
    mut sender: MeshSender,
) -> Result {
    let coin = score.coin().vector();
    let ours = mesh.id().map(|id| (id, **own));
    let theirs = peers.iter().map(|(peer, place)| (peer.0, *place));
    let mut players = ours.into_iter().chain(theirs);
    let taker = players.find(|(_, place)| place.vector().distance(coin) < REACH);
    if let Some((taker, _)) = taker {
        let coins = score.0.entry(taker).or_default();
        *coins = coins.saturating_add(1);
        sender.send(Target::All, &*score)?;
    }
    Ok(())
}

/// Says the score again. A newcomer has not heard it, and a new host may have been heard before anybody knew that it is one.
fn tell(score: Res<Score>, mut sender: MeshSender) -> Result {
    sender.send(Target::All, &*score)?;
    Ok(())
}

// The bot plays in them.
#[cfg(all(test, not(feature = "window")))]
mod tests;
