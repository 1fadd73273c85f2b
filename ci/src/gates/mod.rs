//! The gates: promises about the shape of the workspace, each proven on every run.

mod circles;
mod core_only;
mod graph;
mod manifests;
mod sources;

use crate::outcome::Outcome;
use crate::print::say;
use crate::run::Runner;
use crate::web::TARGET;
use crate::workspace::Workspace;

/// Runs every gate, the cheap ones first.
pub(crate) fn run(runner: &Runner, workspace: &Workspace) -> Vec<Outcome> {
    say!("\n[ci] gates");
    let mut outcomes = Vec::new();
    let mut gate = |name: &str, check: &dyn Fn() -> Result<(), String>| {
        let outcome = Outcome::check(&format!("gate: {name}"), check);
        outcomes.push(outcome);
    };
    gate(
        "no choice by target outside the facade and the conformance tests",
        &|| sources::choices(runner, &workspace.root),
    );
    gate("no circle of imports between folders", &|| {
        circles::check(&workspace.root)
    });
    gate(
        "every package takes the workspace's lints and rust-version",
        &|| manifests::lines(workspace),
    );
    gate("every published package brings its licences", &|| {
        manifests::licences(workspace)
    });
    gate("a column's test target has no namesake", &|| {
        manifests::column_targets(workspace)
    });
    match Workspace::load(runner, TARGET) {
        Ok(browser) => {
            for (promise, kept) in graph::check(runner, workspace, &browser) {
                gate(&promise, &|| kept.clone());
            }
        }
        Err(why) => gate("dependencies for the browser", &|| Err(why.clone())),
    }
    gate(
        "mesh-core and multiplayer-api build against core and alloc only",
        &|| core_only::check(runner, &workspace.target_directory),
    );
    outcomes
}
