//! Where the player wishes to go: keys, mouse or finger.

use eframe::egui::{self, Key};

use super::view::View;
use crate::game::{Point, World};

/// From so far away on, the player runs at full speed to where the finger is.
const FULL: f32 = 90.0;

/// The wish of this frame. Keys go before the pointer.
pub(super) fn wish(ui: &egui::Ui, world: &World, view: &View) -> Point {
    let keys = keys(ui);
    if keys != Point::default() {
        return keys;
    }
    // A press on the arena, not on what lies above it.
    let at = ui.input(|input| {
        let pointer = &input.pointer;
        pointer
            .primary_down()
            .then(|| pointer.interact_pos())
            .flatten()
    });
    let is_arena = |at: &egui::Pos2| {
        let layer = ui.ctx().layer_id_at(*at);
        layer.is_none_or(|layer| layer.order == egui::Order::Background)
    };
    let Some(at) = at.filter(is_arena) else {
        return Point::default();
    };
    let own = world.own_body().at;
    ((view.to_arena(at) - own) * FULL.recip()).at_most(1.0)
}

fn keys(ui: &egui::Ui) -> Point {
    if ui.ctx().egui_wants_keyboard_input() {
        return Point::default();
    }
    let down = |keys: [Key; 2]| {
        let is_down = ui.input(|input| keys.iter().any(|key| input.key_down(*key)));
        if is_down { 1.0 } else { 0.0 }
    };
    let right = down([Key::ArrowRight, Key::D]) - down([Key::ArrowLeft, Key::A]);
    let below = down([Key::ArrowDown, Key::S]) - down([Key::ArrowUp, Key::W]);
    Point::new(right, below).at_most(1.0)
}
