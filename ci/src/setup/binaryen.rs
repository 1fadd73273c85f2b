//! wasm-opt: npm has a new one, apt an old one that will do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::apt;
use super::problem::Problem;
use super::site::Site;
use crate::command::CommandLine;
use crate::find::find;
use crate::print::say;
use crate::web::tools::{self, BINARYEN};

const INSTALLATION: Duration = Duration::from_secs(300);
const PACKAGE: &str = "binaryen";

/// The program.
pub(super) fn wasm_opt(site: &Site) -> Result<PathBuf, Problem> {
    let found = || tools::wasm_opt(&site.cache);
    if let Some(program) = found() {
        return Ok(program);
    }
    if let Some(npm) = find("npm")
        && let Err(problem) = from_npm(site, &npm)
    {
        say!("[ci] npm does not bring wasm-opt, apt may: {problem}");
    }
    if let Some(program) = found() {
        return Ok(program);
    }
    apt::install(site, &[PACKAGE])?;
    found().ok_or_else(|| Problem::NotBrought(PACKAGE.to_owned()))
}

fn from_npm(site: &Site, npm: &Path) -> Result<(), Problem> {
    let is_made = || tools::wasm_opt(&site.cache).is_some();
    site.cache.make(&tools::binaryen_tool(), is_made, |folder| {
        let package = format!("{PACKAGE}@{BINARYEN}");
        let words = [
            "install",
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--prefix",
        ];
        let command = CommandLine::new(&npm.to_string_lossy(), &words)
            .arg(folder.to_string_lossy())
            .arg(package);
        site.run(&command, INSTALLATION)
    })
}
