//! `docs/godot.md` leaves no member of Godot's out, and names none that Godot has not. That what it names here exists is
//! rustdoc's to say: the page is part of the documentation (`webrtc_multiplayer::godot`).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};

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
fn every_class_on_the_page_is_in_the_list() {
    let members = members();
    for class in rows().keys() {
        assert!(
            members.contains_key(class) || class.ends_with("Extension"),
            "{class} is not in the list of members"
        );
    }
}
