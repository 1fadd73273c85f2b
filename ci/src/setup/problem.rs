//! Why a tool could not be made available.

use std::io;

use crate::find::Lack;
use crate::run::Ending;

/// What stands in the way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Problem {
    /// Another system than Debian and its kin.
    #[error("it is not here, and neither is apt-get, the only package manager this knows")]
    NoPackages,
    /// Packages are root's, and nobody has said that they may be installed.
    #[error(
        "it is not here; `sudo apt-get install {0}` brings it, and `cargo ci --install`, which uses sudo"
    )]
    NotAllowed(String),
    /// `CI_WASM` says so.
    #[error("it is not here, and CI_WASM=installed forbids to install it")]
    Forbidden,
    /// `CI_WASM` is no word.
    #[error("{0}")]
    Choice(String),
    /// The lock file does not say which version is needed.
    #[error("{0}")]
    Lockfile(String),
    /// The script cannot say what it needs.
    #[error("{0}")]
    Script(String),
    /// A command did not do what it was asked to.
    #[error("`{command}` {ending}{}", indented(.printed))]
    Command {
        command: String,
        ending: Ending,
        /// The end of what it printed, where nobody has seen it yet.
        printed: String,
    },
    /// Everything went well, and yet.
    #[error("{0} was installed and did not bring it")]
    NotBrought(String),
    /// One is there, or named, that cannot be used.
    #[error("{0}")]
    Lack(#[from] Lack),
    /// The disk.
    #[error("{0}")]
    Io(#[from] io::Error),
}

fn indented(printed: &str) -> String {
    printed
        .lines()
        .map(|line| format!("\n    {line}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_printed_stands_below_its_ending() {
        let mut problem = Problem::Command {
            command: "cargo install x".to_owned(),
            ending: Ending::Exited(Some(101)),
            printed: "error: no\nnetwork\n".to_owned(),
        };
        assert_eq!(
            problem.to_string(),
            "`cargo install x` ended with code 101\n    error: no\n    network"
        );
        if let Problem::Command { printed, .. } = &mut problem {
            printed.clear();
        }
        assert_eq!(problem.to_string(), "`cargo install x` ended with code 101");
    }
}
