//! The result: a table for people, JSON for programs.

use serde_json::{Value, json};

use crate::child::SideName;
use crate::metric::{Metric, Verdict};
use crate::print;
use crate::scenario::Scenario;
use crate::stats::{Spread, median};

/// More of it than this, in processors, and the figures are those of a noisy machine.
const QUIET: f64 = 0.1;

/// Everything that was measured.
pub(crate) struct Report {
    pub(crate) sections: Vec<Section>,
    pub(crate) noise: Noise,
    repeat: u32,
    threads: u32,
}

/// What was measured of one scenario: for each repetition that worked, the figures in the order of its metrics.
pub(crate) struct Section {
    scenario: Scenario,
    ours: Vec<Option<Vec<f64>>>,
    bare: Vec<Option<Vec<f64>>>,
    pub(crate) skipped: Option<String>,
}

/// How many processors others used while something was measured, one value a measurement.
#[derive(Default)]
pub(crate) struct Noise(Vec<f64>);

/// One line of the table.
struct Row {
    scenario: String,
    metric: Metric,
    ours: Spread,
    bare: Spread,
    ratio: f64,
    pairs: f64,
    verdict: Option<Verdict>,
}

impl Noise {
    pub(crate) fn add(&mut self, processors: f64) {
        self.0.push(processors.max(0.0));
    }
}

impl Section {
    pub(crate) const fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            ours: Vec::new(),
            bare: Vec::new(),
            skipped: None,
        }
    }

    pub(crate) fn add(&mut self, side: SideName, figures: Vec<f64>) {
        self.side(side).push(Some(figures));
    }

    pub(crate) fn failed(&mut self, side: SideName) {
        self.side(side).push(None);
    }

    const fn side(&mut self, side: SideName) -> &mut Vec<Option<Vec<f64>>> {
        match side {
            SideName::Ours => &mut self.ours,
            SideName::Bare => &mut self.bare,
        }
    }

    fn failures(&self) -> usize {
        let all = self.ours.iter().chain(&self.bare);
        all.filter(|figures| figures.is_none()).count()
    }

    /// One row a metric; none where a side never worked.
    fn rows(&self) -> Vec<Row> {
        let metrics = self.scenario.metrics().iter().enumerate();
        metrics
            .filter_map(|(at, metric)| self.row(at, *metric))
            .collect()
    }

    fn row(&self, at: usize, metric: Metric) -> Option<Row> {
        let of = |side: &[Option<Vec<f64>>]| -> Vec<Option<f64>> {
            side.iter()
                .map(|figures| figures.as_ref()?.get(at).copied())
                .collect()
        };
        let (ours, bare) = (of(&self.ours), of(&self.bare));
        let ratios: Vec<f64> = ours
            .iter()
            .zip(&bare)
            .filter_map(|(ours, bare)| Some((*ours)? / (*bare)?))
            .collect();
        let ours = Spread::of(&ours.into_iter().flatten().collect::<Vec<_>>())?;
        let bare = Spread::of(&bare.into_iter().flatten().collect::<Vec<_>>())?;
        let ratio = ours.median / bare.median;
        let pairs = median(&ratios)?;
        Some(Row {
            scenario: self.scenario.name(),
            metric,
            ours,
            bare,
            ratio,
            pairs,
            verdict: metric.goal.judge(ours.median, pairs),
        })
    }
}

impl Report {
    pub(crate) fn new(repeat: u32, threads: u32) -> Self {
        Self {
            sections: Vec::new(),
            noise: Noise::default(),
            repeat,
            threads,
        }
    }

    /// Whether everything could be measured and no required goal was missed.
    pub(crate) fn is_met(&self) -> bool {
        let missed = |row: &Row| row.verdict == Some(Verdict::Missed);
        self.sections
            .iter()
            .all(|section| section.failures() == 0 && !section.rows().iter().any(missed))
    }

    pub(crate) fn print(&self) {
        print::line(&format!(
            "ours: Multiplayer over backend-native; bare: the webrtc crate with the same settings and {} runtime threads. \
             Both ends in one process, loopback. Medians (min-max) of {} fresh processes a side, in turns; ratio: ours / bare \
             of the medians, pairs: median of the ratios of neighbours, which is what is judged.",
            self.threads, self.repeat
        ));
        print::line("");
        let mut table = vec![
            [
                "scenario", "figure", "unit", "ours", "bare", "ratio", "pairs", "goal", "",
            ]
            .map(String::from),
        ];
        table.extend(
            self.sections
                .iter()
                .flat_map(Section::rows)
                .map(|row| row.cells()),
        );
        for line in aligned(&table) {
            print::line(&line);
        }
        print::line("");
        for section in &self.sections {
            let name = section.scenario.name();
            if let Some(why) = &section.skipped {
                print::line(&format!("{name}: not measured: {why}"));
            }
            if section.failures() > 0 {
                print::line(&format!(
                    "{name}: {} measurements failed",
                    section.failures()
                ));
            }
        }
        self.print_noise();
    }

    fn print_noise(&self) {
        let Some(noise) = Spread::of(&self.noise.0) else {
            return;
        };
        let judgement = if noise.median <= QUIET && noise.max <= 5.0 * QUIET {
            "quiet"
        } else {
            "NOISY: trust the column of pairs, and rather the processor times than the rates"
        };
        print::line(&format!(
            "Other processes used {:.2} ({:.2}-{:.2}) processors meanwhile: {judgement}.",
            noise.median, noise.min, noise.max
        ));
    }

    pub(crate) fn json(&self) -> Value {
        let sections = self.sections.iter().map(|section| {
            json!({
                "scenario": section.scenario.name(),
                "skipped": section.skipped,
                "failures": section.failures(),
                "figures": section.rows().iter().map(Row::json).collect::<Vec<_>>(),
                "ours": section.ours,
                "bare": section.bare,
            })
        });
        json!({
            "repeat": self.repeat,
            "threads": self.threads,
            "sections": sections.collect::<Vec<_>>(),
            "noise_processors": self.noise.0,
        })
    }
}

impl Row {
    fn cells(&self) -> [String; 9] {
        let verdict = match self.verdict {
            Some(Verdict::Aim) => "good",
            Some(Verdict::Required) => "ok",
            Some(Verdict::Missed) => "MISSED",
            None => "",
        };
        [
            self.scenario.clone(),
            self.metric.name.to_owned(),
            self.metric.unit.to_owned(),
            spread(self.ours),
            spread(self.bare),
            format!("{:.2}", self.ratio),
            format!("{:.2}", self.pairs),
            self.metric.goal.describe(),
            verdict.to_owned(),
        ]
    }

    fn json(&self) -> Value {
        let spread =
            |spread: Spread| json!({"median": spread.median, "min": spread.min, "max": spread.max});
        json!({
            "figure": self.metric.name,
            "unit": self.metric.unit,
            "ours": spread(self.ours),
            "bare": spread(self.bare),
            "ratio": self.ratio,
            "pairs": self.pairs,
            "goal": self.metric.goal.describe(),
            "met": self.verdict.map(|verdict| verdict != Verdict::Missed),
        })
    }
}

fn spread(spread: Spread) -> String {
    let [median, min, max] = [spread.median, spread.min, spread.max].map(figure);
    format!("{median} ({min}-{max})")
}

/// Three significant digits.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Columns as wide as their widest cell.
fn aligned(rows: &[[String; 9]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..9).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths);
            let line: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            line.join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(pairs: &[(f64, f64)]) -> Section {
        let mut section = Section::new(Scenario::MeshIdle);
        for (ours, bare) in pairs {
            section.add(SideName::Ours, vec![*ours]);
            section.add(SideName::Bare, vec![*bare]);
        }
        section
    }

    #[test]
    fn a_disturbance_of_both_neighbours_is_not_held_against_us() {
        let section = section(&[(1.0, 1.0), (9.0, 9.0), (1.0, 1.0)]);
        let rows = section.rows();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].pairs, rows[0].verdict), (1.0, Some(Verdict::Aim)));
        assert_eq!((rows[0].ours.min, rows[0].ours.max), (1.0, 9.0));
    }

    #[test]
    fn a_missed_goal_and_a_failed_measurement_fail_the_report() {
        let mut report = Report::new(1, 2);
        report.sections.push(section(&[(1.0, 1.0)]));
        assert!(report.is_met());
        report.sections.push(section(&[(2.0, 1.0)]));
        assert!(!report.is_met());
        report.sections.pop();
        report.sections[0].failed(SideName::Ours);
        assert!(!report.is_met());
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(
            [1234.5, 123.45, 12.345, 1.2345, 0.12345].map(figure),
            ["1234", "123", "12.3", "1.23", "0.123"]
        );
    }
}
