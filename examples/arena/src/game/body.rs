//! How a player moves.

use super::Point;

/// The arena reaches from (0, 0) to here.
pub(crate) const SIZE: Point = Point::new(1600.0, 900.0);
/// Of a player.
pub(crate) const RADIUS: f32 = 26.0;

/// Units a second.
const SPEED: f32 = 330.0;
/// Who is "it" is faster, or nobody would ever be caught.
const SPEED_OF_IT: f32 = 365.0;
/// How fast the wanted speed is reached, a second.
const AGILITY: f32 = 9.0;

/// Where a player of this machine is, and how it moves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Body {
    pub(crate) at: Point,
    pub(crate) velocity: Point,
}

impl Body {
    /// At rest. Each id begins elsewhere: on a circle, a golden angle apart.
    pub(crate) fn at_start(id: u32) -> Self {
        let angle = (id % 1000) as f32 * 2.399_963;
        let middle = SIZE * 0.5;
        let at = middle + Point::new(angle.cos() * SIZE.x, angle.sin() * SIZE.y) * 0.33;
        Self {
            at,
            velocity: Point::default(),
        }
    }

    /// Moves for a time towards where the player `wishes` to go; a wish longer than 1 is cut.
    pub(crate) fn step(&mut self, seconds: f32, wish: Point, is_it: bool) {
        let speed = if is_it { SPEED_OF_IT } else { SPEED };
        let wanted = wish.at_most(1.0) * speed;
        let part = (AGILITY * seconds).clamp(0.0, 1.0);
        self.velocity = self.velocity.towards(wanted, part);
        self.at = inside(self.at + self.velocity * seconds);
    }
}

/// The place in the arena that is nearest.
pub(crate) fn inside(at: Point) -> Point {
    Point::new(
        at.x.clamp(RADIUS, SIZE.x - RADIUS),
        at.y.clamp(RADIUS, SIZE.y - RADIUS),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_leaves_the_arena() {
        let mut body = Body::at_start(7);
        for _ in 0..600 {
            body.step(0.1, Point::new(-5.0, 0.3), true);
        }
        assert_eq!(body.at, Point::new(RADIUS, SIZE.y - RADIUS));
    }

    #[test]
    fn who_is_it_is_faster() {
        let run = |is_it| {
            let mut body = Body {
                at: Point::new(100.0, 100.0),
                ..Body::default()
            };
            for _ in 0..60 {
                body.step(1.0 / 60.0, Point::new(1.0, 0.0), is_it);
            }
            body.at.x
        };
        assert!(run(true) > run(false) + 20.0);
    }
}
