//! Tools that come from the crate registry and are compiled once a machine.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::problem::Problem;
use super::site::Site;
use crate::command::CommandLine;
use crate::find::Lack;
use crate::web::bindgen_version;
use crate::web::tools::{self, Bindgen, GECKODRIVER, crate_tool};

/// From nothing, beside another build.
const COMPILATION: Duration = Duration::from_secs(30 * 60);

/// wasm-bindgen's command line tools, of exactly the version that the workspace is locked to.
pub(super) fn wasm_bindgen(site: &Site) -> Result<PathBuf, Problem> {
    let version = bindgen_version(&site.runner).map_err(Problem::Lockfile)?;
    let found = || Bindgen::find(&site.runner, &site.cache, &version).map(|bindgen| bindgen.cli);
    // TLS is for drivers on other machines, and a third of the work; of three programs two are used. Its own lock file asks
    // for a crate that is no longer to be had, so there is no `--locked`.
    let options = [
        "--no-default-features",
        "--bin",
        "wasm-bindgen",
        "--bin",
        "wasm-bindgen-test-runner",
    ];
    provide(site, "wasm-bindgen-cli", &version, &options, found)
}

/// Firefox's driver.
pub(super) fn geckodriver(site: &Site) -> Result<PathBuf, Problem> {
    if let Err(lack @ Lack::Named { .. }) = tools::geckodriver(&site.cache) {
        return Err(lack.into());
    }
    let found = || tools::geckodriver(&site.cache).ok();
    provide(site, "geckodriver", GECKODRIVER, &["--locked"], found)
}

fn provide(
    site: &Site,
    name: &str,
    version: &str,
    options: &[&str],
    found: impl Fn() -> Option<PathBuf>,
) -> Result<PathBuf, Problem> {
    let tool = crate_tool(name, version);
    if found().is_none() {
        let is_made = || found().is_some();
        site.cache.make(&tool, is_made, |folder| {
            let target = folder.join("target");
            let install = install(name, version, options)
                .arg("--root")
                .arg(folder.to_string_lossy())
                .env("CARGO_TARGET_DIR", target.to_string_lossy());
            site.run(&install, COMPILATION)?;
            Ok::<(), Problem>(fs::remove_dir_all(target)?)
        })?;
    }
    found().ok_or(Problem::NotBrought(tool))
}

/// A tool runs for moments, and how well it is compiled decides over minutes: unoptimised, wasm-bindgen takes half a second
/// more for our largest page.
fn install(name: &str, version: &str, options: &[&str]) -> CommandLine {
    let install = CommandLine::cargo(&["install", name, "--version", version])
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    options.iter().copied().fold(install, CommandLine::arg)
}
