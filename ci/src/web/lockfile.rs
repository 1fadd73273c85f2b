//! Which wasm-bindgen the workspace is locked to.

use std::time::Duration;

use crate::command::CommandLine;
use crate::run::Runner;

const BUDGET: Duration = Duration::from_secs(60);

/// The version of wasm-bindgen in the lock file; its command line tool has to be of exactly this one. Where the lock file names
/// none, or several, cargo says so.
pub(crate) fn bindgen_version(runner: &Runner) -> Result<String, String> {
    let command = CommandLine::cargo(&["pkgid", "--quiet", "wasm-bindgen"]);
    let printed = runner.capture(&command, BUDGET)?;
    // Cargo says on the same pipe when it waits for another cargo.
    let version = printed
        .lines()
        .last()
        .and_then(|id| id.rsplit_once('@'))
        .map(|(_, version)| version.to_owned());
    version.ok_or_else(|| format!("`{command}` names no version:\n{printed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_locked_to_one() {
        let version = bindgen_version(&Runner::default()).unwrap();
        assert!(version.starts_with("0.2."), "{version}");
    }
}
