//! What no source file may contain, and the sources themselves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A source file of the repository.
pub(super) struct Text {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) content: String,
}

/// Where code may choose by target.
const CHOOSERS: &[&str] = &["src/", "conformance-tests/"];

/// The families split native from web as well as the architecture does.
const CHOICES: [&str; 2] = [concat!("target", "_arch"), concat!("target", "_family")];

/// Only the facade and the conformance tests choose by target.
pub(super) fn choices(texts: &[Text]) -> Result<(), String> {
    let mut broken = Vec::new();
    let others = texts.iter().filter(|text| {
        let mut choosers = CHOOSERS.iter();
        !choosers.any(|folder| text.path.starts_with(folder))
    });
    for text in others {
        let lines = (1..).zip(text.content.lines());
        let chosen = lines.filter(|(_, line)| {
            let is_comment = line.trim_start().starts_with("//");
            !is_comment && CHOICES.iter().any(|word| line.contains(word))
        });
        broken.extend(chosen.map(|(at, line)| format!("{}:{at}: {}", text.path, line.trim())));
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("\n"))
    }
}

/// Reads every Rust file below `root`, build folders and hidden ones aside.
pub(super) fn load(root: &Path) -> Result<Vec<Text>, String> {
    let mut texts = Vec::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(folder) = ahead.pop() {
        read_folder(root, &folder, &mut ahead, &mut texts)
            .map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    }
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    if texts.is_empty() {
        return Err(format!("no source file below {}", root.display()));
    }
    Ok(texts)
}

fn read_folder(
    root: &Path,
    folder: &Path,
    ahead: &mut Vec<PathBuf>,
    texts: &mut Vec<Text>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let foreign =
                name.starts_with('.') || name == "target" || path.join("CACHEDIR.TAG").exists();
            if !foreign {
                ahead.push(path);
            }
        } else if name.ends_with(".rs") {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            texts.push(Text {
                path: relative.to_string_lossy().replace('\\', "/"),
                content: fs::read_to_string(&path)?,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_by_target_is_the_facades_alone() {
        let broken = |path: &str, content: &str| {
            let text = Text {
                path: path.to_owned(),
                content: content.to_owned(),
            };
            choices(&[text]).err()
        };
        let choice = concat!("fn a() {}\n#[cfg(not(target", "_arch = \"wasm32\"))]\n");
        let found = broken("backend-native/src/lib.rs", choice).unwrap();
        assert!(
            found.starts_with("backend-native/src/lib.rs:2: #[cfg"),
            "{found}"
        );
        for chooser in ["src/lib.rs", "conformance-tests/src/lib.rs"] {
            assert_eq!(broken(chooser, choice), None);
        }
        let comment = concat!("//! Has no cfg(target", "_arch).");
        assert_eq!(broken("a/src/lib.rs", comment), None);
    }

    #[test]
    fn every_source_of_this_package_is_read() {
        let texts = load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(texts.iter().any(|text| text.path == "src/gates/sources.rs"));
        assert_eq!(choices(&texts), Ok(()));
    }
}
