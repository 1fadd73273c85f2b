//! Builds mesh-core and multiplayer-api where there is no std at all.
//!
//! `#![no_std]` on a crate does not keep its dependencies from std, and a host that has std links it without a word. So
//! the compiler gets a sysroot that holds core, alloc and compiler_builtins of its own and nothing else; whoever names
//! std then fails with E0463. This needs no other target, no source of std and no network.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::command::CommandLine;
use crate::run::Runner;
use crate::workspace::{HOST, rustc};

const LIBRARIES: &[&str] = &["libcore-", "liballoc-", "libcompiler_builtins-"];
const BUILD: Duration = Duration::from_secs(300);
const PROBE: Duration = Duration::from_secs(60);

/// Builds both in such a sysroot, after a look that it does refuse std.
pub(super) fn check(runner: &Runner, target_directory: &Path) -> Result<(), String> {
    let folder = target_directory.join("ci/core-only");
    let words = ["--print", "sysroot", "--print", "target-libdir"];
    let printed = runner.capture(&CommandLine::new(&rustc(), &words), PROBE)?;
    let (full, libraries) = printed.trim().split_once('\n').unwrap_or_default();
    let below = Path::new(libraries).strip_prefix(full);
    let below = below.map_err(|_| format!("the libraries are elsewhere:\n{printed}"))?;
    let source = folder.join("needs-std.rs");
    fill(Path::new(libraries), &folder.join(below))
        .and_then(|()| fs::write(&source, "#![no_std]\nextern crate std;\n"))
        .map_err(|error| format!("{}: {error}", folder.display()))?;

    let folder = folder.to_string_lossy();
    let words = ["--crate-type=lib", "--emit=metadata", "--out-dir"];
    let probe = CommandLine::new(&rustc(), &words)
        .args(&[&folder, "--sysroot", &folder])
        .arg(source.to_string_lossy());
    match runner.capture(&probe, PROBE) {
        Err(why) if why.contains("E0463") => {}
        other => return Err(format!("the sysroot does not refuse std: {other:?}")),
    }

    // With an explicit target the flags reach what is built for it and not the procedural macro, which does need std.
    let packages = ["-pwebrtc-multiplayer-core", "-pwebrtc-multiplayer-api"];
    let build = CommandLine::cargo(&["build", "--lib", "--no-default-features"])
        .args(&packages)
        .args(&["--target", HOST])
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            format!("--sysroot\u{1f}{folder}"),
        );
    runner.capture(&build, BUILD).map(drop)
}

/// Makes `to` hold the libraries of `from` that need no operating system, and only those.
fn fill(from: &Path, to: &Path) -> io::Result<()> {
    // Made anew each time, so that nothing of another compiler stays.
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_wanted = |library: &&str| name.to_string_lossy().starts_with(*library);
        if LIBRARIES.iter().any(is_wanted) {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}
