//! A browser as a process of the suite; the bench of the browsers uses it, too.
//!
//! It is started without a driver: all it is to do is load one page of ours, which takes its orders from us.

mod chromium;
mod firefox;
mod guard;
mod hub;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(crate) use self::guard::Guarded;
pub(crate) use self::hub::{Hub, Show};
use crate::{Failure, Kind, Outcome};

/// What a browser has printed, in its folder.
const LOG: &str = "log.txt";

/// Whether a browser slows down what nobody sees, and what it hides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// As it does for everybody.
    Throttled,
    /// Not as far as it can be told.
    Unthrottled,
    /// The same, and Firefox's pages show the machine's addresses instead of names; Chromium's keep theirs. Firefox gives a link
    /// up that has no route five seconds after the last candidate, and Chromium asks for its names, and answers, once a second.
    Open,
}

/// How to start one kind of browser.
struct Recipe {
    /// Names the program; where it is not set, the first of `programs` that is there.
    variable: &'static str,
    programs: &'static [&'static str],
    arguments: Vec<String>,
    /// Files for its profile, by name.
    files: Vec<(&'static str, String)>,
}

/// A running browser with a folder of its own. Dropping it kills it.
pub struct Browser {
    process: Guarded,
    folder: PathBuf,
}

impl Browser {
    /// Starts one that loads this page.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn start(kind: Kind, hidden: Hidden, url: &str) -> Outcome<Self> {
        let failed = |what: String| Failure::new(format!("no {kind:?}: {what}"));
        let folder = fresh_folder().map_err(|error| failed(error.to_string()))?;
        let profile = folder.join("profile");
        let recipe = match kind {
            Kind::Chromium => chromium::recipe(&profile, hidden),
            Kind::Firefox => firefox::recipe(&profile, hidden),
            Kind::Mock | Kind::Native => return Err(failed("it is no browser".to_owned())),
        };
        prepare(&folder, &profile, &recipe)
            .and_then(|()| launch(&folder, &recipe, url))
            .map(|process| Self {
                process,
                folder: folder.clone(),
            })
            .map_err(|error| {
                let _ = fs::remove_dir_all(&folder);
                failed(error.to_string())
            })
    }

    /// What it printed last, for a report.
    #[must_use]
    pub fn last_words(&self) -> String {
        let log = fs::read(self.folder.join(LOG)).unwrap_or_default();
        let from = log.len().saturating_sub(2000);
        String::from_utf8_lossy(&log[from..]).into_owned()
    }

    /// Processor time that all its processes have used so far. `None` where the system does not say.
    #[must_use]
    pub fn cpu(&self) -> Option<Duration> {
        self.process.cpu()
    }

    /// Bytes of memory that all its processes have now. `None` where the system does not say.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.process.memory()
    }

    /// Ends it without a goodbye.
    pub fn kill(self) {
        self.process.kill();
    }
}

/// A folder that no other browser of this machine has.
fn fresh_folder() -> io::Result<PathBuf> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let name = format!("conformance-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    // Of an earlier process with the same id.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder)?;
    Ok(folder)
}

fn prepare(folder: &Path, profile: &Path, recipe: &Recipe) -> io::Result<()> {
    fs::create_dir(profile)?;
    fs::create_dir(folder.join("tmp"))?;
    recipe
        .files
        .iter()
        .try_for_each(|(name, text)| fs::write(profile.join(name), text))
}

fn launch(folder: &Path, recipe: &Recipe, url: &str) -> io::Result<Guarded> {
    let chosen = std::env::var(recipe.variable).ok();
    let programs = match &chosen {
        Some(program) => vec![program.as_str()],
        None => recipe.programs.to_vec(),
    };
    for program in &programs {
        let log = File::create(folder.join(LOG))?;
        let mut command = Command::new(program);
        command
            .args(&recipe.arguments)
            .arg(url)
            // They leave files there.
            .env("TMPDIR", folder.join("tmp"))
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        match Guarded::spawn(&mut command, folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            started => return started,
        }
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!(
            "there is no program {}: run `cargo ci setup`, or name it in {}",
            programs.join(", "),
            recipe.variable
        ),
    ))
}
