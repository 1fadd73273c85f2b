//! What lies above the arena: the round, the score, the chat and the buttons.

use eframe::egui::{self, Align2, Area, Color32, Id, Key, Order, RichText, pos2, vec2};
use webrtc_multiplayer::mesh_core::{Backend, Signaling};

use super::invite;
use super::marks::{button, mark};
use super::theme::{self, Colors};
use crate::game::{Player, ROUND};
use crate::message::LINE;
use crate::play::{Play, Server};

/// Lines of the log that are shown, and for how many seconds.
const LINES: usize = 6;
const SHOWN: f64 = 12.0;
/// On a screen narrower than this, all is smaller.
const NARROW: f32 = 640.0;

/// What the player has asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// The panel with the figures, or not.
    pub(super) network: bool,
    pub(super) leave: bool,
}

/// What is open, and what is being typed.
#[derive(Debug, Default)]
pub(super) struct Hud {
    is_inviting: bool,
    is_typing: bool,
    pub(super) draft: String,
}

impl Hud {
    /// Draws it, and takes what is typed and pressed.
    pub(super) fn show<B: Backend, S: Signaling>(
        &mut self,
        ui: &egui::Ui,
        play: &mut Play<B, S>,
        invitation: &dyn Fn() -> Option<String>,
        now: f64,
    ) -> Wanted {
        let is_narrow = ui.ctx().content_rect().width() < NARROW;
        round(ui, play, is_narrow);
        score(ui, play, is_narrow);
        let wanted = self.buttons(ui, play, is_narrow);
        self.chat(ui, play, now, is_narrow);
        if self.is_inviting {
            self.is_inviting = invite::show(ui, &play.lobby, invitation().as_deref());
        }
        wanted
    }

    fn buttons<B: Backend, S: Signaling>(
        &mut self,
        ui: &egui::Ui,
        play: &Play<B, S>,
        is_narrow: bool,
    ) -> Wanted {
        let mut wanted = Wanted::default();
        let top = if is_narrow { 92.0 } else { 24.0 };
        area(ui, "buttons", Align2::LEFT_TOP, vec2(24.0, top)).show(ui.ctx(), |ui| {
            theme::card().inner_margin(8).show(ui, |ui| {
                // As high as a button, so that what stands beside one is in its middle.
                ui.spacing_mut().interact_size.y = 30.0;
                ui.horizontal(|ui| {
                    if play.lobby.is_empty() {
                        ui.label(RichText::new(server_words(play)).color(theme::FAINT));
                    } else {
                        let (mark, why) = server_mark(&play.server);
                        dot(ui, mark).on_hover_text(why);
                        ui.label(RichText::new(&play.lobby).strong());
                        if button(ui, "Invite") {
                            self.is_inviting = !self.is_inviting;
                        }
                    }
                    wanted.network = button(ui, "Network");
                    if button(ui, "Chat") {
                        self.is_typing = !self.is_typing;
                    }
                    wanted.leave = button(ui, "Leave");
                });
            });
        });
        wanted
    }

    fn chat<B: Backend, S: Signaling>(
        &mut self,
        ui: &egui::Ui,
        play: &mut Play<B, S>,
        now: f64,
        is_narrow: bool,
    ) {
        let was_typing = self.is_typing;
        let wants_keys = ui.ctx().egui_wants_keyboard_input();
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        if !was_typing && !wants_keys && pressed(Key::Enter) {
            self.is_typing = true;
        }
        let width = if is_narrow { 260.0 } else { 380.0 };
        // Within the edge of the arena.
        let offset = if is_narrow {
            vec2(24.0, -24.0)
        } else {
            vec2(44.0, -40.0)
        };
        let area = area(ui, "chat", Align2::LEFT_BOTTOM, offset);
        // Under lines that are only to be read one can run.
        let area = area.interactable(self.is_typing);
        area.show(ui.ctx(), |ui| {
            ui.set_max_width(width);
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.spacing_mut().interact_size.y = 18.0;
            let colors = Colors::of(play.world.players().map(|player| player.id));
            let shown = play.log.iter().rev().take(LINES);
            let shown: Vec<_> = shown
                .filter(|line| self.is_typing || now < line.time + SHOWN)
                .collect();
            for line in shown.into_iter().rev() {
                let age = (now - line.time) as f32;
                let fresh = if self.is_typing {
                    1.0
                } else {
                    ((SHOWN as f32 - age) / 3.0).clamp(0.0, 1.0)
                };
                ui.horizontal_wrapped(|ui| {
                    ui.spacing_mut().item_spacing.x = 5.0;
                    if let Some(from) = line.from {
                        let color = colors.get(from).gamma_multiply(fresh);
                        ui.label(RichText::new(&line.name).color(color).strong());
                    }
                    let color = if line.from.is_some() {
                        theme::TEXT
                    } else {
                        theme::FAINT
                    };
                    ui.label(RichText::new(&line.text).color(color.gamma_multiply(fresh)));
                });
            }
            if !self.is_typing {
                return;
            }
            let field = egui::TextEdit::singleline(&mut self.draft)
                .hint_text("Say something to everybody")
                .char_limit(LINE)
                .desired_width(width);
            let field = ui.add(field);
            if field.has_focus() {
                mark("Say something", &field);
            }
            if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
                play.say(&std::mem::take(&mut self.draft));
                self.is_typing = false;
            } else if pressed(Key::Escape) {
                self.is_typing = false;
            } else {
                field.request_focus();
            }
        });
    }
}

fn area(ui: &egui::Ui, name: &str, align: Align2, offset: egui::Vec2) -> Area {
    let _ = ui;
    Area::new(Id::unique(name))
        .order(Order::Middle)
        .anchor(align, offset)
}

/// The time that is left, and what to do.
fn round<B: Backend, S: Signaling>(ui: &egui::Ui, play: &Play<B, S>, is_narrow: bool) {
    let screen = ui.ctx().content_rect();
    let painter = ui.painter();
    let width = if is_narrow {
        screen.width() - 48.0
    } else {
        320.0
    };
    let top = pos2(screen.center().x, screen.top() + 30.0);
    let round = play.world.round();
    let bar = egui::Rect::from_center_size(top, vec2(width, 8.0));
    painter.rect_filled(bar, 4.0, theme::GRID);
    let mut rest = bar;
    rest.set_width(width * (round.left / ROUND).clamp(0.0, 1.0));
    let color = if round.left < 5.0 {
        theme::IT
    } else {
        theme::ACCENT
    };
    painter.rect_filled(rest, 4.0, color);
    let world = &play.world;
    let (words, color) = if world.it() == world.own() {
        let words = if world.is_grace() {
            "You are it: wait …"
        } else {
            "You are it: touch somebody!"
        };
        (words.to_owned(), theme::IT)
    } else {
        (
            format!("{} is it: run!", world.name(world.it())),
            theme::TEXT,
        )
    };
    let below = bar.center_bottom() + vec2(0.0, 10.0);
    painter.text(below, Align2::CENTER_TOP, words, theme::text(17.0), color);
    let clock = format!("round {}   {:.0} s", round.number, round.left.ceil());
    let above = bar.center_top() - vec2(0.0, 4.0);
    painter.text(
        above,
        Align2::CENTER_BOTTOM,
        clock,
        theme::text(11.0),
        theme::FAINT,
    );
}

/// Everybody, the best first.
fn score<B: Backend, S: Signaling>(ui: &egui::Ui, play: &Play<B, S>, is_narrow: bool) {
    let mut players: Vec<&Player> = play.world.players().filter(|it| it.plays()).collect();
    let colors = Colors::of(play.world.players().map(|player| player.id));
    players.sort_by(|one, two| two.score.total_cmp(&one.score));
    let offset = if is_narrow {
        vec2(-24.0, 152.0)
    } else {
        vec2(-24.0, 24.0)
    };
    area(ui, "score", Align2::RIGHT_TOP, offset)
        .interactable(false)
        .show(ui.ctx(), |ui| {
            // Whoever is behind it is still seen.
            let card = theme::card().multiply_with_opacity(0.6);
            card.show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                ui.label(RichText::new("seconds free").size(11.0).color(theme::FAINT));
                egui::Grid::new("score")
                    .num_columns(3)
                    .min_col_width(8.0)
                    .show(ui, |ui| {
                        for player in players {
                            let is_own = player.id == play.world.own();
                            let is_it = player.id == play.world.it();
                            dot(ui, colors.get(player.id));
                            let name = if is_own {
                                format!("{} (you)", player.name)
                            } else {
                                player.name.clone()
                            };
                            let color = if is_it { theme::IT } else { theme::TEXT };
                            ui.label(RichText::new(name).color(color));
                            let score = format!("{:>2.0}", player.score.floor());
                            ui.label(RichText::new(score).monospace());
                            ui.end_row();
                        }
                    });
            });
        });
}

/// A mark in a colour.
fn dot(ui: &mut egui::Ui, color: Color32) -> egui::Response {
    let (place, response) = ui.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
    ui.painter().circle_filled(place.center(), 5.0, color);
    response
}

fn server_words<B: Backend, S: Signaling>(play: &Play<B, S>) -> &'static str {
    match play.server {
        Server::None => "alone, against bots",
        Server::Joining | Server::Joined | Server::Away | Server::Lost(_) => "joining …",
    }
}

/// The colour of the lobby's mark, and what it means.
const fn server_mark(server: &Server) -> (Color32, &'static str) {
    match server {
        Server::None | Server::Joining => (theme::FAINT, "not in a lobby"),
        Server::Joined => (
            Color32::from_rgb(0x4a, 0xde, 0x80),
            "the server is there: others can join",
        ),
        Server::Away => (
            Color32::from_rgb(0xfa, 0xcc, 0x15),
            "the server is out of reach: play goes on",
        ),
        Server::Lost(_) => (
            theme::IT,
            "the server is gone: play goes on, nobody new can join",
        ),
    }
}
