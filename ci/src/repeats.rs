//! What many runs of the same columns come to: how steady they are, and how fast.

use std::collections::{BTreeMap, BTreeSet};

use crate::outcome::Outcome;

/// The arguments for libtest that leave the slow group out.
pub(crate) fn fast() -> Vec<String> {
    ["--skip", "slow::"].map(str::to_owned).to_vec()
}

/// What a run of the fast cases is to take at most, in seconds.
const FAST_RUN: f32 = 60.0;

/// A few lines a column; `fast` says that its runs are to stay within a minute.
pub(crate) fn summary(outcomes: &[&Outcome], fast: bool) -> Vec<String> {
    let columns: BTreeSet<&str> = outcomes.iter().map(|outcome| &*outcome.name).collect();
    let of = |column: &str| {
        let runs = outcomes.iter().filter(|outcome| outcome.name == column);
        of_column(column, &runs.copied().collect::<Vec<_>>(), fast)
    };
    columns.into_iter().flat_map(of).collect()
}

fn of_column(column: &str, runs: &[&Outcome], fast: bool) -> Vec<String> {
    let mut failed = 0;
    let mut slowest = 0.0_f32;
    let mut late = Vec::new();
    // What failed, and in which runs.
    let mut failures: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (run, outcome) in (1..).zip(runs) {
        let seconds = outcome.took.as_secs_f32();
        failed += usize::from(outcome.failed > 0);
        slowest = slowest.max(seconds);
        if seconds > FAST_RUN {
            late.push(format!("run {run} took {seconds:.1} s"));
        }
        for failure in outcome.failures() {
            failures.entry(failure).or_default().push(run.to_string());
        }
    }
    let count = runs.len();
    let mut lines = vec![format!(
        "{column}: runs {count}, failed {failed}, slowest {slowest:.1} s"
    )];
    // No failure if it is above: other work on this machine may be why.
    if fast && late.is_empty() {
        lines.push(format!("  the fast cases within {FAST_RUN} s: every run"));
    } else if fast {
        let late = late.join(", ");
        lines.push(format!("  the fast cases ABOVE {FAST_RUN} s: {late}"));
    }
    lines.extend(failures.iter().map(|(failure, of)| {
        let (times, of) = (of.len(), of.join(", "));
        format!("  {failure}: failed in {times} of {count}: run {of}")
    }));
    lines.extend(figures(runs));
    lines
}

/// The longest of each time that the tests have measured.
fn figures(runs: &[&Outcome]) -> Vec<String> {
    let mut times: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for figure in runs.iter().flat_map(|outcome| &outcome.figures) {
        times.entry(&figure.name).or_default().push(figure.took_ms);
    }
    let line = |(name, times): (&str, Vec<u64>)| {
        let (count, most) = (times.len(), times.iter().max()?);
        Some(format!("  {name}: at most {most} ms, {count} times"))
    };
    times.into_iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::results::Figure;

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
        let said = [
            "mock: runs 1, failed 1, slowest 2.0 s",
            "  connect: failed in 1 of 1: run 1",
            "native: runs 3, failed 2, slowest 11.5 s",
            "  connect: failed in 2 of 3: run 2, 3",
        ];
        assert_eq!(summary(&runs, false), said);
    }

    #[test]
    fn the_longest_of_each_time_is_said() {
        let figure = |name: &str, took_ms| Figure {
            name: name.to_owned(),
            took_ms,
        };
        let mut runs = [run("trio", 9.0, Ok(())), run("trio", 9.0, Ok(()))];
        runs[0].figures = vec![figure("a", 7), figure("b", 1)];
        runs[1].figures = vec![figure("a", 9), figure("a", 8)];
        let said = ["  a: at most 9 ms, 3 times", "  b: at most 1 ms, 1 times"];
        assert_eq!(summary(&[&runs[0], &runs[1]], false)[1..], said);
    }

    #[test]
    fn fast_cases_are_held_to_a_minute() {
        let runs = [run("trio", 59.9, Ok(())), run("trio", 60.04, Ok(()))];
        let said = |count| summary(&[&runs[0], &runs[1]][..count], true).remove(1);
        assert_eq!(said(1), "  the fast cases within 60 s: every run");
        assert_eq!(said(2), "  the fast cases ABOVE 60 s: run 2 took 60.0 s");
    }
}
