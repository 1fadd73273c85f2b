//! What the conformance suite writes of its tests: a line of JSON whenever one has ended, and in columns whenever one begins.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

/// Names the file to the suite.
pub(crate) const VARIABLE: &str = "CONFORMANCE_RESULTS";

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "reason")]
pub(crate) enum Verdict {
    Passed,
    Failed,
    /// It failed as its expectation says, for this reason, and counts as passed.
    Expected(String),
    /// It needs something that is not here, and counts as nothing.
    NotRun(String),
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

/// A time that a test has measured, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) took_ms: u64,
}

/// What a run of tests came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed, expected failures included.
    pub(crate) passed: u32,
    /// Tests that failed, and problems.
    pub(crate) failed: u32,
    /// The tests that are known by name.
    pub(crate) cases: Vec<Case>,
    pub(crate) figures: Vec<Figure>,
    /// What else went wrong, one sentence each.
    pub(crate) problems: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begun(String),
    Ended(Case),
    Figure(Figure),
}

/// Forgets what an earlier run has written.
pub(crate) fn forget(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Reads what was written, beside what is known to have gone wrong.
pub(crate) fn read(file: &Path, problems: Vec<String>) -> Tally {
    tally(&fs::read_to_string(file).unwrap_or_default(), problems)
}

/// A test that has begun and not ended has failed: it has panicked, or the program has died in it.
fn tally(written: &str, problems: Vec<String>) -> Tally {
    let mut tally = Tally {
        problems,
        ..Tally::default()
    };
    let mut begun: Vec<String> = Vec::new();
    for line in written.lines() {
        match serde_json::from_str(line) {
            Ok(Line::Begun(name)) => begun.push(name),
            Ok(Line::Ended(case)) => {
                begun.retain(|name| *name != case.name);
                tally.cases.push(case);
            }
            Ok(Line::Figure(figure)) => tally.figures.push(figure),
            Err(error) => {
                let sentence = format!("a result is not understood ({error}): {line}");
                tally.problems.push(sentence);
            }
        }
    }
    let died = begun.into_iter();
    let died = died.map(|name| Case::new(name, Verdict::Failed));
    tally.cases.extend(died);
    let count = |is: fn(&Case) -> bool| tally.cases.iter().filter(|case| is(case)).count();
    let failed = count(|case| case.verdict == Verdict::Failed);
    let not_run = count(|case| matches!(case.verdict, Verdict::NotRun(_)));
    tally.passed = (tally.cases.len() - failed - not_run) as u32;
    tally.failed = (failed + tally.problems.len()) as u32;
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(written: &str) -> Tally {
        super::tally(written, Vec::new())
    }

    #[test]
    fn a_figure_is_no_test() {
        let tally = tally("{\"figure\":{\"name\":\"a\",\"took_ms\":7}}\n");
        let name = "a".to_owned();
        assert_eq!(tally.figures, [Figure { name, took_ms: 7 }]);
        assert_eq!((tally.passed, tally.failed), (0, 0));
    }

    #[test]
    fn a_line_is_a_test_that_has_begun_or_ended() {
        let tally = tally(
            r#"{"begun":"a"}
{"begun":"b"}
{"ended":{"name":"b","verdict":"expected","reason":"known","took_ms":7}}
{"ended":{"name":"a","verdict":"failed","took_ms":1,"note":"seen"}}
{"begun":"c"}
{"ended":{"name":"c","verdict":"passed","took_ms":1}}
{"ended":{"name":"d","verdict":"not_run","reason":"no relay","took_ms":1}}"#,
        );
        assert_eq!((tally.passed, tally.failed), (2, 1));
        let [b, a, c, d] = &tally.cases[..] else {
            panic!("{tally:?}");
        };
        assert_eq!(b.verdict, Verdict::Expected("known".to_owned()));
        assert_eq!(d.verdict, Verdict::NotRun("no relay".to_owned()));
        assert_eq!((b.took_ms, a.note.as_deref()), (Some(7), Some("seen")));
        assert_eq!(
            (&a.verdict, &c.verdict),
            (&Verdict::Failed, &Verdict::Passed)
        );
    }

    #[test]
    fn a_test_that_has_not_ended_has_failed() {
        let tally = tally("{\"begun\":\"a\"}\n");
        assert_eq!((tally.passed, tally.failed), (0, 1));
        assert_eq!(tally.cases, [Case::new("a".to_owned(), Verdict::Failed)]);
        assert_eq!(super::tally("{\"begun\":\"a", Vec::new()).failed, 1);
    }

    #[test]
    fn what_an_earlier_run_has_written_is_forgotten() {
        let folder = std::env::temp_dir().join(format!("ci-results-{}", std::process::id()));
        let file = folder.join("deep/mock");
        forget(&file).unwrap();
        fs::write(&file, "{\"begun\":\"a\"}").unwrap();
        let problems = vec!["not compiled".to_owned()];
        assert_eq!(read(&file, problems).failed, 2);
        forget(&file).unwrap();
        assert_eq!(read(&file, Vec::new()), Tally::default());
        fs::remove_dir_all(folder).unwrap();
    }
}
