//! The gates: promises about the shape of the workspace, each proven on every run.

mod circles;
mod core_only;
mod graph;
mod manifests;
mod sources;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use self::graph::Resolved;
use crate::command::CommandLine;
use crate::outcome::Outcome;
use crate::print::say;
use crate::run::Runner;
use crate::web::TARGET;
use crate::workspace::{Workspace, rustc};

/// Runs every gate, the cheap ones first.
pub(crate) fn run(runner: &Runner, workspace: &Workspace, host: &str) -> Vec<Outcome> {
    say!("\n[ci] gates");
    let mut outcomes = Vec::new();
    let mut gate = |name: &str, check: &mut dyn FnMut() -> Result<(), String>| {
        let begun = Instant::now();
        let result = check();
        let outcome = Outcome::of_check(&format!("gate: {name}"), begun.elapsed(), result);
        outcome.say();
        outcomes.push(outcome);
    };

    let texts = sources::load(&workspace.workspace_root);
    gate(
        "no choice by target outside the facade and the conformance tests",
        &mut || sources::choices(texts.as_ref()?),
    );
    gate("no circle of imports between folders", &mut || {
        circles::check(texts.as_ref()?)
    });
    gate("every package declares its rust-version", &mut || {
        manifests::rust_version(workspace)
    });
    gate("every package takes the workspace's lints", &mut || {
        manifests::lints(workspace)
    });
    gate("a column's test target has no namesake", &mut || {
        manifests::column_targets(workspace)
    });
    let browser = Workspace::load(runner, TARGET);
    for rule in graph::RULES {
        gate(rule.promise, &mut || {
            let browser = browser.as_ref()?;
            rule.check(&Resolved {
                host: workspace,
                browser,
            })
        });
    }
    gate(
        "mesh-core depends on bytes and thiserror alone",
        &mut || tree(runner, CORE),
    );
    gate("multiplayer-api adds mesh-core alone to that", &mut || {
        tree(runner, API)
    });
    gate(
        "mesh-core and multiplayer-api build against core and alloc only",
        &mut || core_only::check(runner, &workspace.target_directory, host),
    );
    outcomes.push(oldest_compiler(runner, workspace));
    outcomes
}

/// Whether this run shows that the packages build with the compiler they promise to.
fn oldest_compiler(runner: &Runner, workspace: &Workspace) -> Outcome {
    let begun = Instant::now();
    let version = CommandLine::new(&rustc(), &["--version"]);
    let result = runner.capture(&version, Duration::from_secs(60));
    let result = result.map(|printed| manifests::oldest_compiler(workspace, &printed));
    let name = "gate: the compiler is the oldest that the packages promise";
    let outcome = match result {
        Ok(Ok(())) => Outcome::of_check(name, begun.elapsed(), Ok(())),
        // A contributor's may be newer; the public workflow has both.
        Ok(Err(why)) => Outcome::not_run(name, begun.elapsed(), &why),
        Err(why) => Outcome::of_check(name, begun.elapsed(), Err(why)),
    };
    outcome.say();
    outcome
}

/// A package and all that it is built with.
const CORE: &[&str] = &["mesh-core", "bytes", "thiserror"];
const API: &[&str] = &["multiplayer-api", "bytes", "mesh-core", "thiserror"];

/// The same words as a person would type to see for themselves.
fn tree(runner: &Runner, expected: &[&str]) -> Result<(), String> {
    let words = [
        "tree",
        "--quiet",
        "--package",
        expected.first().copied().unwrap_or_default(),
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
    ];
    let printed = runner.capture(&CommandLine::cargo(&words), Duration::from_secs(120))?;
    only(expected, &printed)
}

fn only(expected: &[&str], printed: &str) -> Result<(), String> {
    // What was printed before is printed again, with a star.
    let mut packages: Vec<&str> = printed
        .lines()
        .filter(|line| !line.ends_with("(*)"))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let mut seen = BTreeSet::new();
    packages.retain(|package| seen.insert(*package));
    if packages == expected {
        return Ok(());
    }
    Err(format!(
        "cargo tree should print {expected:?}, and prints\n{}",
        printed.trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_dependency_of_the_core_is_seen() {
        let printed = "mesh-core v0.1.0 (/w/mesh-core)\nbytes v1.12.2\nthiserror v2.0.21\n";
        assert_eq!(only(CORE, printed), Ok(()));
        assert!(
            only(CORE, &format!("{printed}log v0.4.1\n"))
                .unwrap_err()
                .contains("log")
        );
        assert!(only(CORE, "").is_err());
    }
}
