//! The result: two tables for people.

use bench::goal::{Goal, Metric, Verdict};
use bench::row::{self, HEADINGS, Row, aligned};
use bench::stats::Spread;

use crate::compare::{Found, METRICS};
use crate::meet::Offers;
use crate::print::line;
use crate::{tick, transfer};

const TO_OPEN: Goal = Goal::AtMost { required: 150.0 };

/// Coalescing may cost one frame.
const FRAME: Goal = Goal::AtMost { required: 16.7 };

/// Everything that was measured.
pub(crate) struct Report {
    rounds: u32,
    connections: u32,
    meshes: u32,
    opens: Vec<[String; 6]>,
    transfers: Vec<[String; 6]>,
    rows: Vec<Row>,
    ticks: Vec<Row>,
    slower: Option<String>,
    missed: bool,
}

impl Report {
    pub(crate) const fn new(rounds: u32, connections: u32, meshes: u32) -> Self {
        Self {
            rounds,
            connections,
            meshes,
            opens: Vec::new(),
            transfers: Vec::new(),
            rows: Vec::new(),
            ticks: Vec::new(),
            slower: None,
            missed: false,
        }
    }

    /// Of the connections of a browser with a native peer, in milliseconds.
    pub(crate) fn add_opens(&mut self, browser: &str, offers: Offers, times: &[f64]) {
        let of_pair = self.pair(browser, [offers.name(), "ms"], times, TO_OPEN);
        self.opens.extend(of_pair);
    }

    /// Of the transfers between a browser and a native peer.
    pub(crate) fn add_transfers(&mut self, browser: &str, found: &transfer::Found) {
        let rate = self.pair(browser, ["both ways", "MB/s"], &found.rate, Goal::None);
        let program = ["memory of the page", "transfers"];
        let program = self.pair(browser, program, &found.program, transfer::GOAL);
        let whole = ["all of the browser", "transfers"];
        let whole = self.pair(browser, whole, &found.browser, Goal::None);
        self.transfers
            .extend([rate, program, whole].into_iter().flatten());
    }

    /// A line for a figure of a native peer and a browser: what it is and its unit.
    fn pair(
        &mut self,
        browser: &str,
        [what, unit]: [&str; 2],
        values: &[f64],
        goal: Goal,
    ) -> Option<[String; 6]> {
        let spread = Spread::of(values)?;
        let verdict = goal.judge(spread.median, 1.0);
        self.missed |= verdict == Some(Verdict::Missed);
        Some([
            format!("native with {browser}"),
            what.to_owned(),
            unit.to_owned(),
            row::spread(spread),
            goal.describe(),
            Verdict::word(verdict).to_owned(),
        ])
    }

    /// Of a browser's page.
    pub(crate) fn add_comparison(&mut self, browser: &str, found: &Found) {
        self.rows
            .extend(rows(browser, &METRICS, &found.ours, &found.bare));
    }

    /// Of the meshes in which a browser's page plays.
    pub(crate) fn add_meshes(&mut self, browser: &str, found: &tick::Found) {
        let (with, without) = (&found.with, &found.without);
        self.ticks
            .extend(rows(browser, &tick::METRICS, with, without));
        if let Some(slower) = Spread::of(&found.slower()) {
            let verdict = FRAME.judge(slower.median, 1.0);
            self.missed |= verdict == Some(Verdict::Missed);
            self.slower = Some(format!(
                "p99 with coalescing, more than without: {} ms, {}; {}",
                row::spread(slower),
                FRAME.describe(),
                Verdict::word(verdict)
            ));
        }
    }

    /// Whether no goal was missed.
    pub(crate) fn is_met(&self) -> bool {
        !self.missed && !self.rows.iter().chain(&self.ticks).any(Row::is_missed)
    }

    pub(crate) fn print(&self) {
        line(&format!(
            "Time to open: from the call that joins a lobby in which the other waits until all channels of both ends are open, \
             the way over the signaling server included; all on loopback. Medians (min-max) of {} fresh connections.",
            self.connections
        ));
        line("");
        let headings = ["pair", "", "unit", "to open", "goal", ""];
        print(&aligned(headings, &self.opens));
        if !self.transfers.is_empty() {
            line(
                "16 MiB each way at the same time, both ends at their defaults, on loopback. Memory: by how much that of the page's program \
                 grew, and all processes of a fresh browser together, in units of 16 MiB; what is sent and what is received are two. A \
                 browser keeps messages that have been taken until it collects its garbage. Medians (min-max).",
            );
            line("");
            let headings = ["pair", "", "unit", "found", "goal", ""];
            print(&aligned(headings, &self.transfers));
        }
        line(&format!(
            "ours: Multiplayer over backend-web; bare: web-sys with the same settings, its work done in the browser's callbacks. \
             Both ends in one page, both sides in the same page load. Medians (min-max) of {} rounds, in turns; ratio: ours / \
             bare of the medians, pairs: median of the ratios of neighbours, which is what is judged.",
            self.rounds
        ));
        line("");
        let rows: Vec<_> = self.rows.iter().map(Row::cells).collect();
        print(&aligned(HEADINGS, &rows));
        if !self.ticks.is_empty() {
            line(&format!(
                "A mesh of eight, seven of them native: ten messages of 64 bytes to everybody, 60 times a second, and as many back. ours: with \
                 coalescing; bare: without. Medians (min-max) of {} rounds, in turns.",
                self.meshes
            ));
            line("");
            let rows: Vec<_> = self.ticks.iter().map(Row::cells).collect();
            print(&aligned(HEADINGS, &rows));
            self.slower.iter().for_each(|text| line(text));
        }
    }
}

/// A line for each figure of what two sides gave, round by round.
fn rows<const N: usize>(
    browser: &str,
    metrics: &[Metric; N],
    ours: &[[f64; N]],
    bare: &[[f64; N]],
) -> Vec<Row> {
    let lines = metrics.iter().enumerate().filter_map(|(at, metric)| {
        let of = |side: &[[f64; N]]| -> Vec<Option<f64>> {
            side.iter().map(|round| round.get(at).copied()).collect()
        };
        Row::of(browser.to_owned(), *metric, &of(ours), &of(bare))
    });
    lines.collect()
}

fn print(table: &[String]) {
    table.iter().for_each(|text| line(text));
    line("");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_pair_and_a_slow_side_miss_their_goals() {
        let mut report = Report::new(1, 1, 1);
        report.add_opens("firefox", Offers::Page, &[100.0]);
        let figures = [1.0; METRICS.len()];
        let (ours, bare) = (vec![figures], vec![figures]);
        report.add_comparison("firefox", &Found { ours, bare });
        assert!(report.is_met());
        report.add_opens("firefox", Offers::Native, &[151.0]);
        assert!(!report.is_met());

        let mut report = Report::new(1, 1, 1);
        let (ours, bare) = (vec![[1.0, 0.9, 1.0, 1.0]], vec![figures]);
        report.add_comparison("firefox", &Found { ours, bare });
        assert!(!report.is_met());
    }
}
