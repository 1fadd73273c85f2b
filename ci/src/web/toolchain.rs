//! What building for the browser and testing in browsers take.

use std::path::{Path, PathBuf};

use super::target::{Compiler, TARGET};
use crate::command::CommandLine;
use crate::find::with_suffix;
use crate::tools::{Machine, Tool};
use crate::workspace::Workspace;

/// Where everything is that `cargo ci setup` provides. Looking it up installs nothing.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    machine: Machine,
    compiler: Compiler,
    target_directory: PathBuf,
}

impl Toolchain {
    /// Without a compiler for wasm there is no toolchain, anything else may lack.
    pub(crate) fn find(machine: &Machine, workspace: &Workspace) -> Result<Self, String> {
        let compiler = Compiler::find(machine);
        let compiler = compiler.ok_or_else(|| lacking(Tool::WasmTarget, "it is not here"))?;
        let target_directory = workspace.target_directory.join("wasm");
        compiler
            .renew(&target_directory)
            .map_err(|error| format!("{}: {error}", target_directory.display()))?;
        Ok(Self {
            machine: machine.clone(),
            compiler,
            target_directory,
        })
    }

    /// A cargo that can build for wasm, with a target folder of its own; `--target` is the caller's to add.
    pub(crate) fn cargo(&self, args: &[&str]) -> CommandLine {
        let cargo = self.compiler.cargo(args);
        cargo.env("CARGO_TARGET_DIR", self.target_directory.to_string_lossy())
    }

    /// Where [`Self::cargo`] puts everything.
    pub(crate) fn target_directory(&self) -> &Path {
        &self.target_directory
    }

    /// Where [`Self::cargo`] leaves what it builds for wasm in a release.
    pub(crate) fn built(&self, artifact: &str) -> PathBuf {
        let folder = self.target_directory.join(TARGET).join("release");
        folder.join(format!("{artifact}.wasm"))
    }

    /// The program of a tool.
    pub(crate) fn program(&self, tool: Tool) -> Result<String, String> {
        let found = tool.find(&self.machine);
        let found = found.map_err(|lack| lacking(tool, &lack.to_string()))?;
        Ok(found.to_string_lossy().into_owned())
    }

    /// Runs tests that were built for wasm in a browser; it comes with wasm-bindgen's own tool.
    pub(crate) fn test_runner(&self) -> Result<String, String> {
        let beside = PathBuf::from(self.program(Tool::WasmBindgen)?);
        let runner = with_suffix(&beside.with_file_name("wasm-bindgen-test-runner"));
        Ok(runner.to_string_lossy().into_owned())
    }

    /// Where a tool that builds pages by itself, such as trunk, finds what it starts: the beginning of a PATH.
    fn path(&self) -> Result<String, String> {
        let programs = [
            self.cargo(&[]).program,
            self.program(Tool::WasmBindgen)?,
            self.program(Tool::WasmOpt)?,
        ];
        let folders = programs.iter().map(|program| Path::new(program).parent());
        let folders = folders.flatten().filter(|it| it.is_absolute());
        let path = std::env::join_paths(folders).map_err(|error| error.to_string())?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// What a shell must be told to build and test by hand, one command a line.
    pub(crate) fn exports(&self) -> Vec<String> {
        let target_directory = self.target_directory.to_string_lossy().into_owned();
        let variables = [
            ("WASM_CARGO", Ok(self.cargo(&[]).program)),
            ("WASM_TARGET_DIR", Ok(target_directory)),
            ("WASM_BINDGEN", self.program(Tool::WasmBindgen)),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                self.test_runner(),
            ),
            ("WASM_OPT", self.program(Tool::WasmOpt)),
            ("WASM_PATH", self.path()),
            ("CHROMIUM", self.program(Tool::Chromium)),
            ("CHROMEDRIVER", self.program(Tool::Chromedriver)),
            ("FIREFOX", self.program(Tool::Firefox)),
            ("GECKODRIVER", self.program(Tool::Geckodriver)),
        ];
        let found = variables.into_iter();
        let found = found.filter_map(|(name, value)| Some((name, value.ok()?)));
        found
            .map(|(name, value)| format!("export {name}='{value}'"))
            .collect()
    }
}

fn lacking(tool: Tool, why: &str) -> String {
    let name = tool.about().name;
    format!("no {name}: {why}; `cargo ci setup` installs it or says how to")
}
