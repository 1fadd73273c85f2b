//! `docs/godot.md` leaves no member of Godot's out, names none that Godot has not, and links to what a search for Godot's name
//! finds. That what it links to exists is rustdoc's to say: the page is part of the documentation (`webrtc_multiplayer::godot`).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../docs/godot.md");
const MEMBERS: &str = include_str!("godot/members.txt");

/// The members of each class, as Godot has them.
fn members() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut classes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut class = None;
    for line in MEMBERS.lines().filter(|line| !line.starts_with('#')) {
        match line
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
        {
            Some(name) => class = Some(name),
            None => {
                let words = line.split_whitespace();
                words.for_each(|member| {
                    let is_new = classes.entry(class.unwrap()).or_default().insert(member);
                    assert!(is_new, "{member} is there twice");
                });
            }
        }
    }
    classes
}

/// The rows of each class on the page: what stands in each cell.
fn rows() -> BTreeMap<&'static str, Vec<[&'static str; 3]>> {
    let mut classes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut class = None;
    for line in PAGE.lines() {
        if line.starts_with('#') {
            // "### `Class` (3.x)" is that class; the two of one name keep their generation.
            class = line
                .strip_prefix("### `")
                .and_then(|rest| rest.split_once('`'))
                .map(|(name, generation)| match (name, generation.trim()) {
                    ("MultiplayerAPI", "(3.x)") => "MultiplayerAPI 3.x",
                    ("MultiplayerAPI", "(4.x)") => "MultiplayerAPI 4.x",
                    _ => name,
                });
            continue;
        }
        let Some((class, row)) = class.zip(line.strip_prefix("| ")) else {
            continue;
        };
        let cells: Vec<_> = row
            .trim_end_matches('|')
            .split(" | ")
            .map(str::trim)
            .collect();
        let cells = cells.try_into().unwrap_or_else(|cells: Vec<_>| {
            panic!("{class}: {} cells in {row}", cells.len());
        });
        classes.entry(class).or_default().push(cells);
    }
    classes
}

#[test]
fn every_member_has_a_counterpart_or_a_reason() {
    let rows = rows();
    for (class, members) in members() {
        let Some(rows) = rows.get(class) else {
            panic!("the page has no section on {class}");
        };
        let mut on_page = BTreeSet::new();
        for [godot, here, why] in rows.iter().filter(|[godot, ..]| *godot != "Godot") {
            let member = godot.trim_matches('`');
            assert!(on_page.insert(member), "{class}.{member} is there twice");
            assert!(
                !here.is_empty() && !why.is_empty(),
                "{class}.{member} lacks a cell"
            );
            // "none" is a difference of something that is there.
            assert!(
                *why != "none" || here.contains("[`"),
                "{class}.{member} has neither a counterpart nor a reason"
            );
        }
        let missing: Vec<_> = members.difference(&on_page).collect();
        assert!(missing.is_empty(), "not on the page: {class}: {missing:?}");
        let invented: Vec<_> = on_page.difference(&members).collect();
        assert!(invented.is_empty(), "not Godot's: {class}: {invented:?}");
    }
}

#[test]
fn every_counterpart_is_found_under_godots_name() {
    let mut sources = Vec::new();
    read(Path::new(env!("CARGO_MANIFEST_DIR")), &mut sources);
    let mut aliases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in &sources {
        for (at, _) in source.match_indices("#[doc(alias") {
            let (attribute, after) = source[at..].split_once(")]").unwrap();
            for alias in code(attribute, '"') {
                aliases.entry(alias).or_default().extend(item(after));
            }
        }
    }
    let rows = rows().into_iter();
    let rows = rows.flat_map(|(class, rows)| rows.into_iter().map(move |row| (class, row)));
    for (class, [godot, here, why]) in rows {
        let Some(member) = code(godot, '`').next() else {
            continue;
        };
        if why.contains("o counterpart") {
            continue;
        }
        let name = member.rsplit('/').next().unwrap();
        let mut items = code(here, '`').filter_map(|path| path.rsplit("::").next());
        assert!(
            items.any(|item| item == name || aliases.get(name).is_some_and(|of| of.contains(item))),
            "{class}.{member} is not found under Godot's name: what it links to needs `#[doc(alias = …)]`"
        );
    }
}

/// Every Rust source below a folder, build folders and hidden ones aside.
fn read(folder: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        let is_foreign = name.starts_with('.') || path.join("CACHEDIR.TAG").exists();
        if path.is_dir() && !is_foreign && name != "target" && name != "tests" {
            read(&path, sources);
        } else if name.ends_with(".rs") {
            sources.push(fs::read_to_string(&path).unwrap());
        }
    }
}

/// What stands between two of these marks.
fn code(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).step_by(2)
}

/// What the first line that is neither attribute nor comment gives a name to.
fn item(after: &str) -> Option<&str> {
    const KEYWORDS: &[&str] = &[
        "", "pub", "crate", "super", "async", "unsafe", "const", "fn", "struct", "enum", "trait",
        "type", "mod",
    ];
    let mut lines = after.lines().map(str::trim_start);
    let item = lines.find(|line| !line.is_empty() && !line.starts_with(['#', '/']))?;
    item.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .find(|word| !KEYWORDS.contains(word))
}

#[test]
fn every_class_on_the_page_is_in_the_list() {
    let members = members();
    for class in rows().keys() {
        assert!(
            members.contains_key(class) || class.ends_with("Extension"),
            "{class} is not in the list of members"
        );
    }
}
