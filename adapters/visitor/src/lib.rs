//! A Chromium that loads one page, for tests.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

pub use self::site::serve;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Nothing that phones home, asks, needs a display or slows down what nobody sees. The test may run as root, in a container.
const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

/// Ends with the value. What a test that panics leaves behind, `cargo ci` ends.
#[derive(Debug)]
pub struct Chromium {
    process: Child,
    profile: PathBuf,
}

impl Chromium {
    /// Starts the one that `CHROMIUM` names, or `chromium`.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    #[must_use]
    pub fn start(url: &str) -> Self {
        let program = std::env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
        let profile = format!("visitor-{}", std::process::id());
        let profile = std::env::temp_dir().join(profile);
        let mut command = Command::new(program);
        command
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().unwrap();
        Self { process, profile }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Its other processes end by themselves when this one is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
        // They may still be writing. What is left, the next start of the system removes.
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
