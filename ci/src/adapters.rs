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

/// What the tests take is a minute, and one that plays with a browser may wait for 5.
const TESTS: Duration = Duration::from_secs(12 * 60);

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

/// The page of the duel, which plays with a native one.
pub(crate) fn page(workspace: &Workspace) -> Page {
    Page {
        name: "the duel",
        package: "duel-page",
        manifest: Some(manifest(workspace)),
        artifact: "duel_page",
        folder: workspace.target_directory.join("ci/duel"),
        optimise: false,
    }
}

/// The native tests, one of which plays with the page in Chromium. Without the page that one says that it was not run.
pub(crate) fn tests(
    workspace: &Workspace,
    page: Option<(&Page, &Toolchain)>,
) -> Result<Vec<Stage>, String> {
    let tests = ["test", "--workspace", "--no-fail-fast"];
    let build = cargo(workspace, &tests).arg("--no-run");
    let mut tests = cargo(workspace, &tests);
    if let Some((page, toolchain)) = page {
        let chromium = toolchain.program(Tool::Chromium)?;
        tests = tests
            .env("DUEL_PAGE", page.folder.to_string_lossy())
            .env("CHROMIUM", chromium);
    }
    Ok(vec![
        Stage::check("build of the adapters", BUILD, build),
        Stage::tests("adapters", TESTS, tests).with_scratch(),
    ])
}

/// Builds the page ahead of the tests.
pub(crate) fn web_build(workspace: &Workspace, toolchain: &Toolchain) -> Stage {
    page(workspace).build(toolchain).beside()
}
