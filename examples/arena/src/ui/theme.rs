//! Colours and type.

use std::collections::BTreeMap;

use eframe::egui::{self, Color32, CornerRadius, FontId, Stroke};

use crate::game::Id;

/// Of the players. They differ in lightness, too, for those who see few colours.
const PALETTE: [Color32; 8] = [
    Color32::from_rgb(0x5a, 0xa9, 0xff),
    Color32::from_rgb(0xff, 0xb4, 0x54),
    Color32::from_rgb(0x7b, 0xe0, 0xad),
    Color32::from_rgb(0xd9, 0x8c, 0xff),
    Color32::from_rgb(0xff, 0x8f, 0xab),
    Color32::from_rgb(0x5c, 0xe1, 0xe6),
    Color32::from_rgb(0xe8, 0xe3, 0x6f),
    Color32::from_rgb(0xa4, 0xb4, 0xd8),
];

pub(super) const ACCENT: Color32 = Color32::from_rgb(0x5a, 0xa9, 0xff);
pub(super) const IT: Color32 = Color32::from_rgb(0xff, 0x5d, 0x5d);
pub(super) const TEXT: Color32 = Color32::from_rgb(0xe6, 0xea, 0xf2);
pub(super) const FAINT: Color32 = Color32::from_rgb(0x8a, 0x94, 0xa8);
pub(super) const FLOOR: Color32 = Color32::from_rgb(0x13, 0x18, 0x22);
pub(super) const GRID: Color32 = Color32::from_rgb(0x1b, 0x22, 0x2f);
pub(super) const EDGE: Color32 = Color32::from_rgb(0x2c, 0x37, 0x4a);
const CARD: Color32 = Color32::from_rgb(0x18, 0x1f, 0x2b);

/// Behind everything.
pub(crate) const fn background() -> Color32 {
    Color32::from_rgb(0x0c, 0x10, 0x17)
}

/// The colours of the players, the same on every machine: each has one that follows from its id, or the next one that is free.
#[derive(Clone, Debug, Default)]
pub(super) struct Colors(BTreeMap<Id, Color32>);

impl Colors {
    /// For players with these ids, ascending.
    pub(super) fn of(players: impl Iterator<Item = Id>) -> Self {
        let mut taken = [false; PALETTE.len()];
        let mut colors = BTreeMap::new();
        for id in players {
            let first = (id.wrapping_mul(2_654_435_769) >> 29) as usize;
            let all = (first..first + PALETTE.len()).map(|at| at % PALETTE.len());
            let mut free = all.filter(|at| !taken[*at]);
            let at = free.next().unwrap_or(first % PALETTE.len());
            taken[at] = true;
            colors.insert(id, PALETTE[at]);
        }
        Self(colors)
    }

    /// Somebody who is not there any more is grey.
    pub(super) fn get(&self, id: Id) -> Color32 {
        self.0.get(&id).copied().unwrap_or(FAINT)
    }
}

/// From green to red, as the round trip grows; grey where it is not known.
pub(super) fn of_round_trip(milliseconds: Option<u16>) -> Color32 {
    let Some(milliseconds) = milliseconds else {
        return Color32::from_rgb(0x4a, 0x55, 0x68);
    };
    let steps = [
        (0.0, Color32::from_rgb(0x4a, 0xde, 0x80)),
        (60.0, Color32::from_rgb(0xa3, 0xd9, 0x4f)),
        (120.0, Color32::from_rgb(0xfa, 0xcc, 0x15)),
        (250.0, Color32::from_rgb(0xf8, 0x71, 0x71)),
    ];
    let value = f32::from(milliseconds);
    for pair in steps.windows(2) {
        if let [(from, one), (to, two)] = *pair
            && value <= to
        {
            return one.lerp_to_gamma(two, (value - from) / (to - from));
        }
    }
    steps[3].1
}

pub(super) const fn text(size: f32) -> FontId {
    FontId::proportional(size)
}

/// A card that lies above the arena.
pub(super) fn card() -> egui::Frame {
    egui::Frame::new()
        .fill(CARD.gamma_multiply(0.94))
        .stroke(Stroke::new(1.0, EDGE))
        .corner_radius(CornerRadius::same(10))
        .inner_margin(12)
}

/// Dark, with large targets for fingers.
pub(crate) fn set_style(context: &egui::Context) {
    context.set_theme(egui::Theme::Dark);
    context.all_styles_mut(|style| {
        style.spacing.button_padding = egui::vec2(12.0, 7.0);
        style.spacing.item_spacing = egui::vec2(8.0, 8.0);
        let visuals = &mut style.visuals;
        visuals.override_text_color = Some(TEXT);
        visuals.panel_fill = background();
        visuals.window_fill = CARD;
        visuals.window_stroke = Stroke::new(1.0, EDGE);
        visuals.extreme_bg_color = Color32::from_rgb(0x0f, 0x14, 0x1d);
        visuals.selection.bg_fill = ACCENT.gamma_multiply(0.5);
        for widget in [
            &mut visuals.widgets.inactive,
            &mut visuals.widgets.hovered,
            &mut visuals.widgets.active,
        ] {
            widget.corner_radius = CornerRadius::same(7);
        }
        visuals.widgets.inactive.weak_bg_fill = Color32::from_rgb(0x24, 0x2e, 0x3f);
        visuals.widgets.hovered.weak_bg_fill = Color32::from_rgb(0x2e, 0x3b, 0x51);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_players_have_eight_colours() {
        let ids = [1, 2, 9, 17, 25, 33, 41, 1 << 31];
        let colors = Colors::of(ids.into_iter());
        let mut all: Vec<_> = ids.map(|id| colors.get(id).to_array()).into();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 8);
        assert_eq!(colors.get(77), FAINT);
    }

    #[test]
    fn a_longer_round_trip_is_redder() {
        let redness = |milliseconds| {
            let [red, green, ..] = of_round_trip(Some(milliseconds)).to_array();
            i32::from(red) - i32::from(green)
        };
        let all: Vec<i32> = [0, 40, 80, 150, 250, u16::MAX].map(redness).into();
        assert!(all.windows(2).all(|pair| pair[0] <= pair[1]), "{all:?}");
        assert!(all[0] < -100 && all[5] > 100);
    }
}
