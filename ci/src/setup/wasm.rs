//! The target wasm32-unknown-unknown, by the way that `CI_WASM` names.

use std::path::PathBuf;
use std::time::Duration;

use super::problem::Problem;
use super::site::Site;
use super::sysroot;
use crate::command::CommandLine;
use crate::find::find;
use crate::print::say;
use crate::web::{Compiler, TARGET, Way};

const DOWNLOAD: Duration = Duration::from_secs(300);

/// Makes sure that there is a cargo for it, and says which.
pub(super) fn target(site: &Site) -> Result<PathBuf, Problem> {
    let way = Way::of_environment().map_err(Problem::Choice)?;
    let found = || Compiler::find(&site.runner, &site.cache, way);
    if let Some(compiler) = found() {
        return Ok(cargo(&compiler));
    }
    if way == Way::Installed {
        return Err(Problem::Forbidden);
    }
    if way == Way::Auto && find("rustup").is_some() {
        let add = CommandLine::new("rustup", &["target", "add", TARGET]);
        match site.run(&add, DOWNLOAD) {
            Ok(()) if found().is_some() => {}
            Ok(()) => say!("[ci] rustup added {TARGET} to a toolchain that is not in use"),
            Err(problem) => say!("[ci] rustup does not bring {TARGET}: {problem}"),
        }
    }
    if found().is_none() {
        sysroot::make(site)?;
    }
    found()
        .map(|compiler| cargo(&compiler))
        .ok_or_else(|| Problem::NotBrought("std for wasm".to_owned()))
}

fn cargo(compiler: &Compiler) -> PathBuf {
    match compiler {
        Compiler::Host => PathBuf::from(CommandLine::cargo(&[]).program),
        Compiler::Private(sysroot) => sysroot.cargo(),
    }
}
