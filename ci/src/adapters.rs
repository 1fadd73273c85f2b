//! The adapters, `adapters`: a workspace of its own, whose dependencies the core does not have. It is built in the same target folder.

use std::path::PathBuf;
use std::time::Duration;

use crate::command::CommandLine;
use crate::stage::Stage;
use crate::tools::Tool;
use crate::web::{Page, Toolchain, Use};
use crate::workspace::Workspace;

/// What a build from nothing may take: it takes 8 minutes on two cores that have other work, too.
const BUILD: Duration = Duration::from_secs(20 * 60);

/// What the tests take is a minute, and those that play with a browser may wait for 5 and for 4.
const TESTS: Duration = Duration::from_secs(15 * 60);

fn manifest(workspace: &Workspace) -> PathBuf {
    workspace.root.join("adapters/Cargo.toml")
}

fn cargo(workspace: &Workspace, words: &[&str]) -> CommandLine {
    CommandLine::cargo(words)
        .args(&["--manifest-path", &manifest(workspace).to_string_lossy()])
        // What both workspaces build alike is there already.
        .env(
            "CARGO_TARGET_DIR",
            workspace.target_directory.to_string_lossy(),
        )
}

/// What costs nothing.
pub(crate) fn format(workspace: &Workspace) -> Stage {
    let format = cargo(workspace, &["fmt", "--all", "--check"]);
    Stage::check("fmt of the adapters", Duration::from_secs(120), format)
}

/// The pages that play with native tests: the duel, and an app of Bevy.
pub(crate) fn pages(workspace: &Workspace) -> [Page; 2] {
    let page = |name, package, artifact, folder| Page {
        name,
        package,
        manifest: Some(manifest(workspace)),
        artifact,
        folder: workspace.target_directory.join(folder),
        made_for: Use::Test,
    };
    [
        page("the duel", "duel-page", "duel_page", "ci/duel"),
        page("the app of Bevy", "bevy-page", "bevy_page", "ci/bevy"),
    ]
}

const WORDS: [&str; 3] = ["test", "--workspace", "--no-fail-fast"];

/// The build of the native tests.
pub(crate) fn build(workspace: &Workspace) -> Stage {
    let build = cargo(workspace, &WORDS).arg("--no-run");
    Stage::check("build of the adapters", BUILD, build)
}

/// The native tests, two of which play with a page in Chromium. Without the tools that have made the pages these say that they
/// were not run.
pub(crate) fn tests(
    workspace: &Workspace,
    toolchain: Option<&Toolchain>,
) -> Result<Vec<Stage>, String> {
    let mut tests = cargo(workspace, &WORDS);
    if let Some(toolchain) = toolchain {
        let [duel, bevy] = pages(workspace);
        let chromium = toolchain.program(Tool::Chromium)?;
        tests = tests
            .env("DUEL_PAGE", duel.folder.to_string_lossy())
            .env("BEVY_PAGE", bevy.folder.to_string_lossy())
            .env("CHROMIUM", chromium);
    }
    Ok(vec![Stage::tests("adapters", TESTS, tests).with_scratch()])
}
