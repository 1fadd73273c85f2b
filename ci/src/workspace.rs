//! What cargo knows about the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::command::CommandLine;
use crate::run::Runner;

/// The first call on a fresh machine downloads every dependency.
const DOWNLOAD: Duration = Duration::from_secs(600);

/// The part of `cargo metadata` that is used here.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    pub(crate) workspace_root: PathBuf,
    pub(crate) target_directory: PathBuf,
    resolve: Resolve,
}

/// A package, ours or not.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) rust_version: Option<String>,
    /// As written in the manifest, for all targets and of all kinds.
    pub(crate) dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

/// A dependency as written in a manifest.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}

#[derive(Debug, Deserialize)]
struct DepKind {
    kind: Option<String>,
}

impl Workspace {
    /// Asks cargo; dependencies are resolved for `target`.
    pub(crate) fn load(runner: &Runner, target: &str) -> Result<Self, String> {
        // Cargo's remarks on downloads would come through the same pipe.
        let command = CommandLine::cargo(&[
            "metadata",
            "--quiet",
            "--format-version",
            "1",
            "--filter-platform",
            target,
        ]);
        let printed = runner.capture(&command, DOWNLOAD)?;
        let json = printed
            .lines()
            .find(|line| line.starts_with('{'))
            .unwrap_or_default();
        Self::parse(json)
    }

    /// Reads what `cargo metadata` printed.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json)
            .map_err(|error| format!("cargo metadata is not understood: {error}"))
    }

    /// The packages of this repository.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Package and name of every integration test.
    pub(crate) fn test_targets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members().flat_map(|package| {
            package
                .targets
                .iter()
                .filter(|target| target.kind.iter().any(|kind| kind == "test"))
                .map(|target| (package.name.as_str(), target.name.as_str()))
        })
    }

    /// Names of everything that the member `name` is built from, at any depth, tests and benches aside.
    pub(crate) fn reaches(&self, name: &str) -> Result<BTreeSet<&str>, String> {
        let names: BTreeMap<&str, &str> = self
            .packages
            .iter()
            .map(|p| (p.id.as_str(), p.name.as_str()))
            .collect();
        let edges: BTreeMap<&str, &[Edge]> = self
            .resolve
            .nodes
            .iter()
            .map(|node| (node.id.as_str(), node.deps.as_slice()))
            .collect();
        let start = self
            .members()
            .find(|package| package.name == name)
            .ok_or_else(|| format!("the workspace has no package {name}"))?;
        let mut seen = BTreeSet::new();
        let mut ahead = vec![start.id.as_str()];
        while let Some(id) = ahead.pop() {
            let of_build = edges
                .get(id)
                .into_iter()
                .flat_map(|edges| edges.iter())
                .filter(|edge| {
                    edge.dep_kinds
                        .iter()
                        .any(|dep| dep.kind.as_deref() != Some("dev"))
                });
            ahead.extend(
                of_build
                    .map(|edge| edge.pkg.as_str())
                    .filter(|id| seen.insert(*id)),
            );
        }
        Ok(seen
            .into_iter()
            .filter_map(|id| names.get(id).copied())
            .collect())
    }
}

/// The target triple of the compiler that is used.
pub(crate) fn host(runner: &Runner) -> Result<String, String> {
    let command = CommandLine::new(&rustc(), &["-vV"]);
    let printed = runner.capture(&command, Duration::from_secs(60))?;
    let triple = printed.lines().find_map(|line| line.strip_prefix("host: "));
    triple
        .map(str::to_owned)
        .ok_or_else(|| format!("`{command}` names no host:\n{printed}"))
}

/// The compiler that cargo uses.
pub(crate) fn rustc() -> String {
    std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A workspace of `a` (depends on `b`, tests with `t`) and `b` (depends on `x`).
    pub(crate) fn sample() -> Workspace {
        let package = |name: &str, dependencies: &[&str]| {
            let dependencies: Vec<_> = dependencies
                .iter()
                .map(|name| format!(r#"{{"name":"{name}"}}"#))
                .collect();
            format!(
                r#"{{"id":"{name} 1","name":"{name}","manifest_path":"/w/{name}/Cargo.toml","rust_version":null,
                    "dependencies":[{}],"targets":[{{"name":"{name}","kind":["lib"]}},{{"name":"{name}-it","kind":["test"]}}]}}"#,
                dependencies.join(",")
            )
        };
        let json = format!(
            r#"{{"packages":[{},{},{},{}],"workspace_members":["a 1","b 1"],"workspace_root":"/w","target_directory":"/w/target",
                "resolve":{{"nodes":[
                {{"id":"a 1","deps":[{{"pkg":"b 1","dep_kinds":[{{"kind":null}}]}},{{"pkg":"t 1","dep_kinds":[{{"kind":"dev"}}]}}]}},
                {{"id":"b 1","deps":[{{"pkg":"x 1","dep_kinds":[{{"kind":"dev"}},{{"kind":"build"}}]}}]}},
                {{"id":"x 1","deps":[]}},{{"id":"t 1","deps":[]}}]}}}}"#,
            package("a", &["b", "t"]),
            package("b", &["x"]),
            package("x", &[]),
            package("t", &[]),
        );
        Workspace::parse(&json).unwrap()
    }

    /// The same, where nothing depends on anything.
    pub(crate) fn empty() -> Workspace {
        let mut workspace = sample();
        workspace.resolve.nodes.clear();
        workspace
    }

    #[test]
    fn only_members_are_ours() {
        let names: Vec<_> = sample()
            .members()
            .map(|package| package.name.clone())
            .collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn what_is_reached_has_any_depth_and_no_dev_dependency() {
        let workspace = sample();
        assert_eq!(workspace.reaches("a"), Ok(BTreeSet::from(["b", "x"])));
        assert_eq!(workspace.reaches("b"), Ok(BTreeSet::from(["x"])));
        assert!(workspace.reaches("missing").is_err());
    }

    #[test]
    fn integration_tests_are_listed_by_package() {
        let workspace = sample();
        let targets: Vec<_> = workspace.test_targets().collect();
        assert_eq!(targets, [("a", "a-it"), ("b", "b-it")]);
    }
}
