//! The picture and the keyboard: each player is a square, and the coin is a smaller one.

use bevy::camera::ScalingMode;
use bevy::prelude::*;
use bevy_webrtc_multiplayer::Mesh;
use bevy_webrtc_multiplayer::prelude::*;

use crate::game::{EDGE, Own, Place, REACH, Score, Steering};
use crate::trouble::trouble;

/// The side of a player.
const SIZE: f32 = 2.0 * REACH;

/// The keys, and where they lead.
const KEYS: [(KeyCode, Vec2); 4] = [
    (KeyCode::ArrowLeft, Vec2::NEG_X),
    (KeyCode::ArrowRight, Vec2::X),
    (KeyCode::ArrowDown, Vec2::NEG_Y),
    (KeyCode::ArrowUp, Vec2::Y),
];

/// Bevy's own plugins, and what draws the game.
pub(crate) struct FrontPlugin;

#[derive(Component)]
struct Coin;

/// How many coins a player has, above it. It is a child of the player.
#[derive(Component)]
struct Label;

/// How we stand with the lobby.
#[derive(Component)]
struct Notice;

impl Plugin for FrontPlugin {
    fn build(&self, app: &mut App) {
        let window = Window {
            title: "Coins".to_owned(),
            resolution: (700, 700).into(),
            fit_canvas_to_parent: true,
            ..Window::default()
        };
        let window = WindowPlugin {
            primary_window: Some(window),
            ..WindowPlugin::default()
        };
        app.add_plugins(DefaultPlugins.set(window))
            .insert_resource(ClearColor(Color::srgb(0.09, 0.1, 0.14)))
            .add_systems(Startup, begin)
            .add_systems(PreUpdate, steer.after(bevy::input::InputSystems))
            .add_systems(
                PostUpdate,
                (dress, place, label, coin, trouble.pipe(notice))
                    .before(TransformSystems::Propagate),
            );
    }
}

fn begin(mut commands: Commands) {
    // All of the field, however small the window is.
    let side = 2.0 * EDGE + 2.0 * SIZE;
    let scaling_mode = ScalingMode::AutoMin {
        min_width: side,
        min_height: side,
    };
    let projection = OrthographicProjection {
        scaling_mode,
        ..OrthographicProjection::default_2d()
    };
    commands.spawn((Camera2d, Projection::from(projection)));
    let field = Sprite::from_color(
        Color::srgb(0.14, 0.16, 0.22),
        Vec2::splat(2.0 * EDGE + SIZE),
    );
    commands.spawn((field, Transform::from_xyz(0.0, 0.0, -1.0)));
    commands.spawn((
        Coin,
        Sprite::from_color(Color::srgb(1.0, 0.8, 0.2), Vec2::splat(REACH)),
    ));
    commands.spawn((
        Notice,
        Text2d::default(),
        Transform::from_xyz(0.0, EDGE, 2.0),
    ));
}

fn steer(keys: Res<ButtonInput<KeyCode>>, mut steering: ResMut<Steering>) {
    let pressed = KEYS.iter().filter(|(key, _)| keys.pressed(*key));
    steering.0 = pressed.map(|(_, towards)| *towards).sum();
}

/// Stands somewhere, and has no picture.
type Undressed = (With<Place>, Without<Sprite>);

/// Gives a picture to players that have none yet.
fn dress(
    own: Query<Entity, (With<Own>, Without<Sprite>)>,
    peers: Query<(Entity, &Peer), Undressed>,
    mut commands: Commands,
) {
    let ours = own.iter().map(|entity| (entity, Color::WHITE));
    let theirs = peers.iter().map(|(entity, peer)| {
        // A colour for each id, far from that of the next.
        let hue = f64::from(peer.0.get()) * 137.5 % 360.0;
        (entity, Color::hsl(hue as f32, 0.7, 0.6))
    });
    for (entity, color) in ours.chain(theirs) {
        commands
            .entity(entity)
            .insert(Sprite::from_color(color, Vec2::splat(SIZE)))
            .with_child((
                Label,
                Text2d::default(),
                Transform::from_xyz(0.0, SIZE, 1.0),
            ));
    }
}

fn place(mut players: Query<(&Place, &mut Transform)>) {
    for (place, mut transform) in &mut players {
        transform.translation = place.vector().extend(0.0);
    }
}

fn label(
    mesh: Res<Mesh>,
    score: Res<Score>,
    players: Query<Option<&Peer>, With<Place>>,
    mut labels: Query<(&ChildOf, &mut Text2d), With<Label>>,
) {
    for (player, mut text) in &mut labels {
        let peer = players.get(player.parent()).ok().flatten();
        if let Some(id) = peer.map_or_else(|| mesh.id(), |peer| Some(peer.0)) {
            let coins = score.0.get(&id).copied().unwrap_or_default();
            text.0 = coins.to_string();
        }
    }
}

fn coin(score: Res<Score>, mut coin: Single<&mut Transform, With<Coin>>) {
    coin.translation = score.coin().vector().extend(0.0);
}

fn notice(
    In(trouble): In<Option<String>>,
    mesh: Res<Mesh>,
    mut notice: Single<&mut Text2d, With<Notice>>,
) {
    let how_we_stand = match mesh.status() {
        MeshStatus::Joined => format!("{} in {}", mesh.peers().count() + 1, mesh.lobby()),
        MeshStatus::Interrupted(_) => "the server does not answer; play goes on".to_owned(),
        MeshStatus::Idle | MeshStatus::Joining | MeshStatus::Lost(_) => "joining".to_owned(),
    };
    notice.0 = trouble.unwrap_or(how_we_stand);
}
