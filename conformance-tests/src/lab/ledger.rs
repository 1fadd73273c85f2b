//! What has been run so far, printed as libtest prints it, so that `cargo ci` counts it.

use std::cell::RefCell;
use std::io::Write;
use std::time::Duration;

use serde::Serialize;

use super::known;
use super::matrix::Cell;
use super::meet::Met;
use crate::{Failure, Outcome};

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub(super) enum Verdict {
    /// As expected.
    Passed,
    /// As a known difference says, with its reason.
    KnownDifference { reason: String },
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
    entries: RefCell<Vec<Entry>>,
    keep: &'a dyn Fn(&[Entry]) -> Outcome,
}

impl<'a> Ledger<'a> {
    /// For so many. A run that is stopped half way has kept what it has seen.
    pub(super) fn new(count: usize, keep: &'a dyn Fn(&[Entry]) -> Outcome) -> Self {
        say(&format!("running {count} tests"));
        Self {
            entries: RefCell::default(),
            keep,
        }
    }

    /// Enters a cell: what it came to, and whether that is what it should have.
    pub(super) fn cell(&self, cell: Cell, took: Duration, outcome: Outcome<Met>) {
        // A meeting that did not take place is no difference that anybody knows.
        let (met, verdict) = match outcome {
            Ok(met) => {
                let judged = cell.judge(&met);
                let verdict = verdict(&cell.name(), judged, known::of_cell(&cell));
                (Some(met), verdict)
            }
            Err(failure) => (None, Verdict::of(Err(failure))),
        };
        let note = met.as_ref().map(|met| met.how.clone()).unwrap_or_default();
        self.enter(Entry {
            name: cell.name(),
            verdict,
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
        let Entry { name, verdict, .. } = &entry;
        let (seconds, short) = (entry.took.as_secs_f32(), name.rsplit("::").next());
        let short = short.unwrap_or(name);
        match verdict {
            Verdict::Passed => say(&format!("test {name} ... ok")),
            Verdict::KnownDifference { reason } => {
                say(&format!("test {name} ... ok"));
                say(&format!("expected failure: natlab::{short}: {reason}"));
            }
            Verdict::Failed { what } => {
                say(&format!("test {name} ... FAILED"));
                say(&format!("figures: {what}"));
            }
        }
        say(&format!("took: natlab::{short}: {seconds:.2} s"));
        if !entry.note.is_empty() {
            say(&format!("note: natlab::{short}: {}", entry.note));
        }
        let mut entries = self.entries.borrow_mut();
        entries.push(entry);
        if let Err(failure) = (self.keep)(&entries) {
            say(&format!("figures: {failure}"));
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

/// A known difference turns a failure into one that is expected, and a pass into a failure.
fn verdict(name: &str, outcome: Outcome, known: Option<&known::Known>) -> Verdict {
    match (outcome, known) {
        (outcome, None) => Verdict::of(outcome),
        (Err(failure), Some(known)) if !failure.what().contains(known.shows) => {
            Verdict::of(Err(failure))
        }
        (Err(_), Some(known)) => Verdict::KnownDifference {
            reason: known.reason.to_owned(),
        },
        (Ok(()), Some(known)) if known.sometimes => Verdict::Passed,
        (Ok(()), Some(known)) => Verdict::Failed {
            what: format!(
                "{name} passes, and is listed as failing because {}: take it out of the list",
                known.reason
            ),
        },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_difference_turns_the_verdict_round() {
        let known = known::Known {
            reason: "of a fault",
            shows: "no route",
            sometimes: false,
        };
        let failure = |what: &str| Err(Failure::new(what));
        let failed = |verdict| matches!(verdict, Verdict::Failed { .. });
        assert_eq!(verdict("x", Ok(()), None), Verdict::Passed);
        assert!(failed(verdict("x", failure("no route"), None)));
        assert!(failed(verdict("x", failure("no puppet"), Some(&known))));
        assert!(failed(verdict("x", Ok(()), Some(&known))));
        let expected = verdict("x", failure("no route"), Some(&known));
        assert!(matches!(expected, Verdict::KnownDifference { .. }));
    }
}
