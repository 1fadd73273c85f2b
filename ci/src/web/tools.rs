//! Where the programs are that building for the browser and testing in browsers need.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cache::Cache;
use crate::command::CommandLine;
use crate::find::{Lack, find, named_or_found, with_suffix};
use crate::run::Runner;

/// The version that is installed where no other is there.
pub(crate) const GECKODRIVER: &str = "0.37.1";
/// The npm package's version that is installed where no other is there.
pub(crate) const BINARYEN: &str = "132.0.0";

/// The command line tools of wasm-bindgen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bindgen {
    /// Makes a module of JavaScript of what the compiler built.
    pub(crate) cli: PathBuf,
    /// Runs tests in a browser.
    pub(crate) runner: PathBuf,
}

impl Bindgen {
    /// Those of exactly this version: the one in the PATH or the one we have made.
    pub(crate) fn find(runner: &Runner, cache: &Cache, version: &str) -> Option<Self> {
        let made = Self::within(&crate_root(cache, "wasm-bindgen-cli", version).join("bin"));
        made.or_else(|| {
            let installed = Self::within(find("wasm-bindgen")?.parent()?)?;
            let asked = CommandLine::new(&installed.cli.to_string_lossy(), &["--version"]);
            let answer = runner.capture(&asked, Duration::from_secs(60)).ok()?;
            (answer.split_whitespace().nth(1) == Some(version)).then_some(installed)
        })
    }

    fn within(folder: &Path) -> Option<Self> {
        let cli = with_suffix(&folder.join("wasm-bindgen"));
        let runner = with_suffix(&folder.join("wasm-bindgen-test-runner"));
        (cli.is_file() && runner.is_file()).then_some(Self { cli, runner })
    }
}

/// The place of a program that `cargo install` makes for us.
pub(crate) fn crate_root(cache: &Cache, name: &str, version: &str) -> PathBuf {
    cache.place(&crate_tool(name, version))
}

/// The name of that place in the cache.
pub(crate) fn crate_tool(name: &str, version: &str) -> String {
    format!("{name}-{version}")
}

/// The name of npm's binaryen in the cache.
pub(crate) fn binaryen_tool() -> String {
    format!("binaryen-{BINARYEN}")
}

/// Shrinks wasm.
pub(crate) fn wasm_opt(cache: &Cache) -> Option<PathBuf> {
    let made = cache
        .place(&binaryen_tool())
        .join("node_modules/.bin/wasm-opt");
    made.exists().then_some(made).or_else(|| find("wasm-opt"))
}

/// Chromium or what is built from it; `CHROMIUM` may name another.
pub(crate) fn chromium() -> Result<PathBuf, Lack> {
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    named_or_found("CHROMIUM", &names)
}

/// Drives Chromium; `CHROMEDRIVER` may name another.
pub(crate) fn chromedriver() -> Result<PathBuf, Lack> {
    named_or_found("CHROMEDRIVER", &["chromedriver"])
}

/// Firefox of any kind; `FIREFOX` may name another. Debian's name first: under the other one Ubuntu has a snap.
pub(crate) fn firefox() -> Result<PathBuf, Lack> {
    named_or_found("FIREFOX", &["firefox-esr", "firefox"])
}

/// Drives Firefox; `GECKODRIVER` may name another.
pub(crate) fn geckodriver(cache: &Cache) -> Result<PathBuf, Lack> {
    named_or_found("GECKODRIVER", &["geckodriver"]).or_else(|lack| {
        let made = crate_root(cache, "geckodriver", GECKODRIVER).join("bin/geckodriver");
        let made = with_suffix(&made);
        let replaces = !matches!(lack, Lack::Named { .. });
        (replaces && made.is_file()).then_some(made).ok_or(lack)
    })
}
