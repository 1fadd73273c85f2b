//! The matrix: a row a case, a column a pair of participants.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::libtest::{Case, Verdict};
use crate::outcome::Outcome;

/// What happened to one case in one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", content = "reason", rename_all = "lowercase")]
pub(crate) enum Cell {
    Ok,
    Failed,
    Expected(String),
    /// The column has no such case, or did not run it.
    Missing,
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Ok => "ok".to_owned(),
            Self::Failed => "FAILED".to_owned(),
            Self::Expected(reason) => format!("expected({reason})"),
            Self::Missing => "-".to_owned(),
        }
    }
}

/// A cell with what is said beside its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Entry {
    #[serde(flatten)]
    cell: Cell,
    /// How long the case took.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    /// How it was run, where that is otherwise than a player would.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Entry {
    const MISSING: Self = Self {
        cell: Cell::Missing,
        took_ms: None,
        note: None,
    };

    fn of(case: &Case) -> Self {
        let cell = match &case.verdict {
            Verdict::Ok => Cell::Ok,
            Verdict::Failed => Cell::Failed,
            Verdict::Expected(reason) => Cell::Expected(reason.clone()),
            Verdict::Ignored => Cell::Missing,
        };
        Self {
            cell,
            took_ms: case.took_ms,
            note: case.note.clone(),
        }
    }
}

/// The numbers of one column.
#[derive(Clone, Debug, Serialize)]
struct Column {
    name: String,
    passed: u32,
    failed: u32,
    seconds: f32,
    /// What went wrong beside the cases.
    problems: Vec<String>,
}

/// All columns side by side.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    columns: Vec<Column>,
    /// By case, as many entries as there are columns.
    cases: BTreeMap<String, Vec<Entry>>,
}

impl Matrix {
    /// Puts the outcomes of the columns together.
    pub(crate) fn new(outcomes: &[&Outcome]) -> Self {
        let mut cases: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for (column, outcome) in outcomes.iter().enumerate() {
            for case in &outcome.cases {
                let row = cases
                    .entry(case.name.clone())
                    .or_insert_with(|| vec![Entry::MISSING; outcomes.len()]);
                if let Some(entry) = row.get_mut(column) {
                    *entry = Entry::of(case);
                }
            }
        }
        let columns = outcomes.iter().map(|outcome| Column {
            name: outcome.name.clone(),
            passed: outcome.passed,
            failed: outcome.failed,
            seconds: outcome.took.as_secs_f32(),
            problems: outcome.problems.clone(),
        });
        Self {
            columns: columns.collect(),
            cases,
        }
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let rows = self.rows();
        let count = self.columns.len() + 1;
        let width = |column: usize| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
        };
        let widths: Vec<usize> = (0..count)
            .map(|column| width(column).unwrap_or(0))
            .collect();
        let line = |row: &Vec<String>| {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let notes = self.notes();
        let notes = notes.iter().enumerate();
        let notes = notes.map(|(at, note)| format!("({}) {note}", at + 1));
        let lines = rows.iter().map(line).chain(notes);
        lines.collect::<Vec<_>>().join("\n")
    }

    /// For a page.
    pub(crate) fn markdown(&self) -> String {
        let line = |row: &Vec<String>| {
            let cells = row.iter().map(|cell| cell.replace('|', "\\|"));
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut rows = self.rows().into_iter();
        let mut text = rows.next().map(|head| line(&head)).unwrap_or_default();
        text.push_str(&format!("|{}\n", "---|".repeat(self.columns.len() + 1)));
        rows.for_each(|row| text.push_str(&line(&row)));
        let notes = self.notes();
        for (at, note) in notes.iter().enumerate() {
            text.push_str(&format!("\n({}) {note}\n", at + 1));
        }
        text
    }

    /// For a program: `{"columns": [{"name", "passed", …}], "cases": {case: {column: {"result", "reason", "took_ms", "note"}}}}`.
    pub(crate) fn json(&self) -> Value {
        let names = || self.columns.iter().map(|column| column.name.as_str());
        let cases = self
            .cases
            .iter()
            .map(|(case, cells)| (case, names().zip(cells).collect::<BTreeMap<_, _>>()));
        json!({ "columns": self.columns, "cases": cases.collect::<BTreeMap<_, _>>() })
    }

    /// Writes `matrix.md` and `matrix.json` into `folder`.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("matrix.md"), self.markdown())?;
        fs::write(folder.join("matrix.json"), format!("{:#}\n", self.json()))
    }

    /// Cases that a column lacks without a reason of its own, such as having been stopped or being `partial`.
    pub(crate) fn gaps(&self, partial: &[&str]) -> Vec<String> {
        let mut gaps = Vec::new();
        for (case, cells) in &self.cases {
            let lacking = self.columns.iter().zip(cells);
            let lacking = lacking.filter(|(column, entry)| {
                let excused =
                    !column.problems.is_empty() || partial.contains(&column.name.as_str());
                entry.cell == Cell::Missing && !excused
            });
            gaps.extend(lacking.map(|(column, _)| format!("{} has no case {case}", column.name)));
        }
        gaps
    }

    /// What is said beside verdicts, each once, in the order of the cases.
    fn notes(&self) -> Vec<&str> {
        let mut notes = Vec::new();
        for note in self
            .cases
            .values()
            .flatten()
            .filter_map(|entry| entry.note.as_deref())
        {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    /// Head, one row a case, and the sums.
    fn rows(&self) -> Vec<Vec<String>> {
        let names = self.columns.iter().map(|column| column.name.clone());
        let head = std::iter::once("case".to_owned()).chain(names).collect();
        let notes = self.notes();
        let cases = self.cases.iter().map(|(name, entries)| {
            let cells = entries.iter().map(|entry| {
                let mark = number_of(&notes, entry).map(|number| format!(" ({number})"));
                entry.cell.text() + &mark.unwrap_or_default()
            });
            std::iter::once(name.clone()).chain(cells).collect()
        });
        let sums = self.columns.iter().map(|column| {
            let (passed, failed, seconds) = (column.passed, column.failed, column.seconds);
            format!("{passed} passed, {failed} failed, {seconds:.0} s")
        });
        let foot = std::iter::once("sum".to_owned()).chain(sums).collect();
        std::iter::once(head).chain(cases).chain([foot]).collect()
    }
}

/// The place, from 1, of what is said beside a verdict.
fn number_of(notes: &[&str], entry: &Entry) -> Option<usize> {
    let note = entry.note.as_deref()?;
    notes
        .iter()
        .position(|known| *known == note)
        .map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn column(name: &str, cases: &[(&str, Verdict)]) -> Outcome {
        let failed = cases
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::Failed)
            .count() as u32;
        Outcome {
            name: name.to_owned(),
            took: Duration::from_millis(1500),
            passed: cases.len() as u32 - failed,
            failed,
            problems: Vec::new(),
            cases: cases
                .iter()
                .map(|(name, verdict)| Case::new((*name).to_owned(), verdict.clone()))
                .collect(),
        }
    }

    /// One case that took its time, and something to say of it.
    fn noted() -> Matrix {
        let mut outcome = column("trio", &[("connect", Verdict::Ok), ("leave", Verdict::Ok)]);
        outcome.cases[0].took_ms = Some(1250);
        outcome.cases[0].note = Some("seen through a <window>".to_owned());
        Matrix::new(&[&outcome])
    }

    fn sample() -> Matrix {
        Matrix::new(&[
            &column(
                "mock",
                &[("slow::vanish", Verdict::Ok), ("connect", Verdict::Ok)],
            ),
            &column(
                "native",
                &[
                    ("connect", Verdict::Failed),
                    ("leave", Verdict::Expected("a | b".to_owned())),
                ],
            ),
        ])
    }

    #[test]
    fn every_case_has_a_cell_in_every_column() {
        assert_eq!(
            sample().text(),
            "case          mock                     native\n\
             connect       ok                       FAILED\n\
             leave         -                        expected(a | b)\n\
             slow::vanish  ok                       -\n\
             sum           2 passed, 0 failed, 2 s  1 passed, 1 failed, 2 s"
        );
    }

    #[test]
    fn a_gap_is_named_unless_the_column_has_an_excuse() {
        assert_eq!(
            sample().gaps(&[]),
            ["mock has no case leave", "native has no case slow::vanish"]
        );
        assert_eq!(sample().gaps(&["native"]), ["mock has no case leave"]);
        let mut stopped = column("native", &[]);
        stopped.problems.push("stopped".to_owned());
        assert!(
            Matrix::new(&[&column("mock", &[("connect", Verdict::Ok)]), &stopped])
                .gaps(&[])
                .is_empty()
        );
    }

    #[test]
    fn markdown_keeps_a_bar_in_a_reason() {
        let markdown = sample().markdown();
        assert!(
            markdown.starts_with(
                "| case | mock | native |\n|---|---|---|\n| connect | ok | FAILED |\n"
            ),
            "{markdown}"
        );
        assert!(
            markdown.contains(r"| leave | - | expected(a \| b) |"),
            "{markdown}"
        );
    }

    #[test]
    fn a_note_stands_below_and_is_named_in_its_cells() {
        let text = noted().text();
        assert!(text.contains("connect  ok (1)\nleave    ok\n"), "{text}");
        assert!(text.ends_with("\n(1) seen through a <window>"), "{text}");
        let markdown = noted().markdown();
        assert!(markdown.contains("| connect | ok (1) |"), "{markdown}");
        assert!(
            markdown.ends_with("\n\n(1) seen through a <window>\n"),
            "{markdown}"
        );
        let json = noted().json();
        let (noted, plain) = (
            &json["cases"]["connect"]["trio"],
            &json["cases"]["leave"]["trio"],
        );
        assert_eq!(noted["note"], "seen through a <window>");
        assert_eq!(noted["took_ms"], 1250);
        assert!(plain.get("note").is_none() && plain.get("took_ms").is_none());
    }

    #[test]
    fn json_has_columns_and_cells() {
        let json = sample().json();
        assert_eq!(json["columns"][1]["name"], "native");
        assert_eq!(json["cases"]["connect"]["native"]["result"], "failed");
        assert_eq!(json["cases"]["leave"]["mock"]["result"], "missing");
        assert_eq!(json["cases"]["leave"]["native"]["reason"], "a | b");
    }
}
