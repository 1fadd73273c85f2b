//! The folder of tools that are made once a machine, for every clone of this repository.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::print::say;

/// Names another folder.
pub(crate) const VARIABLE: &str = "WEBRTC_MULTIPLAYER_CACHE";

/// Where made tools are kept.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The folder of this machine's user.
    pub(crate) fn of_user() -> Self {
        Self {
            folder: folder(|name| std::env::var(name).ok().filter(|value| !value.is_empty())),
        }
    }

    /// The place of one tool; nobody has made it yet, perhaps.
    pub(crate) fn place(&self, tool: &str) -> PathBuf {
        self.folder.join(tool)
    }

    /// Makes `tool` in a fresh folder with `make`, then puts it in its place as a whole.
    ///
    /// One process at a time: whoever comes second finds that `is_made`, and makes nothing. What an ended process left half
    /// done is thrown away.
    pub(crate) fn make<E: From<io::Error>>(
        &self,
        tool: &str,
        is_made: impl Fn() -> bool,
        make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        fs::create_dir_all(&self.folder)?;
        let lock = File::create(self.folder.join(format!("{tool}.lock")))?;
        if lock.try_lock().is_err() {
            say!("[ci] waiting for another process that makes {tool}");
            lock.lock()?;
        }
        if is_made() {
            return Ok(());
        }
        let (half, place) = (self.folder.join(format!("{tool}.part")), self.place(tool));
        remove(&half)?;
        fs::create_dir_all(&half)?;
        make(&half)?;
        remove(&place)?;
        fs::rename(&half, &place)?;
        Ok(())
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn folder(variable: impl Fn(&str) -> Option<String>) -> PathBuf {
    if let Some(folder) = variable(VARIABLE) {
        return PathBuf::from(folder);
    }
    let of_user = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")));
    of_user
        .unwrap_or_else(std::env::temp_dir)
        .join("webrtc-multiplayer")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(test: &str) -> Cache {
        let name = format!("ci-cache-{test}-{}", std::process::id());
        Cache {
            folder: std::env::temp_dir().join(name),
        }
    }

    #[test]
    fn our_own_variable_comes_first() {
        let home = |name: &str| (name == "HOME").then(|| "/h".to_owned());
        assert_eq!(folder(home), Path::new("/h/.cache/webrtc-multiplayer"));
        let all = |name: &str| Some(format!("/{name}"));
        assert_eq!(folder(all), Path::new("/WEBRTC_MULTIPLAYER_CACHE"));
        let xdg = |name: &str| (name != VARIABLE).then(|| format!("/{name}"));
        assert_eq!(folder(xdg), Path::new("/XDG_CACHE_HOME/webrtc-multiplayer"));
    }

    #[test]
    fn a_tool_is_made_once_and_appears_as_a_whole() {
        let cache = sample("once");
        let file = cache.place("tool").join("bin");
        let make = |content: &'static str| {
            cache.make::<io::Error>(
                "tool",
                || file.exists(),
                |folder| fs::write(folder.join("bin"), content),
            )
        };
        make("first").unwrap();
        make("second").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "first");
        fs::remove_dir_all(&cache.folder).unwrap();
    }

    #[test]
    fn what_failed_leaves_the_old_tool_and_no_half_one_for_the_next() {
        let cache = sample("failed");
        let (old, half) = (
            cache.place("tool").join("old"),
            cache.place("tool").join("half"),
        );
        let make = |name: &'static str, result: io::Result<()>| {
            cache.make::<io::Error>(
                "tool",
                || false,
                |folder| fs::write(folder.join(name), "").and(result),
            )
        };
        make("old", Ok(())).unwrap();
        assert!(make("half", Err(io::Error::other("no"))).is_err());
        assert!(old.exists());
        make("new", Ok(())).unwrap();
        assert!(!half.exists() && !old.exists());
        fs::remove_dir_all(&cache.folder).unwrap();
    }
}
