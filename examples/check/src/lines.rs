//! The lines that a program prints, and when each of them came.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Lines that wait to be read; the program waits then, too.
const WAITING: usize = 4096;

/// What a program prints.
pub(crate) struct Lines(Receiver<(SystemTime, String)>);

impl Lines {
    /// Reads them on a thread of their own.
    pub(crate) fn of(output: Option<ChildStdout>) -> Self {
        let (sender, lines) = sync_channel(WAITING);
        thread::spawn(move || {
            let lines = output.map(|output| BufReader::new(output).lines());
            for line in lines.into_iter().flatten().map_while(Result::ok) {
                if sender.send((SystemTime::now(), line)).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    /// The next line, `None` at the end of all of them, or an error when there is none until `deadline`.
    pub(crate) fn next(&self, deadline: Instant) -> Result<Option<(SystemTime, String)>, Late> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.0.recv_timeout(left) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(Late),
        }
    }

    /// What `find` finds in a line, within a time.
    pub(crate) fn find<T>(&self, within: Duration, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + within;
        while let Ok(Some((_, line))) = self.next(deadline) {
            if let Some(found) = find(&line) {
                return Some(found);
            }
        }
        None
    }

    /// Reads on and forgets, so that the program never waits.
    pub(crate) fn forget(self) {
        thread::spawn(move || while self.0.recv().is_ok() {});
    }
}

/// A line that did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late;
