//! Known differences: what fails today, and why, with the row of the review that names the fault. An unexpected pass fails, so
//! that an entry goes as soon as its fault does.

use super::matrix::Cell;
use super::nat::Nat;
use crate::Kind;

/// Why something is expected to fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) reason: &'static str,
    /// What the failure says then: another one is no known difference.
    pub(super) shows: &'static str,
    /// Whether it may pass all the same, by chance.
    pub(super) sometimes: bool,
}

/// Cells that fail for one reason: those with a player of a kind …
struct OfCells {
    kind: Kind,
    /// … who meets one of this kind, both behind one of these.
    with: Kind,
    nats: &'static [Nat],
    known: Known,
}

const OF_CELLS: &[OfCells] = &[
    OfCells {
        kind: Kind::Native,
        with: Kind::Chromium,
        nats: NOT_BLOCKED,
        known: NOMINATED,
    },
    OfCells {
        kind: Kind::Native,
        with: Kind::Firefox,
        nats: NOT_BLOCKED,
        known: NOMINATED,
    },
];

const NOT_BLOCKED: &[Nat] = &[Nat::FullCone, Nat::Address, Nat::Port, Nat::Symmetric];

const NOMINATED: Known = Known {
    reason: "N7: where a relay was nominated first, the browser's own messages go on through it, and Firefox checks no other way",
    shows: "Direct was expected, and it is Relay",
    sometimes: true,
};

/// The one for this cell.
pub(super) fn of_cell(cell: &Cell) -> Option<&'static Known> {
    let [a, b] = cell.players();
    let is_so = |of: &OfCells, (kind, nat): (Kind, Nat), (other, far): (Kind, Nat)| {
        (of.kind, of.with) == (kind, other) && of.nats.contains(&nat) && of.nats.contains(&far)
    };
    let of = OF_CELLS
        .iter()
        .find(|of| is_so(of, a, b) || is_so(of, b, a));
    of.map(|of| &of.known)
}
