//! From places of the arena to places of the screen.

use eframe::egui::{Pos2, Rect, pos2, vec2};

use crate::game::{Point, SIZE};

/// The arena is never drawn smaller than this; on a small screen the view follows the player instead.
const SMALLEST: f32 = 0.5;
/// Room around the arena, in points.
const MARGIN: f32 = 14.0;

/// Which part of the arena is seen, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    origin: Pos2,
    pub(super) scale: f32,
}

impl View {
    /// All of the arena if there is room, else the part around `centre`.
    pub(super) fn new(screen: Rect, centre: Point) -> Self {
        let room = screen.shrink(MARGIN);
        let fitting = (room.width() / SIZE.x).min(room.height() / SIZE.y);
        let scale = fitting.max(SMALLEST);
        let along = |from: f32, to: f32, size: f32, at: f32| {
            let length = size * scale;
            let room = to - from;
            if length <= room {
                from + (room - length) / 2.0
            } else {
                (from + room / 2.0 - at * scale).clamp(to - length, from)
            }
        };
        let origin = pos2(
            along(room.left(), room.right(), SIZE.x, centre.x),
            along(room.top(), room.bottom(), SIZE.y, centre.y),
        );
        Self { origin, scale }
    }

    pub(super) fn to_screen(self, at: Point) -> Pos2 {
        self.origin + vec2(at.x, at.y) * self.scale
    }

    pub(super) fn to_arena(self, at: Pos2) -> Point {
        let from = (at - self.origin) / self.scale;
        Point::new(from.x, from.y)
    }

    /// Where its corner is on the screen, and how many points one unit is.
    pub(super) fn figures(self) -> [f32; 3] {
        [self.origin.x, self.origin.y, self.scale]
    }

    /// Where the arena is.
    pub(super) fn arena(self) -> Rect {
        Rect::from_min_max(self.to_screen(Point::default()), self.to_screen(SIZE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: f32, height: f32) -> Rect {
        Rect::from_min_size(Pos2::ZERO, vec2(width, height))
    }

    #[test]
    fn a_large_screen_shows_all_of_it() {
        let view = View::new(screen(1280.0, 800.0), Point::new(5.0, 5.0));
        assert!(screen(1280.0, 800.0).contains_rect(view.arena()));
    }

    #[test]
    fn a_small_screen_follows_the_player_and_shows_no_more_than_the_edge() {
        let phone = screen(390.0, 844.0);
        let middle = View::new(phone, SIZE * 0.5);
        assert!((middle.to_screen(SIZE * 0.5).x - phone.center().x).abs() < 1.0);
        let corner = View::new(phone, Point::default());
        assert!(corner.arena().left() <= MARGIN && corner.arena().right() > 390.0);
        let there = Point::new(700.0, 300.0);
        let back = corner.to_arena(corner.to_screen(there));
        assert!(back.distance(there) < 0.1);
    }
}
