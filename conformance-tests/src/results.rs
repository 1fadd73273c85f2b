//! What became of each test, as data for `cargo ci`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// Names the file that gets a line of JSON whenever a test has ended, and in columns whenever one begins.
const VARIABLE: &str = "CONFORMANCE_RESULTS";

/// Where the lines go; nowhere, if nobody has asked for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results(Option<Arc<Mutex<File>>>);

/// One line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    /// A test that begins and does not end has taken the program with it, or has panicked.
    Begun(&'a str),
    Ended(Ended<'a>),
    Figure(Figure<'a>),
}

/// A time that a test has measured.
#[derive(Debug, Serialize)]
struct Figure<'a> {
    name: &'a str,
    took_ms: u64,
}

/// Writes down a time that a test has measured.
pub(crate) fn figure(name: &str, took: Duration) {
    let took_ms = milliseconds(took);
    // A file that cannot be written has failed the run before.
    if let Ok(results) = Results::from_environment() {
        results.write(&Line::Figure(Figure { name, took_ms }));
    }
}

/// What became of a test.
#[derive(Debug, Serialize)]
pub(crate) struct Ended<'a> {
    pub(crate) name: &'a str,
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    pub(crate) took_ms: u64,
    /// What has to be said beside the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<&'a str>,
}

/// How a test has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "reason")]
pub(crate) enum Verdict {
    /// As it should.
    Passed,
    /// Otherwise.
    Failed,
    /// Otherwise, as is known and for this reason.
    Expected(&'static str),
    /// Not at all: it needs something that is not here.
    NotRun(&'static str),
}

impl Results {
    /// Goes where the environment says.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn from_environment() -> std::io::Result<Self> {
        let Some(path) = std::env::var_os(VARIABLE) else {
            return Ok(Self::default());
        };
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Some(Arc::new(Mutex::new(file)))))
    }

    /// A test begins.
    pub(crate) fn begun(&self, name: &str) {
        self.write(&Line::Begun(name));
    }

    /// A test has ended.
    pub(crate) fn ended(&self, ended: Ended<'_>) {
        self.write(&Line::Ended(ended));
    }

    fn write(&self, line: &Line<'_>) {
        let Some(file) = &self.0 else { return };
        let Ok(mut text) = serde_json::to_string(line) else {
            return;
        };
        text.push('\n');
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever reads the file misses a line that could not be written.
        let _full = file.write_all(text.as_bytes());
    }
}

/// Milliseconds, as they are reported.
pub(crate) fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_became_of_a_test() {
        let ended = |verdict, note| Ended {
            name: "slow::a",
            verdict,
            took_ms: 7,
            note,
        };
        let written = |line| serde_json::to_string(&line).unwrap();
        assert_eq!(written(Line::Begun("a")), r#"{"begun":"a"}"#);
        let (name, took_ms) = ("a", 7);
        assert_eq!(
            written(Line::Figure(Figure { name, took_ms })),
            r#"{"figure":{"name":"a","took_ms":7}}"#
        );
        assert_eq!(
            written(Line::Ended(ended(Verdict::Expected("known"), None))),
            r#"{"ended":{"name":"slow::a","verdict":"expected","reason":"known","took_ms":7}}"#
        );
        assert_eq!(
            written(Line::Ended(ended(Verdict::NotRun("no sockets"), None))),
            r#"{"ended":{"name":"slow::a","verdict":"not_run","reason":"no sockets","took_ms":7}}"#
        );
        assert_eq!(
            written(Line::Ended(ended(Verdict::Passed, Some("seen")))),
            r#"{"ended":{"name":"slow::a","verdict":"passed","took_ms":7,"note":"seen"}}"#
        );
    }
}
