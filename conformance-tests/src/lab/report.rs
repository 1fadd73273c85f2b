//! The tables of a run, as markdown and as JSON.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use super::ledger::{Entry, Verdict};
use super::matrix::{Cell, word};
use super::meet::Way;
use super::nat::FIVE;

/// Writes `natlab.md` and `natlab.json`.
pub(super) fn write(folder: &Path, entries: &[Entry]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("natlab.md"), markdown(entries))?;
    let json = serde_json::to_string_pretty(entries)?;
    fs::write(folder.join("natlab.json"), json)
}

fn markdown(entries: &[Entry]) -> String {
    let mut text = "# The NAT lab\n\nRows are what side A is behind, columns what side B is. Seconds count from the offer until \
                    both are connected.\n`*` offers from side B.\n"
        .to_owned();
    let cells: Vec<(&Entry, &Cell)> = entries
        .iter()
        .filter_map(|entry| Some((entry, entry.cell.as_ref()?)))
        .collect();
    let mut pairs = Vec::new();
    for (_, cell) in &cells {
        if !pairs.contains(&cell.kinds) {
            pairs.push(cell.kinds);
        }
    }
    for kinds in pairs {
        let _ = write!(text, "\n## {} – {}\n\n| |", word(kinds.0), word(kinds.1));
        for nat in FIVE {
            let _ = write!(text, " {} |", nat.name());
        }
        text.push_str("\n|---|---|---|---|---|---|\n");
        for a in FIVE {
            let _ = write!(text, "| {} |", a.name());
            for b in FIVE {
                let entry = cells
                    .iter()
                    .find(|(_, cell)| cell.kinds == kinds && cell.nats == (a, b));
                let _ = write!(
                    text,
                    " {} |",
                    entry.map(|(entry, _)| square(entry)).unwrap_or_default()
                );
            }
            text.push('\n');
        }
    }
    cases(&mut text, entries);
    remarks(&mut text, entries);
    text
}

fn square(entry: &Entry) -> String {
    let mut square = match &entry.met {
        Some(met) => {
            let way = match met.way {
                Way::Direct => "direct",
                Way::Relay => "relay",
                Way::Not => "not",
            };
            format!("{way} {:.2}", met.took.as_secs_f32())
        }
        None => "?".to_owned(),
    };
    if entry.cell.is_some_and(|cell| !cell.a_offers) {
        square.push('*');
    }
    match entry.verdict {
        Verdict::Passed => {}
        Verdict::Failed { .. } => square.push_str(" **unexpected**"),
    }
    square
}

fn cases(text: &mut String, entries: &[Entry]) {
    let mut cases = entries
        .iter()
        .filter(|entry| entry.cell.is_none())
        .peekable();
    if cases.peek().is_none() {
        return;
    }
    text.push_str("\n## Cases\n\n| case | verdict | seconds | |\n|---|---|---|---|\n");
    for entry in cases {
        let verdict = match entry.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed { .. } => "**failed**",
        };
        let seconds = entry.took.as_secs_f32();
        let _ = writeln!(
            text,
            "| {} | {verdict} | {seconds:.2} | {} |",
            entry.name, entry.note
        );
    }
}

/// What is otherwise than it should be, and why.
fn remarks(text: &mut String, entries: &[Entry]) {
    text.push_str("\n## Why\n\n");
    let before = text.len();
    for entry in entries {
        let why = match &entry.verdict {
            Verdict::Passed => continue,
            Verdict::Failed { what } => what.lines().next().unwrap_or_default(),
        };
        let note = if entry.note.is_empty() {
            String::new()
        } else {
            format!(" (seen: {})", entry.note)
        };
        let _ = writeln!(text, "- `{}`: {why}{note}", entry.name);
    }
    if text.len() == before {
        text.push_str("Everything is as theory says.\n");
    }
}
