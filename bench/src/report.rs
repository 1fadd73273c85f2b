//! The result: a table for people, JSON for programs.

use bench::goal::Metric;
use bench::row::{HEADINGS, Row, aligned};
use bench::stats::Spread;
use serde_json::{Value, json};

use crate::child::SideName;
use crate::print;
use crate::scenario::Scenario;

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
    ours: Figures,
    bare: Figures,
    tuned: Figures,
    pub(crate) skipped: Option<String>,
}

/// One a repetition.
type Figures = Vec<Option<Vec<f64>>>;

/// A line of the table.
struct Line {
    bare: Row,
    tuned: Option<Row>,
}

/// How many processors others used while something was measured, one value a measurement.
#[derive(Default)]
pub(crate) struct Noise(Vec<f64>);

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
            tuned: Vec::new(),
            skipped: None,
        }
    }

    pub(crate) fn add(&mut self, side: SideName, figures: Vec<f64>) {
        self.side(side).push(Some(figures));
    }

    pub(crate) fn failed(&mut self, side: SideName) {
        self.side(side).push(None);
    }

    const fn side(&mut self, side: SideName) -> &mut Figures {
        match side {
            SideName::Ours => &mut self.ours,
            SideName::Bare => &mut self.bare,
            SideName::Tuned => &mut self.tuned,
        }
    }

    fn failures(&self) -> usize {
        let all = self.ours.iter().chain(&self.bare).chain(&self.tuned);
        all.filter(|figures| figures.is_none()).count()
    }

    /// One line a metric; none where ours or bare never worked.
    fn lines(&self) -> Vec<Line> {
        let metrics = self.scenario.metrics().iter().enumerate();
        metrics
            .filter_map(|(at, metric)| self.line(at, *metric))
            .collect()
    }

    fn line(&self, at: usize, metric: Metric) -> Option<Line> {
        let of = |side: &[Option<Vec<f64>>]| -> Vec<Option<f64>> {
            side.iter()
                .map(|figures| figures.as_ref()?.get(at).copied())
                .collect()
        };
        let (ours, bare, tuned) = (of(&self.ours), of(&self.bare), of(&self.tuned));
        let against = |metric: Metric, ours: &[Option<f64>], baseline: &[Option<f64>]| {
            Row::of(self.scenario.name(), metric, ours, baseline)
        };
        let without_hand_over = match metric.has_hand_over {
            true => without_hand_over(&ours, &bare, &tuned),
            false => ours.clone(),
        };
        Some(Line {
            bare: against(metric, &ours, &bare)?,
            tuned: against(metric.against_strict(), &without_hand_over, &tuned),
        })
    }
}

/// Ours less what one hand-over to the application costs: that is the difference of the two baselines, of which the stricter one has none.
fn without_hand_over(
    ours: &[Option<f64>],
    bare: &[Option<f64>],
    tuned: &[Option<f64>],
) -> Vec<Option<f64>> {
    let baselines = bare.iter().zip(tuned);
    let without = ours.iter().zip(baselines).map(|(ours, (bare, tuned))| {
        let hand_over = ((*bare)? - (*tuned)?).max(0.0);
        Some((*ours)? - hand_over)
    });
    without.collect()
}

impl Line {
    /// The last four are those of [`HEADINGS`] again, against tuned.
    const HEADINGS: [&str; 13] = {
        let [
            scenario,
            figure,
            unit,
            ours,
            bare,
            ratio,
            pairs,
            goal,
            verdict,
        ] = HEADINGS;
        [
            scenario, figure, unit, ours, bare, ratio, pairs, goal, verdict, "tuned", pairs, goal,
            verdict,
        ]
    };

    fn is_missed(&self) -> bool {
        self.bare.is_missed() || self.tuned.as_ref().is_some_and(Row::is_missed)
    }

    /// Under [`Self::HEADINGS`].
    fn cells(&self) -> [String; 13] {
        let [
            scenario,
            figure,
            unit,
            ours,
            bare,
            ratio,
            pairs,
            goal,
            verdict,
        ] = self.bare.cells();
        let tuned = self.tuned.as_ref().map(Row::cells).unwrap_or_default();
        let [.., of_tuned, _, to_tuned, strict, strictly] = tuned;
        [
            scenario, figure, unit, ours, bare, ratio, pairs, goal, verdict, of_tuned, to_tuned,
            strict, strictly,
        ]
    }

    fn json(&self) -> Value {
        let mut json = self.bare.json();
        json["against_tuned"] = json!(self.tuned.as_ref().map(|row| row.json_against("tuned")));
        json
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
        self.sections
            .iter()
            .all(|section| section.failures() == 0 && !section.lines().iter().any(Line::is_missed))
    }

    pub(crate) fn print(&self) {
        print::line(&format!(
            "ours: Multiplayer over backend-native; bare: the webrtc crate with the same settings; tuned: the crate with its own \
             64 KiB messages and timers, answering and counting where messages arrive. {} runtime threads. All ends in one process, loopback. Medians (min-max) of {} fresh processes a side, in turns; ratio: ours / bare \
             of the medians, pairs: median of the ratios of neighbours, which is what is judged, first of bare, then of tuned. Of round trips \
             back to back the latter is without one hand-over to the application, which is bare less tuned.",
            self.threads, self.repeat
        ));
        print::line("");
        let sections = self.sections.iter().flat_map(Section::lines);
        let table: Vec<_> = sections.map(|line| line.cells()).collect();
        for line in aligned(Line::HEADINGS, &table) {
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
                "figures": section.lines().iter().map(Line::json).collect::<Vec<_>>(),
                "ours": section.ours,
                "bare": section.bare,
                "tuned": section.tuned,
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
        let lines = section.lines();
        assert_eq!(lines.len(), 1);
        let row = lines[0].json();
        assert_eq!((&row["pairs"], &row["met"]), (&json!(1.0), &json!(true)));
        let ours = json!({"median": 1.0, "min": 1.0, "max": 9.0});
        assert_eq!(row["ours"], ours);
    }

    #[test]
    fn the_stricter_baseline_is_judged_beside_the_other() {
        let mut report = Report::new(1, 2);
        let mut section = section(&[(1.0, 1.0)]);
        section.add(SideName::Tuned, vec![0.5]);
        let cells = section.lines()[0].cells();
        assert_eq!((cells[8].as_str(), cells[12].as_str()), ("good", "MISSED"));
        assert_eq!((cells[6].as_str(), cells[10].as_str()), ("1.00", "2.00"));
        report.sections.push(section);
        assert!(!report.is_met());
    }

    #[test]
    fn one_hand_over_is_not_held_against_a_round_trip() {
        let mut section = Section::new(Scenario::RttReliable);
        for (side, trip) in [
            (SideName::Ours, 150.0),
            (SideName::Bare, 140.0),
            (SideName::Tuned, 100.0),
        ] {
            section.add(side, vec![trip, 1.0]);
        }
        let cells = section.lines()[0].cells();
        assert_eq!((cells[10].as_str(), cells[12].as_str()), ("1.10", "good"));
        section.add(SideName::Ours, vec![170.0, 1.0]);
        section.failed(SideName::Bare);
        section.add(SideName::Tuned, vec![100.0, 1.0]);
        let cells = section.lines()[0].cells();
        assert_eq!(cells[10], "1.10", "what is unknown is left out");
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
}
