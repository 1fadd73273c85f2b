//! What no source file may contain.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A source file of the repository.
pub(super) struct Text {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) content: String,
}

/// A promise about every line.
pub(super) struct Rule {
    pub(super) promise: &'static str,
    /// The beginnings of paths where the promise holds; everywhere if there are none.
    within: &'static [&'static str],
    /// The beginnings of paths where it does not hold.
    except: &'static [&'static str],
    breaks: fn(&str) -> bool,
}

/// Every promise that the sources must keep.
pub(super) const RULES: &[Rule] = &[
    Rule {
        promise: "no choice by target outside the facade and the conformance tests",
        within: &[],
        except: &["src/", "conformance-tests/"],
        // The families split native from web as well as the architecture does.
        breaks: |line| {
            is_code(line)
                && [concat!("target", "_arch"), concat!("target", "_family")]
                    .iter()
                    .any(|word| line.contains(word))
        },
    },
    Rule {
        promise: "backend-web drops each closure and each handle",
        within: &["backend-web/"],
        except: &[],
        // A forgotten closure lives as long as the page, and so does all it holds.
        breaks: |line| {
            is_code(line)
                && [
                    concat!(".for", "get("),
                    concat!("::for", "get("),
                    concat!("mem::for", "get"),
                    concat!(".into_js", "_value("),
                    concat!("once_into", "_js("),
                    concat!("Manually", "Drop"),
                ]
                .iter()
                .any(|word| line.contains(word))
        },
    },
    Rule {
        promise: "no ignored test",
        within: &[],
        except: &[],
        breaks: |line| {
            if is_code(line) {
                ignores_test(line)
            } else {
                ignores_doc_test(line)
            }
        },
    },
];

impl Rule {
    /// The lines that break the promise, if any do.
    pub(super) fn check(&self, texts: &[Text]) -> Result<(), String> {
        let mut broken = Vec::new();
        for text in texts {
            let below = |folders: &[&str]| folders.iter().any(|at| text.path.starts_with(at));
            if below(self.except) || !self.within.is_empty() && !below(self.within) {
                continue;
            }
            let lines = text
                .content
                .lines()
                .enumerate()
                .filter(|(_, line)| (self.breaks)(line));
            broken.extend(
                lines.map(|(at, line)| format!("{}:{}: {}", text.path, at + 1, line.trim())),
            );
        }
        if broken.is_empty() {
            Ok(())
        } else {
            Err(broken.join("\n"))
        }
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

fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

fn ignores_test(line: &str) -> bool {
    let attribute = line.trim_start();
    attribute.contains(concat!("#[", "ignore"))
        || attribute.starts_with(concat!("#[cfg", "_attr("))
            && attribute.contains(concat!(", ", "ignore"))
}

/// The opening fence of an example that rustdoc skips.
fn ignores_doc_test(line: &str) -> bool {
    line.split_once("```").is_some_and(|(_, words)| {
        words
            .split([',', ' '])
            .any(|word| word.starts_with("ignore"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(promise: &str, path: &str, content: &str) -> Option<String> {
        let rule = RULES
            .iter()
            .find(|rule| rule.promise.contains(promise))
            .unwrap();
        let text = Text {
            path: path.to_owned(),
            content: content.to_owned(),
        };
        rule.check(&[text]).err()
    }

    #[test]
    fn a_choice_by_target_is_the_facades_alone() {
        let choice = concat!("fn a() {}\n#[cfg(not(target", "_arch = \"wasm32\"))]\n");
        let found = broken("by target", "backend-native/src/lib.rs", choice).unwrap();
        assert!(
            found.starts_with("backend-native/src/lib.rs:2: #[cfg"),
            "{found}"
        );
        assert_eq!(broken("by target", "src/lib.rs", choice), None);
        assert_eq!(
            broken("by target", "conformance-tests/src/lib.rs", choice),
            None
        );
        assert_eq!(
            broken(
                "by target",
                "a/src/lib.rs",
                concat!("//! Has no cfg(target", "_arch).")
            ),
            None
        );
    }

    #[test]
    fn a_closure_is_forgotten_nowhere_in_the_web_backend() {
        let line = concat!("    closure.for", "get();");
        let found = broken("each closure", "backend-web/src/link.rs", line).unwrap();
        assert!(found.contains("closure.for"), "{found}");
        assert_eq!(broken("each closure", "ci/src/run.rs", line), None);
        let comment = concat!("    // never Closure::for", "get()");
        assert_eq!(
            broken("each closure", "backend-web/src/link.rs", comment),
            None
        );
    }

    #[test]
    fn tests_and_doc_tests_are_not_ignored() {
        for line in [
            concat!("    #[", "ignore]"),
            concat!("#[", "ignore = \"slow\"]"),
            concat!("#[test] #[", "ignore] fn a() {}"),
            concat!("#[cfg", "_attr(windows, ignore)]"),
            concat!("/// ```", "ignore"),
            concat!("//! ```rust,", "ignore"),
        ] {
            assert!(broken("ignored", "a/src/lib.rs", line).is_some(), "{line}");
        }
        for line in [
            "/// ```",
            "/// ```no_run",
            "// the rest of ignored words",
            "let ignored = 1;",
        ] {
            assert_eq!(broken("ignored", "a/src/lib.rs", line), None, "{line}");
        }
    }

    #[test]
    fn every_source_of_this_package_is_read() {
        let texts = load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(texts.iter().any(|text| text.path == "src/gates/sources.rs"));
        for rule in RULES {
            assert_eq!(rule.check(&texts), Ok(()), "{}", rule.promise);
        }
    }
}
