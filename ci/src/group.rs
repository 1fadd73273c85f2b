//! Process groups: a stage is stopped with everything it started.

use std::process::Command;

/// Makes the child the leader of a group of its own.
#[cfg(unix)]
pub(crate) fn isolate(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// Ends the group led by `leader` at once. That it is gone already is no error.
#[cfg(unix)]
pub(crate) fn kill(leader: u32) {
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

/// Windows has no such groups; [`kill`] walks the tree instead.
#[cfg(not(unix))]
pub(crate) fn isolate(_command: &mut Command) {}

/// Ends `leader` and its descendants at once. That they are gone already is no error.
#[cfg(not(unix))]
pub(crate) fn kill(leader: u32) {
    let _already_gone = Command::new("taskkill")
        .args(["/T", "/F", "/PID", &leader.to_string()])
        .output();
}

/// On Windows no process is known by its environment.
#[cfg(not(unix))]
pub(crate) fn kill_one(_process: u32) {}
