//! Which compiler has the standard library for wasm.
//!
//! The host's own compiler has it after `rustup target add`. Where nothing but a package registry can be reached, Debian's
//! compiler for the web (it comes with std's sources) gets a sysroot of ours, which `setup::sysroot` makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cache::Cache;
use crate::command::CommandLine;
use crate::run::Runner;
use crate::workspace::rustc;

/// The target's triple.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Chooses between the ways.
const VARIABLE: &str = "CI_WASM";
const PROBE: Duration = Duration::from_secs(60);

/// How a machine comes by the wasm target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// What is there; else rustup; else Debian's packages.
    Auto,
    /// What is there.
    Installed,
    /// Debian's packages, even where the host's compiler has the target.
    Debian,
}

impl Way {
    /// The way that the environment asks for.
    pub(crate) fn of_environment() -> Result<Self, String> {
        Self::parse(&std::env::var(VARIABLE).unwrap_or_default())
    }

    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "" | "auto" => Ok(Self::Auto),
            "installed" => Ok(Self::Installed),
            "debian" => Ok(Self::Debian),
            other => Err(format!(
                "{VARIABLE} is {other:?}; it can be auto, installed or debian"
            )),
        }
    }
}

/// A cargo that can build for wasm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compiler {
    /// The one that runs this process.
    Host,
    /// The one of a sysroot of ours.
    Private(Sysroot),
}

impl Compiler {
    /// The one to be used, if any is there.
    pub(crate) fn find(runner: &Runner, cache: &Cache, way: Way) -> Option<Self> {
        if way != Way::Debian && host_has_target(runner) {
            return Some(Self::Host);
        }
        Sysroot::find(runner, cache).map(Self::Private)
    }
}

fn host_has_target(runner: &Runner) -> bool {
    let command = CommandLine::new(&rustc(), &["--print", "target-libdir", "--target", TARGET]);
    let printed = runner.capture(&command, PROBE);
    printed.is_ok_and(|folder| has_std(Path::new(folder.trim())))
}

/// Whether a folder of libraries holds std.
fn has_std(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
    })
}

/// Debian's compiler with a standard library for wasm that was built from its sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sysroot {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// What it was made of; another one needs another target folder.
    pub(crate) stamp: String,
}

impl Sysroot {
    /// The compiler that comes with std's sources.
    const RUSTC: &'static str = "/usr/bin/rustc";
    /// The name of its place in the cache.
    pub(crate) const TOOL: &'static str = "wasm-sysroot";
    const STAMP: &'static str = "stamp";

    /// The one in the cache, if it was made for the compiler that is installed now.
    pub(crate) fn find(runner: &Runner, cache: &Cache) -> Option<Self> {
        let folder = cache.place(Self::TOOL);
        let stamp = fs::read_to_string(folder.join(Self::STAMP)).ok()?;
        let compiler = Self::compiler(runner)?;
        is_stamp_of(&stamp, &compiler).then_some(Self { folder, stamp })
    }

    /// What the installed compiler says about itself.
    fn compiler(runner: &Runner) -> Option<String> {
        if !Path::new(Self::RUSTC).is_file() {
            return None;
        }
        let version = CommandLine::new(Self::RUSTC, &["-Vv"]);
        runner.capture(&version, PROBE).ok()
    }

    /// The cargo that uses it.
    pub(crate) fn cargo(&self) -> PathBuf {
        self.folder.join("bin").join("cargo")
    }
}

/// Whether `ci/wasm-sysroot.sh` has written a stamp for this compiler.
fn is_stamp_of(stamp: &str, compiler: &str) -> bool {
    stamp
        .rsplit_once("\nmade: ")
        .is_some_and(|(of, _)| of == compiler.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_have_names() {
        assert_eq!(Way::parse(""), Ok(Way::Auto));
        assert_eq!(Way::parse("auto"), Ok(Way::Auto));
        assert_eq!(Way::parse("installed"), Ok(Way::Installed));
        assert_eq!(Way::parse("debian"), Ok(Way::Debian));
        let refused = Way::parse("Debian").unwrap_err();
        assert!(refused.contains("auto, installed or debian"), "{refused}");
    }

    #[test]
    fn a_stamp_fits_its_compiler_alone() {
        let compiler = "rustc 1.96.0\nhost: x86_64\nLLVM version: 22\n";
        let made = format!("{compiler}made: 7\n");
        assert!(is_stamp_of(&made, compiler));
        assert!(!is_stamp_of(&made, &compiler.replace("1.96.0", "1.97.0")));
        assert!(!is_stamp_of(compiler, compiler) && !is_stamp_of("", ""));
    }

    #[test]
    fn the_host_has_std_for_itself() {
        let command = CommandLine::new(&rustc(), &["--print", "target-libdir"]);
        let folder = Runner::default().capture(&command, PROBE).unwrap();
        assert!(has_std(Path::new(folder.trim())));
        assert!(!has_std(Path::new(env!("CARGO_MANIFEST_DIR"))));
        assert!(!has_std(Path::new("/nonexistent")));
    }
}
