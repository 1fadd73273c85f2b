//! Runs one case with a given cast, and gives the verdict of a column.

use std::fmt;
use std::io::Write;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::expectations::expectation;
use crate::list::Case;
use crate::{Failure, Outcome, Participant};

/// Adds to a failure what each of the cast was asked and saw last.
pub(crate) fn traced(cast: &[Participant]) -> impl FnOnce(Failure) -> Failure + use<> {
    let traces: Vec<_> = cast.iter().map(Participant::trace).collect();
    move |failure| {
        traces.iter().fold(failure, |failure, trace| {
            let steps: Vec<_> = trace.borrow().iter().cloned().collect();
            failure.with_trace(steps.join("\n  "))
        })
    }
}

/// Plays a case to its end or its deadline, the hosts of this process beside it.
pub(crate) async fn play(
    case: &Case,
    cast: Vec<Participant>,
    hosts: Vec<LocalBoxFuture<'static, ()>>,
) -> Outcome {
    let Some(deadline) = cast.first().map(|first| first.deadline(case.deadline)) else {
        return Err(Failure::new("a case without participants"));
    };
    let part = pin!(async {
        match select((case.run)(cast), deadline).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right((Ok(()), _)) => {
                Err(Failure::new(format!("not done after {:?}", case.deadline)))
            }
            Either::Right((Err(failure), _)) => Err(failure),
        }
    });
    // Each host has its own waker here: one that its backend forgets to wake stands still, and the case with it.
    let mut hosts: FuturesUnordered<_> = hosts.into_iter().collect();
    let hosts = pin!(async { while hosts.next().await.is_some() {} });
    match select(part, hosts).await {
        Either::Left((outcome, _)) => outcome,
        // All are elsewhere, or all have ended, which fails the case's next request.
        Either::Right(((), part)) => part.await,
    }
}

/// Prints a line that is worth reading of a test that passes, too: libtest would keep what it prints to itself.
pub(crate) fn tell(line: fmt::Arguments<'_>) {
    // One write: other tests print, too.
    let line = format!("{line}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Prints how long a case took, with all its ways round: `cargo ci` reads the line.
pub(crate) fn tell_time(column: &str, case: &Case, took: Duration) {
    let seconds = took.as_secs_f32();
    tell(format_args!(
        "took: {column}::{}: {seconds:.2} s",
        case.name
    ));
}

/// Prints what has to be said of a case beside its verdict: `cargo ci` puts it into the matrix.
pub(crate) fn tell_note(column: &str, case: &Case, note: &str) {
    tell(format_args!("note: {column}::{}: {note}", case.name));
}

/// What a column makes of a case's outcome: an expected failure passes, and says why; an unexpected pass fails.
pub fn verdict(column: &str, case: &Case, outcome: Outcome) -> Outcome {
    let Some(known) = expectation(column, case.name) else {
        return outcome;
    };
    match outcome {
        Ok(()) => Err(Failure::new(format!(
            "{column}::{} passes, and is listed as failing because {}",
            case.name, known.reason
        ))),
        Err(_) => {
            tell(format_args!(
                "expected failure: {column}::{}: {}",
                case.name, known.reason
            ));
            Ok(())
        }
    }
}
