//! Plants every fault in a column, one at a time, and sees to it that its case finds it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use super::fault::Fault;
use super::table::{Plant, TABLE};
use crate::expectations::expectation;
use crate::failure::panic_words;
use crate::list::{self, Case};
use crate::results::Verdict;
use crate::runner::tell;
use crate::suite::{Check, not_run, run_checks};
use crate::{Failure, Kind, Outcome};

/// Has a column hunt for planted faults, instead of playing its cases as they are.
pub(crate) const WANTED: &str = "CONFORMANCE_PLANTED";

/// Plays a case with participants of these kinds in turn, each of which has this fault.
type Play = dyn Fn(&Case, Fault, &[Kind]) -> Outcome + Send + Sync;

/// A test program in which each fault has a test for each round of the column. It passes if the fault is found.
pub(crate) fn hunt(
    column: &'static str,
    rounds: &'static [&'static [Kind]],
    play: Arc<Play>,
) -> ExitCode {
    run_checks(TABLE.iter().flat_map(|plant| {
        rounds.iter().map({
            let play = &play;
            move |kinds| check(column, plant, kinds, Arc::clone(play))
        })
    }))
}

fn check(
    column: &'static str,
    plant: &'static Plant,
    kinds: &'static [Kind],
    play: Arc<Play>,
) -> Check {
    let Plant { fault, case, .. } = plant;
    let places: Vec<_> = kinds.iter().map(|kind| format!("{kind:?}")).collect();
    let name = format!("{case}::{fault:?}::{}", places.join("-"));
    let run = move || {
        // A case that fails without the fault, too, cannot tell.
        if let Some(known) = expectation(column, case) {
            return Ok(Verdict::Expected(known.reason));
        }
        if let Some(why) = find(plant, kinds, &*play)? {
            tell(format_args!("not run: {column}::{case}: {fault:?}: {why}"));
            return Ok(Verdict::NotRun(why));
        }
        tell(format_args!("found in {column}: {case}: {fault:?}"));
        Ok(Verdict::Passed)
    };
    Check {
        name,
        note: None,
        run: Box::new(run),
    }
}

/// Plays the case, which must fail, and for the fault's sake. Gives why it cannot be run here, if it cannot.
fn find(plant: &Plant, kinds: &[Kind], play: &Play) -> Outcome<Option<&'static str>> {
    let case = list::case(plant.case);
    let case = case.ok_or_else(|| Failure::new("there is no such case"))?;
    // A backend of this process may panic, as one fault does.
    let outcome = catch_unwind(AssertUnwindSafe(|| play(&case, plant.fault, kinds)));
    let failure = match outcome {
        Ok(outcome) if not_run(&outcome).is_some() => return Ok(not_run(&outcome)),
        Ok(Ok(())) => return Err(Failure::new("the case passes")),
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(panic_words(panic.as_ref())),
    };
    if is_the_fault(plant.failures, failure.what(), &failure.to_string()) {
        return Ok(None);
    }
    Err(failure.of("the case fails for another reason"))
}

/// Whether this failure is one that a fault is planted for: `what` went wrong, and `all` with what was seen last.
fn is_the_fault(failures: &[&[&str]], what: &str, all: &str) -> bool {
    failures.iter().any(|words| {
        let words = words.split_first();
        words.is_some_and(|(first, others)| {
            what.contains(first) && others.iter().all(|words| all.contains(words))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_failures_of_the_fault_count() {
        let failures: &[&[&str]] = &[&["not done", "a waits for figures"], &["lost"]];
        let is_found = |what, all| is_the_fault(failures, what, all);
        assert!(is_found("not done after 30s", "a waits for figures"));
        assert!(is_found("a is lost", ""));
        assert!(!is_found("not done after 30s", "a waits for b"));
        assert!(!is_found("no figures", "a waits for figures"));
        assert!(!is_the_fault(&[], "not done", ""));
    }
}
