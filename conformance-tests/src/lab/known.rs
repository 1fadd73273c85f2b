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
    /// … behind one of these …
    nats: &'static [Nat],
    /// … who meets one behind one of these.
    others: &'static [Nat],
    known: Known,
}

const OF_CELLS: &[OfCells] = &[OfCells {
    kind: Kind::Firefox,
    nats: &[Nat::Address, Nat::Port],
    others: &[Nat::FullCone, Nat::Address, Nat::Port, Nat::Symmetric],
    known: Known {
        reason: "N7: Firefox that has nominated a relay by a moment checks nothing else, so its router lets no later check in",
        shows: "Direct was expected, and it is Relay",
        sometimes: true,
    },
}];

/// The one for this cell.
pub(super) fn of_cell(cell: &Cell) -> Option<&'static Known> {
    let [a, b] = cell.players();
    let is_so = |of: &OfCells, (kind, nat): (Kind, Nat), (_, other): (Kind, Nat)| {
        of.kind == kind && of.nats.contains(&nat) && of.others.contains(&other)
    };
    let of = OF_CELLS
        .iter()
        .find(|of| is_so(of, a, b) || is_so(of, b, a));
    of.map(|of| &of.known)
}
