//! One figure of both contestants, as a line of the table and for programs.

use serde_json::{Value, json};

use crate::goal::{Metric, Verdict};
use crate::stats::{Spread, median};

/// The columns of [`Row::cells`].
pub const HEADINGS: [&str; 9] = [
    "scenario", "figure", "unit", "ours", "bare", "ratio", "pairs", "goal", "",
];

/// One line of the table.
pub struct Row {
    scenario: String,
    metric: Metric,
    ours: Spread,
    bare: Spread,
    ratio: f64,
    /// The median of the ratios of neighbours, which is what is judged.
    pairs: f64,
    verdict: Option<Verdict>,
}

impl Row {
    /// Of what each repetition gave, in the same order for both; `None` stands for one that failed. `None` where a side never
    /// worked.
    #[must_use]
    pub fn of(
        scenario: String,
        metric: Metric,
        ours: &[Option<f64>],
        bare: &[Option<f64>],
    ) -> Option<Self> {
        let ratios: Vec<f64> = ours
            .iter()
            .zip(bare)
            .filter_map(|(ours, bare)| Some((*ours)? / (*bare)?))
            .collect();
        let spread =
            |side: &[Option<f64>]| Spread::of(&side.iter().copied().flatten().collect::<Vec<_>>());
        let (ours, bare) = (spread(ours)?, spread(bare)?);
        let pairs = median(&ratios)?;
        Some(Self {
            scenario,
            metric,
            ours,
            bare,
            ratio: ours.median / bare.median,
            pairs,
            verdict: metric.goal.judge(ours.median, pairs),
        })
    }

    /// Whether what is required is missed.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.verdict == Some(Verdict::Missed)
    }

    /// Under [`HEADINGS`].
    #[must_use]
    pub fn cells(&self) -> [String; 9] {
        [
            self.scenario.clone(),
            self.metric.name.to_owned(),
            self.metric.unit.to_owned(),
            spread(self.ours),
            spread(self.bare),
            format!("{:.2}", self.ratio),
            format!("{:.2}", self.pairs),
            self.metric.goal.describe(),
            Verdict::word(self.verdict).to_owned(),
        ]
    }

    /// All of it.
    #[must_use]
    pub fn json(&self) -> Value {
        self.json_against("bare")
    }

    /// The same, where the baseline has another name.
    #[must_use]
    pub fn json_against(&self, baseline: &str) -> Value {
        let spread =
            |spread: Spread| json!({"median": spread.median, "min": spread.min, "max": spread.max});
        json!({
            "figure": self.metric.name,
            "unit": self.metric.unit,
            "ours": spread(self.ours),
            baseline: spread(self.bare),
            "ratio": self.ratio,
            "pairs": self.pairs,
            "goal": self.metric.goal.describe(),
            "met": self.verdict.map(|verdict| verdict != Verdict::Missed),
        })
    }
}

/// "median (least-most)".
#[must_use]
pub fn spread(spread: Spread) -> String {
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

/// The lines of a table; columns are as wide as their widest cell.
#[must_use]
pub fn aligned<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let headings = headings.map(str::to_owned);
    let all = || std::iter::once(&headings).chain(rows);
    let width = |column: usize| all().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    all()
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

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(
            [1234.5, 123.45, 12.345, 1.2345, 0.12345].map(figure),
            ["1234", "123", "12.3", "1.23", "0.123"]
        );
    }

    #[test]
    fn columns_are_aligned() {
        let row = ["longer".to_owned(), "1".to_owned()];
        assert_eq!(aligned(["a", "b"], &[row]), ["a       b", "longer  1"]);
    }
}
