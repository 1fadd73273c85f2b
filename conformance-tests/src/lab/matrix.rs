//! Who meets whom behind what: every kind of pair behind every pair of translators.

use std::time::{Duration, Instant};

use futures_util::future::join;
use serde::{Serialize, Serializer};

use super::Options;
use super::ledger::Ledger;
use super::meet::{Met, Terms, Way, meet};
use super::nat::{FIVE, Nat, is_punchable};
use super::netns::Run;
use super::players::{Belongings, Player, reach};
use super::wide::{Side, Wide};
use crate::browser::Hidden;
use crate::{Failure, Kind, Outcome};

/// The kinds of pair: of the player on side A and of the one on side B.
///
/// Chromium is on side A alone and Firefox on side B, so that each needs one browser. Native players are on both.
const PAIRS: [(Kind, Kind); 4] = [
    (Kind::Native, Kind::Native),
    (Kind::Chromium, Kind::Native),
    (Kind::Native, Kind::Firefox),
    (Kind::Chromium, Kind::Firefox),
];

/// How long two may take where they should connect.
const DEADLINE: Duration = Duration::from_secs(15);

/// One meeting of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Cell {
    /// The kinds on sides A and B.
    #[serde(serialize_with = "kinds")]
    pub(super) kinds: (Kind, Kind),
    /// What they are behind.
    pub(super) nats: (Nat, Nat),
    /// Whether side A offers.
    pub(super) a_offers: bool,
}

fn kinds<S: Serializer>(kinds: &(Kind, Kind), to: S) -> Result<S::Ok, S::Error> {
    [word(kinds.0), word(kinds.1)].serialize(to)
}

/// A kind in a name.
pub(super) const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Mock => "mock",
        Kind::Native => "native",
        Kind::Chromium => "chromium",
        Kind::Firefox => "firefox",
    }
}

impl Cell {
    /// Its name among the tests.
    pub(super) fn name(&self) -> String {
        let nat = |nat: Nat| nat.name().replace([' ', '-'], "_");
        format!(
            "matrix::{}_{}__{}__{}",
            word(self.kinds.0),
            word(self.kinds.1),
            nat(self.nats.0),
            nat(self.nats.1)
        )
    }

    /// From theory: direct wherever a hole can be punched, by a relay elsewhere, which is reached over TCP if need be.
    pub(super) const fn expected(&self) -> Way {
        if is_punchable(self.nats.0, self.nats.1) {
            Way::Direct
        } else {
            Way::Relay
        }
    }

    /// Whether this is what should have become of it.
    pub(super) fn judge(&self, met: &Met) -> Outcome {
        let expected = self.expected();
        if met.way == expected {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{expected:?} was expected, and it is {:?} ({})",
            met.way, met.how
        )))
    }
}

/// The cells of this name; pairs of one kind need each pair of translators once.
pub(super) fn cells(options: &Options) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (row, a) in FIVE.into_iter().enumerate() {
        for (column, b) in FIVE.into_iter().enumerate() {
            for kinds in PAIRS {
                let cell = Cell {
                    kinds,
                    nats: (a, b),
                    a_offers: (row + column) % 2 == 0,
                };
                let is_twin = kinds.0 == kinds.1 && row > column;
                if !is_twin && options.wants(&cell.name()) {
                    cells.push(cell);
                }
            }
        }
    }
    cells
}

/// Runs them: those of natives in a network of their own, beside the others.
pub(super) async fn run(run: &Run, cells: Vec<Cell>, ledger: &Ledger<'_>) {
    let (natives, others): (Vec<_>, Vec<_>) = cells
        .into_iter()
        .partition(|cell| cell.kinds == (Kind::Native, Kind::Native));
    join(
        in_one_network(run, natives, ledger),
        in_one_network(run, others, ledger),
    )
    .await;
}

async fn in_one_network(run: &Run, cells: Vec<Cell>, ledger: &Ledger<'_>) {
    if cells.is_empty() {
        return;
    }
    let needs = |side: Side, kind: Kind| {
        cells.iter().any(|cell| match side {
            Side::A => cell.kinds.0 == kind,
            Side::B => cell.kinds.1 == kind,
        })
    };
    let mut stage = match Stage::set(run, needs).await {
        Ok(stage) => stage,
        Err(failure) => {
            for cell in cells {
                ledger.cell(cell, Duration::ZERO, Err(failure.clone()));
            }
            return;
        }
    };
    for cell in cells {
        let begun = Instant::now();
        let outcome = stage.play(&cell).await;
        ledger.cell(cell, begun.elapsed(), outcome);
    }
}

/// Whether an offerer of this kind may stay on a relay where a hole can be punched.
///
/// Firefox nominates the first pair that answers, and cancels every check that still waits (nICEr,
/// `nr_ice_component_nominated_pair`). Where the relay answers before the other side's packets have opened the direct path, it
/// never looks at that path. Such a pair meets once more without a relay, which tells whether the path is there.
const fn may_keep_a_relay(offerer: Kind) -> bool {
    matches!(offerer, Kind::Firefox)
}

/// A wide network with its players, who stay.
struct Stage {
    wide: Wide,
    players: Vec<(Side, Player)>,
    /// What is in the way now.
    nats: Option<(Nat, Nat)>,
}

impl Stage {
    async fn set(run: &Run, needs: impl Fn(Side, Kind) -> bool) -> Outcome<Self> {
        let wide = Wide::lay(run).await?;
        let mut players = Vec::new();
        for side in [Side::A, Side::B] {
            let host = &wide.end(side).host;
            reach(host).await?;
            if needs(side, Kind::Native) {
                players.push((side, Player::native(host, &Belongings::default()).await?));
            }
            for kind in [Kind::Chromium, Kind::Firefox] {
                if needs(side, kind) {
                    let player = Player::page(host, kind, Hidden::Unthrottled).await?;
                    players.push((side, player));
                }
            }
        }
        Ok(Self {
            wide,
            players,
            nats: None,
        })
    }

    async fn play(&mut self, cell: &Cell) -> Outcome<Met> {
        if self.nats != Some(cell.nats) {
            self.nats = None;
            self.wide.put(cell.nats.0, cell.nats.1)?;
            self.nats = Some(cell.nats);
        }
        let coturn = &self.wide.coturn;
        let terms = Terms {
            servers: vec![coturn.stun(), coturn.udp(), coturn.tcp()],
            deadline: DEADLINE,
            wants_direct: cell.expected() == Way::Direct,
            ..Terms::default()
        };
        let a = self.player(Side::A, cell.kinds.0)?;
        let b = self.player(Side::B, cell.kinds.1)?;
        let (one, other) = if cell.a_offers { (a, b) } else { (b, a) };
        let met = meet(one, other, &terms).await?;
        if !may_keep_a_relay(one.kind) || !terms.wants_direct || met.way != Way::Relay {
            return Ok(met);
        }
        let without = Terms {
            servers: vec![coturn.stun()],
            ..terms
        };
        let again = meet(one, other, &without).await?;
        Ok(Met {
            how: format!("{}; without a relay: {}", met.how, again.how),
            ..again
        })
    }

    fn player(&self, side: Side, kind: Kind) -> Outcome<&Player> {
        self.players
            .iter()
            .find(|(of, player)| *of == side && player.kind == kind)
            .map(|(_, player)| player)
            .ok_or_else(|| Failure::new(format!("there is no {kind:?} on side {side:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_one_kind_need_each_pair_of_translators_once() {
        let cells = cells(&Options::default());
        let count = |kinds| cells.iter().filter(|cell| cell.kinds == kinds).count();
        assert_eq!(PAIRS.map(count), [15, 25, 25, 25]);
    }
}
