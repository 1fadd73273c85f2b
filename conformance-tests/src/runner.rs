//! Runs one case with a given cast.

use std::fmt;
use std::io::Write;
use std::pin::pin;

use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::list::Case;
use crate::planted::Fault;
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

/// Plays a case to its end or its deadline, the hosts of this process beside it. `fault` is how all backends of the cast break
/// their contract.
pub(crate) async fn play(
    case: &Case,
    cast: Vec<Participant>,
    hosts: Vec<LocalBoxFuture<'static, ()>>,
    fault: Option<Fault>,
) -> Outcome {
    let Some(deadline) = cast.first().map(|first| first.deadline(case.deadline)) else {
        return Err(Failure::new("a case without participants"));
    };
    let run = Box::pin(async {
        if let Some(fault) = fault {
            for participant in &cast {
                participant.plant(fault).await?;
            }
        }
        (case.run)(cast).await
    });
    let part = pin!(async {
        match select(run, deadline).await {
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

/// Prints a line in one write, because other tests print, too.
pub(crate) fn tell(line: fmt::Arguments<'_>) {
    let line = format!("{line}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
