//! The columns of real participants: one kind of them, every pair of kinds, and all three kinds at once.
//!
//! In a column of several kinds the participants of a case take turns: native, Chromium, native, …. Each case is run once a
//! way round, so that every kind plays every part.

mod detour;
mod staffing;
mod world;

use std::process::ExitCode;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::runtime::{Builder, Runtime};

use self::world::World;
use crate::coordinator::pages;
use crate::list::Case;
use crate::notes::note;
use crate::planted::{Fault, WANTED, hunt};
use crate::runner::{play, tell, traced};
use crate::suite::{self, cases_of};
use crate::{Failure, Kind, Outcome};

/// Beyond a case's own deadline, which its first participant keeps: for one that does not answer any more.
const LAST_RESORT: Duration = Duration::from_secs(30);

/// A column: the kinds of its participants, in each way round.
struct Column {
    name: &'static str,
    rounds: &'static [&'static [Kind]],
    /// How many participants a case must have to be worth its time here.
    participants: u32,
}

const COLUMNS: &[Column] = {
    use Kind::{Chromium, Firefox, Native};
    const fn of_all(name: &'static str, rounds: &'static [&'static [Kind]]) -> Column {
        Column {
            name,
            rounds,
            participants: 1,
        }
    }
    &[
        of_all("native", &[&[Native]]),
        of_all("chromium", &[&[Chromium]]),
        of_all("firefox", &[&[Firefox]]),
        of_all(
            "native-chromium",
            &[&[Native, Chromium], &[Chromium, Native]],
        ),
        of_all("native-firefox", &[&[Native, Firefox], &[Firefox, Native]]),
        of_all(
            "chromium-firefox",
            &[&[Chromium, Firefox], &[Firefox, Chromium]],
        ),
        Column {
            name: "trio",
            rounds: &[
                &[Native, Chromium, Firefox],
                &[Chromium, Firefox, Native],
                &[Firefox, Native, Chromium],
            ],
            // Cases of two are those of the columns above.
            participants: 3,
        },
    ]
};

/// A test program that runs every case in the column of this name. Without a page for browsers it says in one line that it does
/// not run, and how to run it.
#[must_use]
pub fn main(name: &str) -> ExitCode {
    let Some(column) = COLUMNS.iter().find(|column| column.name == name) else {
        tell(format_args!("there is no column {name}"));
        return ExitCode::FAILURE;
    };
    if column.has_browser() && !pages::is_named() {
        tell(format_args!(
            "column {name}: not run, {} names no page for browsers; `cargo ci test --column {name}` makes one and runs it",
            pages::FOLDER
        ));
        return ExitCode::SUCCESS;
    }
    if std::env::var_os(WANTED).is_some() {
        let play = |case: &Case, fault, kinds: &[Kind]| {
            runtime()?.block_on(perform(case, kinds, Some(fault)))
        };
        return hunt(column.name, column.rounds, Arc::new(play));
    }
    let note = |case: &Case| column.rounds.iter().find_map(|kinds| note(case, kinds));
    let play = Arc::new(|case: &Case| column.play(case));
    suite::run(column.name, cases_of(column.participants), play, &note)
}

impl Column {
    fn has_browser(&self) -> bool {
        let mut kinds = self.rounds.iter().copied().flatten();
        kinds.any(|kind| matches!(kind, Kind::Chromium | Kind::Firefox))
    }

    fn play(&self, case: &Case) -> Outcome {
        runtime()?.block_on(async {
            // A case that cannot be run in one way round may have something to show in another.
            let (mut has_run, mut lacks) = (false, Ok(()));
            for kinds in self.rounds {
                match perform(case, kinds, None).await {
                    Ok(()) => has_run = true,
                    Err(failure) if failure.lacks().is_some() => lacks = Err(failure),
                    Err(failure) => return Err(failure.of(&format!("{kinds:?}"))),
                }
            }
            if has_run { Ok(()) } else { lacks }
        })
    }
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
async fn perform(case: &Case, kinds: &[Kind], fault: Option<Fault>) -> Outcome {
    let (world, hosts) = World::staffed(case, kinds).await?;
    let world = Rc::new(world);
    let outcome = match world.cast() {
        Ok(cast) => {
            let traced = traced(&cast);
            let played = play(case, cast, hosts, fault);
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
