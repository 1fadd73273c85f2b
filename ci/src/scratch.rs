//! A folder for what a stage leaves in its temporary files, and an end for what it leaves running.
//!
//! Browsers do not stay in the process group of the stage that started them, and leave megabytes behind. Each process
//! inherits the name of the folder, so that it is known by it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::group;
use crate::print::say;

/// The variable by which programs know where temporary files go.
const VARIABLE: &str = "TMPDIR";
/// A killed process may be a moment from letting go of its files.
const RETRIES: u32 = 20;
const RETRY: Duration = Duration::from_millis(50);

/// The folder; dropping it ends whoever uses it and deletes it.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// A new one, with a short name: browsers put sockets into it, whose paths may not be long.
    pub(crate) fn new(stage: &str) -> io::Result<Self> {
        let name = prefix() + &stage.replace(' ', "-");
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// The variable with its value.
    pub(crate) fn variable(&self) -> (&'static str, String) {
        (VARIABLE, self.folder.to_string_lossy().into_owned())
    }
}

/// Does at once, for all that this process has, what dropping them would do: for a process that ends in the middle.
pub(crate) fn end_all() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    let ours = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix()));
    ours.map(|entry| entry.path())
        .for_each(|folder| drop(Scratch { folder }));
}

/// What the names of this process's folders begin with.
fn prefix() -> String {
    format!("ci-{}-", std::process::id())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (name, value) = self.variable();
        let left = processes_with(&format!("{name}={value}"));
        if !left.is_empty() {
            say!("[ci] ending {} processes that were left behind", left.len());
            left.into_iter().for_each(group::kill_one);
        }
        for _ in 0..RETRIES {
            match fs::remove_dir_all(&self.folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(RETRY),
                Ok(()) | Err(_) => return,
            }
        }
        say!("[ci] {} could not be deleted", self.folder.display());
    }
}

/// The processes whose environment holds `variable`; none where there is no /proc to ask.
fn processes_with(variable: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let environment = fs::read(Path::new("/proc").join(id.to_string()).join("environ"));
        environment.is_ok_and(|environment| holds(&environment, variable))
    })
    .collect()
}

fn holds(environment: &[u8], variable: &str) -> bool {
    environment
        .split(|byte| *byte == 0)
        .any(|entry| entry == variable.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_variable_counts() {
        let environment = b"A=1\0TMPDIR=/tmp/ci-1\0B=2\0";
        assert!(holds(environment, "TMPDIR=/tmp/ci-1"));
        assert!(!holds(environment, "TMPDIR=/tmp/ci-"));
        assert!(!holds(b"", "TMPDIR=/tmp/ci-1"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_left_its_group_is_ended_and_the_folder_deleted() {
        use std::os::unix::process::CommandExt;
        let scratch = Scratch::new("test-of-leftovers").unwrap();
        let folder = scratch.folder.clone();
        let (name, value) = scratch.variable();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .env(name, value)
            .process_group(0)
            .spawn()
            .unwrap();
        drop(scratch);
        assert!(!child.wait().unwrap().success());
        assert!(!folder.exists());
    }
}
