//! Debian's and Ubuntu's packages.

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

/// What is known of the package system of this machine. Whoever shares it installs in turn.
#[derive(Debug, Default)]
pub(super) struct Apt {
    turn: Mutex<()>,
    /// What goes before a command that needs root, once somebody has asked; `None` where root cannot be had.
    root_prefix: OnceLock<Option<&'static [&'static str]>>,
    /// Set when the lists of packages are new.
    lists_are_new: OnceLock<()>,
}

/// Installs `packages`. Nothing is removed for their sake.
pub(super) fn install(site: &Site, packages: &[&str]) -> Result<(), Problem> {
    if find("apt-get").is_none() {
        return Err(Problem::NoPackages);
    }
    // Apt waits for another process that installs, and gives up where one fetches its lists.
    let _turn = site.apt.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let prefix = site.apt.root_prefix.get_or_init(|| root_prefix(site));
    let prefix = prefix.ok_or(Problem::NotRoot)?;
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

/// What goes before a command that needs root; `None` where root cannot be had without a question.
fn root_prefix(site: &Site) -> Option<&'static [&'static str]> {
    let minute = Duration::from_secs(60);
    let id = site
        .runner
        .capture(&CommandLine::new("id", &["-u"]), minute);
    if id.is_ok_and(|id| id.trim() == "0") {
        return Some(&[]);
    }
    let sudo = site
        .runner
        .capture(&CommandLine::new("sudo", &["-n", "true"]), minute);
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
}
