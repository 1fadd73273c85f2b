//! Debian's and Ubuntu's packages.

use std::io::{self, IsTerminal};
use std::process::Command;
use std::time::Duration;

use crate::command::CommandLine;
use crate::find::find;
use crate::print::say;
use crate::tools::Machine;

/// Another process may hold the lock of the package system; this is how long apt waits for it.
const LOCK: &str = "DPkg::Lock::Timeout=600";
/// Waiting for the lock included.
const INSTALLATION: Duration = Duration::from_secs(900);

/// The package system of this machine.
pub(super) struct Apt<'a> {
    machine: &'a Machine,
    /// Whether somebody who is not root has said that packages may be installed.
    install: bool,
    /// How root is had, once somebody has asked and the lists of packages are new; `None` where it is not.
    prefix: Option<Option<&'static str>>,
}

impl<'a> Apt<'a> {
    pub(super) const fn new(machine: &'a Machine, install: bool) -> Self {
        Self {
            machine,
            install,
            prefix: None,
        }
    }

    /// Installs `packages`. Nothing is removed for their sake.
    pub(super) fn install(&mut self, packages: &[&str]) -> Result<(), String> {
        if find("apt-get").is_none() {
            let why = "it is not here, and neither is apt-get, the only package manager this knows";
            return Err(why.to_owned());
        }
        let prefix = match self.prefix {
            Some(prefix) => prefix,
            None => self.begin(),
        };
        let packages = packages.join(" ");
        let Some(prefix) = prefix else {
            return Err(format!(
                "it is not here; `sudo apt-get install {packages}` brings it, and `cargo ci --install`, which uses sudo"
            ));
        };
        let words = format!("install --yes --no-remove --no-install-recommends {packages}");
        super::run_command(self.machine, &apt_get(prefix, &words), INSTALLATION)
    }

    fn begin(&mut self) -> Option<&'static str> {
        let prefix = right(self.machine, self.install);
        self.prefix = Some(prefix);
        let update = apt_get(prefix?, "update");
        // A list that could not be fetched may still be good enough to install from.
        if let Err(problem) = super::run_command(self.machine, &update, INSTALLATION) {
            say!("[ci] going on with the lists of packages that are there: {problem}");
        }
        prefix
    }
}

/// Root installs. Anybody else does so with `install`, or after a yes at a terminal.
fn right(machine: &Machine, install: bool) -> Option<&'static str> {
    if is_root(machine) {
        return Some("");
    }
    let is_terminal = io::stdin().is_terminal();
    if !(install || is_terminal && says_yes()) {
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
        .then_some("sudo -n ")
}

pub(super) fn is_root(machine: &Machine) -> bool {
    let id = CommandLine::new("id", &["-u"]);
    let id = machine.runner.capture(&id, Duration::from_secs(60));
    id.is_ok_and(|id| id.trim() == "0")
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

/// `env` carries the variable through sudo, which drops what it does not know. `prefix` is what makes us root.
fn apt_get(prefix: &str, words: &str) -> CommandLine {
    CommandLine::typed(&format!(
        "{prefix}env DEBIAN_FRONTEND=noninteractive apt-get -o {LOCK} --quiet {words}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        assert!(is_yes("y\n") && is_yes(" Yes\r\n"));
        assert!(!is_yes("\n") && !is_yes("") && !is_yes("no\n") && !is_yes("yellow"));
    }
}
