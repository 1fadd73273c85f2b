//! What every manifest must say.

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
    fn a_package_without_rust_version_is_named() {
        assert_eq!(
            rust_version(&sample()),
            Err("a has no rust-version\nb has no rust-version".to_owned())
        );
    }
}
