//! The columns of real participants: one kind of them, every pair of kinds, and all three kinds at once.
//!
//! In a column of several kinds the participants of a case take turns: native, Chromium, native, …. Each case is run once a
//! way round, so that every kind plays every part.

mod staffing;
mod world;

use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tokio::runtime::{Builder, Runtime};

use self::world::World;
use crate::list::{self, Case};
use crate::notes::note;
use crate::runner::{play, tell_note, tell_time, traced};
use crate::{Failure, Kind, Outcome, verdict};

/// Beyond a case's own deadline, which its first participant keeps: for one that does not answer any more.
const LAST_RESORT: Duration = Duration::from_secs(30);

macro_rules! columns {
    ($($(#[$about:meta])* $function:ident $name:literal: $([$($kind:ident),+]),+;)+) => {
        $(
            $(#[$about])*
            ///
            /// Runs one case of the list, by name.
            ///
            /// # Errors
            ///
            /// What the case found.
            pub fn $function(case: &str) -> Outcome {
                run($name, &[$(&[$(Kind::$kind),+]),+], case)
            }
        )+
    };
}

columns! {
    /// backend-native, in the process of the test or each participant in a process of its own.
    native "native": [Native];
    /// backend-web in Chromium.
    chromium "chromium": [Chromium];
    /// backend-web in Firefox.
    firefox "firefox": [Firefox];
    /// A native program and a page in Chromium.
    native_chromium "native-chromium": [Native, Chromium], [Chromium, Native];
    /// A native program and a page in Firefox.
    native_firefox "native-firefox": [Native, Firefox], [Firefox, Native];
    /// Pages in two browsers.
    chromium_firefox "chromium-firefox": [Chromium, Firefox], [Firefox, Chromium];
    /// All three at once.
    trio "trio": [Native, Chromium, Firefox], [Chromium, Firefox, Native], [Firefox, Native, Chromium];
}

fn run(column: &str, rounds: &[&[Kind]], case: &str) -> Outcome {
    let case = list::case(case).ok_or_else(|| Failure::new(format!("there is no case {case}")))?;
    let begun = Instant::now();
    let outcome = runtime()?.block_on(async {
        for kinds in rounds {
            let outcome = perform(&case, kinds).await;
            outcome.map_err(|failure| failure.of(&format!("{kinds:?}")))?;
        }
        Ok(())
    });
    tell_time(column, &case, begun.elapsed());
    if let Some(note) = rounds.iter().find_map(|kinds| note(&case, kinds)) {
        tell_note(column, &case, note);
    }
    verdict(column, &case, outcome)
}

/// One runtime for all cases of the process, as a server would have it.
fn runtime() -> Outcome<&'static Runtime> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| Failure::new(format!("no runtime: {error}")))
}

/// Staffs a case with these kinds in turn, and plays it.
async fn perform(case: &Case, kinds: &[Kind]) -> Outcome {
    let (world, hosts) = World::staffed(case, kinds).await?;
    let world = Rc::new(world);
    let outcome = match world.cast() {
        Ok(cast) => {
            let traced = traced(&cast);
            let played = play(case, cast, hosts);
            let played = tokio::time::timeout(case.deadline + LAST_RESORT, played);
            let outcome = match select(Box::pin(played), Box::pin(world.trouble())).await {
                Either::Left((Ok(outcome), _)) => outcome,
                Either::Left((Err(_), _)) => Err(Failure::new(
                    "the first participant does not answer any more",
                )),
                Either::Right((failure, _)) => Err(failure),
            };
            outcome.map_err(traced)
        }
        Err(failure) => Err(failure),
    };
    world.clear().await;
    outcome
}
