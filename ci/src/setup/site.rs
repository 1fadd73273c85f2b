//! What every piece of the setup works with.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::apt::Apt;
use super::problem::Problem;
use crate::cache::Cache;
use crate::command::CommandLine;
use crate::print::say;
use crate::run::{Echo, Runner};

/// So many last lines of a command that nobody saw are shown when it has failed.
const TAIL: usize = 40;

/// The machine that is being set up.
pub(super) struct Site {
    pub(super) runner: Runner,
    pub(super) cache: Cache,
    /// The folder of the workspace.
    pub(super) root: PathBuf,
    /// Whether somebody who is not root has said that packages may be installed.
    pub(super) install: bool,
    /// Whether a person at the terminal may be asked.
    pub(super) asks: bool,
    /// Whether what commands print is shown as it comes.
    echo: Echo,
    /// Shared with every other value that is made of this one.
    pub(super) apt: Arc<Apt>,
}

impl Site {
    /// This machine.
    pub(super) fn new(runner: &Runner, root: &Path, install: bool, echo: Echo) -> Self {
        Self {
            runner: runner.clone(),
            cache: Cache::of_user(),
            root: root.to_owned(),
            install,
            asks: true,
            echo,
            apt: Arc::default(),
        }
    }

    /// The same, for work beside something else: commands are heard of only when they fail.
    pub(super) fn silenced(&self) -> Self {
        Self {
            runner: self.runner.clone(),
            cache: self.cache.clone(),
            root: self.root.clone(),
            install: self.install,
            // The question would stand in the middle of something else.
            asks: false,
            echo: Echo::Silent,
            apt: Arc::clone(&self.apt),
        }
    }

    /// Runs a command that must succeed.
    pub(super) fn run(&self, command: &CommandLine, budget: Duration) -> Result<(), Problem> {
        say!("[ci] setup: {command}");
        let mut tail = VecDeque::new();
        let ending = self.runner.run(command, budget, self.echo, |line| {
            if self.echo == Echo::Silent {
                tail.push_back(line.to_owned());
                if tail.len() > TAIL {
                    tail.pop_front();
                }
            }
        });
        if ending.is_success() {
            return Ok(());
        }
        Err(Problem::Command {
            command: command.to_string(),
            ending,
            printed: tail.make_contiguous().join("\n"),
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_silent_failure_shows_the_end_of_what_was_printed() {
        let site = Site::new(&Runner::default(), Path::new("/"), false, Echo::Silent);
        let script = "i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); done; exit 3";
        let command = CommandLine::new("sh", &["-c", script]);
        let problem = site.run(&command, Duration::from_secs(60)).unwrap_err();
        let Problem::Command { printed, .. } = problem else {
            panic!("{problem}");
        };
        assert_eq!(printed.lines().count(), TAIL);
        assert!(printed.ends_with("line 49"), "{printed}");
    }
}
