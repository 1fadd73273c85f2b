//! One chat in a terminal of its own, by its lines.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::check::Player;
use crate::children::{Children, Process};

/// How long a line may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// A running chat; killed when dropped.
pub(super) struct Chat {
    process: Process,
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
        let mut process = children
            .start(&mut command)
            .map_err(|ending| ending.to_string())?;
        let (Some(input), Some(output)) = (process.child.stdin.take(), process.child.stdout.take())
        else {
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
            process,
            input,
            output: lines,
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
        self.process
            .child
            .wait()
            .map_err(|error| format!("chat {} cannot be waited for: {error}", self.id))
    }

    /// The next line, or `None` at the end of all of them.
    fn next(
        &self,
        deadline: Instant,
        wanted: &str,
    ) -> Result<Option<(SystemTime, String)>, String> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.output.recv_timeout(left) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(self.lacks("did not print", wanted)),
        }
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
        let _ = self.process.child.kill();
        let _ = self.process.child.wait();
    }
}
