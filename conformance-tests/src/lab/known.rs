//! Known differences: what fails today, and why, with the row of the review that names the fault. An unexpected pass fails, so
//! that an entry goes as soon as its fault does.

use super::matrix::Cell;
use super::nat::Nat;
use crate::Kind;

/// Why something is expected to fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) reason: &'static str,
    /// Whether it may pass all the same, by chance.
    pub(super) sometimes: bool,
}

/// Cells that fail for one reason.
struct OfCells {
    /// A player of this kind …
    kind: Kind,
    /// … behind this.
    nat: Nat,
    known: Known,
}

const OF_CELLS: &[OfCells] = &[OfCells {
    kind: Kind::Native,
    nat: Nat::Blocked,
    known: Known {
        reason: "N12: a native player has no TURN over TCP or TLS",
        sometimes: false,
    },
}];

/// The one for this cell.
pub(super) fn of_cell(cell: &Cell) -> Option<&'static Known> {
    OF_CELLS
        .iter()
        .find(|of| cell.players().contains(&(of.kind, of.nat)))
        .map(|of| &of.known)
}
