//! Reads what libtest prints (cargo test, rustdoc, and wasm-bindgen's runner, which imitates it), line by line.
//!
//! The `test result:` line is the authority for the counts, because a process started by a test can garble single lines
//! with output of its own. The single lines give the names.

use std::collections::BTreeMap;

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It passed.
    Ok,
    /// It failed.
    Failed,
    /// It failed as its expectation says, for this reason; libtest counts it as passed.
    Expected(String),
    /// It was not run.
    Ignored,
}

/// One test with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: String,
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
    expected: BTreeMap<String, String>,
    took_ms: BTreeMap<String, u64>,
    notes: BTreeMap<String, String>,
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
            let (own, remark) = apart(line);
            if let Some(remark) = remark {
                self.remark(remark);
            }
            self.line_of_binary(own);
        }
    }

    /// Ends the reading.
    pub(crate) fn finish(mut self) -> Tally {
        self.end_unfinished();
        for case in &mut self.tally.cases {
            // A remark names the case alone, libtest puts the module before it.
            let name = case.name.rsplit("::").next().unwrap_or(&case.name);
            case.took_ms = self.took_ms.remove(name);
            case.note = self.notes.remove(name);
            if case.verdict != Verdict::Ok {
                continue;
            }
            if let Some(reason) = self.expected.remove(name) {
                case.verdict = Verdict::Expected(reason);
            }
        }
        self.tally
    }

    fn remark(&mut self, remark: Remark<'_>) {
        let (case, words) = (remark.case.to_owned(), remark.words.to_owned());
        match remark.kind {
            "expected failure" => drop(self.expected.insert(case, words)),
            "note" => drop(self.notes.insert(case, words)),
            "took" => drop(milliseconds(&words).map(|took| self.took_ms.insert(case, took))),
            _ => {}
        }
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

/// What a conformance case prints of itself, as `KIND: COLUMN::CASE: WORDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Remark<'a> {
    kind: &'static str,
    case: &'a str,
    words: &'a str,
}

/// `expected failure`, that it failed as its expectation says, and why; `took`, its seconds; `note`, how it was run.
const REMARKS: [&str; 3] = ["expected failure", "took", "note"];

/// How a line begins that a case prints for a reader alone.
const FIGURES: &str = "figures: ";

/// What is libtest's own of a line, and what a case has printed behind it. libtest writes a line in pieces, so a case of another
/// thread may come in behind the name as well as behind the verdict.
fn apart(line: &str) -> (&str, Option<Remark<'_>>) {
    for kind in REMARKS {
        for (at, _) in line.match_indices(kind) {
            let (before, behind) = line.split_at(at);
            let remark = behind.strip_prefix(kind).and_then(|rest| {
                let (_, rest) = rest.strip_prefix(": ")?.split_once("::")?;
                let (case, words) = rest.split_once(": ")?;
                let words = words.trim();
                (!words.is_empty()).then_some(Remark { kind, case, words })
            });
            if remark.is_some() && is_libtest(before) {
                return (before, remark);
            }
        }
    }
    match line.split_once(FIGURES) {
        Some((before, _)) if is_libtest(before) => (before, None),
        _ => (line, None),
    }
}

/// Whether libtest may have written so much of a line.
fn is_libtest(begun: &str) -> bool {
    let last = begun.rsplit(" ... ").next().unwrap_or(begun);
    last.is_empty() || verdict_of(last).is_some()
}

/// `1.25 s` as 1250.
fn milliseconds(took: &str) -> Option<u64> {
    let seconds: f64 = took.strip_suffix(" s")?.parse().ok()?;
    let span = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(span.as_millis()).ok()
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
    fn reads_passed_failed_ignored_and_expected() {
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
                case(
                    "slow::vanish",
                    Verdict::Expected("firefox sends no close".to_owned())
                ),
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
    fn a_failed_case_stays_failed_whatever_was_expected() {
        let tally = parse(
            "running 1 test\nexpected failure: mock::a: known\ntest a ... FAILED\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored",
        );
        assert_eq!(tally.cases, [case("a", Verdict::Failed)]);
    }

    #[test]
    fn what_a_test_prints_within_its_line_does_not_hide_its_verdict() {
        let tally = parse(
            "running 2 tests\ntest slow::a ... expected failure: native::a: known\nok\ntest b ... hello\nFAILED\n\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        let known = Verdict::Expected("known".to_owned());
        assert_eq!(
            tally.cases,
            [case("slow::a", known), case("b", Verdict::Failed)]
        );
    }

    #[test]
    fn a_remark_has_a_case_and_words_and_stands_alone_or_behind_libtest() {
        let (own, remark) = apart("expected failure: chromium::a: no close: known");
        let known = Remark {
            kind: "expected failure",
            case: "a",
            words: "no close: known",
        };
        assert_eq!((own, remark), ("", Some(known)));
        for line in [
            "expected failure: chromium::a: ",
            "expected failure: a: b",
            "expected a",
            "he said: expected failure: chromium::a: known",
            "test a_case_that_took: its::time: at_last ... ok",
        ] {
            assert_eq!(apart(line), (line, None));
        }
    }

    #[test]
    fn what_another_thread_prints_behind_a_verdict_does_not_hide_it() {
        let tally = parse(
            "running 3 tests\ntest a ... oktook: native::b: 1.00 s\n\ntest b ... figures: of b\nokfigures: of c\n\n\
             test c ... FAILEDnote: native::c: seen\n\ntest result: FAILED. 2 passed; 1 failed; 0 ignored",
        );
        let [mut b, mut c] = [case("b", Verdict::Ok), case("c", Verdict::Failed)];
        b.took_ms = Some(1000);
        c.note = Some("seen".to_owned());
        assert_eq!(tally.cases, [case("a", Verdict::Ok), b, c]);
    }

    #[test]
    fn seconds_and_a_note_belong_to_their_case() {
        let tally = parse(
            "running 2 tests\ntook: trio::a: 1.25 s\nnote: trio::a: with: a view\ntest slow::a ... ok\n\
             test b ... took: trio::b: soon\nok\n\ntest result: ok. 2 passed; 0 failed; 0 ignored",
        );
        let first = Case {
            took_ms: Some(1250),
            note: Some("with: a view".to_owned()),
            ..case("slow::a", Verdict::Ok)
        };
        assert_eq!(tally.cases, [first, case("b", Verdict::Ok)]);
    }
}
