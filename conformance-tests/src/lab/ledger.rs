//! What has been run so far: printed, and reported as data to `cargo ci`.

use std::cell::RefCell;
use std::io::Write;
use std::time::Duration;

use serde::Serialize;

use super::matrix::Cell;
use super::meet::Met;
use crate::results::{self, Ended, Results, milliseconds};
use crate::{Failure, Outcome};

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub(super) enum Verdict {
    /// As expected.
    Passed,
    /// Otherwise.
    Failed { what: String },
}

impl Verdict {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Ok(()) => Self::Passed,
            // What each player did and saw last comes behind the first line.
            Err(failure) => Self::Failed {
                what: failure.to_string(),
            },
        }
    }
}

/// One cell or one case.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
    pub(super) took: Duration,
    /// What is worth knowing of one that passed.
    pub(super) note: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cell: Option<Cell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) met: Option<Met>,
}

/// Every entry, and what is done with all of them whenever there is one more.
pub(super) struct Ledger<'a> {
    results: Results,
    entries: RefCell<Vec<Entry>>,
    keep: &'a dyn Fn(&[Entry]) -> Outcome,
}

impl<'a> Ledger<'a> {
    /// For so many. A run that is stopped half way has kept what it has seen.
    pub(super) fn new(
        count: usize,
        results: Results,
        keep: &'a dyn Fn(&[Entry]) -> Outcome,
    ) -> Self {
        say(&format!("running {count} tests"));
        Self {
            results,
            entries: RefCell::default(),
            keep,
        }
    }

    /// Enters a cell: what it came to, and whether that is what it should have.
    pub(super) fn cell(&self, cell: Cell, took: Duration, outcome: Outcome<Met>) {
        let (met, outcome) = match outcome {
            Ok(met) => {
                let judged = cell.judge(&met);
                (Some(met), judged)
            }
            Err(failure) => (None, Err(failure)),
        };
        let note = met.as_ref().map(|met| met.how.clone()).unwrap_or_default();
        self.enter(Entry {
            name: cell.name(),
            verdict: Verdict::of(outcome),
            took,
            note,
            cell: Some(cell),
            met,
        });
    }

    /// Enters a case: what it has found, or what is wrong.
    pub(super) fn case(&self, name: &str, took: Duration, outcome: Outcome<String>) {
        let (note, outcome) = match outcome {
            Ok(note) => (note, Ok(())),
            Err(failure) => (first_line(failure.what()), Err(failure)),
        };
        self.enter(Entry {
            name: name.to_owned(),
            verdict: Verdict::of(outcome),
            took,
            note,
            cell: None,
            met: None,
        });
    }

    fn enter(&self, entry: Entry) {
        let Entry {
            name,
            verdict,
            took,
            note,
            ..
        } = &entry;
        let seconds = took.as_secs_f32();
        let verdict = match verdict {
            Verdict::Passed => {
                say(&format!("test {name} ... ok, {seconds:.2} s {note}"));
                results::Verdict::Passed
            }
            Verdict::Failed { what } => {
                say(&format!("test {name} ... FAILED, {seconds:.2} s: {what}"));
                results::Verdict::Failed
            }
        };
        self.results.ended(Ended {
            name,
            verdict,
            took_ms: milliseconds(*took),
            note: Some(&**note).filter(|note| !note.is_empty()),
        });
        let mut entries = self.entries.borrow_mut();
        entries.push(entry);
        if let Err(failure) = (self.keep)(&entries) {
            say(&failure.to_string());
        }
    }

    /// Prints the last line.
    pub(super) fn finish(&self) -> Outcome {
        let entries = self.entries.borrow();
        let failed = entries
            .iter()
            .filter(|entry| matches!(entry.verdict, Verdict::Failed { .. }))
            .count();
        let passed = entries.len() - failed;
        let word = if failed == 0 { "ok" } else { "FAILED" };
        say(&format!(
            "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
        ));
        if failed == 0 {
            Ok(())
        } else {
            Err(Failure::new(format!("{failed} failed")))
        }
    }
}

/// What belongs into a table.
fn first_line(what: &str) -> String {
    const WORDS: usize = 300;
    let line = what.lines().next().unwrap_or_default();
    line.chars().take(WORDS).collect()
}

/// One line; one write, because the guards' children may print, too.
pub(super) fn say(line: &str) {
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}
