//! The facade at both ends of the version ranges in its manifests: with the oldest versions they allow, and with the newest.
//!
//! Cargo.lock pins what we build with, so nothing else would notice that a range promises too much. A package that depends on
//! the facade, as a game does, is resolved anew and checked.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use cargo_metadata::cargo_platform::Platform;
use cargo_metadata::{Dependency, DependencyKind};

use crate::command::CommandLine;
use crate::outcome::Outcome;
use crate::print::say;
use crate::run::Runner;
use crate::stage::Stage;
use crate::web::{TARGET, Toolchain};
use crate::workspace::Workspace;

/// What a game depends on.
const FACADE: &str = "webrtc-multiplayer";

/// What asking the registry may take.
const RESOLVE: Duration = Duration::from_secs(120);

/// What one check may take: 4 minutes from nothing on two cores, and more beside tests.
const CHECK: Duration = Duration::from_secs(20 * 60);

/// Checks the facade natively with the oldest versions, and for the browser with the oldest and the newest. Natively there
/// is no newest: `webrtc` is held to one minor version.
pub(crate) fn run(
    runner: &Runner,
    workspace: &Workspace,
    toolchain: Option<&Toolchain>,
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for end in ["oldest", "newest"] {
        let name = format!("{end} versions");
        match prepare(runner, workspace, end) {
            Ok(manifest) => {
                let stages = stages(end, &manifest, workspace, toolchain);
                outcomes.extend(stages.iter().map(|stage| stage.run(runner)));
            }
            Err(why) if is_offline(&why) => {
                say!("\n[ci] {name}: left out, the registry cannot be reached");
            }
            Err(why) => outcomes.push(Outcome::check(&name, || Err(why))),
        }
    }
    outcomes
}

fn stages(
    end: &str,
    manifest: &str,
    workspace: &Workspace,
    toolchain: Option<&Toolchain>,
) -> Vec<Stage> {
    let words = ["check", "--locked", "--manifest-path", manifest];
    let stage = |place: &str, folder: &str, command: CommandLine| {
        // One folder for both ends: what they have in common is checked once.
        let folder = workspace.target_directory.join("ci/versions").join(folder);
        let command = command.env("CARGO_TARGET_DIR", folder.to_string_lossy());
        Stage::check(&format!("{end} versions, {place}"), CHECK, command).beside()
    };
    let native = (end == "oldest").then(|| stage("native", "native", CommandLine::cargo(&words)));
    let browser = toolchain.map(|toolchain| {
        let command = toolchain.cargo(&words).args(&["--target", TARGET]);
        stage("in the browser", "wasm", command)
    });
    native.into_iter().chain(browser).collect()
}

/// The manifest of a package that depends on the facade and is resolved for this end.
fn prepare(runner: &Runner, workspace: &Workspace, end: &str) -> Result<String, String> {
    let folder = workspace.target_directory.join("ci/versions").join(end);
    write(&folder, &manifest(workspace))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    let manifest = folder.join("Cargo.toml").to_string_lossy().into_owned();
    let words = ["generate-lockfile", "--quiet", "--manifest-path", &manifest];
    let mut lock = CommandLine::cargo(&words);
    if end == "oldest" {
        // Cargo picks the oldest versions only as a nightly would; the compiler stays as it is.
        lock = lock
            .arg("-Zdirect-minimal-versions")
            .env("RUSTC_BOOTSTRAP", "1");
    }
    runner.capture(&lock, RESOLVE)?;
    Ok(manifest)
}

/// It says again what the facade and its parts ask the registry for: cargo takes the oldest versions of what a package itself
/// depends on, and of nothing else.
fn manifest(workspace: &Workspace) -> String {
    let mut asked = BTreeSet::new();
    ask(workspace, FACADE, None, &mut asked);
    let mut text = format!(
        "[package]\nname = \"versions\"\nedition = \"2024\"\nrust-version = \"{}\"\n\n[workspace]\n\n\
         [dependencies.{FACADE}]\npath = {:?}\n",
        env!("CARGO_PKG_RUST_VERSION"),
        workspace.root.to_string_lossy()
    );
    text.extend(asked);
    text
}

/// Adds what a member asks for that is depended on for a target.
fn ask(workspace: &Workspace, name: &str, target: Option<&Platform>, asked: &mut BTreeSet<String>) {
    let member = workspace.members().find(|member| member.name == name);
    let dependencies = member.map_or(&[][..], |member| &member.dependencies);
    let is_built = |it: &&Dependency| it.kind == DependencyKind::Normal && !it.optional;
    for Dependency {
        name,
        req,
        target: own,
        path,
        ..
    } in dependencies.iter().filter(is_built)
    {
        let target = own.as_ref().or(target);
        if path.is_some() {
            ask(workspace, name, target, asked);
            continue;
        }
        let target = target.map(|target| format!("target.'{target}'."));
        let target = target.unwrap_or_default();
        asked.insert(format!(
            "\n[{target}dependencies.{name}]\nversion = \"{req}\"\ndefault-features = false\n"
        ));
    }
}

fn write(folder: &Path, manifest: &str) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    fs::write(folder.join("Cargo.toml"), manifest)
}

/// Whether cargo failed for want of a network, and not because the ranges cannot be met.
pub(crate) fn is_offline(why: &str) -> bool {
    let offline = [
        "failed to download",
        "failed to fetch",
        "download of config.json failed",
        "failed to query replaced source",
    ];
    offline.iter().any(|words| why.contains(words)) && !why.contains("failed to select a version")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::HOST;
    use crate::workspace::tests::own;

    #[test]
    fn ranges_that_cannot_be_met_are_no_want_of_network() {
        let offline = "error: failed to query replaced source registry `crates-io`\n\
                       Caused by: download of config.json failed";
        assert!(is_offline(offline));
        let conflict = "error: failed to select a version for `serde`.";
        assert!(!is_offline(conflict));
    }

    #[test]
    fn what_the_facade_asks_the_registry_for_is_asked_for_once() {
        let manifest = manifest(&own(HOST));
        let of_bytes = "\n[dependencies.bytes]\nversion = \"^1.12\"\ndefault-features = false\n";
        assert_eq!(manifest.matches(of_bytes).count(), 1, "{manifest}");
        let of_native = "\"wasm32\"))'.dependencies.webrtc]\nversion = \"~0.21.1\"";
        assert!(manifest.contains(of_native), "{manifest}");
        // What only tests or a feature take.
        assert!(!manifest.contains("proptest") && !manifest.contains("postcard"));
    }
}
