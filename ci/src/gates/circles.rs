//! No circle of imports between files of different folders.
//!
//! A circle inside one folder is one idea in several files. One between folders means that neither can be read, tested or
//! moved without the other. A file `mesh.rs` beside a folder `mesh` belongs to that folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

/// The crates that others are built from.
const LIBRARIES: &[&str] = &[
    "",
    "backend-native/",
    "backend-web/",
    "mesh-core/",
    "multiplayer-api/",
    "signaling/",
    "signaling-server/",
];

/// Names every circle of every library.
pub(super) fn check(root: &Path) -> Result<(), String> {
    let mut circles = Vec::new();
    for library in LIBRARIES {
        let folder = format!("{library}src/");
        let mut files = Files::new();
        read(&root.join(&folder), "", &mut files)
            .map_err(|error| format!("{folder} cannot be read: {error}"))?;
        circles.extend(Library::new(folder, &files).circles());
    }
    if circles.is_empty() {
        Ok(())
    } else {
        Err(circles.join("\n"))
    }
}

/// The path of a module below its crate's root, with `::` between its parts; the root's is empty.
type Module = String;

/// What the files of a crate say.
type Files = BTreeMap<Module, String>;

/// Reads the modules below `module`, whose files are in `folder`.
fn read(folder: &Path, module: &str, files: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let own = match &*name {
            "tests" => continue,
            "main" if module.is_empty() => continue,
            "lib" | "mod" => module.to_owned(),
            name if module.is_empty() => name.to_owned(),
            name => format!("{module}::{name}"),
        };
        if path.is_dir() {
            read(&path, &own, files)?;
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.insert(own, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// The modules of a crate that have a file, and what each imports. Paths that only name an item of the root count for the
/// module that the root takes it from.
struct Library {
    folder: String,
    imports: BTreeMap<Module, BTreeSet<Module>>,
}

impl Library {
    fn new(folder: String, files: &Files) -> Self {
        let root = files.get("").map(|text| uses(text)).unwrap_or_default();
        let modules = files.iter().filter(|(module, _)| !module.is_empty());
        let imports = modules.map(|(module, text)| {
            let paths = uses(text);
            let found = paths
                .iter()
                .filter_map(|path| resolve(module, path, files, &root));
            let imported = found.filter(|found| found != module);
            (module.clone(), imported.collect())
        });
        Self {
            folder,
            imports: imports.collect(),
        }
    }

    /// The folder a module's file belongs to.
    fn home<'a>(&self, module: &'a str) -> &'a str {
        let below = format!("{module}::");
        if self.imports.keys().any(|other| other.starts_with(&below)) {
            return module;
        }
        module.rsplit_once("::").map_or("", |(parent, _)| parent)
    }

    fn reaches<'a>(&'a self, from: &'a str) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        let mut ahead = vec![from];
        while let Some(module) = ahead.pop() {
            let imports = self.imports.get(module).into_iter().flatten();
            ahead.extend(
                imports
                    .map(String::as_str)
                    .filter(|next| seen.insert(*next)),
            );
        }
        seen
    }

    /// One sentence for each circle that is in more than one folder.
    fn circles(&self) -> Vec<String> {
        let modules = self.imports.keys().map(String::as_str);
        let reached: BTreeMap<&str, BTreeSet<&str>> = modules
            .map(|module| (module, self.reaches(module)))
            .collect();
        let mut circles = Vec::new();
        for (module, reaches) in &reached {
            let others = reaches.iter().copied();
            let back = others.filter(|other| reached[other].contains(module));
            let circle: Vec<&str> = back.collect();
            let homes: BTreeSet<&str> = circle.iter().map(|module| self.home(module)).collect();
            // Each is told once, for its first module.
            if homes.len() > 1 && circle.first() == Some(module) {
                let circle = circle.join(", ");
                circles.push(format!("{}: {circle} import each other", self.folder));
            }
        }
        circles
    }
}

/// The module that a path leads to; `None` if it leads out of the crate.
fn resolve(module: &str, path: &str, files: &Files, root: &[String]) -> Option<Module> {
    let mut at: Vec<&str> = module.split("::").filter(|it| !it.is_empty()).collect();
    let mut rest = path.split("::").peekable();
    match rest.next()? {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            at.pop();
            while rest.next_if_eq(&"super").is_some() {
                at.pop();
            }
        }
        child => {
            at.push(child);
            files.get(&at.join("::"))?;
        }
    }
    let item = rest.peek().copied();
    at.extend(rest);
    let longest = (1..=at.len()).rev().map(|parts| at[..parts].join("::"));
    let mut modules = longest.filter(|module| files.contains_key(module));
    modules.next().or_else(|| {
        // An item of the root: whose is it?
        let from = root.iter().find(|path| path.rsplit("::").next() == item)?;
        resolve("", from, files, &[])
    })
}

/// Every path that the `use` declarations of a file name. Those of its tests do not count.
fn uses(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let code = text.split("\nmod tests {").next().unwrap_or_default();
    for statement in code.split(';') {
        let line = statement.lines().position(|line| {
            let line = line.trim_start_matches("pub(crate) ");
            line.trim_start_matches("pub ").starts_with("use ")
        });
        if let Some(line) = line {
            let lines: String = statement.lines().skip(line).collect();
            let (_, tree) = lines.split_once("use ").unwrap_or_default();
            spread("", tree, &mut paths);
        }
    }
    paths
}

/// Writes a tree of imports out as paths.
fn spread(before: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, inner)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default().trim();
        if !name.is_empty() {
            paths.push(format!("{before}{name}"));
        }
        return;
    };
    let before = format!("{before}{}", head.trim());
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let mut depth = 0_usize;
    let parts = inner.split(|character| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    });
    parts.for_each(|part| spread(&before, part, paths));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter();
        let files = files.map(|&(module, text)| (module.to_owned(), text.to_owned()));
        Library::new("src/".to_owned(), &files.collect()).circles()
    }

    #[test]
    fn a_circle_between_folders_is_named_and_one_within_is_not() {
        let apart = [
            ("a", "use crate::b::{self, c::{D as E, F}};\n"),
            ("b", "mod c;\n"),
            ("b::c", "use super::super::a::{\n    A,\n};\n"),
        ];
        assert_eq!(circles(&apart), ["src/: a, b::c import each other"]);
        let within = [("b", "use self::c::C;\n"), ("b::c", "use super::B;\n")];
        assert_eq!(circles(&within), [""; 0]);
        let neighbours = [("a", "use crate::b::B;\n"), ("b", "use crate::a::A;\n")];
        assert_eq!(circles(&neighbours), [""; 0]);
    }

    #[test]
    fn an_item_of_the_root_is_that_of_its_module() {
        let files = [
            ("", "mod a;\nmod b;\npub use b::c::{C, D};\n"),
            ("a", "use std::fmt;\nuse crate::{D, X};\n"),
            ("b", ""),
            ("b::c", "use crate::a::A;\n"),
        ];
        assert_eq!(circles(&files), ["src/: a, b::c import each other"]);
    }

    #[test]
    fn the_imports_of_tests_do_not_count() {
        let files = [
            ("a", "use crate::b::c::C;\n"),
            ("b", ""),
            (
                "b::c",
                "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
            ),
        ];
        assert_eq!(circles(&files), [""; 0]);
    }

    #[test]
    fn the_files_of_a_crate_are_its_modules() {
        let mut files = Files::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        read(&folder, "", &mut files).unwrap();
        assert!(files["gates::circles"].starts_with("//! No circle of imports"));
        assert!(files.contains_key("gates") && !files.contains_key("main"));
    }
}
