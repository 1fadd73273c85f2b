//! The living children of this process, so that all of them end when it is told to end.
//!
//! Each child leads a process group of its own, and is stopped with everything that has stayed in it.

use std::collections::BTreeSet;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::run::Ending;

/// Every child of this process, shared by whoever starts one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Children(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    living: BTreeSet<u32>,
    stopped: bool,
}

impl Children {
    /// Begins something that must not outlive the stop: either the stop sees it, or it does not begin and this is `None`.
    pub(crate) fn unless_stopped<T>(&self, begin: impl FnOnce() -> T) -> Option<T> {
        let state = self.lock();
        (!state.stopped).then(begin)
    }

    /// Starts a child.
    pub(crate) fn start(&self, command: &mut Command) -> Result<Process, Ending> {
        lead_a_group(command);
        // Held until the child is known: who stops everything in between would miss it.
        let mut state = self.lock();
        if state.stopped {
            return Err(Ending::Stopped);
        }
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .map_err(|error| Ending::NotStarted(format!("{program}: {error}")))?;
        state.living.insert(child.id());
        let of = self.clone();
        Ok(Process { child, of })
    }

    /// Ends every living child and lets no other begin.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.living.iter().copied().for_each(kill_group);
    }

    /// Whether that has happened.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A child that the stop would end; let go of when it has been waited for.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    of: Children,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.of.lock().living.remove(&self.child.id());
    }
}

#[cfg(unix)]
fn lead_a_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// Ends the group led by `leader` at once. That it is gone already is no error.
#[cfg(unix)]
pub(crate) fn kill_group(leader: u32) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;
    if let Ok(leader) = i32::try_from(leader) {
        let _already_gone = killpg(Pid::from_raw(leader), Signal::SIGKILL);
    }
}

/// Ends one process at once. That it is gone already is no error.
#[cfg(unix)]
pub(crate) fn kill_one(process: u32) {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    if let Ok(process) = i32::try_from(process) {
        let _already_gone = kill(Pid::from_raw(process), Signal::SIGKILL);
    }
}

/// Windows has no such groups; [`kill_group`] walks the tree instead.
#[cfg(not(unix))]
fn lead_a_group(_command: &mut Command) {}

/// Ends `leader` and its descendants at once. That they are gone already is no error.
#[cfg(not(unix))]
pub(crate) fn kill_group(leader: u32) {
    let _already_gone = Command::new("taskkill")
        .args(["/T", "/F", "/PID", &leader.to_string()])
        .output();
}

/// On Windows no process is known by its environment.
#[cfg(not(unix))]
pub(crate) fn kill_one(_process: u32) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("60");
        command
    }

    #[test]
    fn the_stop_ends_what_lives_and_nothing_begins_after_it() {
        let children = Children::default();
        let mut process = children.start(&mut sleeper()).unwrap();
        children.stop();
        assert!(!process.child.wait().unwrap().success());
        assert!(children.is_stopped());
        assert_eq!(children.start(&mut sleeper()).unwrap_err(), Ending::Stopped);
        assert_eq!(children.unless_stopped(|| ()), None);
    }

    #[test]
    fn who_begins_while_everything_is_stopped_is_ended_or_does_not_begin() {
        for _ in 0..50 {
            let children = Children::default();
            let stopper = std::thread::spawn({
                let children = children.clone();
                move || children.stop()
            });
            if let Ok(mut process) = children.start(&mut sleeper()) {
                assert!(!process.child.wait().unwrap().success());
            }
            stopper.join().unwrap();
        }
    }

    #[test]
    fn who_was_waited_for_is_no_longer_known() {
        let children = Children::default();
        let mut process = children.start(&mut Command::new("true")).unwrap();
        assert!(process.child.wait().unwrap().success());
        drop(process);
        assert!(children.lock().living.is_empty());
    }
}
