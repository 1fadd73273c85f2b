//! What is published: each package is built from its packed file alone, and new packages that depend on the packed files meet.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::command::CommandLine;
use crate::outcome::Outcome;
use crate::run::Runner;
use crate::stage::Stage;
use crate::tools::Tool;
use crate::versions;
use crate::web::Toolchain;
use crate::workspace::Workspace;

const NAME: &str = "packages";

/// What packing and building may take from nothing: it takes 7 minutes on two cores that have other work, too.
const PACK: Duration = Duration::from_secs(25 * 60);

/// What the programs of the README and the server take from nothing: 12 minutes on two cores that have much other work.
const FRESH: Duration = Duration::from_secs(30 * 60);

/// A target folder of its own: packages are built as their users build them, with the profile that cargo has by itself.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target_directory.join("ci/packages")
}

/// Packs all that is published, and builds each package from what was packed. Cargo asks the registry for it.
pub(crate) fn pack(runner: &Runner, workspace: &Workspace) -> Outcome {
    forget(workspace);
    let outcome = packing(workspace).run(runner);
    if outcome.failures().any(versions::is_offline) {
        return Outcome::not_run(NAME, "the registry cannot be reached");
    }
    outcome
}

/// Removes what an earlier run has packed and built. Cargo takes a package of a registry for unchanged as long as its version is the same,
/// and a registry is what it makes of the packed files: it would build one of them against an older one of another.
fn forget(workspace: &Workspace) {
    let _ = fs::remove_dir_all(folder(workspace));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    for kind in ["src", "cache"] {
        let registries = home.as_ref().map(|home| home.join("registry").join(kind));
        let registries = registries.and_then(|folder| fs::read_dir(folder).ok());
        // The name of such a registry has no host before the dash.
        let ours = registries.into_iter().flatten().flatten();
        let ours = ours.filter(|entry| entry.file_name().to_string_lossy().starts_with('-'));
        for packages in ours.filter_map(|entry| fs::read_dir(entry.path()).ok()) {
            for package in packages.flatten() {
                let path = package.path();
                let is_ours = package
                    .file_name()
                    .to_string_lossy()
                    .contains("webrtc-multiplayer-");
                if is_ours && fs::remove_dir_all(&path).is_err() {
                    let _ = fs::remove_file(&path);
                }
            }
        }
    }
}

fn packing(workspace: &Workspace) -> Stage {
    // What is not committed yet is checked, too.
    let words = ["publish", "--workspace", "--dry-run", "--allow-dirty"];
    let pack = CommandLine::cargo(&words)
        .env("CARGO_TARGET_DIR", folder(workspace).to_string_lossy())
        .envs(SMALL.map(|(name, value)| (name, value.to_owned())));
    Stage::check(NAME, PACK, pack).beside()
}

/// Nobody debugs these, and they take a third of the room.
const SMALL: [(&str, &str); 2] = [
    ("CARGO_PROFILE_DEV_DEBUG", "false"),
    ("CARGO_INCREMENTAL", "0"),
];

/// The README's programs in new packages outside of this repository, natively and in Chromium.
pub(crate) fn fresh(workspace: &Workspace, toolchain: &Toolchain) -> Result<Vec<Stage>, String> {
    let script = workspace.root.join("ci/fresh.sh");
    let fresh = CommandLine::new(&script.to_string_lossy(), &[])
        .env("WASM_CARGO", toolchain.cargo(&[]).program)
        .env("WASM_BINDGEN", toolchain.program(Tool::WasmBindgen)?)
        .env("CHROMIUM", toolchain.program(Tool::Chromium)?)
        .envs(SMALL.map(|(name, value)| (name, value.to_owned())));
    Ok(vec![Stage::check("fresh", FRESH, fresh).with_scratch()])
}
