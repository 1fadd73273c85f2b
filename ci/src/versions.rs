//! The facade at both ends of the version ranges in its manifests: with the oldest versions they allow, and with the newest.
//!
//! Cargo.lock pins what we build with, so nothing else would notice that a range promises too much. The facade and what it
//! is made of are copied, without what only their tests need; the copy is resolved anew and checked.

mod copy;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::command::CommandLine;
use crate::outcome::Outcome;
use crate::plan::VERSIONS;
use crate::print::say;
use crate::run::Runner;
use crate::stage::Stage;
use crate::web::{TARGET, Toolchain};
use crate::workspace::Workspace;

/// What a game depends on.
const FACADE: &str = "webrtc-multiplayer";

/// What asking the registry may take.
const RESOLVE: Duration = Duration::from_secs(120);

/// An end of the ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Oldest,
    Newest,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Oldest => "oldest",
            Self::Newest => "newest",
        }
    }

    /// Writes the copy's lock file. Cargo picks the oldest versions only as a nightly would; the compiler stays as it is.
    fn update(self, manifest: &str) -> CommandLine {
        let update = CommandLine::cargo(&["update", "--quiet", "--manifest-path", manifest]);
        match self {
            Self::Oldest => update
                .arg("-Zdirect-minimal-versions")
                .env("RUSTC_BOOTSTRAP", "1"),
            Self::Newest => update,
        }
    }
}

/// Checks the facade natively with the oldest versions, and for the browser with the oldest and the newest. Natively there
/// is no newest: `webrtc` is held to one minor version.
pub(crate) fn run(
    runner: &Runner,
    workspace: &Workspace,
    toolchain: Option<&Toolchain>,
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for end in [End::Oldest, End::Newest] {
        let begun = Instant::now();
        let name = format!("{} versions", end.name());
        let manifest = match prepare(runner, workspace, end) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => {
                say!("\n[ci] {name}: left out, the registry cannot be reached");
                continue;
            }
            Err(why) => {
                let outcome = Outcome::of_check(&name, begun.elapsed(), Err(why));
                outcome.say();
                outcomes.push(outcome);
                continue;
            }
        };
        let stages = stages(end, &manifest, workspace, toolchain);
        outcomes.extend(stages.iter().map(|stage| stage.run(runner)));
    }
    outcomes
}

fn stages(
    end: End,
    manifest: &str,
    workspace: &Workspace,
    toolchain: Option<&Toolchain>,
) -> Vec<Stage> {
    let words = [
        "check",
        "--locked",
        "--package",
        FACADE,
        "--manifest-path",
        manifest,
    ];
    // One for both ends: what they have in common is checked once.
    let target = |kind: &str| {
        let folder = workspace.target_directory.join("ci/versions").join(kind);
        folder.to_string_lossy().into_owned()
    };
    let native = (end == End::Oldest)
        .then(|| CommandLine::cargo(&words).env("CARGO_TARGET_DIR", target("native")));
    let browser = toolchain.map(|toolchain| {
        toolchain
            .cargo(&words)
            .arg("--target")
            .arg(TARGET)
            .env("CARGO_TARGET_DIR", target("wasm"))
    });
    let named = [("native", native), ("in the browser", browser)];
    named
        .into_iter()
        .filter_map(|(place, command)| {
            let name = format!("{} versions, {place}", end.name());
            Some(Stage::check(&name, VERSIONS, command?))
        })
        .collect()
}

/// The manifest of a copy that is resolved for this end; `None` where the registry cannot be reached.
fn prepare(runner: &Runner, workspace: &Workspace, end: End) -> Result<Option<String>, String> {
    let folder = workspace
        .target_directory
        .join("ci/versions")
        .join(end.name());
    let packages = packages(runner, workspace)?;
    copy::refresh(&workspace.workspace_root, &packages, &folder)
        .map_err(|error| format!("{} cannot be written: {error}", folder.display()))?;
    let manifest = folder.join("Cargo.toml").to_string_lossy().into_owned();
    match runner.capture(&end.update(&manifest), RESOLVE) {
        Ok(_) => Ok(Some(manifest)),
        Err(why) if is_offline(&why) => Ok(None),
        Err(why) => Err(why),
    }
}

/// The folders of the facade's own parts on either target, relative to the root.
fn packages(runner: &Runner, workspace: &Workspace) -> Result<Vec<PathBuf>, String> {
    let browser = Workspace::load(runner, TARGET)?;
    let mut names = workspace.reaches(FACADE)?;
    names.extend(browser.reaches(FACADE)?);
    let folders = workspace
        .members()
        .filter(|package| names.contains(package.name.as_str()))
        .filter_map(|package| {
            let folder = package.manifest_path.parent()?;
            let relative = folder.strip_prefix(&workspace.workspace_root).ok()?;
            Some(relative.to_owned())
        });
    Ok(folders.collect())
}

/// Whether cargo failed for want of a network, and not because the ranges cannot be met.
fn is_offline(why: &str) -> bool {
    [
        "failed to download",
        "failed to fetch",
        "download of config.json failed",
        "failed to query replaced source",
    ]
    .iter()
    .any(|words| why.contains(words))
        && !why.contains("failed to select a version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_cannot_be_met_are_no_want_of_network() {
        let offline = "error: failed to query replaced source registry `crates-io`\n\
                       Caused by: download of config.json failed";
        assert!(is_offline(offline));
        let conflict = "error: failed to select a version for `serde`.";
        assert!(!is_offline(conflict));
    }

    #[test]
    fn only_the_oldest_versions_need_a_word_of_nightly() {
        let oldest = End::Oldest.update("Cargo.toml");
        assert!(
            oldest
                .args
                .iter()
                .any(|arg| arg == "-Zdirect-minimal-versions")
        );
        assert!(oldest.env.iter().any(|(name, _)| name == "RUSTC_BOOTSTRAP"));
        let newest = End::Newest.update("Cargo.toml");
        assert!(!newest.env.iter().any(|(name, _)| name == "RUSTC_BOOTSTRAP"));
    }
}
