//! How others come into the lobby: its code, a link, and the link as a QR code.

use eframe::egui::{self, Align2, Color32, RichText, Sense, vec2};
use qrcode::{Color, QrCode};

use super::theme;

/// Around the code, in modules, as its standard asks for.
const QUIET: usize = 4;

/// Shows it; whether it stays open.
pub(super) fn show(ui: &egui::Ui, lobby: &str, link: Option<&str>) -> bool {
    let mut is_open = true;
    egui::Window::new("Invite")
        .open(&mut is_open)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0))
        .collapsible(false)
        .resizable(false)
        .show(ui.ctx(), |ui| {
            ui.set_width(250.0);
            ui.label(RichText::new("Lobby code").color(theme::FAINT));
            ui.horizontal(|ui| {
                ui.label(RichText::new(lobby).size(22.0).strong());
                if ui.button("Copy").clicked() {
                    ui.ctx().copy_text(lobby.to_owned());
                }
            });
            let Some(link) = link else {
                ui.label("Others choose the same server and the same code.");
                return;
            };
            ui.label(RichText::new("Or a link: open it, or scan it").color(theme::FAINT));
            code(ui, link);
            if ui.button("Copy the link").clicked() {
                ui.ctx().copy_text(link.to_owned());
            }
        });
    is_open
}

/// A link that is too long for a QR code is not drawn as one.
fn code(ui: &mut egui::Ui, link: &str) {
    let Ok(code) = QrCode::new(link) else {
        return;
    };
    let modules = code.width();
    let (place, _) = ui.allocate_exact_size(vec2(230.0, 230.0), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(place, 6.0, Color32::WHITE);
    let size = place.width() / (modules + 2 * QUIET) as f32;
    for (at, color) in code.into_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % modules + QUIET, at / modules + QUIET);
            let corner = place.min + vec2(x as f32, y as f32) * size;
            // A little larger, so that no seam shows between two.
            let module = egui::Rect::from_min_size(corner, vec2(size + 0.3, size + 0.3));
            painter.rect_filled(module, 0.0, Color32::BLACK);
        }
    }
}
