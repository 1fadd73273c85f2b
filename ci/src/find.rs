//! Finds programs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const SNAP: &str = "a snap, and so locked up too well for tests: it may not enter their folders";

/// Why there is no program to use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Lack {
    /// Under none of its names.
    #[error("it is not here")]
    Absent,
    /// A person's choice is not replaced by another.
    #[error("{variable} names {named}, which is {what}")]
    Named {
        variable: String,
        named: String,
        what: &'static str,
    },
    /// It would start, and then see neither the folders nor the page that it is told of.
    #[error("{} is {SNAP}", .0.display())]
    Snap(PathBuf),
}

/// The full path of a program.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    find_all(program).next()
}

/// Everything that goes by this name; the two folders of daemons are not in everybody's PATH.
fn find_all(program: &str) -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders
        .into_iter()
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(move |folder| with_suffix(&folder.join(program)))
        .filter(|candidate| candidate.is_file())
}

/// The program that a variable names, if it names one. A path is from where the person stands; whoever starts it may stand
/// elsewhere.
pub(crate) fn named(variable: &str) -> Option<Result<PathBuf, Lack>> {
    let named = std::env::var(variable).ok().filter(|it| !it.is_empty())?;
    let found = match Path::new(&named).components().count() {
        0 | 1 => find(&named),
        _ => std::path::absolute(&named).ok().filter(|it| it.is_file()),
    };
    let what = match found {
        Some(program) if !is_snap(&program) => return Some(Ok(program)),
        Some(_) => SNAP,
        None => "no program",
    };
    let variable = variable.to_owned();
    Some(Err(Lack::Named {
        variable,
        named,
        what,
    }))
}

/// The first program under one of these names that is no snap.
pub(crate) fn first_free(programs: &[&str]) -> Result<PathBuf, Lack> {
    first_of(programs.iter().flat_map(|program| find_all(program)))
}

fn first_of(candidates: impl Iterator<Item = PathBuf>) -> Result<PathBuf, Lack> {
    let mut lack = Lack::Absent;
    for program in candidates {
        if !is_snap(&program) {
            return Ok(program);
        }
        if lack == Lack::Absent {
            lack = Lack::Snap(program);
        }
    }
    Err(lack)
}

/// Whether it is a snap: a link to the program that starts all of them, or the script that Ubuntu's packages `firefox` and
/// `chromium-browser` have in the place of a browser.
fn is_snap(program: &Path) -> bool {
    let starter = program.canonicalize();
    if starter.is_ok_and(|starter| starter.file_name().is_some_and(|name| name == "snap")) {
        return true;
    }
    let mut start = Vec::new();
    let read = File::open(program).and_then(|file| file.take(4096).read_to_end(&mut start));
    let script = String::from_utf8_lossy(&start);
    read.is_ok() && script.starts_with("#!") && script.contains("/snap/bin/")
}

/// `program.exe` where programs are called so.
pub(crate) fn with_suffix(program: &Path) -> PathBuf {
    let mut name = program.as_os_str().to_owned();
    name.push(std::env::consts::EXE_SUFFIX);
    PathBuf::from(name)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_is_found_by_its_name_or_path() {
        let shell = find("sh").unwrap();
        assert_eq!(find(&shell.to_string_lossy()), Some(shell));
        assert_eq!(find("no-such-program-anywhere"), None);
    }

    #[test]
    fn the_first_known_name_counts() {
        let first = first_free(&["no-such-program-anywhere", "sh"]);
        assert_eq!(first.ok(), find("sh"));
        assert_eq!(first_free(&[]), Err(Lack::Absent));
    }

    #[test]
    fn what_a_variable_names_must_be_there() {
        assert_eq!(named("NO_SUCH_VARIABLE_ANYWHERE"), None);
        // Cargo has set it for this process, and it is no program.
        let refused = named("CARGO_PKG_VERSION").unwrap().unwrap_err();
        let said = refused.to_string();
        assert!(said.starts_with("CARGO_PKG_VERSION names "), "{said}");
    }

    #[test]
    fn a_snap_is_passed_over_and_named_where_there_is_nothing_else() {
        let folder = std::env::temp_dir().join(format!("ci-snaps-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [starter, linked, script, free] =
            ["snap", "chromium", "firefox", "free"].map(|name| folder.join(name));
        fs::write(&starter, "\u{7f}ELF").unwrap();
        std::os::unix::fs::symlink(&starter, &linked).unwrap();
        let stub = "#!/bin/sh\nif ! [ -x /snap/bin/firefox ]; then\n  exit 1\nfi\nexec /snap/bin/firefox \"$@\"\n";
        fs::write(&script, stub).unwrap();
        fs::write(&free, "#!/bin/sh\nexec /usr/lib/firefox/firefox \"$@\"\n").unwrap();

        let first = |candidates: &[&PathBuf]| first_of(candidates.iter().copied().cloned());
        assert_eq!(first(&[&script, &linked, &free]), Ok(free.clone()));
        assert_eq!(first(&[&linked, &script]), Err(Lack::Snap(linked.clone())));
        let refused = first(&[&script]).unwrap_err().to_string();
        assert!(refused.contains("firefox is a snap"), "{refused}");
        fs::remove_dir_all(folder).unwrap();
    }
}
