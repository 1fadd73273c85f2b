//! Everything the web side needs, looked up once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::lockfile::bindgen_version;
use super::target::{Compiler, TARGET, Way};
use super::tools::{self, Bindgen};
use crate::cache::Cache;
use crate::command::CommandLine;
use crate::find::Lack;
use crate::run::Runner;
use crate::workspace::Workspace;

/// Where everything is that `cargo ci setup` provides. Looking it up installs nothing.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    compiler: Compiler,
    target_directory: PathBuf,
    bindgen: Option<Bindgen>,
    wasm_opt: Option<PathBuf>,
    chromium: Result<PathBuf, Lack>,
    chromedriver: Result<PathBuf, Lack>,
    firefox: Result<PathBuf, Lack>,
    geckodriver: Result<PathBuf, Lack>,
}

impl Toolchain {
    /// Looks everything up; without a compiler for wasm there is no toolchain, anything else may lack.
    pub(crate) fn find(runner: &Runner, workspace: &Workspace) -> Result<Self, String> {
        let cache = Cache::of_user();
        let version = bindgen_version(runner)?;
        let compiler = Compiler::find(runner, &cache, Way::of_environment()?);
        let compiler = compiler.ok_or_else(|| lacking(&format!("the target {TARGET}")))?;
        let target_directory = workspace.target_directory.join("wasm");
        if let Compiler::Private(sysroot) = &compiler {
            renew(&target_directory, &sysroot.stamp)
                .map_err(|error| format!("{}: {error}", target_directory.display()))?;
        }
        Ok(Self {
            compiler,
            target_directory,
            bindgen: Bindgen::find(runner, &cache, &version),
            wasm_opt: tools::wasm_opt(&cache),
            chromium: tools::chromium(),
            chromedriver: tools::chromedriver(),
            firefox: tools::firefox(),
            geckodriver: tools::geckodriver(&cache),
        })
    }

    /// A cargo that can build for wasm, with a target folder of its own; `--target` is the caller's to add.
    pub(crate) fn cargo(&self, args: &[&str]) -> CommandLine {
        let cargo = match &self.compiler {
            Compiler::Host => CommandLine::cargo(args),
            Compiler::Private(sysroot) => {
                // The variables that the host's cargo has set for us speak of the host's compiler.
                CommandLine::new(&sysroot.cargo().to_string_lossy(), args)
                    .env("CARGO_TERM_COLOR", "never")
            }
        };
        cargo.env("CARGO_TARGET_DIR", self.target_directory.to_string_lossy())
    }

    /// Where [`Self::cargo`] puts everything.
    pub(crate) fn target_directory(&self) -> &Path {
        &self.target_directory
    }

    /// Where [`Self::cargo`] leaves what it builds for wasm with this profile.
    pub(crate) fn artifacts(&self, profile: &str) -> PathBuf {
        self.target_directory.join(TARGET).join(profile)
    }

    /// The command line tool of wasm-bindgen, of the version in the lock file.
    pub(crate) fn wasm_bindgen(&self) -> Result<&Path, String> {
        let bindgen = self.bindgen.as_ref().map(|bindgen| bindgen.cli.as_path());
        bindgen.ok_or_else(|| lacking("wasm-bindgen of the version in Cargo.lock"))
    }

    /// Runs tests that were built for wasm in a browser.
    pub(crate) fn test_runner(&self) -> Result<&Path, String> {
        let runner = self
            .bindgen
            .as_ref()
            .map(|bindgen| bindgen.runner.as_path());
        runner.ok_or_else(|| lacking("wasm-bindgen-test-runner of the version in Cargo.lock"))
    }

    /// Shrinks wasm.
    pub(crate) fn wasm_opt(&self) -> Result<&Path, String> {
        self.wasm_opt.as_deref().ok_or_else(|| lacking("wasm-opt"))
    }

    /// The browser.
    pub(crate) fn chromium(&self) -> Result<&Path, String> {
        found(&self.chromium, "Chromium")
    }

    /// Its driver.
    pub(crate) fn chromedriver(&self) -> Result<&Path, String> {
        found(&self.chromedriver, "chromedriver")
    }

    /// The other browser.
    pub(crate) fn firefox(&self) -> Result<&Path, String> {
        found(&self.firefox, "Firefox")
    }

    /// Its driver.
    pub(crate) fn geckodriver(&self) -> Result<&Path, String> {
        found(&self.geckodriver, "geckodriver")
    }

    /// What a shell must be told to build and test by hand, one command a line.
    pub(crate) fn exports(&self) -> Vec<String> {
        let cargo = self.cargo(&[]);
        let target_directory = self.target_directory.to_string_lossy().into_owned();
        let tools = [
            ("WASM_CARGO", Some(cargo.program)),
            ("WASM_TARGET_DIR", Some(target_directory)),
            ("WASM_BINDGEN", path(self.wasm_bindgen())),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                path(self.test_runner()),
            ),
            ("WASM_OPT", path(self.wasm_opt())),
            ("CHROMIUM", path(self.chromium())),
            ("CHROMEDRIVER", path(self.chromedriver())),
            ("FIREFOX", path(self.firefox())),
            ("GECKODRIVER", path(self.geckodriver())),
        ];
        let found = tools
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        found
            .map(|(name, value)| format!("export {name}='{value}'"))
            .collect()
    }
}

fn path(found: Result<&Path, String>) -> Option<String> {
    found.ok().map(|path| path.to_string_lossy().into_owned())
}

fn found<'a>(program: &'a Result<PathBuf, Lack>, what: &str) -> Result<&'a Path, String> {
    let why = |lack: &Lack| format!("no {what}: {lack}; `cargo ci setup` says more");
    program.as_deref().map_err(why)
}

fn lacking(what: &str) -> String {
    format!("{what} is not here; `cargo ci setup` installs it or says how to")
}

/// Empties a target folder that was filled with another std: cargo takes its crates for good, and rustc refuses them (E0463).
fn renew(target_directory: &Path, stamp: &str) -> io::Result<()> {
    let file = target_directory.join("std-stamp");
    match fs::read_to_string(&file) {
        Ok(filled_with) if filled_with == stamp => return Ok(()),
        Ok(_) | Err(_) if target_directory.exists() => fs::remove_dir_all(target_directory)?,
        Ok(_) | Err(_) => {}
    }
    fs::create_dir_all(target_directory)?;
    fs::write(file, stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(compiler: Compiler) -> Toolchain {
        Toolchain {
            compiler,
            target_directory: PathBuf::from("/w/target/wasm"),
            bindgen: None,
            wasm_opt: None,
            chromium: Ok(PathBuf::from("/usr/bin/chromium")),
            chromedriver: Err(Lack::Absent),
            firefox: Err(Lack::Snap(PathBuf::from("/snap/bin/firefox"))),
            geckodriver: Err(Lack::Absent),
        }
    }

    #[test]
    fn a_private_compiler_has_a_cargo_and_a_target_folder_of_its_own() {
        let sysroot = crate::web::Sysroot {
            folder: PathBuf::from("/c/wasm-sysroot"),
            stamp: String::new(),
        };
        let toolchain = sample(Compiler::Private(sysroot));
        let command = toolchain.cargo(&["build"]);
        assert_eq!(command.program, "/c/wasm-sysroot/bin/cargo");
        let target = ("CARGO_TARGET_DIR".to_owned(), "/w/target/wasm".to_owned());
        assert!(command.env.contains(&target), "{command:?}");
        assert_eq!(
            toolchain.artifacts("release"),
            Path::new("/w/target/wasm/wasm32-unknown-unknown/release")
        );
    }

    #[test]
    fn what_lacks_is_named_with_the_way_to_get_it() {
        let toolchain = sample(Compiler::Host);
        let lacking = toolchain.geckodriver().unwrap_err();
        assert!(lacking.contains("geckodriver") && lacking.contains("cargo ci setup"));
        let lacking = toolchain.firefox().unwrap_err();
        assert!(lacking.contains("/snap/bin/firefox is a snap"), "{lacking}");
        assert_eq!(toolchain.chromium(), Ok(Path::new("/usr/bin/chromium")));
        let exports = toolchain.exports().join("\n");
        assert!(
            exports.contains("export CHROMIUM='/usr/bin/chromium'"),
            "{exports}"
        );
        assert!(!exports.contains("GECKODRIVER"), "{exports}");
    }

    #[test]
    fn another_std_empties_the_target_folder() {
        let folder = std::env::temp_dir().join(format!("ci-renew-{}", std::process::id()));
        let built = folder.join("built");
        renew(&folder, "one").unwrap();
        fs::write(&built, "").unwrap();
        renew(&folder, "one").unwrap();
        assert!(built.exists());
        renew(&folder, "two").unwrap();
        assert!(!built.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
