//! The arena: the floor, the mesh and the players.

use eframe::egui::{self, Align2, Color32, Painter, Pos2, Shape, Stroke, StrokeKind};
use webrtc_multiplayer::mesh_core::{Backend, Signaling};

use super::theme::{self, Colors};
use super::view::View;
use crate::game::{Id, Player, Presence, RADIUS, SIZE};
use crate::message::Link;
use crate::play::Play;

/// How long somebody who has gone fades, in seconds.
const FADE: f64 = 5.0;
/// A line that is longer than this has a label, in points.
const LABELLED: f32 = 110.0;
/// Where more than so many play, only our own lines have labels: those of all would be too many to read.
const FEW: usize = 4;
/// Between lines of the grid.
const GRID: f32 = 100.0;

/// Draws all of it, this bright from 0 to 1, and says which part is seen.
pub(super) fn draw<B: Backend, S: Signaling>(
    ui: &egui::Ui,
    play: &Play<B, S>,
    brightness: f32,
) -> View {
    let own = play.world.place(play.world.own()).unwrap_or(SIZE * 0.5);
    let view = View::new(ui.ctx().content_rect(), own);
    let mut painter = ui.painter().clone();
    painter.multiply_opacity(brightness);
    floor(&painter, view);
    mesh(&painter, view, play);
    let picture = Picture {
        painter: &painter,
        view,
        time: play.world.time(),
        colors: Colors::of(play.world.players().map(|player| player.id)),
    };
    let it = play.world.it();
    // Ours is on top.
    let (ours, others): (Vec<_>, Vec<_>) = play
        .world
        .players()
        .partition(|player| player.id == play.world.own());
    for player in others.into_iter().chain(ours) {
        if let Some(at) = play.world.place(player.id) {
            let is_own = player.id == play.world.own();
            picture.player(player, view.to_screen(at), player.id == it, is_own);
        }
    }
    view
}

fn floor(painter: &Painter, view: View) {
    let arena = view.arena();
    painter.rect_filled(arena, 14.0, theme::FLOOR);
    let stroke = Stroke::new(1.0, theme::GRID);
    let step = GRID * view.scale;
    let mut x = arena.left() + step;
    while x < arena.right() - 1.0 {
        painter.vline(x, arena.y_range(), stroke);
        x += step;
    }
    let mut y = arena.top() + step;
    while y < arena.bottom() - 1.0 {
        painter.hline(arena.x_range(), y, stroke);
        y += step;
    }
    painter.rect_stroke(
        arena,
        14.0,
        Stroke::new(2.0, theme::EDGE),
        StrokeKind::Outside,
    );
}

/// A line between every two players: what each of them says of it, or the better known of the two.
fn mesh<B: Backend, S: Signaling>(painter: &Painter, view: View, play: &Play<B, S>) {
    let own = play.world.own();
    let ours = play.own_links();
    let are_few = play.world.players().count() <= FEW;
    let mut labels = Vec::new();
    let all = play.links.iter().map(|(from, links)| (*from, links));
    for (from, links) in all.chain([(own, &ours)]) {
        for link in links {
            // Each line once: from the lower id, unless only the other one tells of it.
            let told = if link.to == own {
                Some(&ours)
            } else {
                play.links.get(&link.to)
            };
            let is_told_twice =
                told.is_some_and(|links| links.iter().any(|other| other.to == from));
            if from < link.to || !is_told_twice {
                let label = line(painter, view, play, from, *link);
                let is_labelled = are_few || [from, link.to].contains(&own);
                labels.extend(label.filter(|_| is_labelled));
            }
        }
    }
    // Above all lines, so that none of them crosses one out.
    for (middle, words, color) in labels {
        let galley = painter.layout_no_wrap(words, theme::text(11.0), color);
        let place = Align2::CENTER_CENTER.anchor_size(middle, galley.size());
        painter.rect_filled(place.expand2(egui::vec2(4.0, 1.0)), 4.0, theme::FLOOR);
        painter.galley(place.min, galley, color);
    }
}

/// Draws a line; its label, with the place and the colour, if there is room for one.
fn line<B: Backend, S: Signaling>(
    painter: &Painter,
    view: View,
    play: &Play<B, S>,
    from: Id,
    link: Link,
) -> Option<(Pos2, String, Color32)> {
    let end = |id| {
        let player = play.world.player(id).filter(|player| player.plays())?;
        let place = play.world.place(id)?;
        Some((view.to_screen(place), player.presence == Presence::Here))
    };
    let ((one, is_one_here), (two, is_two_here)) = (end(from)?, end(link.to)?);
    let strength = if is_one_here && is_two_here {
        0.6
    } else {
        0.6 * flicker(play.world.time())
    };
    let color = theme::of_round_trip(link.round_trip).gamma_multiply(strength);
    let stroke = Stroke::new((3.0 * view.scale).max(1.5), color);
    if link.is_relayed {
        painter.extend(Shape::dashed_line(&[one, two], stroke, 9.0, 7.0));
    } else {
        painter.line_segment([one, two], stroke);
    }
    let round_trip = link.round_trip.filter(|_| one.distance(two) > LABELLED)?;
    let mut words = match round_trip {
        0 => "< 1 ms".to_owned(),
        other => format!("{other} ms"),
    };
    if link.is_relayed {
        words.push_str(", relayed");
    }
    Some((one + (two - one) * 0.5, words, color))
}

/// From dim to bright, three times a second.
fn flicker(time: f64) -> f32 {
    let wave = (time * std::f64::consts::TAU * 3.0).sin() as f32;
    0.35 + 0.25 * wave
}

/// What a player is drawn with.
struct Picture<'p> {
    painter: &'p Painter,
    view: View,
    time: f64,
    colors: Colors,
}

impl Picture<'_> {
    fn player(&self, player: &Player, at: Pos2, is_it: bool, is_own: bool) {
        let radius = RADIUS * self.view.scale;
        let (strength, reason) = match &player.presence {
            Presence::Here => (1.0, None),
            Presence::Interrupted => (flicker(self.time), Some("does not answer")),
            Presence::Gone(since, why) => {
                let left = 1.0 - ((self.time - since) / FADE) as f32;
                (left.clamp(0.0, 1.0) * 0.7, Some(why.as_str()))
            }
        };
        let color = self.colors.get(player.id);
        if is_it {
            self.glow(at, radius, strength);
        }
        self.disc(at, radius, color.gamma_multiply(strength));
        if is_own {
            let ring = Stroke::new(2.5, Color32::WHITE.gamma_multiply(strength));
            self.painter.circle_stroke(at, radius + 3.0, ring);
        }
        let first: String = player.name.chars().take(1).collect();
        let dark = theme::background().gamma_multiply(strength);
        let size = theme::text(radius * 1.05);
        self.painter
            .text(at, Align2::CENTER_CENTER, first.to_uppercase(), size, dark);
        let name_color = theme::TEXT.gamma_multiply(strength.max(0.4));
        let below = at + egui::vec2(0.0, radius + 7.0);
        let name = if is_own { "you" } else { &player.name };
        let name = self.painter.text(
            below,
            Align2::CENTER_TOP,
            name,
            theme::text(13.0),
            name_color,
        );
        if let Some(reason) = reason {
            let color = theme::FAINT.gamma_multiply(strength.max(0.4));
            let below = name.center_bottom();
            let short: String = reason.chars().take(40).collect();
            self.painter
                .text(below, Align2::CENTER_TOP, short, theme::text(11.0), color);
        }
    }

    /// With a lighter upper side and a shadow.
    fn disc(&self, at: Pos2, radius: f32, color: Color32) {
        let shadow = Color32::from_black_alpha(color.a() / 3);
        self.painter
            .circle_filled(at + egui::vec2(0.0, radius * 0.16), radius * 1.04, shadow);
        self.painter.circle_filled(at, radius, color);
        let light = Color32::WHITE.gamma_multiply(0.16 * f32::from(color.a()) / 255.0);
        let above = at - egui::vec2(0.0, radius * 0.18);
        self.painter.circle_filled(above, radius * 0.74, light);
    }

    /// Who is "it" glows.
    fn glow(&self, at: Pos2, radius: f32, strength: f32) {
        let beat = 1.0 + 0.08 * (self.time * 6.0).sin() as f32;
        for (size, part) in [(2.3, 0.07), (1.9, 0.11), (1.55, 0.18)] {
            let color = theme::IT.gamma_multiply(part * strength);
            self.painter.circle_filled(at, radius * size * beat, color);
        }
        let ring = Stroke::new(3.5, theme::IT.gamma_multiply(strength));
        self.painter.circle_stroke(at, radius * 1.32 * beat, ring);
    }
}
