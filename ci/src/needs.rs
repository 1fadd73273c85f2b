//! Which pieces of the set-up each command and each kind of column needs, and nothing beyond.

use std::collections::BTreeSet;

use crate::setup::Piece;

/// Everything that any command needs: for `setup` and `test`.
pub(crate) const EVERYTHING: &[Piece] = Piece::ALL;

/// `build-web`, and `play` in a browser that somebody has.
pub(crate) const PAGE: &[Piece] = &[Piece::WasmTarget, Piece::WasmBindgen, Piece::WasmOpt];

/// `play --check`, beside [`PAGE`].
pub(crate) const DRIVEN_CHROMIUM: &[Piece] = &[Piece::Chromium, Piece::Chromedriver];

/// A column without a browser.
pub(crate) const NO_BROWSER: &[Piece] = &[];

/// A column with Chromium: the suite starts it without a driver, and does not care how large its page is.
pub(crate) const CHROMIUM: &[Piece] = &[Piece::Chromium, Piece::WasmTarget, Piece::WasmBindgen];

/// A column with Firefox, likewise.
pub(crate) const FIREFOX: &[Piece] = &[Piece::Firefox, Piece::WasmTarget, Piece::WasmBindgen];

/// A column with both, and the bench of the browsers.
pub(crate) const BOTH_BROWSERS: &[Piece] = &[
    Piece::Chromium,
    Piece::Firefox,
    Piece::WasmTarget,
    Piece::WasmBindgen,
];

/// A column of Chromium alone: where no side has sockets of ours, the bad paths of the cases lead through a TURN server.
pub(crate) const CHROMIUM_ALONE: &[Piece] = &[
    Piece::Relay,
    Piece::Chromium,
    Piece::WasmTarget,
    Piece::WasmBindgen,
];

/// A column of Firefox alone, likewise.
pub(crate) const FIREFOX_ALONE: &[Piece] = &[
    Piece::Relay,
    Piece::Firefox,
    Piece::WasmTarget,
    Piece::WasmBindgen,
];

/// A column of both and no native side, likewise.
pub(crate) const BROWSERS_ALONE: &[Piece] = &[
    Piece::Relay,
    Piece::Chromium,
    Piece::Firefox,
    Piece::WasmTarget,
    Piece::WasmBindgen,
];

/// The NAT lab, beside [`BOTH_BROWSERS`].
pub(crate) const LAB: &[Piece] = &[Piece::Relay, Piece::Namespaces, Piece::Rules];

/// All of several sets.
pub(crate) fn union<'a>(sets: impl IntoIterator<Item = &'a [Piece]>) -> BTreeSet<Piece> {
    sets.into_iter().flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_union_has_each_piece_once_and_in_order() {
        let pieces: Vec<Piece> = union([FIREFOX, CHROMIUM]).into_iter().collect();
        assert_eq!(pieces, BOTH_BROWSERS);
        assert!(union([NO_BROWSER]).is_empty());
    }

    #[test]
    fn a_page_needs_no_browser() {
        assert!(PAGE.iter().all(|piece| !DRIVEN_CHROMIUM.contains(piece)));
    }
}
