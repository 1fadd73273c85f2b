//! A copy of a part of the workspace, without what only tests need.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes `to` hold the root package and `packages`, each with its manifest and its `src`. Equal files stay as they are, so
/// that cargo builds again what has changed.
pub(super) fn refresh(root: &Path, packages: &[PathBuf], to: &Path) -> io::Result<()> {
    let members: Vec<String> = packages
        .iter()
        .map(|package| package.to_string_lossy().replace('\\', "/"))
        .collect();
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let manifest = with_members(&without_tests(&manifest), &members);
    write(&to.join("Cargo.toml"), manifest.as_bytes())?;
    mirror(&root.join("src"), &to.join("src"))?;
    // The facade's documentation includes them.
    mirror(&root.join("docs"), &to.join("docs"))?;
    write(&to.join("README.md"), &fs::read(root.join("README.md"))?)?;
    for package in packages {
        let (from, to) = (root.join(package), to.join(package));
        let manifest = without_tests(&fs::read_to_string(from.join("Cargo.toml"))?);
        write(&to.join("Cargo.toml"), manifest.as_bytes())?;
        mirror(&from.join("src"), &to.join("src"))?;
    }
    // What is not asked for anew stays as it is pinned.
    write(&to.join("Cargo.lock"), &fs::read(root.join("Cargo.lock"))?)
}

/// A manifest without the dependencies of tests and without targets that are not copied.
fn without_tests(manifest: &str) -> String {
    let mut kept = String::new();
    let mut keep = true;
    for line in manifest.lines() {
        if line.starts_with('[') {
            let target = ["[[example]]", "[[test]]", "[[bench]]"].contains(&line);
            keep = !target && !line.contains("dev-dependencies");
        }
        if keep {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// A root manifest with other members.
fn with_members(manifest: &str, members: &[String]) -> String {
    let mut lines = manifest.lines();
    let mut written = String::new();
    while let Some(line) = lines.next() {
        if line == "members = [" {
            lines.by_ref().find(|line| *line == "]");
            let members: Vec<String> = members.iter().map(|name| format!("{name:?}")).collect();
            written.push_str(&format!("members = [{}]", members.join(", ")));
        } else {
            written.push_str(line);
        }
        written.push('\n');
    }
    written
}

/// Makes the folder `to` equal to `from`.
fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let path = entry?.path();
        let source = from.join(path.file_name().unwrap_or_default());
        if path.is_dir() && !source.is_dir() {
            fs::remove_dir_all(&path)?;
        } else if path.is_file() && !source.is_file() {
            fs::remove_file(&path)?;
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            mirror(&entry.path(), &copy)?;
        } else {
            write(&copy, &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|former| former == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_need_is_left_out() {
        let manifest = "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n\n[dev-dependencies.web-sys]\nfeatures = []\n\n\
                        [[test]]\nname = \"t\"\n\n[target.'cfg(unix)'.dev-dependencies]\nc = \"1\"\n[lints]\nworkspace = true\n";
        assert_eq!(
            without_tests(manifest),
            "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n\n[lints]\nworkspace = true\n"
        );
    }

    #[test]
    fn the_members_are_those_that_are_copied() {
        let manifest = "[workspace]\nmembers = [\n    \"x\",\n]\nresolver = \"3\"\n";
        assert_eq!(
            with_members(manifest, &["a".to_owned(), "b/c".to_owned()]),
            "[workspace]\nmembers = [\"a\", \"b/c\"]\nresolver = \"3\"\n"
        );
    }

    #[test]
    fn a_copy_follows_its_original() {
        let root = std::env::temp_dir().join(format!("ci-copy-{}", std::process::id()));
        let (from, to) = (root.join("from"), root.join("to"));
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::write(from.join("deep/a.rs"), "a").unwrap();
        fs::create_dir_all(to.join("gone")).unwrap();
        fs::write(to.join("old.rs"), "").unwrap();
        mirror(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("deep/a.rs")).unwrap(), "a");
        assert!(!to.join("gone").exists() && !to.join("old.rs").exists());
        fs::remove_dir_all(&root).unwrap();
    }
}
