//! A puppet: a native participant in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tokio::process::Child;

use crate::{Failure, Outcome};

/// A running puppet; dropping it kills it.
pub(crate) struct Puppet(Child);

impl Puppet {
    /// Starts one that owns the mailbox at this address of the coordinator at a URL.
    pub(crate) fn start(url: &str, address: &str) -> Outcome<Self> {
        Self::start_with(url, address, None)
    }

    /// The same; it trusts the root certificates in this file besides the platform's.
    pub(crate) fn start_with(url: &str, address: &str, roots: Option<&Path>) -> Outcome<Self> {
        tokio::process::Command::new(program()?)
            .args([url, address])
            .args(roots)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map(Self)
            .map_err(|error| Failure::new(format!("no puppet: {error}")))
    }

    /// Sends it a signal.
    #[cfg(target_os = "linux")]
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) -> Outcome {
        let gone = || Failure::new("a puppet is gone");
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        let process = nix::unistd::Pid::from_raw(id.ok_or_else(gone)?);
        nix::sys::signal::kill(process, signal)
            .map_err(|error| Failure::new(format!("a puppet takes no {signal}: {error}")))
    }

    /// Ends it with SIGKILL: no destructor runs, no goodbye goes out.
    pub(crate) fn kill(mut self) -> Outcome {
        self.0
            .start_kill()
            .map_err(|error| Failure::new(format!("a puppet does not die: {error}")))
    }
}

/// The puppet's program: `CONFORMANCE_PUPPET`, or else built once by the cargo that runs the test.
fn program() -> Outcome<&'static PathBuf> {
    static PROGRAM: OnceLock<Outcome<PathBuf>> = OnceLock::new();
    PROGRAM
        .get_or_init(|| match std::env::var_os("CONFORMANCE_PUPPET") {
            Some(path) => Ok(path.into()),
            None => build(),
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// Builds it beside the test's own executable, in the same profile.
fn build() -> Outcome<PathBuf> {
    let failed = |what: &str| Failure::new(format!("cannot build the puppet: {what}"));
    let here = std::env::current_exe().map_err(|error| failed(&error.to_string()))?;
    // target/PROFILE/deps/native-HASH
    let profile = here
        .parent()
        .and_then(|deps| deps.parent())
        .ok_or_else(|| failed("the test's executable is in no folder"))?;
    let target = profile
        .parent()
        .ok_or_else(|| failed("there is no target folder"))?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--package", "conformance-puppet"])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/puppet/Cargo.toml"))
        .arg("--target-dir")
        .arg(target);
    // What cargo tells a test about itself; build scripts that look at it would build half the tree again.
    for (name, _) in std::env::vars_os() {
        let is_ours =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if name.to_str().is_some_and(is_ours) {
            cargo.env_remove(name);
        }
    }
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().map_err(|error| failed(&error.to_string()))?;
    if !status.success() {
        return Err(failed("cargo says why"));
    }
    Ok(profile.join(format!(
        "conformance-puppet{}",
        std::env::consts::EXE_SUFFIX
    )))
}
