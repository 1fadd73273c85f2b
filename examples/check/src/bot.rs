//! The arena without a window: a bot, by the reports that it prints.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::game::DEADLINE;
use crate::lines::Lines;

/// A bot; killed when dropped.
pub(crate) struct Bot {
    child: Child,
    lines: Lines,
}

impl Bot {
    /// Starts one.
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(program);
        command
            // Should this process be killed, its end of the pipe is gone, and the bot leaves.
            .args(["--bot", "--report", "--exit-on-eof"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let child = command.spawn();
        let mut child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        let lines = Lines::of(child.stdout.take());
        Ok(Self { child, lines })
    }

    /// Leaves, and waits for the process to end.
    pub(crate) fn leave(mut self) -> Result<(), String> {
        drop(self.child.stdin.take());
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() {
            return Ok(());
        }
        Err(format!("a bot ended with {status}"))
    }

    /// The rest of the first line that begins like this.
    pub(crate) fn line(&self, start: &str) -> Result<String, String> {
        let rest = |line: &str| line.strip_prefix(start).map(str::to_owned);
        let found = self.lines.find(DEADLINE, rest);
        found.ok_or_else(|| format!("the bot did not print {start:?}"))
    }

    /// Waits until its report says so. What it prints in between is read and forgotten.
    pub(crate) fn wait(
        &self,
        what: &str,
        mut is_so: impl FnMut(&Value) -> bool,
    ) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        let mut last = String::new();
        while let Ok(Some((_, line))) = self.lines.next(deadline) {
            if let Ok(report) = serde_json::from_str::<Value>(&line) {
                if is_so(&report) {
                    return Ok(());
                }
                last = line;
            }
        }
        Err(format!("the bot: not {what}; the report: {last}"))
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _ = self.child.wait();
    }
}
