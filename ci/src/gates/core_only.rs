//! Builds mesh-core and multiplayer-api where there is no std at all.
//!
//! `#![no_std]` on a crate does not keep its dependencies from std, and a host that has std links it without a word. So
//! the compiler gets a sysroot that holds core, alloc and compiler_builtins of its own and nothing else; whoever names
//! std then fails with E0463. This needs no other target, no source of std and no network.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::CommandLine;
use crate::run::Runner;
use crate::workspace::rustc;

const LIBRARIES: &[&str] = &["libcore-", "liballoc-", "libcompiler_builtins-"];
const BUILD: Duration = Duration::from_secs(300);
const PROBE: Duration = Duration::from_secs(60);

/// Builds both in such a sysroot, after a look that it does refuse std.
pub(super) fn check(runner: &Runner, target_directory: &Path, host: &str) -> Result<(), String> {
    let folder = target_directory.join("ci/core-only");
    let full = runner.capture(&CommandLine::new(&rustc(), &["--print", "sysroot"]), PROBE)?;
    let libraries = Path::new("lib/rustlib").join(host).join("lib");
    fill(
        &Path::new(full.trim()).join(&libraries),
        &folder.join(&libraries),
    )
    .map_err(|error| format!("cannot make a sysroot in {}: {error}", folder.display()))?;
    let folder = folder.to_string_lossy();

    probe(runner, target_directory, &folder, "alloc")
        .map_err(|why| format!("the sysroot has no alloc: {why}"))?;
    if probe(runner, target_directory, &folder, "std").is_ok() {
        return Err("the sysroot has std, so that building in it would prove nothing".to_owned());
    }

    // With an explicit target the flags reach what is built for it and not the procedural macro, which does need std.
    let words = [
        "build",
        "--package",
        "mesh-core",
        "--package",
        "multiplayer-api",
        "--lib",
        "--no-default-features",
        "--target",
        host,
    ];
    let build = CommandLine::cargo(&words).env(
        "CARGO_ENCODED_RUSTFLAGS",
        format!("--sysroot\u{1f}{folder}"),
    );
    runner.capture(&build, BUILD).map(|_| ())
}

/// Compiles a crate of one line that asks for `library`.
fn probe(
    runner: &Runner,
    target_directory: &Path,
    sysroot: &str,
    library: &str,
) -> Result<(), String> {
    let folder = target_directory.join("ci");
    let source = folder.join(format!("needs-{library}.rs"));
    fs::write(&source, format!("#![no_std]\nextern crate {library};\n"))
        .map_err(|error| error.to_string())?;
    let words = [
        "--sysroot",
        sysroot,
        "--edition",
        "2024",
        "--crate-type",
        "lib",
        "--emit",
        "metadata",
        "--out-dir",
    ];
    let command = CommandLine::new(&rustc(), &words)
        .arg(folder.to_string_lossy())
        .arg(source.to_string_lossy());
    runner.capture(&command, PROBE).map(|_| ())
}

/// Makes `to` hold the libraries of `from` that need no operating system, and only those.
fn fill(from: &Path, to: &Path) -> io::Result<()> {
    let wanted = wanted(from)?;
    // Cargo sees a change of the sysroot's path only, so an equal content must stay as it is.
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for path in wanted {
        let name = path.file_name().unwrap_or_default();
        if fs::hard_link(&path, to.join(name)).is_err() {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn wanted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if LIBRARIES.iter().any(|library| name.starts_with(library)) {
            paths.push(path);
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_sysroot_only_three_libraries_are_taken() {
        let root = std::env::temp_dir().join(format!("ci-core-only-{}", std::process::id()));
        let (from, to) = (root.join("from"), root.join("to"));
        fs::create_dir_all(&from).unwrap();
        for name in [
            "libcore-1.rlib",
            "liballoc-2.rmeta",
            "libcompiler_builtins-3.rlib",
            "libstd-4.so",
            "libtest-5.rlib",
        ] {
            fs::write(from.join(name), name).unwrap();
        }
        fs::create_dir_all(&to).unwrap();
        fs::write(to.join("libstd-of-an-older-compiler.rlib"), "").unwrap();

        fill(&from, &to).unwrap();
        let mut names: Vec<_> = fs::read_dir(&to)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "liballoc-2.rmeta",
                "libcompiler_builtins-3.rlib",
                "libcore-1.rlib"
            ]
        );
        fs::remove_dir_all(&root).unwrap();
    }
}
