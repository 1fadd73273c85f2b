//! What cargo knows about the workspace.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::command::CommandLine;
use crate::run::Runner;

/// Stands for the triple of the machine wherever cargo takes one.
pub(crate) const HOST: &str = "host-tuple";

/// The first call on a fresh machine downloads every dependency.
const DOWNLOAD: Duration = Duration::from_secs(600);

/// What `cargo metadata` tells, resolved for one target.
#[derive(Debug)]
pub(crate) struct Workspace {
    metadata: Metadata,
    pub(crate) root: PathBuf,
    pub(crate) target_directory: PathBuf,
}

impl Workspace {
    /// Asks cargo; dependencies are resolved for `target`.
    pub(crate) fn load(runner: &Runner, target: &str) -> Result<Self, String> {
        let words = ["metadata", "--quiet", "--format-version=1"];
        let command = CommandLine::cargo(&words).args(&["--filter-platform", target]);
        let printed = runner.capture(&command, DOWNLOAD)?;
        // Cargo says on the same pipe when it waits for another cargo.
        let json = printed.lines().find(|line| line.starts_with('{'));
        let metadata = MetadataCommand::parse(json.unwrap_or_default())
            .map_err(|error| format!("cargo metadata is not understood: {error}"))?;
        Ok(Self {
            root: metadata.workspace_root.clone().into(),
            target_directory: metadata.target_directory.clone().into(),
            metadata,
        })
    }

    /// The packages of this repository.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.metadata.workspace_packages().into_iter()
    }

    /// Package and name of every integration test.
    pub(crate) fn test_targets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members().flat_map(|package| {
            let tests = package.targets.iter().filter(|target| target.is_test());
            tests.map(|target| (package.name.as_str(), target.name.as_str()))
        })
    }

    /// The version that the lock file has of a package.
    pub(crate) fn version_of(&self, name: &str) -> Result<String, String> {
        let found = self.metadata.packages.iter().find(|it| it.name == name);
        found
            .map(|package| package.version.to_string())
            .ok_or_else(|| format!("Cargo.lock has no {name}"))
    }

    /// Names of everything that the member `name` is built from, at any depth, without what its tests and benches need.
    pub(crate) fn reaches(&self, name: &str) -> Result<BTreeSet<&str>, String> {
        let member = self.members().find(|package| package.name == name);
        let member = member.ok_or_else(|| format!("the workspace has no package {name}"))?;
        let mut seen = BTreeSet::new();
        let mut ahead = vec![&member.id];
        while let Some(id) = ahead.pop() {
            let needs = self.needs(id);
            ahead.extend(needs.filter(|id| seen.insert(self.metadata[id].name.as_str())));
        }
        Ok(seen)
    }

    fn needs(&self, id: &PackageId) -> impl Iterator<Item = &PackageId> {
        let nodes = self.metadata.resolve.iter().flat_map(|it| &it.nodes);
        let node = nodes.into_iter().find(|node| node.id == *id);
        let edges = node.into_iter().flat_map(|node| &node.deps);
        let is_built = |kind| kind != DependencyKind::Development;
        edges
            .filter(move |edge| edge.dep_kinds.iter().any(|dep| is_built(dep.kind)))
            .map(|edge| &edge.pkg)
    }
}

/// The compiler that cargo uses.
pub(crate) fn rustc() -> String {
    std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// This very workspace.
    pub(crate) fn own(target: &str) -> Workspace {
        Workspace::load(&Runner::default(), target).unwrap()
    }

    #[test]
    fn what_is_reached_has_any_depth_and_no_dev_dependency() {
        let own = own(HOST);
        let reached = own.reaches("webrtc-multiplayer-signaling").unwrap();
        assert!(reached.contains("webrtc-multiplayer-core") && reached.contains("bytes"));
        // Only tests draw cases.
        assert!(!reached.contains("proptest"));
        assert!(own.reaches("serde").is_err(), "no member");
    }

    #[test]
    fn integration_tests_are_listed_by_package() {
        let own = own(HOST);
        let mut tests = own.test_targets();
        assert!(tests.any(|test| test == ("webrtc-multiplayer-core", "simulation")));
        assert!(own.version_of("wasm-bindgen").unwrap().starts_with("0.2."));
        assert!(own.version_of("no-such-package").is_err());
    }
}
