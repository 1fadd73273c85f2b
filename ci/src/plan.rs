//! What is run, in which order and for how long at most. A new column is one entry of [`COLUMNS`].

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::CommandLine;
use crate::needs;
use crate::setup::Piece;
use crate::stage::Stage;
use crate::web::{Browser, Page, TARGET, Toolchain};
use crate::workspace::Workspace;

/// The package whose test targets are the columns.
pub(crate) const CONFORMANCE: &str = "conformance-tests";

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// How many cases of browsers are run at once at least.
const BROWSER_CASES: usize = 4;

/// The NAT lab as a whole; a part that is only run by name has as much.
const NATLAB: Duration = minutes(8);

/// What of the NAT lab is not run each time.
const NATLAB_LONG: Duration = minutes(45);

/// What a build from nothing may take.
const BUILD: Duration = minutes(25);

/// What one check of the facade with other versions may take: 4 minutes from nothing on two cores, and as much again on a
/// busy machine.
pub(crate) const VERSIONS: Duration = minutes(8);

/// A column: the test target of that name runs every case for it.
struct Column {
    name: &'static str,
    /// The time of the fast cases, of the slow group and of a busy machine together, the build aside.
    budget: Duration,
    /// The pieces of the set-up.
    needs: &'static [Piece],
    /// Whether it has no more than the cases that make sense for it.
    partial: bool,
}

/// Every column, in the order of the matrix.
const COLUMNS: &[Column] = &[
    Column {
        name: "mock",
        budget: minutes(2),
        needs: needs::NO_BROWSER,
        partial: false,
    },
    Column {
        name: "native",
        budget: minutes(5),
        needs: needs::NO_BROWSER,
        partial: false,
    },
    Column {
        name: "chromium",
        budget: minutes(6),
        needs: needs::CHROMIUM_ALONE,
        partial: false,
    },
    Column {
        name: "firefox",
        budget: minutes(6),
        needs: needs::FIREFOX_ALONE,
        partial: false,
    },
    Column {
        name: "native-chromium",
        budget: minutes(8),
        needs: needs::CHROMIUM,
        partial: false,
    },
    Column {
        name: "native-firefox",
        budget: minutes(8),
        needs: needs::FIREFOX,
        partial: false,
    },
    Column {
        name: "chromium-firefox",
        budget: minutes(10),
        needs: needs::BROWSERS_ALONE,
        partial: false,
    },
    Column {
        name: "trio",
        budget: minutes(4),
        needs: needs::BOTH_BROWSERS,
        // Cases of two are those of the columns above.
        partial: true,
    },
];

/// The columns of `cargo ci quick`.
pub(crate) const QUICK: &[&str] = &["mock", "native"];

/// What the columns are given beside their cases.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Where [`build_for`] leaves programs.
    pub(crate) programs: PathBuf,
    /// Where the suite writes what became of its cases.
    pub(crate) results: PathBuf,
    /// The folder of the puppet page, or why there is none.
    pub(crate) page: Result<PathBuf, String>,
    /// The browsers, or why there is none.
    pub(crate) chromium: Result<PathBuf, String>,
    pub(crate) firefox: Result<PathBuf, String>,
}

impl Surroundings {
    /// What there is before anything was made for browsers.
    pub(crate) fn without_browsers(target_directory: &Path) -> Self {
        let none = || Err("it takes a browser".to_owned());
        Self {
            programs: target_directory.join("debug"),
            results: target_directory.join("ci/results"),
            page: none(),
            chromium: none(),
            firefox: none(),
        }
    }

    /// What the suite reads, or what is missing. Without the puppet it would build one itself, in a column's time.
    fn variables(&self, needs: &[Piece]) -> Result<Vec<(&'static str, String)>, String> {
        let puppet = format!("conformance-puppet{EXE_SUFFIX}");
        let puppet = Ok(self.programs.join(puppet));
        let of_web = [
            (Piece::WasmTarget, "CONFORMANCE_PAGE", &self.page),
            (Piece::Chromium, "CHROMIUM", &self.chromium),
            (Piece::Firefox, "FIREFOX", &self.firefox),
        ];
        let of_web = of_web
            .into_iter()
            .filter(|(piece, ..)| needs.contains(piece));
        std::iter::once(("CONFORMANCE_PUPPET", &puppet))
            .chain(of_web.map(|(_, name, path)| (name, path)))
            .map(|(name, path)| {
                let path = path.as_ref().map_err(Clone::clone)?;
                Ok((name, path.to_string_lossy().into_owned()))
            })
            .collect()
    }
}

/// The names of the columns.
pub(crate) fn column_names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|column| column.name)
}

/// The columns that need not have every case.
pub(crate) fn partial_columns() -> Vec<&'static str> {
    let partial = COLUMNS.iter().filter(|column| column.partial);
    partial.map(|column| column.name).collect()
}

/// What the machine must have for the named columns.
pub(crate) fn needs_of(names: &[String]) -> BTreeSet<Piece> {
    needs::union(named(names).map(|column| column.needs))
}

/// Each column with its stage, `libtest` arguments (a filter, `--skip`) appended, or with what it lacks.
pub(crate) fn columns(
    libtest: &[String],
    around: &Surroundings,
) -> Vec<(&'static str, Result<Stage, String>)> {
    let stage = |column: &Column| {
        let command = native_target(column.name);
        let command = around
            .variables(column.needs)?
            .into_iter()
            .fold(command, |command, (name, value)| command.env(name, value));
        let command = match threads(column.needs) {
            Some(count) => command.env("RUST_TEST_THREADS", count.to_string()),
            None => command,
        };
        let separator = (!libtest.is_empty()).then(|| "--".to_owned());
        let arguments = separator.iter().chain(libtest);
        let command = arguments.fold(command, CommandLine::arg);
        let (name, budget) = (column.name, column.budget);
        Ok(Stage::suite(name, budget, command, &around.results))
    };
    COLUMNS
        .iter()
        .map(|column| (column.name, stage(column)))
        .collect()
}

/// Where the program of the NAT lab is, beside the puppet.
fn natlab_program(around: &Surroundings) -> String {
    let program = around.programs.join(format!("natlab{EXE_SUFFIX}"));
    program.to_string_lossy().into_owned()
}

/// Says whether this machine allows a NAT lab, and why not.
pub(crate) fn natlab_is_possible(around: &Surroundings) -> CommandLine {
    CommandLine::new(&natlab_program(around), &["able"])
}

/// The NAT lab, which leaves its tables in `folder`; or what it lacks.
pub(crate) fn natlab(
    around: &Surroundings,
    folder: &Path,
    only: Option<&str>,
    long: bool,
) -> Result<Stage, String> {
    let folder = folder.to_string_lossy();
    let command = CommandLine::new(&natlab_program(around), &["run", "--folder", &folder]);
    let command = around
        .variables(needs::BOTH_BROWSERS)?
        .into_iter()
        .fold(command, |command, (name, value)| command.env(name, value));
    let command = match only {
        Some(word) => command.arg("--only").arg(word),
        None => command,
    };
    let (command, budget) = if long {
        (command.arg("--long"), NATLAB_LONG)
    } else {
        (command, NATLAB)
    };
    Ok(Stage::suite("natlab", budget, command, &around.results))
}

/// Cases at once, where libtest's own choice is too few: those in browsers wait most of their time, for a program to start
/// or for a name, which Chromium gives once a second.
fn threads(needs: &[Piece]) -> Option<usize> {
    let is_chosen = std::env::var_os("RUST_TEST_THREADS").is_some();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (needs.contains(&Piece::WasmTarget) && !is_chosen && cores < BROWSER_CASES)
        .then_some(BROWSER_CASES)
}

fn named(names: &[String]) -> impl Iterator<Item = &'static Column> {
    COLUMNS
        .iter()
        .filter(|column| names.iter().any(|name| name == column.name))
}

/// fmt, clippy and docs: the cheapest first.
pub(crate) fn checks() -> Vec<Stage> {
    vec![
        Stage::check(
            "fmt",
            minutes(2),
            CommandLine::cargo(&["fmt", "--all", "--check"]),
        ),
        Stage::check(
            "clippy",
            minutes(20),
            CommandLine::cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--keep-going",
                "--",
                "-Dwarnings",
            ]),
        ),
        // The line above sees mesh-core with its mock, because other packages ask for it.
        Stage::check(
            "clippy of mesh-core and multiplayer-api without features",
            minutes(5),
            CommandLine::cargo(&[
                "clippy",
                "--package",
                "mesh-core",
                "--package",
                "multiplayer-api",
                "--lib",
                "--",
                "-Dwarnings",
            ]),
        ),
        Stage::check(
            "docs",
            minutes(10),
            // The examples bring the dev-dependencies in, and with them the features that clippy has checked already.
            CommandLine::cargo(&[
                "doc",
                "--workspace",
                "--no-deps",
                "--lib",
                "--examples",
                "--keep-going",
            ])
            .env("RUSTDOCFLAGS", "-Dwarnings"),
        ),
    ]
}

/// Builds what the tests run, so that compiling eats no budget of theirs.
///
/// All native stages select `--workspace`: with another selection cargo would unify features otherwise and build the
/// heavy dependencies twice.
pub(crate) fn build() -> Vec<Stage> {
    let tests = Stage::check(
        "build of tests",
        BUILD,
        CommandLine::cargo(&["test", "--workspace", "--no-run", "--no-fail-fast"]),
    );
    let names: Vec<String> = column_names().map(str::to_owned).collect();
    let mut stages = build_for(&names);
    stages.insert(1, tests);
    stages
}

/// Builds what the named columns run.
pub(crate) fn build_for(names: &[String]) -> Vec<Stage> {
    // The columns start programs and examples as processes. The examples bring the dev-dependencies in, without which
    // cargo would, again, unify features otherwise.
    let programs = CommandLine::cargo(&[
        "build",
        "--workspace",
        "--bins",
        "--examples",
        "--keep-going",
    ]);
    let columns = named(names).map(|column| {
        let name = format!("build of column {}", column.name);
        Stage::check(&name, BUILD, native_target(column.name).arg("--no-run"))
    });
    std::iter::once(Stage::check("build of programs", BUILD, programs))
        .chain(columns)
        .collect()
}

/// What property tests draw their cases from, unless the variable is set: the same tests pass and fail wherever they are run,
/// and a run that is to find something new sets another one.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "1");

/// Unit tests, integration tests that are no column, and doc tests.
/// `with_relay`: a missing TURN server is a failure.
pub(crate) fn tests(workspace: &Workspace, with_relay: bool) -> Vec<Stage> {
    let unit = CommandLine::cargo(&[
        "test",
        "--workspace",
        "--no-fail-fast",
        "--lib",
        "--bins",
        "--examples",
    ]);
    let unit = workspace
        .test_targets()
        .filter(|(_, target)| column_names().all(|column| column != *target))
        .fold(unit, |command, (_, target)| {
            command.arg("--test").arg(target)
        });
    let unit = if with_relay {
        unit.env("RELAY_REQUIRED", "1")
    } else {
        unit
    };
    let unit = if std::env::var_os(SEED.0).is_none() {
        unit.env(SEED.0, SEED.1)
    } else {
        unit
    };
    let doc = CommandLine::cargo(&["test", "--workspace", "--no-fail-fast", "--doc"]);
    vec![
        Stage::tests("unit tests", minutes(15), unit),
        Stage::tests("doc tests", minutes(10), doc),
    ]
}

/// The page whose puppets stand for browsers in the columns.
pub(crate) fn puppet_page(target_directory: &Path) -> Page {
    Page {
        name: "the puppet page",
        package: "conformance-page",
        artifact: "conformance_page",
        folder: target_directory.join("ci/page"),
        optimise: false,
    }
}

/// The facade as a game would take it for the browser.
pub(crate) fn web_checks(toolchain: &Toolchain) -> Vec<Stage> {
    let check = [
        "check",
        "--package",
        "webrtc-multiplayer",
        "--target",
        TARGET,
    ];
    vec![Stage::check(
        "facade for the browser",
        minutes(10),
        toolchain.cargo(&check),
    )]
}

/// The web backend's own tests in each browser.
pub(crate) fn web_tests(toolchain: &Toolchain) -> Result<Vec<Stage>, String> {
    let words = ["test", "--package", "backend-web", "--target", TARGET];
    let build = toolchain.cargo(&words).arg("--no-run");
    let mut stages = vec![Stage::check("build of backend-web's tests", BUILD, build)];
    for browser in Browser::ALL {
        let budget = minutes(6);
        let name = format!("backend-web in {}", browser.name());
        let command = browser.test(toolchain.cargo(&words), toolchain, budget)?;
        stages.push(Stage::tests(&name, budget, command).with_scratch());
    }
    Ok(stages)
}

fn native_target(target: &str) -> CommandLine {
    CommandLine::cargo(&["test", "--workspace", "--test", target])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        Surroundings {
            programs: PathBuf::from("/target/debug"),
            results: PathBuf::from("/target/ci/results"),
            page: Ok(PathBuf::from("/target/ci/page")),
            chromium: Ok(PathBuf::from("/usr/bin/chromium")),
            firefox: Err("Firefox is a snap".to_owned()),
        }
    }

    #[test]
    fn a_column_passes_arguments_on_to_libtest() {
        let skip = ["--skip".to_owned(), "slow::".to_owned()];
        let stages = columns(&skip, &around());
        assert_eq!(stages.len(), COLUMNS.len());
        for stage in stages.into_iter().filter_map(|(_, stage)| stage.ok()) {
            assert!(stage.command.args.ends_with(&skip), "{}", stage.command);
        }
    }

    #[test]
    fn a_column_is_told_what_it_needs() {
        let names = |needs| {
            let variables = around().variables(needs).unwrap();
            variables
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(needs::NO_BROWSER), ["CONFORMANCE_PUPPET"]);
        let of_chromium = ["CONFORMANCE_PUPPET", "CONFORMANCE_PAGE", "CHROMIUM"];
        assert_eq!(names(needs::CHROMIUM), of_chromium);
    }

    #[test]
    fn a_column_that_lacks_something_says_what() {
        let columns = columns(&[], &around());
        let (lacking, complete): (Vec<_>, Vec<_>) =
            columns.into_iter().partition(|(_, stage)| stage.is_err());
        let complete: Vec<&str> = complete.into_iter().map(|(name, _)| name).collect();
        assert_eq!(complete, ["mock", "native", "chromium", "native-chromium"]);
        for (_, stage) in lacking {
            assert_eq!(stage.err().as_deref(), Some("Firefox is a snap"));
        }
    }

    #[test]
    fn columns_need_the_pieces_of_all_of_them_and_no_other() {
        let needs = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            needs_of(&names)
        };
        assert!(needs(&["mock", "native"]).is_empty());
        let alone = needs::union([needs::FIREFOX_ALONE]);
        assert_eq!(needs(&["mock", "firefox"]), alone);
        let both = needs::union([needs::BOTH_BROWSERS]);
        assert_eq!(needs(&["native-chromium", "native-firefox"]), both);
    }

    #[test]
    fn columns_together_take_no_longer_than_the_run_may() {
        let all: Duration = COLUMNS.iter().map(|column| column.budget).sum();
        assert!(all + NATLAB <= minutes(60), "{all:?}");
    }
}
