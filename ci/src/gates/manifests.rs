//! What every manifest must say.

use std::fs;

use cargo_metadata::Package;

use crate::plan;
use crate::workspace::Workspace;

/// Every package takes the oldest compiler and the lints of the workspace.
const LINES: [&str; 2] = [
    "\nrust-version.workspace = true\n",
    "\n[lints]\nworkspace = true\n",
];

/// Names every manifest that does not say so.
pub(super) fn lines(workspace: &Workspace) -> Result<(), String> {
    for package in workspace.members() {
        let path = &package.manifest_path;
        let manifest = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        if let Some(line) = lacking(&manifest) {
            return Err(format!("{path} does not say `{}`", line.trim()));
        }
    }
    Ok(())
}

fn lacking(manifest: &str) -> Option<&'static str> {
    let manifest = manifest.replace("\r\n", "\n");
    LINES.into_iter().find(|line| !manifest.contains(line))
}

/// The licences that each published package brings.
const LICENCES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// Names a published package that lacks a licence's text. Packed, a package has only what is in its folder.
pub(super) fn licences(workspace: &Workspace) -> Result<(), String> {
    // Of these cargo says that they go to no registry at all.
    let is_published = |package: &&Package| package.publish.as_ref() != Some(&Vec::new());
    for package in workspace.members().filter(is_published) {
        let folder = package.manifest_path.parent();
        let lacks = |name: &&&str| !folder.is_some_and(|folder| folder.join(name).is_file());
        if let Some(licence) = LICENCES.iter().find(lacks) {
            return Err(format!("{} is published without {licence}", package.name));
        }
    }
    Ok(())
}

/// A column selects its target by name in the whole workspace; a namesake elsewhere would slip into the matrix.
pub(super) fn column_targets(workspace: &Workspace) -> Result<(), String> {
    let mut others = workspace
        .test_targets()
        .filter(|(package, _)| *package != plan::CONFORMANCE);
    match others.find(|(_, target)| plan::column_names().any(|column| column == *target)) {
        None => Ok(()),
        Some((package, target)) => Err(format!(
            "the test {target} of {package} is called like a column"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::HOST;
    use crate::workspace::tests::own;

    #[test]
    fn what_is_published_here_has_its_licences() {
        let own = own(HOST);
        assert_eq!(licences(&own), Ok(()));
        let published = own.members().filter(|it| it.publish.is_none());
        assert!(published.count() >= 7, "the check looks at some");
    }

    #[test]
    fn both_lines_are_asked_for_where_they_count() {
        let manifest = "[package]\nrust-version.workspace = true\n\n[lints]\nworkspace = true\n";
        assert_eq!(lacking(manifest), None);
        assert_eq!(lacking(&manifest.replace('\n', "\r\n")), None);
        let elsewhere = manifest.replace("[lints]", "[dependencies.x]");
        assert_eq!(lacking(&elsewhere), Some(LINES[1]));
        assert_eq!(lacking("[lints]\nworkspace = true\n"), Some(LINES[0]));
    }
}
