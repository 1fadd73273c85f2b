//! What a stage came to, in the numbers of the last line.

use std::time::Duration;

use crate::libtest::{Case, Tally, Verdict};
use crate::print::say;
use crate::run::Ending;

/// The result of one stage or gate.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The name of the stage, of the column where it is one.
    pub(crate) name: String,
    pub(crate) took: Duration,
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    /// What went wrong, one line each.
    pub(crate) problems: Vec<String>,
    /// The tests of the stage; none for a check.
    pub(crate) cases: Vec<Case>,
}

impl Outcome {
    /// A check done in this process: one passed, or one failed with a reason of one or more lines.
    pub(crate) fn of_check(name: &str, took: Duration, result: Result<(), String>) -> Self {
        let mut outcome = Self {
            name: name.to_owned(),
            took,
            passed: 0,
            failed: 0,
            problems: Vec::new(),
            cases: Vec::new(),
        };
        match result {
            Ok(()) => outcome.passed = 1,
            Err(reason) => outcome.fail(reason),
        }
        outcome
    }

    /// Something that this machine does not allow: neither passed nor failed, and said in the list.
    pub(crate) fn not_run(name: &str, took: Duration, why: &str) -> Self {
        Self {
            name: format!("{name}: not run: {why}"),
            took,
            passed: 0,
            failed: 0,
            problems: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// A command that counts as one.
    pub(crate) fn of_command(name: &str, took: Duration, ending: &Ending) -> Self {
        let result = if ending.is_success() {
            Ok(())
        } else {
            Err(ending.to_string())
        };
        Self::of_check(name, took, result)
    }

    /// A command that runs tests, each of which counts, and so does everything that kept tests from being run.
    pub(crate) fn of_tests(name: &str, took: Duration, ending: &Ending, tally: Tally) -> Self {
        let mut outcome = Self {
            name: name.to_owned(),
            took,
            passed: tally.passed,
            failed: tally.failed,
            problems: Vec::new(),
            cases: tally.cases,
        };
        match ending {
            Ending::TimedOut | Ending::Stopped | Ending::NotStarted(_) => {
                outcome.fail(ending.to_string());
            }
            Ending::Exited(_) => tally
                .unfinished
                .into_iter()
                .for_each(|what| outcome.fail(what)),
        }
        tally
            .not_compiled
            .into_iter()
            .for_each(|what| outcome.fail(what));
        if tally.ignored > 0 {
            outcome.failed += tally.ignored;
            outcome.problems.push(format!(
                "{} ignored: every test is run or does not exist",
                tally.ignored
            ));
        }
        match ending {
            Ending::Exited(Some(0)) if outcome.passed + outcome.failed == 0 => {
                outcome.fail("no test was run".to_owned())
            }
            Ending::Exited(code) if *code != Some(0) && outcome.failed == 0 => {
                outcome.fail(ending.to_string())
            }
            Ending::Exited(_) | Ending::TimedOut | Ending::Stopped | Ending::NotStarted(_) => {}
        }
        outcome
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
        if self.failed == 0 && self.cases.is_empty() {
            say!("[ci] {name}: ok, {seconds:.1} s");
            return;
        }
        if self.failed == 0 {
            say!("[ci] {name}: ok, {} passed, {seconds:.1} s", self.passed);
            return;
        }
        say!(
            "[ci] {name}: FAILED, {} passed, {} failed, {seconds:.1} s",
            self.passed,
            self.failed
        );
        self.say_failures();
    }

    /// Prints what failed, a line each, or several below one another.
    pub(crate) fn say_failures(&self) {
        let lines = self.failures().flat_map(str::lines);
        lines.for_each(|line| say!("[ci]   {line}"));
    }

    /// Everything that failed, by name or in a sentence.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &str> {
        let failed = self
            .cases
            .iter()
            .filter(|case| case.verdict == Verdict::Failed);
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

    fn tests(ending: &Ending, tally: Tally) -> (u32, u32, Vec<String>) {
        let outcome = Outcome::of_tests("unit", Duration::ZERO, ending, tally);
        (outcome.passed, outcome.failed, outcome.problems)
    }

    fn tally(passed: u32, failed: u32) -> Tally {
        Tally {
            passed,
            failed,
            ..Tally::default()
        }
    }

    #[test]
    fn tests_count_one_by_one() {
        assert_eq!(tests(&Ending::Exited(Some(0)), tally(7, 0)), (7, 0, vec![]));
        assert_eq!(
            tests(&Ending::Exited(Some(101)), tally(6, 1)),
            (6, 1, vec![])
        );
    }

    #[test]
    fn what_keeps_tests_from_running_is_a_failure() {
        let not_compiled = Tally {
            not_compiled: vec!["could not compile `x`".to_owned()],
            ..tally(5, 2)
        };
        assert_eq!(
            tests(&Ending::Exited(Some(101)), not_compiled),
            (5, 3, vec!["could not compile `x`".to_owned()])
        );
        let died = Tally {
            unfinished: vec!["ended in the middle".to_owned()],
            ..tally(5, 0)
        };
        assert_eq!(tests(&Ending::Exited(Some(101)), died).1, 1);
        assert_eq!(tests(&Ending::Exited(Some(101)), tally(5, 0)).1, 1);
        assert_eq!(
            tests(&Ending::NotStarted("gone".to_owned()), tally(0, 0)).1,
            1
        );
    }

    #[test]
    fn a_stage_stopped_by_its_bound_fails_once_and_keeps_what_it_had() {
        let stopped = Tally {
            unfinished: vec!["ended in the middle".to_owned()],
            ..tally(5, 0)
        };
        let (passed, failed, problems) = tests(&Ending::TimedOut, stopped);
        assert_eq!((passed, failed, problems.len()), (5, 1, 1));
    }

    #[test]
    fn nothing_run_and_nothing_ignored_pass_for_success() {
        assert_eq!(tests(&Ending::Exited(Some(0)), tally(0, 0)).1, 1);
        let ignored = Tally {
            ignored: 2,
            ..tally(3, 0)
        };
        assert_eq!(tests(&Ending::Exited(Some(0)), ignored).1, 2);
    }

    #[test]
    fn a_check_counts_as_one() {
        let failed = Outcome::of_command("fmt", Duration::ZERO, &Ending::Exited(Some(1)));
        assert_eq!(
            (failed.passed, failed.failed, failed.problems.len()),
            (0, 1, 1)
        );
        let passed = Outcome::of_command("fmt", Duration::ZERO, &Ending::Exited(Some(0)));
        assert_eq!((passed.passed, passed.failed), (1, 0));
    }

    #[test]
    fn only_a_failure_without_a_name_is_explained() {
        let complaint = || Some("error: no such target".to_owned());
        let mut unnamed = Outcome::of_command("docs", Duration::ZERO, &Ending::Exited(Some(101)));
        unnamed.explain(complaint());
        assert_eq!((unnamed.failed, unnamed.problems.len()), (1, 2));
        let mut named = Outcome::of_tests(
            "unit",
            Duration::ZERO,
            &Ending::Exited(Some(101)),
            tally(5, 1),
        );
        named.explain(complaint());
        assert_eq!((named.failed, named.problems.len()), (1, 0));
    }
}
