//! Which wasm-bindgen the workspace is locked to.

use std::fs;
use std::path::Path;

/// The version of wasm-bindgen in the lock file below `root`; its command line tool has to be of exactly this one.
pub(crate) fn bindgen_version(root: &Path) -> Result<String, String> {
    let path = root.join("Cargo.lock");
    let lock = fs::read_to_string(&path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    match versions(&lock, "wasm-bindgen").as_slice() {
        [version] => Ok((*version).to_owned()),
        [] => Err(format!("{} names no wasm-bindgen", path.display())),
        several => Err(format!(
            "{} names wasm-bindgen {}, and one tool serves one version only",
            path.display(),
            several.join(" and ")
        )),
    }
}

fn versions<'a>(lock: &'a str, package: &str) -> Vec<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    let mut versions = Vec::new();
    while let Some(line) = lines.next() {
        if line == name {
            let version = lines
                .next()
                .and_then(|line| line.strip_prefix("version = "));
            versions.extend(version.map(|version| version.trim_matches('"')));
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_name_counts() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.1\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(versions(lock, "wasm-bindgen"), ["0.2.130"]);
        assert!(versions(lock, "web-sys").is_empty());
    }

    #[test]
    fn the_workspace_is_locked_to_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let version = bindgen_version(&root).unwrap();
        assert!(version.starts_with("0.2."), "{version}");
    }
}
