//! `cargo ci setup`: makes a fresh machine able to build and test everything here, or says what to do by hand.

mod apt;

use std::collections::BTreeSet;
use std::fs;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::apt::Apt;
use crate::cache;
use crate::command::CommandLine;
use crate::find::{Lack, find};
use crate::outcome::Outcome;
use crate::print::say;
use crate::tools::{Machine, Source, Tool};
use crate::web::{SYSROOT, TARGET, script, way};

/// From nothing, beside another build.
const COMPILATION: Duration = Duration::from_secs(30 * 60);
const DOWNLOAD: Duration = Duration::from_secs(300);

/// Tools that are being compiled while something else goes on.
type Compiling = JoinHandle<Vec<Outcome>>;

/// Makes `tools` available, saying what it does. `install` says that packages of the system may be installed.
pub(crate) fn run(machine: &Machine, install: bool, tools: &BTreeSet<Tool>) -> Vec<Outcome> {
    let (mut outcomes, compiling) = begin(machine, install, tools);
    outcomes.extend(finish(compiling));
    outcomes
}

/// Makes those of `tools` available that come from packages, and begins to compile the others.
pub(crate) fn begin(
    machine: &Machine,
    install: bool,
    tools: &BTreeSet<Tool>,
) -> (Vec<Outcome>, Compiling) {
    let mut apt = Apt::new(machine, install);
    let (compiled, fetched): (Vec<Tool>, Vec<Tool>) =
        tools.iter().partition(|tool| tool.is_compiled());
    let fetched = fetched
        .into_iter()
        // Elsewhere there is no lab and no such screen, and nothing to provide.
        .filter(|tool| cfg!(target_os = "linux") || !tool.is_extra())
        .map(|tool| provide(tool, machine, || fetch(tool, machine, &mut apt)));
    let fetched = fetched.collect();
    // What the compiled tools take from packages is fetched here, where a person may still be asked.
    let prepared = match compiled.contains(&Tool::WasmTarget) {
        true => prepare_target(machine, &mut apt),
        false => Ok(()),
    };
    let machine = machine.clone();
    let compiling = thread::spawn(move || {
        let compile = |tool| provide(tool, &machine, || compile(tool, &machine, &prepared));
        compiled.into_iter().map(compile).collect()
    });
    (fetched, compiling)
}

/// Waits for the tools that are being compiled.
pub(crate) fn finish(compiling: Compiling) -> Vec<Outcome> {
    compiling.join().unwrap_or_else(|_| {
        let reason = "compiling the tools ended with a panic".to_owned();
        vec![Outcome::check("setup", || Err(reason))]
    })
}

/// Finds a tool, or else has it made and finds it then.
fn provide(tool: Tool, machine: &Machine, make: impl FnOnce() -> Result<(), String>) -> Outcome {
    let about = tool.about();
    let begun = Instant::now();
    let found = match tool.find(machine) {
        Err(Lack::Absent | Lack::Snap(_)) => {
            let made = make();
            tool.find(machine).map_err(|lack| match (lack, made) {
                (Lack::Absent, Err(problem)) => problem,
                (Lack::Absent, Ok(())) => "it was installed, and is not here".to_owned(),
                // That there is one, and why it will not do, says more than that there is no other.
                (lack, _) => lack.to_string(),
            })
        }
        // Nothing changes what a person has chosen.
        found => found.map_err(|lack| lack.to_string()),
    };
    if let Ok(path) = &found {
        say!("[ci] {}: {}", about.name, path.display());
    }
    let (name, needed_for, by_hand) = (about.name, about.needed_for, about.by_hand);
    let stage = format!("setup of {name}");
    if let Err(problem) = &found
        && may_be_missing(
            tool,
            std::env::var_os("CI").is_some(),
            apt::is_root(machine),
        )
    {
        return Outcome::not_run(&stage, &format!("{problem}; {needed_for} goes without"));
    }
    let result = found.map(drop).map_err(|problem| {
        format!("{name}, needed for {needed_for}: {problem}\nby hand: {by_hand}")
    });
    let outcome = Outcome::of_check(&stage, begun.elapsed(), result);
    if outcome.failed > 0 {
        outcome.say();
    }
    outcome
}

/// Whether that a tool is missing is no failure: a person who may install nothing does without what it is for. Root installs it
/// unasked, and what runs unattended shall run everything.
fn may_be_missing(tool: Tool, is_ci: bool, is_root: bool) -> bool {
    tool.is_extra() && !is_ci && !is_root
}

/// Installs a tool from its package.
fn fetch(tool: Tool, machine: &Machine, apt: &mut Apt<'_>) -> Result<(), String> {
    let package = match tool.about().source {
        Source::Package(package) => package,
        Source::Npm(package, version) => {
            if let Some(npm) = find("npm") {
                let words = [
                    "install",
                    "--no-audit",
                    "--no-fund",
                    "--no-save",
                    "--prefix",
                ];
                let place = tool.place(machine).unwrap_or_default();
                let install = CommandLine::new(&npm.to_string_lossy(), &words)
                    .arg(place.to_string_lossy())
                    .arg(format!("{package}@{version}"));
                match run_command(machine, &install, DOWNLOAD) {
                    Ok(()) => return Ok(()),
                    Err(why) => say!("[ci] npm does not bring {package}, apt may: {why}"),
                }
            }
            package
        }
        Source::Crate(..) | Source::Rust => return Err("it is in no package".to_owned()),
    };
    apt.install(&[package])
}

/// Adds the target with rustup, or installs the packages that a std for it is built from.
fn prepare_target(machine: &Machine, apt: &mut Apt<'_>) -> Result<(), String> {
    let way = way()?;
    let is_there = || Tool::WasmTarget.find(machine).is_ok();
    if is_there() {
        return Ok(());
    }
    if way == "installed" {
        return Err("it is not here, and CI_WASM=installed forbids to install it".to_owned());
    }
    if way != "debian" && find("rustup").is_some() {
        let add = CommandLine::new("rustup", &["target", "add", TARGET]);
        match run_command(machine, &add, DOWNLOAD) {
            Ok(()) if is_there() => return Ok(()),
            Ok(()) => say!("[ci] rustup added {TARGET} to a toolchain that is not in use"),
            Err(problem) => say!("[ci] rustup does not bring {TARGET}: {problem}"),
        }
    }
    // What lacks of the second kind is known when the first is there.
    for _ in 0..2 {
        let lacking = script(machine, &["packages"]);
        let lacking = machine.runner.capture(&lacking, DOWNLOAD)?;
        let lacking: Vec<&str> = lacking.split_whitespace().collect();
        if !lacking.is_empty() {
            apt.install(&lacking)?;
        }
    }
    Ok(())
}

/// Compiles a tool. Others that do so wait, and find it made.
fn compile(tool: Tool, machine: &Machine, prepared: &Result<(), String>) -> Result<(), String> {
    let Source::Crate(name, version, options) = tool.about().source else {
        prepared.clone()?;
        let place = cache::place(SYSROOT);
        let make = script(machine, &["make", &place.to_string_lossy()]);
        return run_command(machine, &make, COMPILATION);
    };
    let version = version.unwrap_or(&machine.bindgen);
    let place = tool.place(machine).unwrap_or_default();
    let target = place.join("target");
    let install = install(name, version)
        .args(options)
        .args(&["--root", &place.to_string_lossy()])
        .env("CARGO_TARGET_DIR", target.to_string_lossy());
    run_command(machine, &install, COMPILATION)?;
    fs::remove_dir_all(target).map_err(|error| error.to_string())
}

/// A tool runs for moments, and how well it is compiled decides over minutes: unoptimised, wasm-bindgen takes half a second
/// more for our largest page.
fn install(name: &str, version: &str) -> CommandLine {
    CommandLine::cargo(&["install", name, "--version", version])
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
}

/// Runs a command that must succeed. What it prints is shown only if it does not: it may run beside something else.
fn run_command(machine: &Machine, command: &CommandLine, budget: Duration) -> Result<(), String> {
    say!("[ci] setup: {command}");
    machine.runner.capture(command, budget).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_person_does_without_what_is_extra() {
        assert!(may_be_missing(Tool::Xvfb, false, false));
        assert!(!may_be_missing(Tool::Xvfb, true, false));
        assert!(!may_be_missing(Tool::Xvfb, false, true));
        assert!(!may_be_missing(Tool::Chromium, false, false));
    }
}
