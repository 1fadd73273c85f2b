//! The first screen: who one is, and where to play.

use std::ops::RangeInclusive;

use eframe::egui::{self, Align2, Area, Id, RichText, vec2};

use super::marks::{button, mark};
use super::theme;
use crate::list::PublicList;
use crate::message::NAME;
use crate::net::Place;

/// How high all but the list of lobbies is, in points.
const REST: f32 = 590.0;
/// How high the list may be, in points: one lobby can always be seen, and the others by scrolling.
const LIST: RangeInclusive<f32> = 34.0..=170.0;

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Join(Place),
    Alone,
}

/// What is typed.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) name: String,
    pub(super) place: Place,
    /// What went wrong, and what to do.
    pub(super) error: Option<String>,
}

impl Form {
    pub(super) fn new(name: String, place: Place) -> Self {
        Self {
            name,
            place,
            error: None,
        }
    }
}

/// Shows it; what was chosen, if anything.
pub(super) fn show(ui: &egui::Ui, form: &mut Form, list: &PublicList) -> Option<Choice> {
    let mut choice = None;
    let width = (ui.ctx().content_rect().width() - 64.0).min(360.0);
    let area = Area::new(Id::unique("start")).anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0));
    area.show(ui.ctx(), |ui| {
        theme::card().inner_margin(24).show(ui, |ui| {
            ui.set_width(width - 48.0);
            ui.vertical_centered(|ui| {
                ui.label(
                    RichText::new("arena")
                        .size(40.0)
                        .strong()
                        .color(theme::ACCENT),
                );
                let words = "Tag for two to eight. Nobody in between: each is connected with each.";
                ui.label(RichText::new(words).color(theme::FAINT));
            });
            ui.add_space(8.0);
            field(ui, "Your name", &mut form.name, NAME);
            field(ui, "Lobby code", &mut form.place.lobby, 64);
            let hint = "The same code brings you together. Empty: the server makes a new one.";
            ui.label(RichText::new(hint).size(11.0).color(theme::FAINT));
            field(ui, "Server", &mut form.place.url, 256);
            ui.checkbox(&mut form.place.is_public, "on the server's public list");
            if let Some(error) = &form.error {
                ui.label(RichText::new(error).color(theme::IT));
            }
            ui.add_space(4.0);
            let full = vec2(ui.available_width(), 42.0);
            let play = egui::Button::new(RichText::new("Play together").size(17.0).strong())
                .fill(theme::ACCENT.gamma_multiply(0.45));
            let play = ui.add_sized(full, play);
            mark("Play together", &play);
            if play.clicked() {
                choice = Some(Choice::Join(form.place.clone()));
            }
            let alone = ui.add_sized(full, egui::Button::new("Alone, against bots"));
            mark("Alone, against bots", &alone);
            if alone.clicked() {
                choice = Some(Choice::Alone);
            }
            if let Some(lobby) = public(ui, list) {
                choice = Some(Choice::Join(Place {
                    lobby,
                    is_public: false,
                    ..form.place.clone()
                }));
            }
            let hint = "Arrow keys or WASD, or hold the mouse or a finger where you want to run.";
            ui.label(RichText::new(hint).size(11.0).color(theme::FAINT));
        });
    });
    choice
}

/// The lobbies that anybody may join, where the server has a list; which one was chosen.
fn public(ui: &mut egui::Ui, list: &PublicList) -> Option<String> {
    let lobbies = list.lobbies()?;
    let words = if lobbies.is_empty() {
        "No public lobby is open on this server now."
    } else {
        "Public lobbies on this server:"
    };
    ui.label(RichText::new(words).size(12.0).color(theme::FAINT));
    let mut chosen = None;
    let height = (ui.ctx().content_rect().height() - REST).clamp(*LIST.start(), *LIST.end());
    let scrolled = egui::ScrollArea::vertical().max_height(height);
    scrolled.show(ui, |ui| {
        for lobby in lobbies {
            ui.horizontal(|ui| {
                if button(ui, &lobby.name) {
                    chosen = Some(lobby.code.clone());
                }
                let players = format!("{} of {}", lobby.players, lobby.max_players);
                ui.label(RichText::new(players).color(theme::FAINT));
            });
        }
    });
    chosen
}

fn field(ui: &mut egui::Ui, label: &str, text: &mut String, most: usize) {
    let label = ui.label(RichText::new(label).size(12.0).color(theme::FAINT));
    let edit = egui::TextEdit::singleline(text)
        .char_limit(most)
        .margin(vec2(10.0, 8.0))
        .desired_width(f32::INFINITY);
    ui.add(edit).labelled_by(label.id);
}
