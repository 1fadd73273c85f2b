//! What is run, in which order and for how long at most. A new column is one entry of [`COLUMNS`].

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::CommandLine;
use crate::stage::Stage;
use crate::tools::{self, Tool};
use crate::web::{Browser, Page, TARGET, Toolchain, Use};
use crate::workspace::Workspace;

/// The package whose test targets are the columns.
pub(crate) const CONFORMANCE: &str = "conformance-tests";

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// How many cases of a column are run at once at least.
const CASES: usize = 4;

/// The NAT lab as a whole; a part that is only run by name has as much.
const NATLAB: Duration = minutes(8);

/// What of the NAT lab is not run each time.
const NATLAB_LONG: Duration = minutes(65);

/// What a build from nothing may take.
const BUILD: Duration = minutes(25);

/// How many seconds a tab is hidden in the case that is about that, where more is wanted than a column has time for.
const HIDDEN_SECONDS: &str = "CONFORMANCE_HIDDEN_SECONDS";

/// What that adds to a column, whose timers ring once a minute then.
fn hidden() -> Duration {
    let seconds = std::env::var(HIDDEN_SECONDS).ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    seconds.map_or(Duration::ZERO, |seconds| {
        minutes(4) + Duration::from_secs(seconds)
    })
}

/// A column: the test target of that name runs every case for it.
struct Column {
    name: &'static str,
    /// The time of the fast cases, of the slow group and of a busy machine together, the build aside.
    budget: Duration,
    /// What it takes of the set-up.
    needs: &'static [Tool],
}

const fn column(name: &'static str, budget: Duration, needs: &'static [Tool]) -> Column {
    Column {
        name,
        budget,
        needs,
    }
}

/// Every column, in the order of the matrix.
const COLUMNS: &[Column] = &[
    column("mock", minutes(2), tools::NO_BROWSER),
    column("native", minutes(5), tools::NO_BROWSER),
    column("chromium", minutes(6), tools::CHROMIUM),
    column("firefox", minutes(6), tools::FIREFOX),
    column("native-chromium", minutes(8), tools::CHROMIUM),
    column("native-firefox", minutes(8), tools::FIREFOX),
    column("chromium-firefox", minutes(10), tools::BOTH_BROWSERS),
    column("trio", minutes(4), tools::BOTH_BROWSERS),
];

/// The columns that need not have every case: cases of two are those of the columns above.
pub(crate) const PARTIAL: &[&str] = &["trio"];

/// The columns of `cargo ci quick`.
pub(crate) const QUICK: [&str; 2] = ["mock", "native"];

/// What the columns are given beside their cases.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Where cargo puts everything.
    pub(crate) target_directory: PathBuf,
    /// What a column that takes a tool must be told, and by which variable; or why it cannot be.
    pub(crate) web: Vec<(Tool, &'static str, Result<String, String>)>,
}

impl Surroundings {
    /// The page may be missing, for a reason, and with it every tool for browsers.
    pub(crate) fn new(
        target_directory: &Path,
        page: Result<String, String>,
        toolchain: Option<&Toolchain>,
    ) -> Self {
        let program = |tool| {
            let toolchain = toolchain.ok_or("the tools for the browser are not complete")?;
            toolchain.program(tool)
        };
        Self {
            target_directory: target_directory.to_owned(),
            web: vec![
                (Tool::WasmTarget, "CONFORMANCE_PAGE", page),
                (Tool::Chromium, "CHROMIUM", program(Tool::Chromium)),
                (Tool::Firefox, "FIREFOX", program(Tool::Firefox)),
            ],
        }
    }

    /// A program of ours that [`build_for`] makes.
    fn program(&self, name: &str) -> String {
        let folder = self.target_directory.join("debug");
        let program = folder.join(format!("{name}{EXE_SUFFIX}"));
        program.to_string_lossy().into_owned()
    }

    /// A command of the suite with what it reads, or what is missing. Without the puppet it would build one itself, in a
    /// column's time.
    fn told(&self, command: CommandLine, needs: &[Tool]) -> Result<CommandLine, String> {
        let mut told = command.env("CONFORMANCE_PUPPET", self.program("conformance-puppet"));
        for (tool, variable, value) in &self.web {
            if needs.contains(tool) {
                told = told.env(variable, value.clone()?);
            }
        }
        Ok(told)
    }

    fn suite(&self, name: &str, budget: Duration, command: CommandLine) -> Stage {
        let results = self.target_directory.join("ci/results");
        Stage::suite(name, budget, command, &results)
    }
}

/// The names of the columns.
pub(crate) fn column_names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|column| column.name)
}

/// What the machine must have for the named columns.
pub(crate) fn needs_of(names: &[String]) -> BTreeSet<Tool> {
    named(names)
        .flat_map(|column| column.needs)
        .copied()
        .collect()
}

/// Each of the named columns with its stage, `libtest` arguments (a filter, `--skip`) appended, or with what it lacks.
pub(crate) fn columns(
    names: &[String],
    libtest: &[String],
    around: &Surroundings,
) -> Vec<(&'static str, Result<Stage, String>)> {
    let stage = |column: &Column| {
        let command = cargo(&format!("test --workspace --test {}", column.name));
        let command = around.told(command, column.needs)?;
        let threads = threads().map(|count| ("RUST_TEST_THREADS", count.to_string()));
        let separator = (!libtest.is_empty()).then(|| "--".to_owned());
        let arguments = separator.iter().chain(libtest);
        let command = arguments.fold(command.envs(threads), CommandLine::arg);
        Ok(around.suite(column.name, column.budget + hidden(), command))
    };
    named(names)
        .map(|column| (column.name, stage(column)))
        .collect()
}

/// Says whether this machine allows a NAT lab, and why not.
pub(crate) fn natlab_is_possible(around: &Surroundings) -> CommandLine {
    CommandLine::new(&around.program("natlab"), &["able"])
}

/// The NAT lab, which leaves its tables beside the matrix; or what it lacks.
pub(crate) fn natlab(
    around: &Surroundings,
    only: Option<&str>,
    long: bool,
) -> Result<Stage, String> {
    let folder = around.target_directory.join("ci");
    let words = ["run", "--folder", &folder.to_string_lossy()];
    let command = CommandLine::new(&around.program("natlab"), &words);
    let mut command = around.told(command, tools::BOTH_BROWSERS)?;
    if let Some(word) = only {
        command = command.args(&["--only", word]);
    }
    Ok(if long {
        around.suite("natlab", NATLAB_LONG, command.arg("--long"))
    } else {
        around.suite("natlab", NATLAB, command)
    })
}

/// Cases at once, where libtest's own choice is too few: they wait most of their time, for a packet to be lost, for a program
/// to start or for a name, which Chromium gives once a second.
fn threads() -> Option<usize> {
    let is_chosen = std::env::var_os("RUST_TEST_THREADS").is_some();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (!is_chosen && cores < CASES).then_some(CASES)
}

fn named(names: &[String]) -> impl Iterator<Item = &'static Column> {
    COLUMNS
        .iter()
        .filter(|column| names.iter().any(|name| name == column.name))
}

/// A cargo command as it is typed.
fn cargo(words: &str) -> CommandLine {
    CommandLine::cargo(&words.split(' ').collect::<Vec<_>>())
}

/// What is wrong most often, the cheapest first.
pub(crate) fn checks() -> Vec<Stage> {
    // Cargo has it look again at the packages that have changed and at those that are built with them. To select these by name
    // takes a minute more whenever other ones have changed, because features are unified otherwise.
    let clippy = cargo("clippy --workspace --all-targets --keep-going -- -Dwarnings");
    vec![
        Stage::check("fmt", minutes(2), cargo("fmt --all --check")),
        Stage::check("clippy", minutes(20), clippy),
    ]
}

/// The other checks.
pub(crate) fn more_checks() -> Vec<Stage> {
    // That stage sees mesh-core with its mock, because other packages ask for it, and the server with its broker.
    let plain = "clippy -p webrtc-multiplayer-core -p webrtc-multiplayer-api -p webrtc-multiplayer-server --lib";
    let plain = cargo(plain).args(&["--", "-Dwarnings"]);
    // The examples bring the dev-dependencies in, and with them the features that clippy has checked already.
    let docs = cargo("doc --workspace --no-deps --lib --examples --keep-going");
    let docs = docs.env("RUSTDOCFLAGS", "-Dwarnings");
    vec![
        Stage::check("clippy of libraries without features", minutes(15), plain),
        Stage::check("docs", minutes(15), docs),
    ]
}

/// Builds what the tests run, so that compiling eats no budget of theirs.
///
/// All native stages select `--workspace`: with another selection cargo would unify features otherwise and build the
/// heavy dependencies twice.
pub(crate) fn build() -> Vec<Stage> {
    let tests = cargo("test --workspace --no-run --no-fail-fast");
    let tests = Stage::check("build of tests", BUILD, tests);
    vec![programs(), tests]
}

/// Builds what the named columns run, and the NAT lab.
pub(crate) fn build_for(names: &[String]) -> Vec<Stage> {
    let tests = cargo("test --workspace --no-run");
    let tests = named(names).fold(tests, |tests, column| tests.args(&["--test", column.name]));
    let tests = Stage::check("build of columns", BUILD, tests);
    let tests = (!names.is_empty()).then_some(tests);
    std::iter::once(programs()).chain(tests).collect()
}

/// The columns start programs and examples as processes. The examples bring the dev-dependencies in, without which cargo
/// would, again, unify features otherwise.
fn programs() -> Stage {
    let programs = cargo("build --workspace --bins --examples --keep-going");
    Stage::check("build of programs", BUILD, programs)
}

/// What property tests draw their cases from, unless the variable is set: the same tests pass and fail wherever they are run,
/// and a run that is to find something new sets another one.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "1");

/// Unit tests, integration tests that are no column, and doc tests.
/// `with_relay`: a missing TURN server or broker is a failure.
pub(crate) fn tests(workspace: &Workspace, with_relay: bool) -> Vec<Stage> {
    let others = workspace
        .test_targets()
        .filter(|(_, target)| column_names().all(|column| column != *target));
    let (of_server, others): (Vec<_>, Vec<_>) =
        others.partition(|(package, _)| *package == "webrtc-multiplayer-server");
    let seed = std::env::var_os(SEED.0).is_none().then_some(SEED);
    let relay = with_relay.then_some(("RELAY_REQUIRED", "1"));
    let tests = |words: &str, targets: Vec<(&str, &str)>| {
        let tests = cargo(&format!("test --workspace --no-fail-fast{words}"));
        let tests = targets
            .into_iter()
            .fold(tests, |tests, (_, target)| tests.args(&["--test", target]));
        let variables = seed.into_iter().chain(relay);
        tests.envs(variables.map(|(name, value)| (name, value.to_owned())))
    };
    let unit = tests(" --lib --bins --examples", others);
    // They wait for the server's deadlines, and take 4 s of the processor in all. Others compute, and measure what that takes.
    let threads = threads().map(|count| ("RUST_TEST_THREADS", count.to_string()));
    // Without a name cargo would run every test.
    let of_server = (!of_server.is_empty()).then(|| tests("", of_server).envs(threads));
    let doc = cargo("test --workspace --no-fail-fast --doc");
    let mut stages = vec![Stage::tests("unit tests", minutes(15), unit)];
    if let Some(of_server) = of_server {
        stages.push(Stage::tests("tests of the server", minutes(5), of_server));
    }
    stages.push(Stage::tests("doc tests", minutes(10), doc));
    stages
}

/// The page whose puppets stand for browsers in the columns.
pub(crate) fn puppet_page(target_directory: &Path) -> Page {
    Page {
        name: "the puppet page",
        package: "conformance-page",
        manifest: None,
        artifact: "conformance_page",
        folder: target_directory.join("ci/page"),
        made_for: Use::Test,
    }
}

/// The facade as a game would take it for the browser, and what docs.rs makes for that target: of the packages that name it in
/// their settings.
pub(crate) fn web_checks(toolchain: &Toolchain) -> [Stage; 2] {
    let check = toolchain.cargo(&["check", "--package", "webrtc-multiplayer"]);
    let check = check.args(&["--target", TARGET]);
    let docs = "doc -p webrtc-multiplayer -p webrtc-multiplayer-web --no-deps --lib --all-features";
    let docs = toolchain.cargo(&docs.split(' ').collect::<Vec<_>>());
    let docs = docs.args(&["--target", TARGET]);
    let docs = docs.env("RUSTDOCFLAGS", "-Dwarnings");
    [
        Stage::check("facade for the browser", minutes(20), check),
        Stage::check("docs for the browser", minutes(10), docs),
    ]
}

fn web_tests_command(toolchain: &Toolchain) -> CommandLine {
    toolchain.cargo(&["test", "-p", "webrtc-multiplayer-web", "--target", TARGET])
}

/// The build of the web backend's own tests.
pub(crate) fn build_of_web_tests(toolchain: &Toolchain) -> Stage {
    let build = web_tests_command(toolchain).arg("--no-run");
    Stage::check("build of backend-web's tests", BUILD, build)
}

/// The web backend's own tests in each browser. They wait, and so both browsers may run at once.
pub(crate) fn web_tests(toolchain: &Toolchain) -> Result<Vec<Stage>, String> {
    let stage = |browser: Browser| {
        let budget = minutes(6);
        let name = format!("backend-web in {}", browser.name());
        let command = browser.test(web_tests_command(toolchain), toolchain, budget)?;
        let stage = Stage::tests(&name, budget, command);
        Ok(stage.with_scratch().quiet())
    };
    Browser::ALL.into_iter().map(stage).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        let ok = |value: &str| Ok(value.to_owned());
        Surroundings {
            target_directory: PathBuf::from("/target"),
            web: vec![
                (Tool::WasmTarget, "CONFORMANCE_PAGE", ok("/target/ci/page")),
                (Tool::Chromium, "CHROMIUM", ok("/usr/bin/chromium")),
                (Tool::Firefox, "FIREFOX", Err("a snap".to_owned())),
            ],
        }
    }

    fn all() -> Vec<String> {
        column_names().map(str::to_owned).collect()
    }

    #[test]
    fn a_column_passes_arguments_on_to_libtest() {
        let skip = ["--skip".to_owned(), "slow::".to_owned()];
        let stages = columns(&all(), &skip, &around());
        assert_eq!(stages.len(), COLUMNS.len());
        for stage in stages.into_iter().filter_map(|(_, stage)| stage.ok()) {
            assert!(stage.command.args.ends_with(&skip), "{}", stage.command);
        }
    }

    #[test]
    fn a_column_is_told_what_it_needs() {
        let names = |needs| {
            let told = around().told(CommandLine::new("true", &[]), needs).unwrap();
            let names = told.env.into_iter().map(|(name, _)| name);
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(tools::NO_BROWSER), ["CONFORMANCE_PUPPET"]);
        let of_chromium = ["CONFORMANCE_PUPPET", "CONFORMANCE_PAGE", "CHROMIUM"];
        assert_eq!(names(tools::CHROMIUM), of_chromium);
    }

    #[test]
    fn a_column_that_lacks_something_says_what() {
        let columns = columns(&all(), &[], &around());
        let (lacking, complete): (Vec<_>, Vec<_>) =
            columns.into_iter().partition(|(_, stage)| stage.is_err());
        let complete: Vec<&str> = complete.into_iter().map(|(name, _)| name).collect();
        assert_eq!(complete, ["mock", "native", "chromium", "native-chromium"]);
        for (_, stage) in lacking {
            assert_eq!(stage.err().as_deref(), Some("a snap"));
        }
    }

    #[test]
    fn columns_need_the_tools_of_all_of_them_and_no_other() {
        let needs = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            Vec::from_iter(needs_of(&names))
        };
        assert!(needs(&["mock", "native"]).is_empty());
        assert_eq!(needs(&["mock", "firefox"]), tools::FIREFOX);
        let both = ["native-chromium", "native-firefox"];
        assert_eq!(needs(&both), tools::BOTH_BROWSERS);
    }

    #[test]
    fn columns_together_take_no_longer_than_the_run_may() {
        let all: Duration = COLUMNS.iter().map(|column| column.budget).sum();
        assert!(all + NATLAB <= minutes(60), "{all:?}");
    }
}
