//! What was measured, as a table for people, and as JSON.

use bench::stats::Spread;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::child::Contestant;
use crate::work::Work;

/// All figures: of a contestant, of a work, one list a repetition; an empty one where it failed.
#[derive(Default)]
pub(crate) struct Report(Vec<(Work, Contestant, Vec<f64>)>);

impl Report {
    pub(crate) fn add(&mut self, work: Work, contestant: Contestant, figures: Vec<f64>) {
        self.0.push((work, contestant, figures));
    }

    /// `None` if it never worked.
    pub(crate) fn spread(
        &self,
        work: Work,
        contestant: Contestant,
        figure: usize,
    ) -> Option<Spread> {
        let of = self
            .0
            .iter()
            .filter(|(of, by, _)| (*of, *by) == (work, contestant));
        let values: Vec<f64> = of
            .filter_map(|(_, _, figures)| figures.get(figure).copied())
            .collect();
        Spread::of(&values)
    }

    fn failures(&self, work: Work, contestant: Contestant) -> usize {
        let of = self
            .0
            .iter()
            .filter(|(of, by, _)| (*of, *by) == (work, contestant));
        of.filter(|(_, _, figures)| figures.is_empty()).count()
    }

    /// The lines of a table in Markdown.
    pub(crate) fn table(&self) -> Vec<String> {
        let names = Contestant::value_variants().iter().map(|one| one.name());
        let names: Vec<_> = names.collect();
        let mut lines = vec![
            format!("| work | figure | {} |", names.join(" | ")),
            format!("|---|---|{}", "---|".repeat(names.len())),
        ];
        for work in Work::all() {
            for (at, figure) in work.figures().into_iter().enumerate() {
                let cells = Contestant::value_variants().iter().map(|one| {
                    let spread = self.spread(work, *one, at);
                    let spread = spread.map_or_else(String::new, bench::row::spread);
                    match self.failures(work, *one) {
                        0 => spread,
                        failed => format!("{spread} {failed} failed").trim_start().to_owned(),
                    }
                });
                let cells: Vec<_> = cells.collect();
                lines.push(format!(
                    "| {} | {figure} | {} |",
                    work.name(),
                    cells.join(" | ")
                ));
            }
        }
        lines
    }

    pub(crate) fn json(&self) -> Value {
        let measured = self.0.iter().map(|(work, contestant, figures)| {
            json!({"work": work.name(), "contestant": contestant.name(), "figures": work.figures(), "values": figures})
        });
        measured.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_said() {
        let mut report = Report::default();
        report.add(Work::Idle, Contestant::Ours, vec![1.5]);
        report.add(Work::Idle, Contestant::Ours, Vec::new());
        report.add(Work::Idle, Contestant::Str0m, Vec::new());
        let table = report.table().join("\n");
        let line = "| idle-8 | cpu % | 1.50 (1.50-1.50) 1 failed |  |  | 1 failed |";
        assert!(table.contains(line), "{table}");
    }
}
