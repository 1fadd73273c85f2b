//! Counts what libtest prints (cargo test, rustdoc, and wasm-bindgen's runner, which imitates it), line by line.
//!
//! The numbers are those of the lines `running` and `test result:`, and the names those of the list of failures: a process
//! that a test starts can garble any other line.

use crate::results::{Case, Tally, Verdict};

/// Fed with lines, yields a [`Tally`] whose cases are those that failed.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// Tests that were to be run.
    announced: u32,
    passed: u32,
    failed: u32,
    ignored: u32,
    /// Tests of the suite that have said why they cannot be run here.
    not_run: u32,
    /// The names in the list of failures that is being read. There are two lists, and what tests printed is in the first.
    listed: Option<Vec<String>>,
    failures: Vec<String>,
    /// What rustc or rustdoc refused to compile, one sentence each.
    not_compiled: Vec<String>,
}

impl Parser {
    /// Takes the next line, without its end.
    pub(crate) fn line(&mut self, line: &str) {
        let says_why = |(what, _): (&str, &str)| what.contains("::");
        let not_run = line.strip_prefix("not run: ");
        if not_run
            .and_then(|rest| rest.split_once(": "))
            .is_some_and(says_why)
        {
            self.not_run += 1;
        } else if let Some(what) = line.strip_prefix("error: could not compile ") {
            let what = what.split(" due to ").next().unwrap_or(what);
            self.not_compiled.push(format!("could not compile {what}"));
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            self.ignored += count(counts, "ignored");
            self.failures.extend(self.listed.take().unwrap_or_default());
        } else if line == "failures:" {
            self.listed = Some(Vec::new());
        } else if let Some(listed) = &mut self.listed {
            listed.extend(line.strip_prefix("    ").map(str::to_owned));
        } else {
            self.announced += announced(line).unwrap_or(0);
        }
    }

    /// What was not compiled, where the tests are counted otherwise.
    pub(crate) fn not_compiled(self) -> Vec<String> {
        self.not_compiled
    }

    /// Ends the reading.
    pub(crate) fn finish(self) -> Tally {
        let mut problems = self.not_compiled;
        let ended = self.passed + self.failed + self.ignored;
        if self.announced > ended {
            let lost = self.announced - ended;
            problems.push(format!("a program ended in the middle, with {lost} tests"));
        }
        let ignored = self.ignored.saturating_sub(self.not_run);
        if ignored > 0 {
            problems.push(format!("{ignored} ignored: every test is to be run"));
        }
        let failures = self.failures.into_iter();
        Tally {
            passed: self.passed,
            failed: self.failed + problems.len() as u32,
            cases: failures
                .map(|name| Case::new(name, Verdict::Failed))
                .collect(),
            problems,
            ..Tally::default()
        }
    }
}

/// `running 12 tests`.
fn announced(line: &str) -> Option<u32> {
    let rest = line.strip_prefix("running ")?;
    let count = rest.strip_suffix('s').unwrap_or(rest);
    count.strip_suffix(" test")?.parse().ok()
}

/// The number before a word of the result.
fn count(counts: &str, word: &str) -> u32 {
    let mut parts = counts.split(['.', ';']);
    let found = parts.find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok());
    found.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(printed: &str) -> (u32, u32, Vec<String>, Vec<String>) {
        let mut parser = Parser::default();
        printed.lines().for_each(|line| parser.line(line));
        let tally = parser.finish();
        let cases = tally.cases.into_iter().map(|case| case.name);
        (tally.passed, tally.failed, cases.collect(), tally.problems)
    }

    #[test]
    fn several_programs_are_added_up_and_failures_have_names() {
        let (passed, failed, names, problems) = parse(
            "     Running tests/a.rs\n\nrunning 3 tests\ntest slow::a ... hello\nok\nlistening ontest b ... ok\n\
             test c ... FAILED\n\nfailures:\n\n---- c stdout ----\n    forged\nrunning 9 tests\n\n\
             failures:\n    c\n\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n\n\
             running 1 test\n    test of ours\ntest d ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored\n",
        );
        assert_eq!((passed, failed), (3, 1));
        assert_eq!((names, problems), (vec!["c".to_owned()], vec![]));
    }

    #[test]
    fn a_program_that_dies_is_seen() {
        let died =
            parse("running 3 tests\ntest a ... ok\n\nrunning 1 test\ntest result: ok. 1 passed");
        let problem = "a program ended in the middle, with 3 tests".to_owned();
        assert_eq!(died, (1, 1, vec![], vec![problem]));
    }

    #[test]
    fn what_was_not_run_is_a_failure() {
        let ignored = parse("running 2 tests\ntest result: ok. 1 passed; 0 failed; 1 ignored");
        assert_eq!((ignored.0, ignored.1, ignored.3.len()), (1, 1, 1));
        let said = parse(
            "running 2 tests\nnot run: mock::a: no sockets\ntest result: ok. 1 passed; 0 failed; 1 ignored",
        );
        assert_eq!((said.0, said.1, said.3.len()), (1, 0, 0));
        let refused = "error: could not compile `sample` (test \"x\") due to 1 previous error";
        let problem = "could not compile `sample` (test \"x\")".to_owned();
        assert_eq!(parse(refused), (0, 1, vec![], vec![problem]));
    }
}
