//! Every member of Godot's classes has its counterpart, found under Godot's name, or the reason why it has none.

mod members;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use self::members::CLASSES;
use super::sources::Text;

/// The page for those who come from Godot. That its links lead somewhere is rustdoc's to check: the page is documentation.
const PAGE: &str = "docs/godot.md";

/// What stands before the name of an item, a variant or a field.
const KEYWORDS: &[&str] = &[
    "", "pub", "crate", "super", "async", "unsafe", "const", "fn", "struct", "enum", "trait",
    "type", "mod",
];

/// How a row says that it has a reason and no counterpart.
const NO_COUNTERPART: &str = "o counterpart";

/// A row of the page's tables.
struct Row<'a> {
    /// The heading above its table.
    class: &'a str,
    /// What Godot calls it; nothing where the row is about more than one member.
    name: Option<&'a str>,
    here: &'a str,
    difference: &'a str,
}

/// Reads the page and compares it with Godot's classes and with the sources.
pub(super) fn check(root: &Path, texts: &[Text]) -> Result<(), String> {
    let page = fs::read_to_string(root.join(PAGE))
        .map_err(|error| format!("{PAGE} cannot be read: {error}"))?;
    let rows = rows(&page);
    let mut broken = incomplete(&rows);
    let aliases = aliases(texts);
    broken.extend(rows.iter().filter_map(|row| row.fault(&aliases)));
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("\n"))
    }
}

fn rows(page: &str) -> Vec<Row<'_>> {
    let mut class = "";
    let mut rows = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            class = heading;
        }
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [godot, here, difference] = cells[..] else {
            continue;
        };
        if here != "here" && line.starts_with("| ") {
            rows.push(Row {
                class,
                name: code(godot).next(),
                here,
                difference,
            });
        }
    }
    rows
}

/// The members that the page does not have, and those that Godot does not have.
fn incomplete(rows: &[Row<'_>]) -> Vec<String> {
    let mut broken = Vec::new();
    for (class, members) in CLASSES {
        let there: BTreeSet<&str> = rows
            .iter()
            .filter(|row| row.class == *class)
            .filter_map(|row| row.name)
            .collect();
        let known: BTreeSet<&str> = members.iter().copied().collect();
        for member in known.difference(&there) {
            broken.push(format!("{PAGE}: {class} has no row for {member}"));
        }
        for member in there.difference(&known) {
            broken.push(format!("{PAGE}: {class} of Godot has no {member}"));
        }
    }
    broken
}

impl Row<'_> {
    fn fault(&self, aliases: &BTreeMap<&str, BTreeSet<&str>>) -> Option<String> {
        let name = self.name?;
        let what = if !self.here.contains("[`") {
            "links to nothing here"
        } else if self.difference.is_empty() {
            "does not say what is different"
        } else if self.difference.contains(NO_COUNTERPART) || self.is_found(name, aliases) {
            return None;
        } else {
            "is not found under Godot's name: what it links to needs `#[doc(alias = …)]`"
        };
        Some(format!("{PAGE}: {}: {name} {what}", self.class))
    }

    /// Whether a search for Godot's name finds what the row links to.
    fn is_found(&self, name: &str, aliases: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
        let name = name.rsplit('/').next().unwrap_or(name);
        let mut items = code(self.here).filter_map(|path| path.rsplit("::").next());
        items.any(|item| item == name || aliases.get(name).is_some_and(|of| of.contains(item)))
    }
}

/// What stands between backticks.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The names of the items that carry each alias.
fn aliases(texts: &[Text]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut aliases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for text in texts {
        for (at, opening) in text.content.match_indices("#[doc(alias") {
            let rest = &text.content[at + opening.len()..];
            let Some((attribute, after)) = rest.split_once(")]") else {
                continue;
            };
            for alias in attribute.split('"').skip(1).step_by(2) {
                aliases.entry(alias).or_default().extend(item(after));
            }
        }
    }
    aliases
}

/// What the first line that is neither attribute nor comment gives a name to.
fn item(after: &str) -> Option<&str> {
    let mut lines = after.lines().map(str::trim_start);
    let item = lines.find(|line| !line.is_empty() && !line.starts_with(['#', '/']))?;
    item.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .find(|word| !KEYWORDS.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "/// Sends.\n#[doc(alias = \"put_packet\")]\n#[must_use]\npub fn send(&self) {}\n\
        #[doc(alias(\"put_var\", \"get_var\"))]\npub struct Payload;\n";

    fn fault(row: &str) -> Option<String> {
        let text = Text {
            path: String::from("a/src/lib.rs"),
            content: String::from(SOURCE),
        };
        let texts = [text];
        rows(row).first().unwrap().fault(&aliases(&texts))
    }

    #[test]
    fn a_name_is_an_alias_of_what_the_row_links_to() {
        assert_eq!(fault("| `put_packet` | [`Peer::send`] | none |"), None);
        assert_eq!(fault("| `get_var` | [`Payload`] | none |"), None);
        assert_eq!(fault("| `send` | [`Peer::send`] | none |"), None);
        assert_eq!(fault("| `a/b/put_var` | [`Payload`] | none |"), None);
        for row in [
            "| `put_packet` | [`Payload`] | none |",
            "| `put` | [`Peer::send`] | none |",
        ] {
            assert!(fault(row).unwrap().contains("Godot's name"), "{row}");
        }
    }

    #[test]
    fn a_reason_stands_for_a_name() {
        let row = "| `rpc` | [`Payload`] | No counterpart: there are no scenes. |";
        assert_eq!(fault(row), None);
        assert!(fault("| `rpc` | none | No counterpart. |").is_some());
        assert!(fault("| `put_packet` | [`Peer::send`] |  |").is_some());
    }

    #[test]
    fn a_row_that_is_gone_is_missed() {
        let page: String = CLASSES
            .iter()
            .flat_map(|(class, members)| {
                let rows = members
                    .iter()
                    .map(|name| format!("| `{name}` | here it is | none |\n"));
                std::iter::once(format!("### {class}\n")).chain(rows)
            })
            .collect();
        assert_eq!(incomplete(&rows(&page)), Vec::<String>::new());
        let less = page.replacen("| `put_var` | here it is | none |\n", "", 1);
        assert_eq!(
            incomplete(&rows(&less)),
            ["docs/godot.md: `PacketPeer` has no row for put_var"]
        );
        let more = format!("{page}| `fly` | here it is | none |\n");
        assert_eq!(incomplete(&rows(&more)).len(), 1);
    }
}
