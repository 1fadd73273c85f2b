//! A folder for what a stage leaves in its temporary files, and an end for what it leaves running.
//!
//! Browsers do not stay in the process group of the stage that started them, and leave megabytes behind. What a stage starts
//! inherits the name of the folder, so that it is known by it; Chromium's helpers write over it, and end with their browser. What a
//! killed `cargo ci` has left, the next one clears up.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::children::kill_one;
use crate::print::say;

/// The variable by which programs know where temporary files go; some give another value to what they start.
const TEMPORARY: &str = "TMPDIR";
/// The variable by which whoever belongs to the folder is known; nobody else has a use for it.
const MARK: &str = "CI_SCRATCH";
/// The file of a folder that is locked for as long as its owner lives. Its name tells our folders from those of others.
const OWNER: &str = "cargo-ci-of-webrtc-multiplayer";
/// What the names of all folders begin with.
const PREFIX: &str = "ci-";
/// A killed process may be a moment from letting go of its files.
const RETRIES: u32 = 20;
const RETRY: Duration = Duration::from_millis(50);

/// The folder; dropping it ends whoever belongs to it and deletes it.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    /// Locked; `None` where another value owns the folder.
    owner: Option<File>,
}

impl Scratch {
    /// A new one, with a short name: browsers put sockets into it, whose paths may not be long.
    pub(crate) fn new(stage: &str) -> io::Result<Self> {
        Self::within(&std::env::temp_dir(), stage)
    }

    fn within(parent: &Path, stage: &str) -> io::Result<Self> {
        let folder = parent.join(prefix() + &stage.replace(' ', "-"));
        fs::create_dir_all(&folder)?;
        // Under another name until it is locked, so that nobody takes the folder for an orphan.
        let begun = folder.join("begun");
        let owner = File::create(&begun)?;
        // Where files cannot be locked, or renamed while they are open, nobody's folder is taken for an orphan either.
        if owner.lock().is_ok() {
            let _still_begun = fs::rename(begun, folder.join(OWNER));
        }
        let owner = Some(owner);
        Ok(Self { folder, owner })
    }

    /// What the environment of a command must say for it to belong to the folder.
    pub(crate) fn variables(&self) -> [(&'static str, String); 2] {
        let folder = self.folder.to_string_lossy();
        [TEMPORARY, MARK].map(|name| (name, folder.clone().into_owned()))
    }
}

/// Does at once, for all that this process has, what dropping them would do: for a process that ends in the middle.
pub(crate) fn end_all() {
    for folder in folders(&std::env::temp_dir(), &prefix()) {
        let owner = None;
        drop(Scratch { folder, owner });
    }
}

/// Does the same for what processes have left that were killed and could not do it themselves.
pub(crate) fn end_orphans() {
    end_orphans_within(&std::env::temp_dir());
}

fn end_orphans_within(parent: &Path) {
    for folder in folders(parent, PREFIX) {
        // Another user's cannot be opened, another program's has no such file, and a living owner holds the lock.
        let owner = File::options().write(true).open(folder.join(OWNER));
        if let Ok(owner) = owner
            && owner.try_lock().is_ok()
        {
            say!("[ci] clearing up after a run that was killed");
            let owner = Some(owner);
            drop(Scratch { folder, owner });
        }
    }
}

fn folders(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect()
}

/// What the names of this process's folders begin with.
fn prefix() -> String {
    format!("{PREFIX}{}-", std::process::id())
}

/// The processes whose environment holds `variable`; none where there is no /proc to ask.
fn processes_with(variable: &str) -> Vec<u32> {
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&id| has(id, variable))
        .collect()
}

/// Whether a process has a variable with this value.
fn has(process: u32, variable: &str) -> bool {
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    let mut entries = environment.split(|byte| *byte == 0);
    entries.any(|entry| entry == variable.as_bytes())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // One that is just starting shows its environment a little later.
        for _ in 0..RETRIES {
            let left = processes_with(&format!("{MARK}={}", self.folder.display()));
            if left.is_empty() {
                break;
            }
            let count = left.len();
            say!("[ci] processes left behind, which are ended now: {count}");
            left.into_iter().for_each(kill_one);
            std::thread::sleep(RETRY);
        }
        // An open file keeps a folder from being deleted where files are not what they are on Unix.
        self.owner = None;
        for _ in 0..RETRIES {
            match fs::remove_dir_all(&self.folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(RETRY),
                Ok(()) | Err(_) => return,
            }
        }
        say!("[ci] {} could not be deleted", self.folder.display());
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    /// A process as a browser is one: out of its stage's group, and with temporary files elsewhere.
    fn left_behind(scratch: &Scratch) -> Child {
        use std::os::unix::process::CommandExt;
        let child = Command::new("sleep")
            .arg("60")
            .envs(scratch.variables())
            .env(TEMPORARY, scratch.folder.join("tmp"))
            .process_group(0)
            .spawn()
            .unwrap();
        // The kernel shows an environment when it has set the process up, and that is after `spawn`.
        while !has(child.id(), &format!("{MARK}={}", scratch.folder.display())) {
            std::thread::yield_now();
        }
        child
    }

    #[test]
    fn what_left_its_group_is_ended_and_the_folder_deleted() {
        let scratch = Scratch::new("test-of-leftovers").unwrap();
        let folder = scratch.folder.clone();
        let mut child = left_behind(&scratch);
        assert!(!has(child.id(), &format!("{MARK}=/tmp")), "not the whole");
        drop(scratch);
        assert!(!child.wait().unwrap().success());
        assert!(!folder.exists());
    }

    #[test]
    #[expect(
        clippy::disallowed_types,
        reason = "a process that is killed drops nothing either"
    )]
    fn only_what_has_no_owner_any_more_is_an_orphan() {
        let parent = std::env::temp_dir().join(format!("orphans-{}", std::process::id()));
        let scratch = Scratch::within(&parent, "test").unwrap();
        let foreign = parent.join("ci-of-something-else");
        fs::create_dir(&foreign).unwrap();
        let mut child = left_behind(&scratch);
        end_orphans_within(&parent);
        assert!(scratch.folder.exists() && child.try_wait().unwrap().is_none());

        // As if its process had been killed: the lock is gone, and nothing is dropped.
        let scratch = std::mem::ManuallyDrop::new(scratch);
        // Unlocked and not only closed: a child that another test is about to start may have the file open, too.
        scratch.owner.as_ref().unwrap().unlock().unwrap();
        end_orphans_within(&parent);
        assert!(!child.wait().unwrap().success());
        assert!(!scratch.folder.exists() && foreign.exists());
        fs::remove_dir_all(parent).unwrap();
    }
}
