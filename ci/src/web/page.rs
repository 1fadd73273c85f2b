//! Makes a folder that any static server can serve of a package that was built for wasm.

use std::path::PathBuf;
use std::time::Duration;

use super::target::TARGET;
use super::toolchain::Toolchain;
use crate::command::CommandLine;
use crate::stage::Stage;
use crate::tools::Tool;

/// From nothing, on a busy machine.
const BUILD: Duration = Duration::from_secs(25 * 60);
const BINDGEN: Duration = Duration::from_secs(3 * 60);
const OPTIMISE: Duration = Duration::from_secs(15 * 60);

/// What a page is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Somebody waits for it to be loaded: it is shrunk once more.
    Play,
    /// A test runs it, and nobody looks at its size.
    Test,
    /// Its speed is measured.
    Bench,
    /// Its size is measured: it gets as small as it can.
    Size,
}

/// A package that becomes a page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// What it is called in the report.
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    /// The manifest of another workspace that the package is in.
    pub(crate) manifest: Option<PathBuf>,
    /// The name of its wasm file, without `.wasm`; the module of JavaScript gets it too.
    pub(crate) artifact: &'static str,
    /// Where the module goes.
    pub(crate) folder: PathBuf,
    pub(crate) made_for: Use,
}

impl Page {
    /// The build of its package.
    pub(crate) fn build(&self, toolchain: &Toolchain) -> Stage {
        let mut build = toolchain
            .cargo(&["build", "--release", "--target", TARGET])
            .args(&["--package", self.package]);
        let profile: &[_] = match self.made_for {
            Use::Bench => &[],
            // Small, and compiled in three quarters of the time. What tests and players get alike is compiled once.
            Use::Play | Use::Test => &[("OPT_LEVEL", "s")],
            Use::Size => &[("OPT_LEVEL", "z"), ("LTO", "fat"), ("CODEGEN_UNITS", "1")],
        };
        for (setting, value) in profile {
            build = build.env(&format!("CARGO_PROFILE_RELEASE_{setting}"), *value);
        }
        if let Some(manifest) = &self.manifest {
            build = build.arg("--manifest-path").arg(manifest.to_string_lossy());
        }
        Stage::check(&format!("build of {}", self.name), BUILD, build)
    }

    /// What is to be run, in this order; after one that failed the others make no sense.
    pub(crate) fn stages(&self, toolchain: &Toolchain) -> Result<Vec<Stage>, String> {
        let name = self.name;
        let folder = self.folder.to_string_lossy();
        let built = toolchain.built(self.artifact);
        let words = ["--target", "web", "--no-typescript", "--out-dir", &folder];
        let bindgen = CommandLine::new(&toolchain.program(Tool::WasmBindgen)?, &words)
            .arg(built.to_string_lossy());
        let mut stages = vec![
            self.build(toolchain),
            Stage::check(&format!("module of {name}"), BINDGEN, bindgen),
        ];
        let level: Option<&[_]> = match self.made_for {
            // Higher levels take three times as long, and most of what they save is gone once a server compresses it.
            Use::Play => Some(&["-O1"]),
            Use::Size => Some(&["-Oz", "--strip-debug"]),
            Use::Test | Use::Bench => None,
        };
        if let Some(level) = level {
            let module = self.folder.join(format!("{}_bg.wasm", self.artifact));
            let module = module.to_string_lossy();
            let shrink = CommandLine::new(&toolchain.program(Tool::WasmOpt)?, level)
                .args(&[&module, "--output", &module]);
            stages.push(Stage::check(
                &format!("shrinking of {name}"),
                OPTIMISE,
                shrink,
            ));
        }
        Ok(stages)
    }
}
