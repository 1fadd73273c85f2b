//! Which compiler has the standard library for wasm.
//!
//! The host's own compiler has it after `rustup target add`. Where nothing but a package registry can be reached, Debian's
//! compiler for the web (it comes with std's sources) gets a sysroot of ours: `ci/wasm-sysroot.sh` knows how.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cache;
use crate::command::CommandLine;
use crate::tools::Machine;
use crate::workspace::rustc;

/// The target's triple.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The name of the sysroot's place in the cache.
pub(crate) const SYSROOT: &str = "wasm-sysroot";

/// Chooses between the ways to come by the target.
const VARIABLE: &str = "CI_WASM";
const PROBE: Duration = Duration::from_secs(60);

/// The way that the environment asks for: `auto`, `installed` or `debian`; nothing is `auto`.
pub(crate) fn way() -> Result<String, String> {
    let word = std::env::var(VARIABLE).unwrap_or_default();
    if ["", "auto", "installed", "debian"].contains(&&*word) {
        return Ok(word);
    }
    Err(format!(
        "{VARIABLE} is {word:?}; it can be auto, installed or debian"
    ))
}

/// A cargo that can build for wasm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compiler {
    /// The one that runs this process.
    Host,
    /// The one of the sysroot in this folder, with what that was made of.
    Private(PathBuf, String),
}

impl Compiler {
    /// The one to be used, if any is there.
    pub(crate) fn find(machine: &Machine) -> Option<Self> {
        if way().ok()? != "debian" && host_has_target(machine) {
            return Some(Self::Host);
        }
        let place = cache::place(SYSROOT);
        let stamp = script(machine, &["stamp", &place.to_string_lossy()]);
        let stamp = machine.runner.capture(&stamp, PROBE).ok()?;
        Some(Self::Private(place, stamp))
    }

    /// A command of this cargo.
    pub(crate) fn cargo(&self, args: &[&str]) -> CommandLine {
        match self {
            Self::Host => CommandLine::cargo(args),
            Self::Private(folder, _) => {
                // The variables that the host's cargo has set for us speak of the host's compiler.
                CommandLine::new(&folder.join("bin/cargo").to_string_lossy(), args)
                    .env("CARGO_TERM_COLOR", "never")
            }
        }
    }

    /// Empties a target folder that was filled with another std: cargo takes its crates for good, and rustc refuses them
    /// (E0463).
    pub(super) fn renew(&self, target_directory: &Path) -> io::Result<()> {
        let Self::Private(_, stamp) = self else {
            return Ok(());
        };
        let file = target_directory.join("std-stamp");
        if fs::read_to_string(&file).is_ok_and(|filled_with| filled_with == *stamp) {
            return Ok(());
        }
        if target_directory.exists() {
            fs::remove_dir_all(target_directory)?;
        }
        fs::create_dir_all(target_directory)?;
        fs::write(file, stamp)
    }
}

/// The script that knows of the sysroot.
pub(crate) fn script(machine: &Machine, words: &[&str]) -> CommandLine {
    let script = machine.root.join("ci/wasm-sysroot.sh");
    CommandLine::new(&script.to_string_lossy(), words)
}

/// Whether the target's standard library is there. Its folder alone may be empty.
fn host_has_target(machine: &Machine) -> bool {
    let command = CommandLine::new(&rustc(), &["--print", "target-libdir", "--target", TARGET]);
    let printed = machine.runner.capture(&command, PROBE);
    let is_std = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("libstd-");
    let entries = printed
        .ok()
        .and_then(|folder| fs::read_dir(folder.trim()).ok());
    entries.is_some_and(|entries| entries.flatten().any(is_std))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_std_empties_the_target_folder() {
        let folder = std::env::temp_dir().join(format!("ci-renew-{}", std::process::id()));
        let renew = |stamp: &str| {
            let compiler = Compiler::Private(PathBuf::new(), stamp.to_owned());
            compiler.renew(&folder).unwrap();
        };
        let built = folder.join("built");
        renew("one");
        fs::write(&built, "").unwrap();
        renew("one");
        assert!(built.exists());
        renew("two");
        assert!(!built.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
