//! The first screen: who one is, and where to play.

use eframe::egui::{self, Align2, Area, Id, RichText, vec2};

use super::theme;
use crate::message::NAME;
use crate::net::Place;

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
    place: Place,
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
pub(super) fn show(ui: &egui::Ui, form: &mut Form) -> Option<Choice> {
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
            if ui.add_sized(full, play).clicked() {
                choice = Some(Choice::Join(form.place.clone()));
            }
            if ui
                .add_sized(full, egui::Button::new("Alone, against bots"))
                .clicked()
            {
                choice = Some(Choice::Alone);
            }
            let hint = "Arrow keys or WASD, or hold the mouse or a finger where you want to run.";
            ui.label(RichText::new(hint).size(11.0).color(theme::FAINT));
        });
    });
    choice
}

fn field(ui: &mut egui::Ui, label: &str, text: &mut String, most: usize) {
    let label = ui.label(RichText::new(label).size(12.0).color(theme::FAINT));
    let edit = egui::TextEdit::singleline(text)
        .char_limit(most)
        .margin(vec2(10.0, 8.0))
        .desired_width(f32::INFINITY);
    ui.add(edit).labelled_by(label.id);
}
