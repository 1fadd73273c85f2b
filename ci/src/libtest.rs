//! Reads what libtest prints (cargo test, rustdoc, and wasm-bindgen's runner, which imitates it), line by line.
//!
//! The `test result:` line is the authority for the counts, because a process started by a test can garble single lines
//! with output of its own. The single lines give the names.

use serde::Deserialize;

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "reason")]
pub(crate) enum Verdict {
    /// It passed.
    #[serde(rename = "passed")]
    Ok,
    /// It failed.
    Failed,
    /// It failed as its expectation says, for this reason, and counts as passed.
    Expected(String),
    /// It was not run.
    #[serde(skip)]
    Ignored,
}

/// One test with its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    /// How long it took, in milliseconds, if it has said so.
    pub(crate) took_ms: Option<u64>,
    /// What it has said of the way it was run.
    pub(crate) note: Option<String>,
}

impl Case {
    pub(crate) const fn new(name: String, verdict: Verdict) -> Self {
        Self {
            name,
            verdict,
            took_ms: None,
            note: None,
        }
    }
}

/// What a whole run of one or several test binaries came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed, expected failures included.
    pub(crate) passed: u32,
    /// Tests that failed.
    pub(crate) failed: u32,
    /// Tests that were not run.
    pub(crate) ignored: u32,
    /// Every test whose line could be read.
    pub(crate) cases: Vec<Case>,
    /// Test binaries that started and never said `test result:`, one sentence each.
    pub(crate) unfinished: Vec<String>,
    /// What rustc or rustdoc refused to compile, one sentence each.
    pub(crate) not_compiled: Vec<String>,
}

/// The binary that is being read.
#[derive(Debug)]
struct Binary {
    announced: u32,
    /// Where its tests begin in `Parser::cases`.
    first_case: usize,
    /// A test whose name was printed and whose verdict was not: libtest with one thread prints in two steps.
    pending: Option<String>,
    /// Past the list of tests come the captured outputs, which may look like anything.
    listing: bool,
}

/// Fed with lines, yields a [`Tally`].
#[derive(Debug, Default)]
pub(crate) struct Parser {
    tally: Tally,
    binary: Option<Binary>,
}

impl Parser {
    /// Takes the next line, without its end.
    pub(crate) fn line(&mut self, line: &str) {
        if let Some(what) = line.strip_prefix("error: could not compile ") {
            let what = what.split(" due to ").next().unwrap_or(what);
            self.tally
                .not_compiled
                .push(format!("could not compile {what}"));
        } else if let Some(announced) = announcement(line) {
            self.end_unfinished();
            self.binary = Some(Binary {
                announced,
                first_case: self.tally.cases.len(),
                pending: None,
                listing: true,
            });
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            self.end_finished(counts);
        } else {
            self.line_of_binary(line);
        }
    }

    /// Ends the reading.
    pub(crate) fn finish(mut self) -> Tally {
        self.end_unfinished();
        self.tally
    }

    fn line_of_binary(&mut self, line: &str) {
        let Some(binary) = self.binary.as_mut().filter(|binary| binary.listing) else {
            return;
        };
        if line == "failures:" || line == "successes:" {
            binary.listing = false;
            return;
        }
        if let Some(verdict) = verdict_of(line)
            && let Some(name) = binary.pending.take()
        {
            self.tally.cases.push(Case::new(name, verdict));
            return;
        }
        let Some(rest) = line.strip_prefix("test ") else {
            return;
        };
        // The name of a doc test may hold anything, so the last separator counts.
        let Some((name, verdict)) = rest.rsplit_once(" ... ") else {
            return;
        };
        let name = name.trim_end();
        let name = name
            .strip_suffix(" - should panic")
            .unwrap_or(name)
            .to_owned();
        match verdict_of(verdict) {
            Some(verdict) => {
                binary.pending = None;
                self.tally.cases.push(Case::new(name, verdict));
            }
            None => binary.pending = Some(name),
        }
    }

    fn end_finished(&mut self, counts: &str) {
        self.binary = None;
        let count = |word: &str| {
            counts
                .split(['.', ';'])
                .find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u32>().ok())
                .unwrap_or(0)
        };
        self.tally.passed += count("passed");
        self.tally.failed += count("failed");
        self.tally.ignored += count("ignored");
    }

    fn end_unfinished(&mut self) {
        let Some(binary) = self.binary.take() else {
            return;
        };
        let seen = self.tally.cases.get(binary.first_case..).unwrap_or(&[]);
        let of =
            |verdict: Verdict| seen.iter().filter(|case| case.verdict == verdict).count() as u32;
        let (passed, failed, ignored) =
            (of(Verdict::Ok), of(Verdict::Failed), of(Verdict::Ignored));
        let mut sentence = format!(
            "ended in the middle, after {} of {} tests",
            seen.len(),
            binary.announced
        );
        if let Some(name) = binary.pending {
            sentence.push_str(&format!(", within {name}"));
            self.tally.cases.push(Case::new(name, Verdict::Failed));
        }
        self.tally.passed += passed;
        self.tally.failed += failed;
        self.tally.ignored += ignored;
        self.tally.unfinished.push(sentence);
    }
}

/// `running 12 tests`.
fn announcement(line: &str) -> Option<u32> {
    let rest = line.strip_prefix("running ")?;
    let count = rest
        .strip_suffix(" tests")
        .or_else(|| rest.strip_suffix(" test"))?;
    count.parse().ok()
}

/// The word after the dots, where it is one; a time like `<0.012s>` may follow.
fn verdict_of(word: &str) -> Option<Verdict> {
    let word = word.split(" <").next().unwrap_or(word).trim();
    match word {
        "ok" => Some(Verdict::Ok),
        "FAILED" | "FAIL" => Some(Verdict::Failed),
        "ignored" | "ignore" => Some(Verdict::Ignored),
        _ if word.starts_with("ignored, ") => Some(Verdict::Ignored),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(captured: &str) -> Tally {
        let mut parser = Parser::default();
        captured.lines().for_each(|line| parser.line(line));
        parser.finish()
    }

    fn case(name: &str, verdict: Verdict) -> Case {
        Case::new(name.to_owned(), verdict)
    }

    #[test]
    fn reads_passed_failed_and_ignored() {
        let tally = parse(include_str!("captured/mixed.txt"));
        assert_eq!((tally.passed, tally.failed, tally.ignored), (3, 1, 2));
        assert_eq!(
            tally.cases,
            [
                case("connects", Verdict::Ok),
                case("panics", Verdict::Ok),
                case("skipped", Verdict::Ignored),
                case("skipped_plain", Verdict::Ignored),
                case("slow::broken", Verdict::Failed),
                case("slow::vanish", Verdict::Ok),
            ]
        );
        assert!(tally.unfinished.is_empty() && tally.not_compiled.is_empty());
    }

    #[test]
    fn a_process_that_dies_is_seen() {
        let tally = parse(include_str!("captured/abort.txt"));
        assert_eq!((tally.passed, tally.failed), (2, 0));
        assert_eq!(
            tally.unfinished,
            ["ended in the middle, after 2 of 3 tests"]
        );
    }

    #[test]
    fn with_one_thread_the_test_that_died_has_a_name() {
        let tally = parse(include_str!("captured/abort-one-thread.txt"));
        assert_eq!((tally.passed, tally.failed), (1, 0));
        assert_eq!(
            tally.unfinished,
            ["ended in the middle, after 1 of 3 tests, within b_aborts"]
        );
        assert!(tally.cases.contains(&case("b_aborts", Verdict::Failed)));
    }

    #[test]
    fn a_compile_error_names_what_it_stopped() {
        let tally = parse(include_str!("captured/compile-error.txt"));
        assert_eq!(
            tally.not_compiled,
            ["could not compile `sample` (test \"compile\")"]
        );
        assert_eq!((tally.passed, tally.failed, tally.cases.len()), (0, 0, 0));
    }

    #[test]
    fn doc_tests_come_as_two_binaries() {
        let tally = parse(include_str!("captured/doc.txt"));
        assert_eq!((tally.passed, tally.failed, tally.ignored), (2, 1, 1));
        assert!(
            tally
                .cases
                .contains(&case("src/lib.rs - (line 10)", Verdict::Failed))
        );
        assert!(
            tally
                .cases
                .contains(&case("src/lib.rs - (line 4) - compile fail", Verdict::Ok))
        );
    }

    #[test]
    fn captured_output_of_a_test_counts_for_nothing() {
        let tally = parse(
            "running 1 test\ntest a ... FAILED\n\nfailures:\n\n---- a stdout ----\ntest forged ... ok\n\n\
             failures:\n    a\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n",
        );
        assert_eq!(tally.cases, [case("a", Verdict::Failed)]);
    }

    #[test]
    fn garbled_lines_do_not_change_the_counts() {
        let tally = parse(
            "running 2 tests\nlistening ontest a ... ok\ntest b ... ok\n\ntest result: ok. 2 passed; 0 failed; 0 ignored",
        );
        assert_eq!((tally.passed, tally.cases.len()), (2, 1));
    }

    #[test]
    fn what_a_test_prints_within_its_line_does_not_hide_its_verdict() {
        let tally = parse(
            "running 2 tests\ntest slow::a ... hello\nok\ntest b        ... FAILED\n\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        let cases = [case("slow::a", Verdict::Ok), case("b", Verdict::Failed)];
        assert_eq!(tally.cases, cases);
    }
}
