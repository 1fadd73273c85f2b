//! No circle of imports between files of different folders.
//!
//! A circle inside one folder is one idea in several files. One between folders means that neither can be read, tested or
//! moved without the other. A file `mesh.rs` beside a folder `mesh` belongs to that folder.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::Text;

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
pub(super) fn check(texts: &[Text]) -> Result<(), String> {
    let circles: Vec<String> = LIBRARIES
        .iter()
        .flat_map(|folder| Library::read(&format!("{folder}src/"), texts).circles())
        .collect();
    if circles.is_empty() {
        Ok(())
    } else {
        Err(circles.join("\n"))
    }
}

/// The path of a module below its crate's root, with `::` between its parts; the root's is empty.
type Module = String;

/// The modules of a crate that have a file, and what each imports. Paths that only name an item of the root count for the
/// module that the root takes it from.
struct Library {
    folder: String,
    imports: BTreeMap<Module, BTreeSet<Module>>,
}

impl Library {
    fn read(folder: &str, texts: &[Text]) -> Self {
        let files: BTreeMap<Module, &str> = texts
            .iter()
            .filter_map(|text| {
                let path = text.path.strip_prefix(folder)?.strip_suffix(".rs")?;
                let path = path.strip_suffix("/mod").unwrap_or(path);
                let is_test = path.split('/').any(|part| part == "tests");
                let module = if path == "lib" { "" } else { path };
                (!is_test && path != "main").then(|| (module.replace('/', "::"), &*text.content))
            })
            .collect();
        let root: Vec<Vec<String>> = files.get("").map(|text| uses(text)).unwrap_or_default();
        let imports = files
            .iter()
            .filter(|(module, _)| !module.is_empty())
            .map(|(module, text)| {
                let paths = uses(text);
                let found = paths
                    .iter()
                    .filter_map(|path| resolve(module, path, &files, &root));
                let imported = found.filter(|found| found != module && !found.is_empty());
                (module.clone(), imported.collect())
            })
            .collect();
        Self {
            folder: folder.to_owned(),
            imports,
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
        let reached: BTreeMap<&str, BTreeSet<&str>> = self
            .imports
            .keys()
            .map(|module| (module.as_str(), self.reaches(module)))
            .collect();
        let mut told = BTreeSet::new();
        let mut circles = Vec::new();
        for (module, reaches) in &reached {
            let circle: Vec<&str> = reaches
                .iter()
                .copied()
                .filter(|other| reached.get(other).is_some_and(|back| back.contains(module)))
                .collect();
            let homes: BTreeSet<&str> = circle.iter().map(|module| self.home(module)).collect();
            if homes.len() > 1 && told.insert(circle.clone()) {
                circles.push(format!(
                    "{}: {} import each other",
                    self.folder,
                    circle.join(", ")
                ));
            }
        }
        circles
    }
}

/// The module that a path leads to; `None` if it leads out of the crate.
fn resolve(
    module: &str,
    path: &[String],
    files: &BTreeMap<Module, &str>,
    root: &[Vec<String>],
) -> Option<Module> {
    let own = |module: &str| -> Vec<String> {
        let parts = module.split("::").filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let mut at = own(module);
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (at, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {
            while let Some(("super", after)) =
                rest.split_first().map(|(part, rest)| (part.as_str(), rest))
            {
                at.pop();
                rest = after;
            }
        }
        first => {
            at.push(first.to_owned());
            if !files.contains_key(&at.join("::")) {
                return None;
            }
            rest = &path[1..];
        }
    }
    for part in rest {
        at.push(part.clone());
        if !files.contains_key(&at.join("::")) {
            at.pop();
            break;
        }
    }
    if at.is_empty() {
        // An item of the root: whose is it?
        let item = rest.first()?;
        let from = root.iter().find(|path| path.last() == Some(item))?;
        return resolve("", from, files, &[]);
    }
    Some(at.join("::"))
}

/// Every path that the `use` declarations of a file name, part by part. Those of its tests do not count.
fn uses(text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "mod tests {" {
            break;
        }
        let line = line
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub ");
        let Some(first) = line.strip_prefix("use ") else {
            continue;
        };
        let mut declaration = first.to_owned();
        while !declaration.contains(';') {
            let Some(next) = lines.next() else { break };
            declaration.push_str(next.trim());
        }
        let declaration = declaration.split(';').next().unwrap_or_default();
        spread(&[], declaration, &mut paths);
    }
    paths
}

/// Writes a tree of imports out as paths.
fn spread(before: &[String], tree: &str, paths: &mut Vec<Vec<String>>) {
    let Some((head, inner)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default().trim();
        let parts = name.split("::").filter(|part| !part.is_empty());
        let path: Vec<String> = before
            .iter()
            .cloned()
            .chain(parts.map(str::to_owned))
            .collect();
        if !name.is_empty() {
            paths.push(path);
        }
        return;
    };
    let parts = head.trim().split("::").filter(|part| !part.is_empty());
    let before: Vec<String> = before
        .iter()
        .cloned()
        .chain(parts.map(str::to_owned))
        .collect();
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut depth, mut begin) = (0_usize, 0);
    for (at, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                spread(&before, &inner[begin..at], paths);
                begin = at + 1;
            }
            _ => {}
        }
    }
    spread(&before, &inner[begin..], paths);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let texts: Vec<Text> = files
            .iter()
            .map(|(path, content)| Text {
                path: format!("src/{path}"),
                content: (*content).to_owned(),
            })
            .collect();
        Library::read("src/", &texts).circles()
    }

    #[test]
    fn a_circle_between_folders_is_named_and_one_within_is_not() {
        let apart = [
            ("a.rs", "use crate::b::{self, c::{D as E, F}};\n"),
            ("b.rs", "mod c;\n"),
            ("b/c.rs", "use super::super::a::{\n    A,\n};\n"),
        ];
        assert_eq!(circles(&apart), ["src/: a, b::c import each other"]);
        let within = [("b.rs", "use self::c::C;\n"), ("b/c.rs", "use super::B;\n")];
        assert_eq!(circles(&within), [""; 0]);
        let neighbours = [
            ("a.rs", "use crate::b::B;\n"),
            ("b.rs", "use crate::a::A;\n"),
        ];
        assert_eq!(circles(&neighbours), [""; 0]);
    }

    #[test]
    fn an_item_of_the_root_is_that_of_its_module() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use b::c::{C, D};\n"),
            ("a.rs", "use std::fmt;\nuse crate::{D, X};\n"),
            ("b.rs", ""),
            ("b/c.rs", "use crate::a::A;\n"),
        ];
        assert_eq!(circles(&files), ["src/: a, b::c import each other"]);
    }

    #[test]
    fn the_imports_of_tests_do_not_count() {
        let files = [
            ("a.rs", "use crate::b::c::C;\n"),
            ("b.rs", ""),
            (
                "b/c.rs",
                "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
            ),
            ("b/tests.rs", "use crate::a::A;\n"),
        ];
        assert_eq!(circles(&files), [""; 0]);
    }
}
