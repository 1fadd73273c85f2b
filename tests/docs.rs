//! The pages name everything that they promise to name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

const TROUBLESHOOTING: &str = include_str!("../docs/troubleshooting.md");

/// The enums whose every variant has a line there, and the files that have them.
const LISTED: [(&str, &str); 9] = [
    (
        "DisconnectReason",
        include_str!("../mesh-core/src/event.rs"),
    ),
    ("ConnectFailure", include_str!("../mesh-core/src/link.rs")),
    ("Missing", include_str!("../mesh-core/src/link.rs")),
    ("LostReason", include_str!("../mesh-core/src/signaling.rs")),
    ("SignalingError", include_str!("../mesh-core/src/error.rs")),
    ("SendError", include_str!("../mesh-core/src/error.rs")),
    ("RefusedReason", include_str!("../mesh-core/src/sent.rs")),
    (
        "TransferError",
        include_str!("../mesh-core/src/transfer.rs"),
    ),
    ("JoinError", include_str!("../src/lobby.rs")),
];

/// The names of the variants of an enum, by the shape that rustfmt gives it.
fn variants<'a>(name: &str, source: &'a str) -> BTreeSet<&'a str> {
    let (_, after) = source.split_once(&format!("pub enum {name} {{")).unwrap();
    let (body, _) = after.split_once("\n}").unwrap();
    let inner = body.lines().filter_map(|line| line.strip_prefix("    "));
    let begins = inner.filter(|line| line.starts_with(|letter: char| letter.is_ascii_uppercase()));
    begins
        .filter_map(|line| line.split([',', ' ', '(']).next())
        .collect()
}

#[test]
fn every_reason_is_in_the_page() {
    for (name, source) in LISTED {
        let variants = variants(name, source);
        assert!(variants.len() > 1, "{name}: {variants:?}");
        for variant in variants {
            let link = format!("[`{name}::{variant}`]");
            assert!(TROUBLESHOOTING.contains(&link), "no {link}");
        }
    }
}

#[test]
fn every_close_code_is_in_the_page() {
    let server = include_str!("../docs/server.md");
    let (_, codes) = server.split_once("## Close codes").unwrap();
    let (codes, _) = codes.split_once("\n## ").unwrap();
    let rows = codes.lines().filter_map(|line| line.strip_prefix("| "));
    let codes: BTreeSet<&str> = rows
        .filter_map(|row| row.split(' ').next())
        .filter(|code| code.parse::<u16>().is_ok_and(|code| code >= 4000))
        .collect();
    assert!(codes.len() > 5, "{codes:?}");
    for code in codes {
        assert!(TROUBLESHOOTING.contains(code), "no {code}");
    }
}

/// The names of types and constants that the crate gives out.
fn exports(source: &str) -> BTreeSet<&str> {
    let uses = source.split("pub use ").skip(1);
    let uses = uses.filter_map(|rest| rest.split_once(';'));
    let words = uses.flat_map(|(names, _)| names.split(|letter: char| !is_of_a_name(letter)));
    words
        .filter(|word| word.starts_with(|letter: char| letter.is_ascii_uppercase()))
        .collect()
}

const fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[test]
fn every_type_is_in_an_example() {
    let page = include_str!("../docs/by-example.md");
    let mut parts = page.split("\n```");
    let examples: String = std::iter::from_fn(|| parts.nth(1)).collect();
    let used: BTreeSet<&str> = examples.split(|letter| !is_of_a_name(letter)).collect();
    let exports = exports(include_str!("../src/lib.rs"));
    assert!(exports.len() > 70, "{exports:?}");
    for name in exports {
        assert!(used.contains(name), "no example has {name}");
    }
}
