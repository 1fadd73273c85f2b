//! The matrix: a row a case, a column a pair of participants.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::outcome::Outcome;
use crate::results::{Case, Verdict};

/// All columns side by side.
#[derive(Debug)]
pub(crate) struct Matrix<'a> {
    columns: Vec<&'a Outcome>,
    /// By case, as many cells as there are columns; `None` where the column has no such case, or did not run it.
    cases: BTreeMap<&'a str, Vec<Option<&'a Case>>>,
}

impl<'a> Matrix<'a> {
    /// Puts the outcomes of the columns together.
    pub(crate) fn new(columns: Vec<&'a Outcome>) -> Self {
        let mut cases: BTreeMap<&str, Vec<Option<&Case>>> = BTreeMap::new();
        for (at, column) in columns.iter().enumerate() {
            for case in &column.cases {
                let cells = cases.entry(&case.name).or_default();
                cells.resize(columns.len(), None);
                cells[at] = Some(case);
            }
        }
        Self { columns, cases }
    }

    /// For a page, and padded for a terminal.
    pub(crate) fn markdown(&self) -> String {
        let notes = self.notes();
        let mut rows = self.rows(&notes);
        rows.insert(1, vec!["---".to_owned(); self.columns.len() + 1]);
        let length = |row: &Vec<String>, at: usize| row.get(at).map_or(0, |it| it.chars().count());
        let width = |at| rows.iter().map(|row| length(row, at)).max().unwrap_or(0);
        let widths: Vec<usize> = (0..=self.columns.len()).map(width).collect();
        let mut text = String::new();
        for row in &rows {
            for (cell, &width) in row.iter().zip(&widths) {
                text.push_str(&format!("| {cell:width$} "));
            }
            text.push_str("|\n");
        }
        for (at, note) in notes.iter().enumerate() {
            text.push_str(&format!("\n({}) {note}\n", at + 1));
        }
        text
    }

    /// For a program: `{"columns": [{"name", "passed", …}], "cases": {case: {column: {"result", "reason", "took_ms", "note"}}}}`.
    pub(crate) fn json(&self) -> Value {
        let columns = self.columns.iter().map(|column| {
            json!({
                "name": column.name,
                "passed": column.passed,
                "failed": column.failed,
                "seconds": column.took.as_secs_f32(),
                // What went wrong beside the cases.
                "problems": column.problems,
            })
        });
        let cases = self.cases.iter().map(|(case, cells)| {
            let names = self.columns.iter().map(|column| &column.name);
            let cells = cells.iter().map(|cell| json(*cell));
            (case, names.zip(cells).collect::<BTreeMap<_, _>>())
        });
        let columns: Vec<Value> = columns.collect();
        json!({ "columns": columns, "cases": cases.collect::<BTreeMap<_, _>>() })
    }

    /// Writes `matrix.md` and `matrix.json` into `folder`.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("matrix.md"), self.markdown())?;
        fs::write(folder.join("matrix.json"), format!("{:#}\n", self.json()))
    }

    /// Names the cases that a column lacks without a reason of its own, such as having been stopped or being `partial`.
    pub(crate) fn has_no_gaps(&self, partial: &[&str]) -> Result<(), String> {
        let mut gaps = Vec::new();
        for (case, cells) in &self.cases {
            for (column, cell) in self.columns.iter().zip(cells) {
                let name = column.name.as_str();
                let is_excused = !column.problems.is_empty() || partial.contains(&name);
                if cell.is_none() && !is_excused {
                    gaps.push(format!("{name} has no case {case}"));
                }
            }
        }
        if gaps.is_empty() {
            Ok(())
        } else {
            Err(gaps.join("\n"))
        }
    }

    /// What is said beside verdicts, each once, in the order of the cases.
    fn notes(&self) -> Vec<&str> {
        let mut notes = Vec::new();
        let cells = self.cases.values().flatten().flatten();
        for note in cells.filter_map(|case| case.note.as_deref()) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    /// Head, one row a case, and the sums.
    fn rows(&self, notes: &[&str]) -> Vec<Vec<String>> {
        let row = |first: &str, rest: &mut dyn Iterator<Item = String>| {
            std::iter::once(first.to_owned()).chain(rest).collect()
        };
        let columns = || self.columns.iter();
        let mut rows = vec![row(
            "case",
            &mut columns().map(|column| column.name.clone()),
        )];
        for (name, cells) in &self.cases {
            rows.push(row(name, &mut cells.iter().map(|cell| text(*cell, notes))));
        }
        let sum = |column: &&Outcome| {
            let (passed, failed, seconds) =
                (column.passed, column.failed, column.took.as_secs_f32());
            format!("{passed} passed, {failed} failed, {seconds:.0} s")
        };
        rows.push(row("sum", &mut columns().map(sum)));
        rows
    }
}

/// A cell for a program.
fn json(case: Option<&Case>) -> Value {
    let Some(case) = case else {
        return json!({ "result": "missing" });
    };
    let mut cell = match &case.verdict {
        Verdict::Passed => json!({ "result": "ok" }),
        Verdict::Failed => json!({ "result": "failed" }),
        Verdict::Expected(reason) => json!({ "result": "expected", "reason": reason }),
        Verdict::NotRun(reason) => json!({ "result": "not run", "reason": reason }),
    };
    if let Some(took) = case.took_ms {
        cell["took_ms"] = took.into();
    }
    if let Some(note) = &case.note {
        cell["note"] = note.as_str().into();
    }
    cell
}

/// A cell of the table; what is said of the case has its number among all `notes`, from 1.
fn text(case: Option<&Case>, notes: &[&str]) -> String {
    let Some(case) = case else {
        return "-".to_owned();
    };
    let verdict = match &case.verdict {
        Verdict::Passed => "ok".to_owned(),
        Verdict::Failed => "FAILED".to_owned(),
        Verdict::Expected(reason) => format!("expected({})", reason.replace('|', "\\|")),
        Verdict::NotRun(reason) => format!("not run({})", reason.replace('|', "\\|")),
    };
    let note = case.note.as_deref();
    match notes.iter().position(|it| Some(*it) == note) {
        Some(at) => format!("{verdict} ({})", at + 1),
        None => verdict,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    fn column(name: &str, cases: &[(&str, Verdict)]) -> Outcome {
        let case =
            |(name, verdict): &(&str, Verdict)| Case::new((*name).to_owned(), verdict.clone());
        Outcome {
            name: name.to_owned(),
            took: Duration::from_millis(1500),
            passed: 2,
            failed: 1,
            cases: cases.iter().map(case).collect(),
            ..Outcome::default()
        }
    }

    fn sample() -> [Outcome; 2] {
        let mock = [
            ("slow::vanish", Verdict::Passed),
            ("connect", Verdict::Passed),
        ];
        let expected = Verdict::Expected("a | b".to_owned());
        let native = [("connect", Verdict::Failed), ("leave", expected)];
        [column("mock", &mock), column("native", &native)]
    }

    fn matrix(columns: &[Outcome]) -> Matrix<'_> {
        Matrix::new(columns.iter().collect())
    }

    #[test]
    fn every_case_has_a_cell_in_every_column() {
        let padded = matrix(&sample()).markdown();
        let markdown: Vec<String> = padded.lines().map(|line| line.replace(' ', "")).collect();
        assert_eq!(
            markdown,
            [
                "|case|mock|native|",
                "|---|---|---|",
                "|connect|ok|FAILED|",
                r"|leave|-|expected(a\|b)|",
                "|slow::vanish|ok|-|",
                "|sum|2passed,1failed,2s|2passed,1failed,2s|",
            ]
        );
        let widths: BTreeSet<usize> = padded.lines().map(str::len).collect();
        assert_eq!(widths.len(), 1, "{padded}");
    }

    #[test]
    fn a_gap_is_named_unless_the_column_has_an_excuse() {
        let columns = sample();
        let gap = |partial| matrix(&columns).has_no_gaps(partial).unwrap_err();
        let both = "mock has no case leave\nnative has no case slow::vanish";
        assert_eq!(gap(&[]), both);
        assert_eq!(gap(&["native"]), "mock has no case leave");
        let mut stopped = column("native", &[]);
        stopped.problems.push("stopped".to_owned());
        let mock = column("mock", &[("connect", Verdict::Passed)]);
        assert_eq!(matrix(&[mock, stopped]).has_no_gaps(&[]), Ok(()));
    }

    #[test]
    fn a_note_stands_below_and_is_named_in_its_cells() {
        let mut outcome = column(
            "trio",
            &[("connect", Verdict::Passed), ("leave", Verdict::Passed)],
        );
        outcome.cases[0].took_ms = Some(1250);
        outcome.cases[0].note = Some("seen through a <window>".to_owned());
        let columns = [outcome];
        let matrix = matrix(&columns);
        let markdown = matrix.markdown();
        assert!(markdown.contains("| connect | ok (1) "), "{markdown}");
        let note = "|\n\n(1) seen through a <window>\n";
        assert!(markdown.ends_with(note), "{markdown}");
        let json = matrix.json();
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
        let json = matrix(&sample()).json();
        assert_eq!(json["columns"][1]["name"], "native");
        assert_eq!(json["cases"]["connect"]["native"]["result"], "failed");
        assert_eq!(json["cases"]["leave"]["mock"]["result"], "missing");
        assert_eq!(json["cases"]["leave"]["native"]["reason"], "a | b");
    }
}
