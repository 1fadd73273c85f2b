//! Network namespaces of one run, and their end, however the run ends.
//!
//! A socket and a process stay in the namespace of the thread that made them. So whatever is to live in a namespace is made by
//! a thread that enters it ([`Namespace::inside`]), and used from anywhere.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};

use crate::{Failure, Outcome};

/// What the names of all namespaces of the lab begin with; the process id and a number follow.
const PREFIX: &str = "natlab";

/// Where `ip netns` keeps its names.
const NAMES: &str = "/run/netns";

/// Ends every process in the namespaces whose names begin with `$1`, then the namespaces, once its standard input is at its
/// end. More than once: a process may be about to start another.
const GUARD: &str = r#"cat >/dev/null
for try in 1 2 3; do
  for path in /run/netns/"$1"-*; do
    [ -e "$path" ] || continue
    name=${path##*/}
    for pid in $(ip netns pids "$name"); do kill -s KILL "$pid"; done
    ip netns del "$name"
  done
  sleep 0.1
done
rm -rf -- "$2""#;

/// The namespaces of one run. Dropping it ends them, and so does the end of this process.
pub(super) struct Run {
    name: String,
    folder: PathBuf,
    guard: Child,
    made: AtomicU32,
}

impl Run {
    /// Begins one, and ends what dead runs have left.
    ///
    /// # Errors
    ///
    /// Why this machine allows no namespaces.
    pub(super) fn begin() -> Outcome<Self> {
        sweep();
        let name = format!("{PREFIX}-{}", std::process::id());
        let failed = |error: io::Error| Failure::new(format!("no lab: {error}"));
        let folder = std::env::temp_dir().join(&name);
        let _of_a_dead_process_with_this_id = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(failed)?;
        let guard = guard(&name, &folder).map_err(failed)?;
        let run = Self {
            name,
            folder,
            guard,
            made: AtomicU32::new(0),
        };
        Ok(run)
    }

    /// A new namespace with nothing but its loopback, which is up. `role` is for whoever looks at the machine.
    pub(super) fn namespace(&self, role: &str) -> Outcome<Namespace> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}-{role}", self.name);
        ip(&format!("netns add {name}"))?;
        let path = Path::new(NAMES).join(&name);
        let file = File::open(&path)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let namespace = Namespace { name, file };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// A file of this run, gone with it.
    pub(super) fn file(&self, name: &str, text: &str) -> Outcome<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        Ok(path)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// What outlives this process just long enough to end the namespaces.
fn guard(name: &str, folder: &Path) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", GUARD, "guard", name])
        .arg(folder)
        // `cargo ci` ends whatever bears the mark of a stage that is over, and the guard has its work to do then.
        .env_remove("CI_SCRATCH")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // What kills the group of the lab must leave the guard alive.
        .process_group(0)
        .spawn()
}

/// Ends the namespaces of runs whose process is gone. A guard has done so already, unless it was killed, too.
fn sweep() {
    let names = fs::read_dir(NAMES).into_iter().flatten().flatten();
    let dead: BTreeSet<String> = names
        .filter_map(|name| run_of(&name.file_name().to_string_lossy()))
        .filter(|process| !Path::new(&format!("/proc/{process}")).exists())
        .map(|process| format!("{PREFIX}-{process}"))
        .collect();
    for run in dead {
        let folder = std::env::temp_dir().join(&run);
        if let Ok(mut guard) = guard(&run, &folder) {
            drop(guard.stdin.take());
            let _ = guard.wait();
        }
    }
}

/// What the run of this process has made and nobody has removed: namespaces, and its folder.
pub(super) fn left_by(process: u32) -> Vec<String> {
    let names = fs::read_dir(NAMES).into_iter().flatten().flatten();
    let names = names.map(|name| name.file_name().to_string_lossy().into_owned());
    let namespaces = names.filter(|name| run_of(name) == Some(process));
    let folder = std::env::temp_dir().join(format!("{PREFIX}-{process}"));
    let folder = folder.exists().then(|| folder.display().to_string());
    namespaces.chain(folder).collect()
}

/// The process whose run this namespace belongs to, if it is one of the lab's.
fn run_of(namespace: &str) -> Option<u32> {
    let mut parts = namespace.split('-');
    (parts.next() == Some(PREFIX)).then_some(())?;
    parts.next()?.parse().ok()
}

/// One namespace; it ends with its [`Run`].
pub(super) struct Namespace {
    name: String,
    file: File,
}

/// Files that a process sees in place of the machine's.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    /// Each with what it covers.
    pub(super) covers: Vec<(PathBuf, &'static str)>,
}

impl Namespace {
    /// Its name for `ip`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Does this on a thread that is in the namespace: sockets and processes that it makes are, too.
    pub(super) fn inside<T: Send>(&self, what: impl FnOnce() -> T + Send) -> Outcome<T> {
        self.inside_with(&Files::default(), what)
    }

    /// The same, where processes see these files.
    pub(super) fn inside_with<T: Send>(
        &self,
        files: &Files,
        what: impl FnOnce() -> T + Send,
    ) -> Outcome<T> {
        let failed = |what: String| Failure::new(format!("{}: {what}", self.name));
        let runtime = tokio::runtime::Handle::try_current().ok();
        std::thread::scope(|scope| {
            let entered = scope.spawn(|| {
                setns(&self.file, CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string())?;
                cover(files)?;
                let _entered = runtime.as_ref().map(tokio::runtime::Handle::enter);
                Ok(what())
            });
            entered.join()
        })
        .map_err(|_| failed("a panic".to_owned()))?
        .map_err(|error: String| failed(error))
    }

    /// `ip` with these words, in the namespace.
    pub(super) fn ip(&self, words: &str) -> Outcome {
        ip(&format!("-n {} {words}", self.name))
    }

    /// Several lines for `ip`, one after the other.
    pub(super) fn ip_all(&self, lines: &str) -> Outcome {
        let words = ["-n", &self.name, "-batch", "-"];
        feed(Command::new("ip").args(words), lines)
    }

    /// These rules for nftables, as one transaction, in place of all there are.
    pub(super) fn rules(&self, rules: &str) -> Outcome {
        let rules = format!("flush ruleset\n{rules}");
        self.inside(|| feed(Command::new("nft").args(["-f", "-"]), &rules))?
    }

    /// How many packets one of its interfaces has sent.
    pub(super) fn sent(&self, interface: &str) -> Outcome<u64> {
        let table = self
            .inside(|| fs::read_to_string("/proc/thread-self/net/dev"))?
            .map_err(|error| Failure::new(format!("{}: {error}", self.name)))?;
        let prefix = format!("{interface}:");
        let mut lines = table.lines().map(str::trim_start);
        let figures = lines.find_map(|line| line.strip_prefix(&prefix));
        // Eight figures of what was received, then bytes and packets sent.
        let packets = figures.and_then(|figures| figures.split_ascii_whitespace().nth(9));
        packets
            .and_then(|packets| packets.parse().ok())
            .ok_or_else(|| Failure::new(format!("{}: no figures of {interface}", self.name)))
    }

    /// Writes a value below `/proc/sys/net`.
    pub(super) fn set(&self, key: &str, value: &str) -> Outcome {
        let path = format!("/proc/sys/net/{key}");
        self.inside(|| fs::write(&path, value))?
            .map_err(|error| Failure::new(format!("{}: {path}: {error}", self.name)))
    }
}

/// Covers files for this thread and what it starts.
fn cover(files: &Files) -> Result<(), String> {
    if files.covers.is_empty() {
        return Ok(());
    }
    let none: Option<&str> = None;
    let covered = || {
        unshare(CloneFlags::CLONE_NEWNS)?;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
        for (file, place) in &files.covers {
            mount(Some(file), *place, none, MsFlags::MS_BIND, none)?;
        }
        Ok(())
    };
    covered().map_err(|error: nix::Error| format!("files of its own: {error}"))
}

/// `ip` with these words.
pub(super) fn ip(words: &str) -> Outcome {
    feed(Command::new("ip").args(words.split_whitespace()), "")
}

/// Runs a command with this as its input; a failure has its words.
fn feed(command: &mut Command, input: &str) -> Outcome {
    let line = format!("{command:?}");
    let failed = |what: String| Failure::new(format!("{line}: {what}"));
    let mut child = match command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(error) => return Err(failed(error.to_string())),
    };
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends early says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(
        String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_says_whose_it_is() {
        assert_eq!(run_of("natlab-12-0-wide"), Some(12));
        assert_eq!(run_of("natlab"), None);
        assert_eq!(run_of("natlab-x-0-wide"), None);
        assert_eq!(run_of("other-12-0-wide"), None);
    }
}
