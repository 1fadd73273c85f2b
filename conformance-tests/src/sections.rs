//! Every section, as of now, of the description of Godot's behaviour the cases are named after (`godot_2_1_…` shows section 2.1), and why
//! some have none.

use std::collections::BTreeSet;

use crate::list::cases;

/// What becomes of a section.
enum Shown {
    /// Cases begin with `godot_` and its number.
    Cases,
    /// Its own subsections have them.
    Below,
    /// There is nothing a case could show, for this reason.
    Nowhere(&'static str),
}

use Shown::{Below, Cases, Nowhere};

const SECTIONS: &[(&str, &str, Shown)] = &[
    (
        "0",
        "Sources",
        Nowhere("it says where the others come from"),
    ),
    (
        "1",
        "Seed page, gaps filled",
        Nowhere("words of a page; what it says of behaviour stands again in 2.1, 2.3, 3, 4 and 7"),
    ),
    ("2", "Setting up", Below),
    ("2_1", "Godot 3.x initialize", Cases),
    ("2_2", "Godot 4.x", Cases),
    ("2_3", "Connection status machine", Cases),
    ("2_4", "Identity", Cases),
    ("3", "add_peer", Cases),
    ("4", "Data channels made per peer", Cases),
    ("5", "poll", Cases),
    ("6", "Packets", Below),
    ("6_1", "Sending", Cases),
    ("6_2", "Receiving and fairness", Cases),
    ("7", "Lookup and removal", Cases),
    ("8", "Connection and channel surface", Below),
    ("8_1", "WebRTCPeerConnection", Cases),
    ("8_2", "WebRTCDataChannel", Cases),
    ("9", "Layer above", Below),
    ("9_1", "4.x packets", Cases),
    ("9_2", "Behaviour of the RAW and SYS subset", Cases),
    ("9_3", "Signals of SceneMultiplayer", Cases),
    ("9_4", "3.x MultiplayerAPI", Cases),
    ("10", "Wire rules for a foreign peer", Cases),
    ("11", "Official signalling demo", Below),
    ("11_1", "4.x protocol", Cases),
    (
        "11_2",
        "3.x protocol",
        Nowhere(
            "another wire format, which no crate here speaks: design.md has chosen that of 4.x",
        ),
    ),
    (
        "12",
        "Known problems and requests",
        Nowhere("references to threads; what they teach is in the sections above"),
    ),
    (
        "13",
        "Not verified",
        Nowhere("it names what nobody has observed of Godot"),
    ),
];

/// The section a case is named after: its leading numbers.
fn section_of(case: &str) -> Option<String> {
    let words = case.strip_prefix("godot_")?.split('_');
    let numbers = words.take_while(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    Some(numbers.collect::<Vec<_>>().join("_"))
}

#[test]
fn each_section_has_cases_or_a_reason() {
    let named: BTreeSet<_> = cases()
        .iter()
        .filter_map(|case| section_of(case.name))
        .collect();
    for (number, title, shown) in SECTIONS {
        let has_cases = named.contains(*number);
        match shown {
            Cases => assert!(has_cases, "no case is named after {number}, {title}"),
            Below => {
                let within = format!("{number}_");
                let below = SECTIONS.iter().filter(|(of, ..)| of.starts_with(&within));
                assert!(below.count() > 0, "{number}, {title}, has no subsections");
                assert!(!has_cases, "cases of {number} belong to a subsection of it");
            }
            Nowhere(reason) => {
                assert!(!reason.is_empty() && !has_cases, "{number}, {title}");
            }
        }
    }
}

#[test]
fn each_case_is_named_after_a_section() {
    for case in cases() {
        let Some(section) = section_of(case.name) else {
            continue;
        };
        assert!(
            SECTIONS.iter().any(|(number, ..)| *number == section),
            "{} is named after no section",
            case.name
        );
    }
}
