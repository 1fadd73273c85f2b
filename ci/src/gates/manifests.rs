//! What every manifest must say.

use std::collections::BTreeSet;
use std::fs;

use crate::plan;
use crate::workspace::Workspace;

/// Every package declares the oldest compiler it needs.
pub(super) fn rust_version(workspace: &Workspace) -> Result<(), String> {
    let silent = workspace
        .members()
        .filter(|package| package.rust_version.is_none());
    none_of(silent.map(|package| format!("{} has no rust-version", package.name)))
}

/// The compiler is the oldest that the packages promise, so that whatever this run builds shows it; a newer one shows nothing.
pub(super) fn oldest_compiler(workspace: &Workspace, printed: &str) -> Result<(), String> {
    let version = printed.split_whitespace().nth(1).unwrap_or_default();
    let promised: BTreeSet<&str> = workspace
        .members()
        .filter_map(|package| package.rust_version.as_deref())
        .collect();
    none_of(
        promised
            .into_iter()
            .filter(|promised| !is_of(version, promised))
            .map(|promised| {
                format!("rust-version is {promised}, and the compiler is {version:?}: run `cargo hack check --rust-version`")
            }),
    )
}

/// Whether a compiler's version is of a release that is given by two or three numbers.
fn is_of(version: &str, release: &str) -> bool {
    let rest = version.strip_prefix(release);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Every package has `[lints] workspace = true`.
pub(super) fn lints(workspace: &Workspace) -> Result<(), String> {
    none_of(workspace.members().filter_map(|package| {
        let path = package.manifest_path.display();
        match fs::read_to_string(&package.manifest_path) {
            Ok(manifest) if takes_lints(&manifest) => None,
            Ok(_) => Some(format!("{path} does not say `[lints] workspace = true`")),
            Err(error) => Some(format!("{path} cannot be read: {error}")),
        }
    }))
}

/// A column selects its target by name in the whole workspace; a namesake elsewhere would slip into the matrix.
pub(super) fn column_targets(workspace: &Workspace) -> Result<(), String> {
    let foreign = workspace
        .test_targets()
        .filter(|(package, _)| *package != plan::CONFORMANCE);
    let namesakes =
        foreign.filter(|(_, target)| plan::column_names().any(|column| column == *target));
    none_of(
        namesakes.map(|(package, target)| {
            format!("the test {target} of {package} is called like a column")
        }),
    )
}

fn takes_lints(manifest: &str) -> bool {
    let mut within = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            within = line == "[lints]";
        } else if within && line.replace(' ', "") == "workspace=true" {
            return true;
        }
    }
    false
}

fn none_of(broken: impl Iterator<Item = String>) -> Result<(), String> {
    let broken: Vec<String> = broken.collect();
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tests::sample;

    #[test]
    fn only_the_lints_section_counts() {
        assert!(takes_lints(
            "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"
        ));
        assert!(!takes_lints(
            "[dependencies]\nworkspace = true\n[lints]\n[lib]\nworkspace = true\n"
        ));
        assert!(!takes_lints("[lints.rust]\nunsafe_code = \"allow\"\n"));
    }

    #[test]
    fn a_release_has_all_its_patches_and_no_other() {
        assert!(is_of("1.95.0", "1.95") && is_of("1.95.0", "1.95.0"));
        assert!(!is_of("1.950.0", "1.95") && !is_of("1.96.0", "1.95") && !is_of("", "1.95"));
    }

    #[test]
    fn a_package_without_rust_version_is_named() {
        assert_eq!(
            rust_version(&sample()),
            Err("a has no rust-version\nb has no rust-version".to_owned())
        );
    }
}
