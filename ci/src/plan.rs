//! What is run, in which order and for how long at most. A new column is one entry of [`COLUMNS`].

use std::env::consts::EXE_SUFFIX;
use std::path::Path;
use std::time::Duration;

use crate::command::CommandLine;
use crate::stage::Stage;
use crate::workspace::Workspace;

/// The package whose test targets are the columns.
pub(crate) const CONFORMANCE: &str = "conformance-tests";

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// What a build from nothing may take.
const BUILD: Duration = minutes(25);

/// A column: its name and the command that runs every case for it, the build aside.
struct Column {
    name: &'static str,
    /// The time of the fast cases, of the slow group and of a busy machine together.
    budget: Duration,
    command: fn() -> CommandLine,
}

/// Every column, in the order of the matrix.
const COLUMNS: &[Column] = &[
    Column {
        name: "mock",
        budget: minutes(2),
        command: || native_target("mock"),
    },
    Column {
        name: "native",
        budget: minutes(5),
        command: || native_target("native"),
    },
];

/// The names of the columns.
pub(crate) fn column_names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|column| column.name)
}

/// One stage a column, `libtest` arguments (a filter, `--skip`) appended. `programs` is where [`build_for`] leaves them.
pub(crate) fn columns(libtest: &[String], programs: &Path) -> Vec<Stage> {
    // Without this variable the suite would build its puppet itself, in a column's time.
    let puppet = programs.join(format!("conformance-puppet{EXE_SUFFIX}"));
    let puppet = puppet.to_string_lossy();
    COLUMNS
        .iter()
        .map(|column| {
            let separator = (!libtest.is_empty()).then(|| "--".to_owned());
            let arguments = separator.iter().chain(libtest);
            let command = (column.command)().env("CONFORMANCE_PUPPET", puppet.clone());
            let command = arguments.fold(command, CommandLine::arg);
            Stage::tests(column.name, column.budget, command)
        })
        .collect()
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
            "clippy of mesh-core without features",
            minutes(5),
            CommandLine::cargo(&[
                "clippy",
                "--package",
                "mesh-core",
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
    let columns = COLUMNS
        .iter()
        .filter(|column| names.iter().any(|name| name == column.name))
        .map(|column| {
            let name = format!("build of column {}", column.name);
            Stage::check(&name, BUILD, (column.command)().arg("--no-run"))
        });
    std::iter::once(Stage::check("build of programs", BUILD, programs))
        .chain(columns)
        .collect()
}

/// Unit tests, integration tests that are no column, and doc tests.
pub(crate) fn tests(workspace: &Workspace) -> Vec<Stage> {
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
    let doc = CommandLine::cargo(&["test", "--workspace", "--no-fail-fast", "--doc"]);
    vec![
        Stage::tests("unit tests", minutes(15), unit),
        Stage::tests("doc tests", minutes(10), doc),
    ]
}

fn native_target(target: &str) -> CommandLine {
    CommandLine::cargo(&["test", "--workspace", "--test", target])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_passes_arguments_on_to_libtest() {
        let stages = columns(
            &["--skip".to_owned(), "slow::".to_owned()],
            Path::new("/target/debug"),
        );
        assert_eq!(stages.len(), COLUMNS.len());
        for stage in stages {
            assert!(stage.command.args.ends_with(&[
                "--".to_owned(),
                "--skip".to_owned(),
                "slow::".to_owned()
            ]));
        }
    }
}
