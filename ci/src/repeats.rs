//! What many runs of the same columns come to: how steady they are, and how fast.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::outcome::Outcome;

/// The arguments for libtest that leave the slow group out.
const FAST: [&str; 2] = ["--skip", "slow::"];

/// The same, as arguments.
pub(crate) fn fast() -> Vec<String> {
    FAST.map(str::to_owned).to_vec()
}

/// What a run of the fast cases is to take at most.
const FAST_RUN: Duration = Duration::from_secs(60);

/// Whether these arguments for libtest leave the slow group out.
pub(crate) fn is_fast(libtest: &[String]) -> bool {
    let skips = libtest.windows(2).any(|words| words == FAST);
    skips || libtest.contains(&FAST.join("="))
}

/// The runs of one column.
#[derive(Default)]
struct Runs<'a> {
    took: Vec<Duration>,
    failed: usize,
    /// What failed, and in which runs, counted from 1.
    failures: BTreeMap<&'a str, Vec<usize>>,
}

/// A few lines a column; `fast` says that they are to stay within a minute.
pub(crate) fn summary(outcomes: &[&Outcome], fast: bool) -> Vec<String> {
    let mut columns: BTreeMap<&str, Runs<'_>> = BTreeMap::new();
    for outcome in outcomes {
        let runs = columns.entry(&outcome.name).or_default();
        runs.took.push(outcome.took);
        runs.failed += usize::from(outcome.failed > 0);
        for failure in outcome.failures() {
            let of = runs.failures.entry(failure).or_default();
            of.push(runs.took.len());
        }
    }
    columns
        .iter()
        .flat_map(|(column, runs)| runs.lines(column, fast))
        .collect()
}

impl Runs<'_> {
    fn lines(&self, column: &str, fast: bool) -> Vec<String> {
        let count = self.took.len();
        let slowest = self.took.iter().max().copied().unwrap_or_default();
        let plural = if count == 1 { "" } else { "s" };
        let mut lines = vec![format!(
            "{column}: {count} run{plural}, {} failed, slowest {:.1} s",
            self.failed,
            slowest.as_secs_f32()
        )];
        if fast {
            lines.push(self.pace());
        }
        for (failure, of) in &self.failures {
            let runs: Vec<String> = of.iter().map(usize::to_string).collect();
            let (times, runs) = (of.len(), runs.join(", "));
            lines.push(format!(
                "  {failure}: failed in {times} of {count}: run {runs}"
            ));
        }
        lines
    }

    /// Whether every run stayed within its minute. No failure if not: other work on this machine may be why.
    fn pace(&self) -> String {
        let late: Vec<String> = (1..)
            .zip(&self.took)
            .filter(|(_, took)| **took > FAST_RUN)
            .map(|(run, took)| format!("run {run} took {:.1} s", took.as_secs_f32()))
            .collect();
        let limit = FAST_RUN.as_secs();
        if late.is_empty() {
            return format!("  the fast cases within {limit} s: every run");
        }
        format!("  the fast cases ABOVE {limit} s: {}", late.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(column: &str, seconds: f32, result: Result<(), String>) -> Outcome {
        Outcome::of_check(column, Duration::from_secs_f32(seconds), result)
    }

    #[test]
    fn each_column_has_its_runs_its_failures_and_its_slowest() {
        let no = || Err("connect".to_owned());
        let runs = [
            run("native", 9.0, Ok(())),
            run("mock", 2.0, no()),
            run("native", 11.52, no()),
            run("native", 10.0, no()),
        ];
        let runs: Vec<&Outcome> = runs.iter().collect();
        assert_eq!(
            summary(&runs, false),
            [
                "mock: 1 run, 1 failed, slowest 2.0 s",
                "  connect: failed in 1 of 1: run 1",
                "native: 3 runs, 2 failed, slowest 11.5 s",
                "  connect: failed in 2 of 3: run 2, 3",
            ]
        );
    }

    #[test]
    fn fast_cases_are_held_to_a_minute() {
        let runs = [run("trio", 59.9, Ok(())), run("trio", 60.04, Ok(()))];
        assert_eq!(
            summary(&[&runs[0]], true)[1],
            "  the fast cases within 60 s: every run"
        );
        assert_eq!(
            summary(&[&runs[0], &runs[1]], true)[1],
            "  the fast cases ABOVE 60 s: run 2 took 60.0 s"
        );
    }

    #[test]
    fn only_without_the_slow_group_is_a_run_fast() {
        let fast = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            is_fast(&words)
        };
        assert!(fast(&FAST) && fast(&["a", "--skip", "slow::"]) && fast(&["--skip=slow::"]));
        assert!(!fast(&[]) && !fast(&["--skip", "loss", "slow::"]) && !fast(&["slow::"]));
    }
}
