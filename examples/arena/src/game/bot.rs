//! How a bot plays: it runs after the nearest one, or away.

use super::{Id, Point, SIZE, World};

/// How near "it" must be before a bot runs.
const AFRAID: f32 = 420.0;
/// From here on the wall counts.
const WALL: f32 = 160.0;

/// Where the bot wishes to go.
pub(crate) fn steer(world: &World, bot: Id) -> Point {
    let Some(own) = world.place(bot) else {
        return Point::default();
    };
    if world.it() == bot {
        let nearest = world
            .players()
            .filter(|player| player.id != bot && player.can_be_tagged())
            .filter_map(|player| world.place(player.id))
            .min_by(|one, two| own.distance(*one).total_cmp(&own.distance(*two)));
        return nearest.map_or_else(Point::default, |other| (other - own).direction() * 0.92);
    }
    let away = match world.place(world.it()) {
        Some(it) if it.distance(own) < AFRAID => (own - it).direction() * 1.2,
        _ => stroll(world.time(), bot),
    };
    (away + from_walls(own)).at_most(1.0)
}

/// Each bot strolls in curves of its own.
fn stroll(time: f64, bot: Id) -> Point {
    let own = f64::from(bot % 97);
    let turn = time * 0.7 + own * 1.3 + (time * 0.31 + own).sin() * 2.0;
    Point::new(turn.cos() as f32, turn.sin() as f32) * 0.6
}

/// The nearer the wall, the stronger; along it, too, so that no bot waits in a corner.
fn from_walls(own: Point) -> Point {
    let push = |at: f32, size: f32| {
        let near = ((WALL - at) / WALL).max(0.0);
        let far = ((WALL - (size - at)) / WALL).max(0.0);
        (near - far) * 1.3
    };
    let away = Point::new(push(own.x, SIZE.x), push(own.y, SIZE.y));
    away + Point::new(-away.y, away.x) * 0.6
}
