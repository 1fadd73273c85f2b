//! One chat in a terminal of its own, by its lines.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::start;
use crate::children::{Children, Living, Reach};

/// How long a line may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// A running chat; killed when dropped.
pub(super) struct Chat {
    child: Child,
    /// Until the process has been waited for.
    _living: Living,
    input: ChildStdin,
    output: Receiver<(SystemTime, String)>,
    seen: Vec<(SystemTime, String)>,
    /// The id that the server gave.
    pub(super) id: String,
}

impl Chat {
    /// Starts one and waits until it is in the lobby.
    pub(super) fn join(
        children: &Children,
        program: &Path,
        arguments: &[&str],
    ) -> Result<Self, String> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            // Should this process be killed, its end of the pipe is gone, and the chat leaves.
            .arg("--exit-on-eof")
            .env_remove("CHAT_URL")
            .env_remove("CHAT_LOBBY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let (mut child, living) = start(children, &mut command, Reach::Alone)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the chat has no pipes".to_owned());
        };
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send((SystemTime::now(), line)).is_err() {
                    return;
                }
            }
        });
        let mut chat = Self {
            child,
            _living: living,
            input,
            output: lines,
            seen: Vec::new(),
            id: String::new(),
        };
        let (_, line) = chat.wait_for("id ")?;
        chat.id = line.split(' ').nth(1).unwrap_or_default().to_owned();
        Ok(chat)
    }

    /// Types a line.
    pub(super) fn say(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.input, "{line}")
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("chat {} takes no input: {error}", self.id))
    }

    /// Waits for a line with this beginning, or with one of several, a line each. It may have come already; says when it came.
    pub(super) fn wait_for(&mut self, start: &str) -> Result<(SystemTime, String), String> {
        let begins = |line: &str| start.lines().any(|start| line.starts_with(start));
        if let Some(found) = self.seen.iter().find(|(_, line)| begins(line)) {
            return Ok(found.clone());
        }
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if begins(&line.1) {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Err(self.lacks("did not print", start)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.lacks("ended without printing", start));
                }
            }
        }
    }

    /// Leaves, and waits for the process to end.
    pub(super) fn quit(mut self) -> Result<ExitStatus, String> {
        self.say("/quit")?;
        // Its output ends with it.
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Err(self.lacks("did not obey", "/quit")),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.child
            .wait()
            .map_err(|error| format!("chat {} cannot be waited for: {error}", self.id))
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

impl Drop for Chat {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
