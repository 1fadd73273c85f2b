//! One example in a process of its own, by its lines.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take before the test has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A running chat; killed when dropped.
pub(crate) struct Chat {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    /// All lines read so far.
    pub(crate) seen: Vec<String>,
    pub(crate) id: String,
    pub(crate) lobby: String,
}

impl Chat {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_example("chat", arguments)
    }

    /// Starts another example that talks like the chat.
    pub(crate) fn start_example(name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(examples().join(name))
            .args(arguments)
            .env_remove("CHAT_URL")
            .env_remove("CHAT_LOBBY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            output,
            seen: Vec::new(),
            id: String::new(),
            lobby: String::new(),
        }
    }

    /// Starts a chat and waits until it is in the lobby.
    pub(crate) fn join(url: &str, arguments: &[&str]) -> Self {
        let mut chat = Self::start(&[&["--url", url], arguments].concat());
        chat.joined();
        chat
    }

    pub(crate) fn joined(&mut self) {
        let line = self.wait_for_start("id ");
        let mut words = line.split(' ');
        self.id = words.nth(1).unwrap().into();
        self.lobby = words.nth(1).unwrap().into();
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        self.type_bytes(format!("{line}\n").as_bytes());
    }

    pub(crate) fn type_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for a line, which may have come already.
    pub(crate) fn wait_for(&mut self, line: &str) {
        self.wait(line, |seen| seen == line);
    }

    /// Waits for a line that starts so, which may have come already.
    pub(crate) fn wait_for_start(&mut self, start: &str) -> String {
        self.wait(start, |seen| seen.starts_with(start))
    }

    fn wait(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        if let Some(line) = self.seen.iter().find(|line| is_it(line)) {
            return line.clone();
        }
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if is_it(&line) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{}: no {what:?} in time; seen: {:#?}", self.id, self.seen)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!(
                        "{}: ended without {what:?}; seen: {:#?}",
                        self.id, self.seen
                    )
                }
            }
        }
    }

    /// All lines until the end of the process.
    pub(crate) fn rest(&mut self) -> &[String] {
        self.seen.extend(self.output.iter());
        &self.seen
    }

    /// Waits for the process to end.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        // Its output ends with it.
        self.rest();
        self.child.wait().unwrap().code()
    }

    /// Ends the process without a word (SIGKILL).
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of the examples as built beside this test. `cargo test --test chat` alone does not build them, so this does;
/// with the features of the whole workspace, as `cargo ci test` has built them already.
fn examples() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--quiet", "--workspace", "--examples"])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        // ring's build script watches what cargo tells this test about its package; left in, it would compile again, and
        // everything that stands on it.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&*name);
            }
        }
        let status = cargo.status().unwrap();
        assert!(status.success(), "the examples do not build");
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
        profile.join("examples")
    })
}
