//! Builds std for wasm from the sources in Debian's packages, and puts a compiler around it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::apt;
use super::problem::Problem;
use super::site::Site;
use super::unix;
use crate::command::CommandLine;
use crate::web::{Sysroot, TARGET};

/// rustc and cargo of the kind that Debian keeps new enough for browsers, std's sources, and the linker.
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"];
const SOURCES: &str = "/usr/lib/rustlib/src";
const LINKER: &str = "/usr/bin/rust-lld";
/// Where the compiler's libraries are.
const RUSTLIB: &str = "lib/rustlib";
const BUILD: Duration = Duration::from_secs(15 * 60);

/// A crate that needs nothing, so that what is built is std alone.
const DUMMY: &str = "dummy";
const MANIFEST: &str = "[package]\nname = \"dummy\"\nedition = \"2024\"\n\n[workspace]\n";

/// Makes the sysroot that [`Sysroot::find`] finds.
pub(super) fn make(site: &Site) -> Result<(), Problem> {
    packages(site)?;
    let compiler =
        Sysroot::compiler(&site.runner).ok_or_else(|| Problem::NotBrought(PACKAGES.join(", ")))?;
    let is_made = || Sysroot::find(&site.runner, &site.cache).is_some();
    let place = site.cache.place(Sysroot::TOOL);
    site.cache.make(Sysroot::TOOL, is_made, |folder| {
        let build = folder.join("build");
        build_std(site, &build)?;
        let libraries = build.join("target").join(TARGET).join("release/deps");
        fill(&libraries, folder)?;
        link_host(&compiler, folder)?;
        wrappers(folder, &place)?;
        fs::remove_dir_all(build)?;
        let made = SystemTime::now().duration_since(UNIX_EPOCH);
        let made = made.map(|since| since.as_nanos()).unwrap_or_default();
        Ok(Sysroot::write_stamp(folder, &compiler, made)?)
    })
}

/// The compiler with std's sources and a linker.
fn packages(site: &Site) -> Result<(), Problem> {
    let sources = Path::new(SOURCES).join("rust/library/std/Cargo.toml");
    if !Path::new(Sysroot::CARGO).is_file() || !sources.is_file() || !is_link(LINKER) {
        apt::install(site, PACKAGES)?;
    }
    // The name that rustc calls is a link to a program of another package, which none of them depends on.
    if let Some(package) = linker_package(Path::new(LINKER)) {
        apt::install(site, &[&package])?;
    }
    Ok(())
}

fn is_link(path: &str) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The package that brings the linker, where the link to it leads nowhere yet.
fn linker_package(link: &Path) -> Option<String> {
    if link.exists() {
        return None;
    }
    let program = fs::read_link(link).ok()?;
    Some(program.file_name()?.to_string_lossy().into_owned())
}

/// Leaves the libraries of std, and of `test`, which the tests in browsers need, in the target folder of `build`.
fn build_std(site: &Site, build: &Path) -> Result<(), Problem> {
    fs::create_dir_all(build.join("src"))?;
    fs::write(build.join("Cargo.toml"), MANIFEST)?;
    fs::write(build.join("src/lib.rs"), "#![no_std]\n")?;
    let words = [
        "build",
        "--release",
        "--target",
        TARGET,
        "-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test",
        "--manifest-path",
    ];
    let command = CommandLine::new(Sysroot::CARGO, &words)
        .arg(build.join("Cargo.toml").to_string_lossy())
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TARGET_DIR", build.join("target").to_string_lossy())
        .env("RUSTC", Sysroot::RUSTC)
        // `-Z` is for a nightly compiler or one that is told not to mind.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without it a later build with link-time optimisation fails.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes");
    site.run(&command, BUILD)
}

/// Copies the libraries to where a compiler looks for them.
fn fill(libraries: &Path, sysroot: &Path) -> io::Result<()> {
    let to = sysroot.join(RUSTLIB).join(TARGET).join("lib");
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(libraries)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_of_std(&name.to_string_lossy()) {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

fn is_of_std(name: &str) -> bool {
    name.ends_with(".rlib") && !name.starts_with(&format!("lib{DUMMY}-"))
}

/// Build scripts and procedural macros are built for the host, with the libraries that came with the compiler.
fn link_host(compiler: &str, sysroot: &Path) -> io::Result<()> {
    let rustlib = Path::new("/usr").join(RUSTLIB);
    let host = host(compiler).ok_or_else(|| io::Error::other("the compiler names no host"))?;
    let here = sysroot.join(RUSTLIB);
    unix::link(&rustlib.join(host), &here.join(host))?;
    unix::link(Path::new(SOURCES), &here.join("src"))
}

fn host(compiler: &str) -> Option<&str> {
    compiler
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
}

/// Programs that use the sysroot without being told, once it is in its `place`.
fn wrappers(folder: &Path, place: &Path) -> io::Result<()> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)?;
    let quoted = |path: PathBuf| format!("'{}'", path.display());
    for program in ["rustc", "rustdoc"] {
        let sysroot = quoted(place.to_owned());
        unix::script(
            &bin.join(program),
            &format!("exec /usr/bin/{program} --sysroot {sysroot} \"$@\""),
        )?;
    }
    let (rustc, rustdoc) = (
        quoted(place.join("bin/rustc")),
        quoted(place.join("bin/rustdoc")),
    );
    let cargo = Sysroot::CARGO;
    unix::script(
        &bin.join("cargo"),
        &format!("RUSTC={rustc} RUSTDOC={rustdoc} exec {cargo} \"$@\""),
    )
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn folder(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("ci-sysroot-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn the_package_of_the_linker_is_the_name_behind_a_dangling_link() {
        let folder = folder("linker");
        let link = folder.join("rust-lld");
        assert_eq!(linker_package(&link), None);
        unix::link(Path::new("lld-22"), &link).unwrap();
        assert_eq!(linker_package(&link).as_deref(), Some("lld-22"));
        fs::write(folder.join("lld-22"), "").unwrap();
        assert_eq!(linker_package(&link), None);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_libraries_of_std_are_taken() {
        let folder = folder("fill");
        let (from, sysroot) = (folder.join("deps"), folder.join("sysroot"));
        fs::create_dir_all(&from).unwrap();
        for name in [
            "libstd-1.rlib",
            "libstd-1.rmeta",
            "libdummy-2.rlib",
            "std-1.d",
        ] {
            fs::write(from.join(name), "").unwrap();
        }
        fill(&from, &sysroot).unwrap();
        let to = sysroot.join("lib/rustlib/wasm32-unknown-unknown/lib");
        let names: Vec<_> = fs::read_dir(to)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["libstd-1.rlib"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_wrapper_speaks_of_the_place_and_not_of_where_it_was_made() {
        let folder = folder("wrappers");
        wrappers(&folder, Path::new("/c/wasm sysroot")).unwrap();
        let rustc = fs::read_to_string(folder.join("bin/rustc")).unwrap();
        assert!(
            rustc.ends_with("exec /usr/bin/rustc --sysroot '/c/wasm sysroot' \"$@\"\n"),
            "{rustc}"
        );
        let cargo = fs::read_to_string(folder.join("bin/cargo")).unwrap();
        assert!(
            cargo.contains("RUSTC='/c/wasm sysroot/bin/rustc'"),
            "{cargo}"
        );
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_host_is_what_the_compiler_says() {
        assert_eq!(
            host("rustc 1\nhost: x86_64-a\nrelease: 1\n"),
            Some("x86_64-a")
        );
        assert_eq!(host(""), None);
    }
}
