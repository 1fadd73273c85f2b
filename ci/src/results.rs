//! What the conformance suite writes of its tests: a line of JSON whenever one has ended, and in columns whenever one begins.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::libtest::{Case, Tally, Verdict};

/// Names the file to the suite.
pub(crate) const VARIABLE: &str = "CONFORMANCE_RESULTS";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begun(String),
    Ended(Case),
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

/// Reads what was written.
pub(crate) fn read(file: &Path) -> Tally {
    tally(&fs::read_to_string(file).unwrap_or_default())
}

/// A test that has begun and not ended has failed: it has panicked, or the program has died in it.
fn tally(written: &str) -> Tally {
    let mut tally = Tally::default();
    let mut begun: Vec<String> = Vec::new();
    for line in written.lines() {
        match serde_json::from_str(line) {
            Ok(Line::Begun(name)) => begun.push(name),
            Ok(Line::Ended(case)) => {
                begun.retain(|name| *name != case.name);
                tally.cases.push(case);
            }
            Err(error) => {
                let sentence = format!("a result is not understood ({error}): {line}");
                tally.unfinished.push(sentence);
            }
        }
    }
    let died = begun.into_iter();
    tally
        .cases
        .extend(died.map(|name| Case::new(name, Verdict::Failed)));
    let failed = |case: &&Case| case.verdict == Verdict::Failed;
    tally.failed = tally.cases.iter().filter(failed).count() as u32;
    tally.passed = tally.cases.len() as u32 - tally.failed;
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_test_that_has_begun_or_ended() {
        let tally = tally(
            r#"{"begun":"a"}
{"begun":"b"}
{"ended":{"name":"b","verdict":"expected","reason":"known","took_ms":7}}
{"ended":{"name":"a","verdict":"failed","took_ms":1,"note":"seen"}}
{"begun":"c"}
{"ended":{"name":"c","verdict":"passed","took_ms":1}}"#,
        );
        assert_eq!((tally.passed, tally.failed), (2, 1));
        let [b, a, c] = &tally.cases[..] else {
            panic!("{tally:?}");
        };
        assert_eq!(b.verdict, Verdict::Expected("known".to_owned()));
        assert_eq!((b.took_ms, a.note.as_deref()), (Some(7), Some("seen")));
        assert_eq!((&a.verdict, &c.verdict), (&Verdict::Failed, &Verdict::Ok));
    }

    #[test]
    fn a_test_that_has_not_ended_has_failed() {
        let tally = tally("{\"begun\":\"a\"}\n");
        assert_eq!((tally.passed, tally.failed), (0, 1));
        assert_eq!(tally.cases, [Case::new("a".to_owned(), Verdict::Failed)]);
    }

    #[test]
    fn half_a_line_is_a_problem() {
        assert_eq!(tally("{\"begun\":\"a").unfinished.len(), 1);
        assert_eq!(tally(""), Tally::default());
    }

    #[test]
    fn what_an_earlier_run_has_written_is_forgotten() {
        let folder = std::env::temp_dir().join(format!("ci-results-{}", std::process::id()));
        let file = folder.join("deep/mock");
        forget(&file).unwrap();
        fs::write(&file, "{\"begun\":\"a\"}").unwrap();
        assert_eq!(read(&file).failed, 1);
        forget(&file).unwrap();
        assert_eq!(read(&file), Tally::default());
        fs::remove_dir_all(folder).unwrap();
    }
}
