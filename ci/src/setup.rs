//! Installs the programs that tests need and a fresh machine lacks.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::command::CommandLine;
use crate::outcome::Outcome;
use crate::print::say;
use crate::run::{Echo, Runner};

/// A program the tests start.
struct Tool {
    program: &'static str,
    /// Its package on Debian and Ubuntu.
    apt: &'static str,
    needed_for: &'static str,
}

const TOOLS: &[Tool] = &[Tool {
    program: "turnserver",
    apt: "coturn",
    needed_for: "the cases that connect through a TURN relay",
}];

/// Another process may hold the lock of the package system; this is how long apt waits for it.
const LOCK: &str = "DPkg::Lock::Timeout=600";
/// Waiting for the lock included.
const INSTALLATION: Duration = Duration::from_secs(900);

/// Makes every tool available, or says what to do by hand. Asks for nothing.
pub(crate) fn run(runner: &Runner) -> Vec<Outcome> {
    TOOLS
        .iter()
        .map(|tool| {
            let begun = Instant::now();
            let result = provide(runner, tool);
            let outcome = Outcome::of_check(
                &format!("setup of {}", tool.program),
                begun.elapsed(),
                result,
            );
            outcome.say();
            outcome
        })
        .collect()
}

fn provide(runner: &Runner, tool: &Tool) -> Result<(), String> {
    if find(tool.program).is_some() {
        return Ok(());
    }
    let by_hand = |why: &str| {
        let Tool {
            program,
            apt,
            needed_for,
        } = tool;
        format!(
            "{program} is needed for {needed_for}: {why}; install {apt} (Debian, Ubuntu: apt-get install {apt})"
        )
    };
    if find("apt-get").is_none() {
        return Err(by_hand("it is not there, and neither is apt-get"));
    }
    let Some(prefix) = root_prefix(runner) else {
        return Err(by_hand(
            "it is not there, and this is neither root nor a user of sudo without password",
        ));
    };
    say!("\n[ci] installing {} for {}", tool.apt, tool.needed_for);
    for words in [
        vec!["update"],
        vec!["install", "--yes", "--no-install-recommends", tool.apt],
    ] {
        let command = apt_get(prefix, &words);
        let ending = runner.run(&command, INSTALLATION, Echo::Live, |_| {});
        // An index that could not be fetched may still be good enough to install from.
        if !ending.is_success() && words != ["update"] {
            return Err(by_hand(&format!("`{command}` {ending}")));
        }
    }
    find(tool.program)
        .map(|_| ())
        .ok_or_else(|| by_hand("its package was installed and did not bring it"))
}

/// What goes before a command that needs root; `None` where root cannot be had without a question.
fn root_prefix(runner: &Runner) -> Option<&'static [&'static str]> {
    let minute = Duration::from_secs(60);
    let id = runner.capture(&CommandLine::new("id", &["-u"]), minute);
    if id.is_ok_and(|id| id.trim() == "0") {
        return Some(&[]);
    }
    let sudo = runner.capture(&CommandLine::new("sudo", &["-n", "true"]), minute);
    sudo.is_ok().then_some(&["sudo", "-n"])
}

/// `env` carries the variable through sudo, which drops what it does not know.
fn apt_get(prefix: &[&str], words: &[&str]) -> CommandLine {
    let apt_get = [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-o",
        LOCK,
        "--quiet",
    ];
    let all: Vec<&str> = prefix
        .iter()
        .chain(&apt_get)
        .chain(words)
        .copied()
        .collect();
    let (program, args) = all
        .split_first()
        .map_or(("env", &[][..]), |(first, rest)| (*first, rest));
    CommandLine::new(program, args)
}

/// The full path of a program; the two folders of daemons are not in everybody's PATH.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| Path::is_file(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_waits_for_its_lock_and_asks_nothing() {
        let expected =
            "env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 --quiet update";
        assert_eq!(apt_get(&[], &["update"]).to_string(), expected);
        assert_eq!(
            apt_get(&["sudo", "-n"], &["update"]).to_string(),
            format!("sudo -n {expected}")
        );
    }

    #[test]
    fn a_program_is_found_by_its_name() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}
