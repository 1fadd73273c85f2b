//! Runs one child process: standard input closed, output passed on line by line, a hard bound in time.

use std::fmt;
use std::io::{self, BufRead, BufReader, PipeReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use crate::children::{Children, Process, kill_group};
use crate::command::CommandLine;
use crate::print::say;

/// How often the child is looked at while it prints nothing.
const LOOK: Duration = Duration::from_millis(50);
/// After so long a silence a line says that the stage is still running.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// What a child's own children may still print after it has ended.
const AFTERMATH: Duration = Duration::from_secs(3);
/// Lines on their way from the reader; it waits when they are not taken.
const LINES_UNDER_WAY: usize = 1024;

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself, with this code; `None` by a signal.
    Exited(Option<i32>),
    /// Stopped at its bound.
    TimedOut,
    /// Ended, or not begun, because this process was told to end.
    Stopped,
    /// Never came to life, for this reason.
    NotStarted(String),
}

impl Ending {
    /// Whether it did what it was asked to, or what it did instead.
    pub(crate) fn result(&self) -> Result<(), String> {
        if *self == Self::Exited(Some(0)) {
            return Ok(());
        }
        Err(self.to_string())
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(Some(code)) => write!(f, "ended with code {code}"),
            Self::Exited(None) => f.write_str("ended by a signal"),
            Self::TimedOut => f.write_str("stopped: it took longer than its budget"),
            Self::Stopped => f.write_str("was interrupted"),
            Self::NotStarted(reason) => write!(f, "could not be started: {reason}"),
        }
    }
}

/// Runs commands, whose processes are known to its [`Children`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Runner {
    pub(crate) children: Children,
}

impl Runner {
    /// Runs `command` for at most `budget` and hands every line of its output to `each_line`.
    pub(crate) fn run(
        &self,
        command: &CommandLine,
        budget: Duration,
        mut each_line: impl FnMut(&str),
    ) -> Ending {
        let ending = match self.start(command) {
            Ok((process, lines)) => watch(process, &lines, budget, command, &mut each_line),
            Err(ending) => ending,
        };
        if self.children.is_stopped() {
            return Ending::Stopped;
        }
        ending
    }

    /// Runs `command` silently and returns what it printed, or why it did not succeed.
    pub(crate) fn capture(
        &self,
        command: &CommandLine,
        budget: Duration,
    ) -> Result<String, String> {
        let mut printed = String::new();
        let ending = self.run(command, budget, |line| {
            printed.push_str(line);
            printed.push('\n');
        });
        let why = |ending| format!("`{command}` {ending}\n{}", printed.trim_end());
        ending.result().map_err(why)?;
        Ok(printed)
    }

    /// One pipe for both of the child's streams, so that its lines keep their order.
    fn start(&self, command: &CommandLine) -> Result<(Process, Receiver<String>), Ending> {
        let mut command = command.to_std();
        let reader =
            one_pipe(&mut command).map_err(|error| Ending::NotStarted(error.to_string()))?;
        let process = self.children.start(&mut command)?;
        // `command` holds our copies of the writing end; while one lives, the reader never sees the end.
        drop(command);
        let (sender, lines) = mpsc::sync_channel(LINES_UNDER_WAY);
        thread::spawn(move || forward(reader, &sender));
        Ok((process, lines))
    }
}

/// Lets a command write to one pipe, and read nothing.
fn one_pipe(command: &mut Command) -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    Ok(reader)
}

fn forward(reader: PipeReader, lines: &SyncSender<String>) {
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if lines.send(line.trim_end_matches('\r').to_owned()).is_err() {
            return;
        }
    }
}

fn watch(
    mut process: Process,
    lines: &Receiver<String>,
    budget: Duration,
    command: &CommandLine,
    each_line: &mut dyn FnMut(&str),
) -> Ending {
    let started = Instant::now();
    let child = &mut process.child;
    let leader = child.id();
    let mut heard = started;
    let mut exited: Option<(Option<i32>, Instant)> = None;
    loop {
        let open = match lines.recv_timeout(LOOK) {
            Ok(line) => {
                heard = Instant::now();
                each_line(&line);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(LOOK);
                false
            }
        };
        if exited.is_none()
            && let Ok(Some(status)) = child.try_wait()
        {
            exited = Some((status.code(), Instant::now()));
        }
        match exited {
            Some((code, _)) if !open => return Ending::Exited(code),
            Some((code, at)) if at.elapsed() >= AFTERMATH => {
                each_line("[ci] it left processes behind, which are ended now");
                kill_group(leader);
                drain(lines, each_line);
                return Ending::Exited(code);
            }
            _ => {}
        }
        if exited.is_none() && started.elapsed() >= budget {
            kill_group(leader);
            let _killed = child.wait();
            drain(lines, each_line);
            return Ending::TimedOut;
        }
        if heard.elapsed() >= HEARTBEAT {
            heard = Instant::now();
            let (running, at_most) = (started.elapsed().as_secs(), budget.as_secs());
            // Two commands may run side by side.
            say!("[ci] still running after {running} s of at most {at_most} s: {command}");
        }
    }
}

/// What was printed before the kill is worth reading; a daemon that left the group may hold the pipe open for ever.
fn drain(lines: &Receiver<String>, each_line: &mut dyn FnMut(&str)) {
    let until = Instant::now() + AFTERMATH;
    while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
        each_line(&line);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str, budget: Duration) -> (Ending, Vec<String>) {
        let mut lines = Vec::new();
        let ending =
            Runner::default().run(&CommandLine::new("sh", &["-c", script]), budget, |line| {
                lines.push(line.to_owned())
            });
        (ending, lines)
    }

    #[test]
    fn all_that_is_printed_arrives_in_order_and_nothing_is_read() {
        let (ending, lines) = shell(
            "echo one; echo two >&2; cat; printf 'a\\377\\r\\nb'; exit 3",
            LONG,
        );
        assert_eq!(ending, Ending::Exited(Some(3)));
        assert_eq!(lines, ["one", "two", "a\u{fffd}", "b"]);
        let (_, lines) = shell("head -c 1000000 /dev/zero | tr '\\0' x; echo", LONG);
        assert_eq!(lines.first().map(String::len), Some(1_000_000));
    }

    #[test]
    fn the_bound_ends_the_child_and_its_children() {
        const BOUND: Duration = Duration::from_millis(300);
        let begun = Instant::now();
        let (ending, lines) = shell("echo begun; sleep 61 & sleep 62; echo never", BOUND);
        assert_eq!(ending, Ending::TimedOut);
        assert_eq!(lines, ["begun"]);
        // Had a grandchild survived, the pipe would have stayed open and `drain` would have waited its full time.
        let took = begun.elapsed();
        assert!(took < BOUND + AFTERMATH, "{took:?}");
    }

    #[test]
    fn a_child_left_behind_does_not_hold_the_stage() {
        let (ending, lines) = shell("sleep 61 & echo done", LONG);
        assert_eq!(ending, Ending::Exited(Some(0)));
        assert_eq!(lines.first().map(String::as_str), Some("done"));
        assert_eq!(lines.len(), 2, "{lines:?}");
    }

    #[test]
    fn the_stop_ends_what_runs_and_lets_nothing_begin() {
        let runner = Runner::default();
        let command = CommandLine::new("sh", &["-c", "echo begun; sleep 63"]);
        let mut lines = 0;
        let mut run = || {
            runner.run(&command, LONG, |_| {
                lines += 1;
                runner.children.stop();
            })
        };
        assert_eq!((run(), run()), (Ending::Stopped, Ending::Stopped));
        assert_eq!(lines, 1);
    }

    #[test]
    fn captured_output_comes_with_the_failure() {
        let gone = Runner::default().capture(&CommandLine::new("/nonexistent", &[]), LONG);
        assert!(gone.unwrap_err().contains("could not be started"));
        let failed =
            Runner::default().capture(&CommandLine::new("sh", &["-c", "echo why; exit 1"]), LONG);
        assert_eq!(
            failed,
            Err("`sh -c echo why; exit 1` ended with code 1\nwhy".to_owned())
        );
    }
}
