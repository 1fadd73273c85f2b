//! What a stage came to, in the numbers of the last line.

use std::time::{Duration, Instant};

use crate::print::say;
use crate::results::{Case, Figure, Tally, Verdict};
use crate::run::Ending;

/// The result of one stage or gate.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The name of the stage, of the column where it is one.
    pub(crate) name: String,
    pub(crate) took: Duration,
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    /// Whether it goes to the matrix.
    pub(crate) is_column: bool,
    /// What went wrong, one line each.
    pub(crate) problems: Vec<String>,
    /// The tests of the stage that are known by name; none for a check.
    pub(crate) cases: Vec<Case>,
    /// What the tests of the stage have measured.
    pub(crate) figures: Vec<Figure>,
}

impl Outcome {
    /// Does a check and says what it came to: one passed, or one failed with a reason of one or more lines.
    pub(crate) fn check(name: &str, check: impl FnOnce() -> Result<(), String>) -> Self {
        let begun = Instant::now();
        let result = check();
        let outcome = Self::of_check(name, begun.elapsed(), result);
        outcome.say();
        outcome
    }

    /// A check that has been done.
    pub(crate) fn of_check(name: &str, took: Duration, result: Result<(), String>) -> Self {
        let mut outcome = Self {
            name: name.to_owned(),
            took,
            ..Self::default()
        };
        match result {
            Ok(()) => outcome.passed = 1,
            Err(reason) => outcome.fail(reason),
        }
        outcome
    }

    /// Something that this machine does not allow: neither passed nor failed, said here and in the list.
    pub(crate) fn not_run(name: &str, why: &str) -> Self {
        let outcome = Self {
            name: format!("{name}: not run: {why}"),
            ..Self::default()
        };
        outcome.say();
        outcome
    }

    /// A command that runs tests, each of which counts, and so does everything that kept tests from being run.
    pub(crate) fn of_tests(name: &str, took: Duration, ending: &Ending, tally: Tally) -> Self {
        let mut outcome = Self {
            name: name.to_owned(),
            took,
            passed: tally.passed,
            failed: tally.failed,
            problems: tally.problems,
            cases: tally.cases,
            figures: tally.figures,
            ..Self::default()
        };
        let is_explained = matches!(ending, Ending::Exited(_)) && outcome.failed > 0;
        match ending.result() {
            Ok(()) if outcome.passed + outcome.failed == 0 => {
                outcome.fail("no test was run".to_owned());
            }
            Err(why) if !is_explained => outcome.fail(why),
            Ok(()) | Err(_) => {}
        }
        outcome
    }

    /// A column of the matrix.
    pub(crate) fn column(self) -> Self {
        Self {
            is_column: true,
            ..self
        }
    }

    /// Adds the command's own first complaint to a failure that no test explains.
    pub(crate) fn explain(&mut self, complaint: Option<String>) {
        if !self.problems.is_empty() {
            self.problems.extend(complaint);
        }
    }

    /// Prints the result in one line, and a line for each thing that went wrong.
    pub(crate) fn say(&self) {
        let (name, seconds) = (&self.name, self.took.as_secs_f32());
        let (passed, failed) = (self.passed, self.failed);
        match (passed, failed) {
            (0 | 1, 0) => say!("[ci] {name}: ok, {seconds:.1} s"),
            (_, 0) => say!("[ci] {name}: ok, {passed} passed, {seconds:.1} s"),
            _ => say!("[ci] {name}: FAILED, {passed} passed, {failed} failed, {seconds:.1} s"),
        }
        self.say_failures();
    }

    /// Prints what failed, a line each, or several below one another.
    pub(crate) fn say_failures(&self) {
        let lines = self.failures().flat_map(str::lines);
        lines.for_each(|line| say!("[ci]   {line}"));
    }

    /// Everything that failed, by name or in a sentence.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &str> {
        let cases = self.cases.iter();
        let failed = cases.filter(|case| case.verdict == Verdict::Failed);
        let problems = self.problems.iter().map(String::as_str);
        failed.map(|case| case.name.as_str()).chain(problems)
    }

    fn fail(&mut self, problem: String) {
        self.failed += 1;
        self.problems.push(problem);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests(ending: &Ending, passed: u32, failed: u32) -> (u32, u32, usize) {
        let tally = Tally {
            passed,
            failed,
            ..Tally::default()
        };
        let outcome = Outcome::of_tests("unit", Duration::ZERO, ending, tally);
        (outcome.passed, outcome.failed, outcome.problems.len())
    }

    #[test]
    fn tests_count_one_by_one() {
        assert_eq!(tests(&Ending::Exited(Some(0)), 7, 0), (7, 0, 0));
        assert_eq!(tests(&Ending::Exited(Some(101)), 6, 1), (6, 1, 0));
    }

    #[test]
    fn what_keeps_tests_from_running_is_a_failure() {
        assert_eq!(tests(&Ending::Exited(Some(0)), 0, 0), (0, 1, 1));
        assert_eq!(tests(&Ending::Exited(Some(101)), 5, 0), (5, 1, 1));
        assert_eq!(tests(&Ending::TimedOut, 5, 0), (5, 1, 1));
        let gone = Ending::NotStarted("gone".to_owned());
        assert_eq!(tests(&gone, 0, 0), (0, 1, 1));
    }

    #[test]
    fn only_a_failure_without_a_name_is_explained() {
        let complaint = || Some("error: no such target".to_owned());
        let why = Err("ended with code 101".to_owned());
        let mut unnamed = Outcome::of_check("docs", Duration::ZERO, why);
        unnamed.explain(complaint());
        assert_eq!((unnamed.failed, unnamed.problems.len()), (1, 2));
        let tally = Tally {
            failed: 1,
            ..Tally::default()
        };
        let ending = Ending::Exited(Some(101));
        let mut named = Outcome::of_tests("unit", Duration::ZERO, &ending, tally);
        named.explain(complaint());
        assert_eq!((named.failed, named.problems.len()), (1, 0));
    }
}
