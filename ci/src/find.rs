//! Finds programs.

use std::path::{Path, PathBuf};

/// The full path of a program; the two folders of daemons are not in everybody's PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| with_suffix(&folder.join(program)))
        .find(|candidate| candidate.is_file())
}

/// The first of several names under which a program may be known.
fn find_any(programs: &[&str]) -> Option<PathBuf> {
    programs.iter().find_map(|program| find(program))
}

/// The path that a variable names, or else the first of `programs`.
pub(crate) fn named_or_found(variable: &str, programs: &[&str]) -> Option<PathBuf> {
    let named = std::env::var_os(variable).filter(|path| !path.is_empty());
    named.map(PathBuf::from).or_else(|| find_any(programs))
}

/// `program.exe` where programs are called so.
pub(crate) fn with_suffix(program: &Path) -> PathBuf {
    let mut name = program.as_os_str().to_owned();
    name.push(std::env::consts::EXE_SUFFIX);
    PathBuf::from(name)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_name() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-such-program-anywhere"), None);
    }

    #[test]
    fn the_first_known_name_counts() {
        assert_eq!(find_any(&["no-such-program-anywhere", "sh"]), find("sh"));
        assert_eq!(find_any(&[]), None);
    }

    #[test]
    fn without_the_variable_the_program_is_looked_for() {
        assert_eq!(
            named_or_found("NO_SUCH_VARIABLE_ANYWHERE", &["sh"]),
            find("sh")
        );
    }
}
