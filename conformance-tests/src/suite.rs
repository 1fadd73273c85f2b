//! A column as a test program: libtest's command line, and a test for each case of the list.

use std::cmp::Reverse;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::cases::health;
use crate::expectations::expectation;
use crate::list::{Case, cases};
use crate::results::{Ended, Results, Verdict, milliseconds};
use crate::runner::tell;
use crate::{Failure, Outcome};

/// How many tests run at once, as libtest's own programs read it.
const THREADS: &str = "RUST_TEST_THREADS";

/// Plays a case in the way of a column.
type Play = dyn Fn(&Case) -> Outcome + Send + Sync;

/// What has to be said of a case beside its verdict.
type Note = dyn Fn(&Case) -> Option<&'static str>;

/// Runs those of `cases` that the command line asks for.
pub(crate) fn run(
    column: &'static str,
    cases: impl IntoIterator<Item = Case>,
    play: Arc<Play>,
    note: &Note,
) -> ExitCode {
    let mut cases: Vec<Case> = cases.into_iter().collect();
    // The longest begin first: what is left at the end then runs beside others, and not alone.
    cases.sort_by_key(|case| Reverse(case.deadline));
    let checks = cases.into_iter().map(|case| {
        let (name, note, play) = (case.full_name(), note(&case), Arc::clone(&play));
        let judge = move || judge(column, &case, play(&case));
        Check {
            name,
            note,
            run: Box::new(judge),
        }
    });
    run_checks(checks)
}

/// A test of a program, and what has to be said of it.
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) note: Option<&'static str>,
    pub(crate) run: Box<dyn FnOnce() -> Outcome<Verdict> + Send>,
}

/// Runs those that the command line asks for, and writes down what becomes of them.
pub(crate) fn run_checks(checks: impl IntoIterator<Item = Check>) -> ExitCode {
    let results = match Results::from_environment() {
        Ok(results) => results,
        Err(error) => {
            tell(format_args!("the results cannot be written: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let mut arguments = Arguments::from_args();
    let threads = std::env::var(THREADS).ok();
    let threads = threads.and_then(|count| count.parse().ok());
    arguments.test_threads = arguments.test_threads.or(threads);
    let trials = checks
        .into_iter()
        .map(|check| trial(check, results.clone()));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Every case of the list that has so many participants at least.
pub(crate) fn cases_of(participants: u32) -> impl Iterator<Item = Case> {
    let all = cases().into_iter();
    all.filter(move |case| case.participants >= participants)
        .map(hidden_for_longer)
}

/// More time for the case of a hidden tab, if it is hidden for longer than in every run. The tab's own timers, on which the case then
/// waits a few times, ring once a minute.
fn hidden_for_longer(mut case: Case) -> Case {
    // What is no number fails the case itself.
    let longer = health::longer_hidden().unwrap_or_default();
    if case.name == "a_hidden_tab_is_still_there" && !longer.is_zero() {
        case.deadline += longer + Duration::from_secs(240);
    }
    case
}

fn trial(check: Check, results: Results) -> Trial {
    let Check { name, note, run } = check;
    Trial::ignorable_test(name.clone(), move || {
        results.begun(&name);
        let begun = Instant::now();
        let outcome = run();
        let took = begun.elapsed();
        let verdict = outcome.as_ref().map_or(Verdict::Failed, |verdict| *verdict);
        results.ended(Ended {
            name: &name,
            verdict,
            took_ms: milliseconds(took),
            note,
        });
        let verdict = outcome.map_err(|failure| Failed::from(failure.to_string()))?;
        Ok(match verdict {
            Verdict::NotRun(why) => Completion::ignored_with(why),
            Verdict::Passed | Verdict::Failed | Verdict::Expected(_) => Completion::Completed,
        })
    })
}

/// What a column makes of a case's outcome: a failure that is expected is none, and an unexpected pass is one. A case that cannot
/// be run here has neither passed nor failed.
fn judge(column: &str, case: &Case, outcome: Outcome) -> Outcome<Verdict> {
    if let Some(why) = not_run(&outcome) {
        tell(format_args!(
            "not run: {column}::{}: {why}",
            case.full_name()
        ));
        return Ok(Verdict::NotRun(why));
    }
    let Some(known) = expectation(column, case.name) else {
        return outcome.map(|()| Verdict::Passed);
    };
    match outcome {
        Ok(()) => Err(Failure::new(format!(
            "{column}::{} passes, and is listed as failing because {}",
            case.name, known.reason
        ))),
        Err(failure) if failure.what().contains(known.words) => {
            let (name, reason) = (case.full_name(), known.reason);
            tell(format_args!("expected failure: {column}::{name}: {reason}"));
            Ok(Verdict::Expected(reason))
        }
        Err(failure) => Err(failure),
    }
}

/// Why a case was not run, if it was not.
pub(crate) fn not_run(outcome: &Outcome) -> Option<&'static str> {
    outcome.as_ref().err().and_then(Failure::lacks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(column: &str, outcome: Outcome) -> Option<Verdict> {
        let case = crate::list::case("clause_07_lifetimes_end").unwrap();
        judge(column, &case, outcome).ok()
    }

    #[test]
    fn what_is_not_run_has_neither_passed_nor_failed() {
        let lacks = || Err(Failure::not_run("no sockets").of("somewhere"));
        let not_run = Some(Verdict::NotRun("no sockets"));
        assert_eq!(verdict("native", lacks()), not_run);
        // Also where it is expected to fail.
        assert_eq!(verdict("firefox", lacks()), not_run);
    }

    #[test]
    fn only_the_expected_failure_is_expected() {
        assert_eq!(verdict("native", Ok(())), Some(Verdict::Passed));
        assert_eq!(verdict("firefox", Ok(())), None);
        assert_eq!(verdict("firefox", Err(Failure::new("another"))), None);
        let known = Failure::new("reliability: Lifetime(150) }: gave nothing up");
        assert!(matches!(
            verdict("firefox", Err(known)),
            Some(Verdict::Expected(_))
        ));
    }
}
