//! The gates: promises about the shape of the workspace, each proven on every run.

mod core_only;
mod graph;
mod manifests;
mod sources;

use std::time::{Duration, Instant};

use self::graph::Resolved;
use crate::command::CommandLine;
use crate::outcome::Outcome;
use crate::print::say;
use crate::run::Runner;
use crate::web::TARGET;
use crate::workspace::Workspace;

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
    for rule in sources::RULES {
        gate(rule.promise, &mut || rule.check(texts.as_ref()?));
    }
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
        &mut || tree(runner),
    );
    gate("mesh-core builds against core and alloc only", &mut || {
        core_only::check(runner, &workspace.target_directory, host)
    });
    outcomes
}

/// The same words as a person would type to see for themselves.
fn tree(runner: &Runner) -> Result<(), String> {
    let words = [
        "tree",
        "--quiet",
        "--package",
        "mesh-core",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
    ];
    let printed = runner.capture(&CommandLine::cargo(&words), Duration::from_secs(120))?;
    only_the_two(&printed)
}

fn only_the_two(printed: &str) -> Result<(), String> {
    let packages: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    if packages == ["mesh-core", "bytes", "thiserror"] {
        return Ok(());
    }
    Err(format!(
        "cargo tree should print mesh-core, bytes and thiserror, and prints\n{}",
        printed.trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_dependency_of_the_core_is_seen() {
        let printed = "mesh-core v0.1.0 (/w/mesh-core)\nbytes v1.12.2\nthiserror v2.0.21\n";
        assert_eq!(only_the_two(printed), Ok(()));
        assert!(
            only_the_two(&format!("{printed}log v0.4.1\n"))
                .unwrap_err()
                .contains("log")
        );
        assert!(only_the_two("").is_err());
    }
}
