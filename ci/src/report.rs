//! Gathers outcomes and says at the end what they come to.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::matrix::Matrix;
use crate::outcome::Outcome;
use crate::print::say;
use crate::repeats;

/// The outcomes of a run so far.
#[derive(Debug)]
pub(crate) struct Report {
    begun: Instant,
    outcomes: Vec<Outcome>,
}

impl Report {
    /// Nothing yet; the clock starts.
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            outcomes: Vec::new(),
        }
    }

    /// Adds a check, a gate or a test stage.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    /// Prints the matrix of the columns and writes it into `folder`; a gap in it is a failure, but in the `partial` columns.
    pub(crate) fn matrix(&mut self, folder: &Path, partial: &[&str]) {
        let matrix = Matrix::new(self.columns());
        say!("\n{}", matrix.markdown());
        let full = Outcome::check("matrix is full", || {
            let written = matrix.write(folder);
            let folder = folder.display();
            written.map_err(|error| format!("cannot write to {folder}: {error}"))?;
            say!("[ci] written: matrix.md and matrix.json in {folder}");
            matrix.has_no_gaps(partial)
        });
        self.add(full);
    }

    /// Says how steady and how fast the columns were, where they are repeats of few.
    pub(crate) fn say_repeats(&self, fast: bool) {
        say!("");
        for line in repeats::summary(&self.columns(), fast) {
            say!("[ci] {line}");
        }
    }

    /// Prints the seconds of every stage, everything that failed, and last the line with the two sums.
    pub(crate) fn finish(self) -> ExitCode {
        say!("\n[ci] seconds  passed  failed  stage");
        for outcome in &self.outcomes {
            let seconds = outcome.took.as_secs_f32();
            say!(
                "[ci] {seconds:7.1}  {:6}  {:6}  {}",
                outcome.passed,
                outcome.failed,
                outcome.name
            );
        }
        let seconds = self.begun.elapsed().as_secs_f32();
        let sum = |count: fn(&Outcome) -> u32| self.outcomes.iter().map(count).sum::<u32>();
        let (passed, failed) = (sum(|it| it.passed), sum(|it| it.failed));
        say!("[ci] {seconds:7.1}  {passed:6}  {failed:6}  all");
        for outcome in self.outcomes.iter().filter(|outcome| outcome.failed > 0) {
            say!("\n[ci] FAILED: {}", outcome.name);
            outcome.say_failures();
        }
        say!("\n{passed} passed, {failed} failed");
        if failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn columns(&self) -> Vec<&Outcome> {
        let outcomes = self.outcomes.iter();
        outcomes.filter(|outcome| outcome.is_column).collect()
    }
}
