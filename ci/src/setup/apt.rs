//! Debian's and Ubuntu's packages.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::problem::Problem;
use super::site::Site;
use crate::command::CommandLine;
use crate::find::find;
use crate::print::say;

/// Another process may hold the lock of the package system; this is how long apt waits for it.
const LOCK: &str = "DPkg::Lock::Timeout=600";
/// Waiting for the lock included.
const INSTALLATION: Duration = Duration::from_secs(900);

/// What goes before a command that needs root.
type Prefix = &'static [&'static str];

/// What is known of the package system of this machine. Whoever shares it installs in turn.
#[derive(Debug, Default)]
pub(super) struct Apt {
    turn: Mutex<()>,
    /// How root is had, once somebody has asked; `None` where it is not.
    right: OnceLock<Option<Prefix>>,
    /// Set when the lists of packages are new.
    lists_are_new: OnceLock<()>,
}

/// The program of this name, from this package where it is not here.
pub(super) fn program(site: &Site, name: &str, package: &str) -> Result<PathBuf, Problem> {
    if let Some(program) = find(name) {
        return Ok(program);
    }
    install(site, &[package])?;
    find(name).ok_or_else(|| Problem::NotBrought(package.to_owned()))
}

/// Installs `packages`. Nothing is removed for their sake.
pub(super) fn install(site: &Site, packages: &[&str]) -> Result<(), Problem> {
    if find("apt-get").is_none() {
        return Err(Problem::NoPackages);
    }
    // Apt waits for another process that installs, and gives up where one fetches its lists.
    let _turn = site.apt.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let right = if site.asks {
        *site.apt.right.get_or_init(|| right(site))
    } else {
        let known = site.apt.right.get().copied();
        known.unwrap_or_else(|| right(site))
    };
    let prefix = right.ok_or_else(|| Problem::NotAllowed(packages.join(" ")))?;
    site.apt.lists_are_new.get_or_init(|| {
        // A list that could not be fetched may still be good enough to install from.
        if let Err(problem) = site.run(&apt_get(prefix, &["update"]), INSTALLATION) {
            say!("[ci] going on with the lists of packages that are there: {problem}");
        }
    });
    let words = ["install", "--yes", "--no-remove", "--no-install-recommends"];
    let words: Vec<&str> = words.iter().chain(packages).copied().collect();
    site.run(&apt_get(prefix, &words), INSTALLATION)
}

/// Root installs. Anybody else does so with `--install`, or after a yes at a terminal.
fn right(site: &Site) -> Option<Prefix> {
    let id = CommandLine::new("id", &["-u"]);
    let id = site.runner.capture(&id, Duration::from_secs(60));
    if id.is_ok_and(|id| id.trim() == "0") {
        return Some(&[]);
    }
    let is_terminal = site.asks && io::stdin().is_terminal();
    let allowed = site.install || is_terminal && says_yes();
    if !allowed {
        return None;
    }
    // It asks for the password here, where a person can type it; apt runs out of the terminal's reach.
    let words: &[&str] = if is_terminal {
        &["-v"]
    } else {
        &["-n", "true"]
    };
    let sudo = Command::new("sudo").args(words).status();
    sudo.is_ok_and(|status| status.success())
        .then_some(&["sudo", "-n"])
}

fn says_yes() -> bool {
    say!("[ci] packages of the system are missing. Install them with sudo apt-get? [y/N]");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.is_ok() && is_yes(&answer)
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        assert!(is_yes("y\n") && is_yes(" Yes\r\n"));
        assert!(!is_yes("\n") && !is_yes("") && !is_yes("no\n") && !is_yes("yellow"));
    }

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
}
