//! A process that ends with everything it has started, at the latest when this process ends, however that may be.
//!
//! A destructor is not enough: libtest exits without running any, and a run that takes too long is killed. So beside each
//! process stands a guard that reads from a pipe of ours; the pipe's end is its sign.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Kills the group, then cleans up, more than once: what is dying goes on writing for a moment.
const GUARD: &str = r#"cat >/dev/null; kill -s KILL -- "-$1";
    for try in 1 2 3 4 5; do sleep 0.2; rm -rf -- "$2" && sleep 0.2 && [ ! -e "$2" ] && exit; done"#;

/// A process, the leader of a group of its own, and its guard.
pub(crate) struct Guarded {
    child: Option<Child>,
    guard: Option<Child>,
}

impl Guarded {
    /// Starts a process whose folder is to be removed once it is gone.
    pub(crate) fn spawn(command: &mut Command, folder: &Path) -> io::Result<Self> {
        lead_a_group(command);
        let mut child = command.spawn()?;
        let mut guard = Command::new("sh");
        guard
            .args(["-c", GUARD, "guard"])
            .arg(child.id().to_string())
            .arg(folder)
            // `cargo ci` ends whatever bears the mark of a stage that is over, and the guard has its work to do then.
            .env_remove("CI_SCRATCH")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // What kills the group of the test must leave the guard alive.
        lead_a_group(&mut guard);
        match guard.spawn() {
            Ok(guard) => Ok(Self {
                child: Some(child),
                guard: Some(guard),
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Processor time that the group has used so far, as `/proc` has it. That of its processes that have ended is left out.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        /// The unit of `/proc/*/stat`, fixed in the kernel's interface.
        const TICKS_PER_SECOND: u64 = 100;
        // The times of user and system are the 12th and the 13th.
        let times =
            |(_, fields): (PathBuf, Vec<u64>)| -> u64 { fields.iter().skip(11).take(2).sum() };
        let ticks: u64 = self.group()?.map(times).sum();
        Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    }

    /// Bytes of memory that the group has now, as `/proc` has it; of what several processes share, each has its part.
    pub(crate) fn memory(&self) -> Option<u64> {
        let kib = |(process, _): (PathBuf, Vec<u64>)| -> Option<u64> {
            let text = fs::read_to_string(process.join("smaps_rollup")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(self.group()?.filter_map(kib).sum::<u64>() * 1024)
    }

    /// The folders in `/proc` of the group's processes, each with the numbers of its `stat` after the name: state, parent, group …
    fn group(&self) -> Option<impl Iterator<Item = (PathBuf, Vec<u64>)>> {
        let leader = u64::from(self.child.as_ref()?.id());
        let processes = fs::read_dir("/proc").ok()?.flatten();
        Some(processes.filter_map(move |process| {
            let process = process.path();
            let stat = fs::read_to_string(process.join("stat")).ok()?;
            // The name is in brackets, and may have some.
            let (_, rest) = stat.rsplit_once(')')?;
            let fields = rest.split_whitespace();
            let fields: Vec<u64> = fields.map(|field| field.parse().unwrap_or(0)).collect();
            (fields.get(2) == Some(&leader)).then_some((process, fields))
        }))
    }

    /// Ends it now; does not wait until that is done.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let (Some(mut child), Some(mut guard)) = (self.child.take(), self.guard.take()) else {
            return;
        };
        drop(guard.stdin.take());
        // Not reaped before its guard has killed it, lest another process should have its id by then.
        std::thread::spawn(move || {
            let _ = guard.wait();
            let _ = child.wait();
        });
    }
}

#[cfg(unix)]
fn lead_a_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// There are none.
#[cfg(not(unix))]
fn lead_a_group(_: &mut Command) {}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_a_process_started_ends_with_it() {
        let folder = std::env::temp_dir().join(format!("guard-test-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let pid = folder.join("pid");
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                r#"sleep 60 & echo $! > "$1.new"; mv "$1.new" "$1"; wait"#,
                "sh",
            ])
            .arg(&pid);
        let process = Guarded::spawn(&mut command, &folder).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        let grandchild = loop {
            if let Ok(pid) = fs::read_to_string(&pid) {
                break pid.trim().to_owned();
            }
            assert!(Instant::now() < until, "the process does not begin");
            std::thread::yield_now();
        };
        process.kill();
        let is_alive = || {
            // A zombie that nobody has reaped yet is dead.
            fs::read_to_string(format!("/proc/{grandchild}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
        };
        while is_alive() || folder.exists() {
            assert!(Instant::now() < until, "something is left");
            std::thread::yield_now();
        }
    }
}
