//! The adapters, `adapters`: a workspace of its own, whose dependencies the core does not have. It is built in the same target folder.

use std::path::PathBuf;
use std::time::Duration;

use crate::command::CommandLine;
use crate::stage::Stage;
use crate::tools::Tool;
use crate::web::{Page, Toolchain};
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
        optimise: false,
    };
    [
        page("the duel", "duel-page", "duel_page", "ci/duel"),
        page("the app of Bevy", "bevy-page", "bevy_page", "ci/bevy"),
    ]
}

/// The native tests, two of which play with a page in Chromium. Without the pages these say that they were not run.
pub(crate) fn tests(
    workspace: &Workspace,
    pages: Option<(&[Page; 2], &Toolchain)>,
) -> Result<Vec<Stage>, String> {
    let tests = ["test", "--workspace", "--no-fail-fast"];
    let build = cargo(workspace, &tests).arg("--no-run");
    let mut tests = cargo(workspace, &tests);
    if let Some(([duel, bevy], toolchain)) = pages {
        let chromium = toolchain.program(Tool::Chromium)?;
        tests = tests
            .env("DUEL_PAGE", duel.folder.to_string_lossy())
            .env("BEVY_PAGE", bevy.folder.to_string_lossy())
            .env("CHROMIUM", chromium);
    }
    Ok(vec![
        Stage::check("build of the adapters", BUILD, build),
        Stage::tests("adapters", TESTS, tests).with_scratch(),
    ])
}

/// Builds the pages ahead of the tests.
pub(crate) fn web_builds(workspace: &Workspace, toolchain: &Toolchain) -> [Stage; 2] {
    pages(workspace).map(|page| page.build(toolchain).beside())
}
