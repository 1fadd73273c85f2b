//! One chat in a terminal of its own, by its lines.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::chat_check::Player;
use crate::lines::{Late, Lines};

/// How long a line may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// A running chat; killed when dropped.
pub(super) struct Chat {
    child: Child,
    input: ChildStdin,
    output: Lines,
    seen: Vec<(SystemTime, String)>,
    /// The id that the server gave.
    pub(super) id: String,
}

impl Chat {
    /// Starts one and waits until it is in the lobby.
    pub(super) fn join(program: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            // Should this process be killed, its end of the pipe is gone, and the chat leaves.
            .arg("--exit-on-eof")
            .env_remove("CHAT_URL")
            .env_remove("CHAT_LOBBY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let child = command.spawn();
        let mut child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        let Some(input) = child.stdin.take() else {
            return Err("the chat has no input".to_owned());
        };
        let output = Lines::of(child.stdout.take());
        let mut chat = Self {
            child,
            input,
            output,
            seen: Vec::new(),
            id: String::new(),
        };
        let (_, line) = chat.wait_for("id ")?;
        chat.id = line.split(' ').nth(1).unwrap_or_default().to_owned();
        Ok(chat)
    }

    /// Leaves, and waits for the process to end.
    pub(super) fn quit(mut self) -> Result<ExitStatus, String> {
        self.say("/quit")?;
        // Its output ends with it.
        let deadline = Instant::now() + DEADLINE;
        while self.next(deadline, "its end")?.is_some() {}
        self.child
            .wait()
            .map_err(|error| format!("chat {} cannot be waited for: {error}", self.id))
    }

    /// The next line, or `None` at the end of all of them.
    fn next(
        &self,
        deadline: Instant,
        wanted: &str,
    ) -> Result<Option<(SystemTime, String)>, String> {
        let next = self.output.next(deadline);
        next.map_err(|Late| self.lacks("did not print", wanted))
    }

    fn lacks(&self, what: &str, line: &str) -> String {
        let seen: Vec<&str> = self.seen.iter().map(|(_, line)| line.as_str()).collect();
        format!(
            "the chat in the terminal (id {}) {what} {line:?}; it printed:\n{}",
            self.id,
            seen.join("\n")
        )
    }
}

impl Player for Chat {
    fn id(&self) -> &str {
        &self.id
    }

    fn say(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.input, "{line}")
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("chat {} takes no input: {error}", self.id))
    }

    fn wait_for(&mut self, start: &str) -> Result<(SystemTime, String), String> {
        let begins = |line: &str| start.lines().any(|start| line.starts_with(start));
        if let Some(found) = self.seen.iter().find(|(_, line)| begins(line)) {
            return Ok(found.clone());
        }
        let deadline = Instant::now() + DEADLINE;
        while let Some(line) = self.next(deadline, start)? {
            self.seen.push(line.clone());
            if begins(&line.1) {
                return Ok(line);
            }
        }
        Err(self.lacks("ended without printing", start))
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
