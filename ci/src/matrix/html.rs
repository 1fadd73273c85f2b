//! The matrix as a page that needs no other file.

use std::fmt::Write;

use super::{Cell, Column, Entry, Matrix, number_of};

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8884; --ok: #2da44e; --failed: #d1242f; --expected: #bf8700; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: center; white-space: nowrap; }
thead th { position: sticky; top: 0; background: Canvas; }
tbody th { text-align: left; font-weight: normal; font-family: ui-monospace, monospace; }
tbody tr:hover { background: #8882; }
.ok { color: var(--ok); } .failed { color: #fff; background: var(--failed); font-weight: bold; }
.expected { color: var(--expected); font-weight: bold; } .ignored, .missing { opacity: .6; }
tfoot { font-size: .85em; } .problem { color: var(--failed); }
";

impl Matrix {
    /// For a browser.
    pub(super) fn html(&self) -> String {
        let mut reasons = Reasons::default();
        let head: String = self
            .columns
            .iter()
            .map(|column| element("th", "", &column.name))
            .collect();
        let notes = self.notes();
        let mut rows = String::new();
        for (case, entries) in &self.cases {
            let cells: String = entries
                .iter()
                .map(|entry| data_cell(entry, &notes, &mut reasons))
                .collect();
            let _infallible = writeln!(rows, "<tr>{}{cells}</tr>", element("th", "", case));
        }
        let sums: String = self.columns.iter().map(sum).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Conformance matrix</title>\n\
             <style>\n{STYLE}</style>\n<h1>Conformance matrix</h1>\n\
             <p>A row is a case, a column the kinds of its participants. \
             <span class=\"ok\">ok</span>: it passed. <span class=\"failed\">FAILED</span>: it did not. \
             <span class=\"expected\">expected</span>: it failed as a known difference says, see below. \
             –: the column did not come to it. A letter: see the notes.</p>\n\
             <table>\n<thead><tr><th>case</th>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n\
             <tfoot><tr><th>sum</th>{sums}</tr></tfoot>\n</table>\n{}{}{}</html>\n",
            reasons.html(),
            notes_below(&notes),
            self.problems()
        )
    }

    /// What went wrong beside the cases.
    fn problems(&self) -> String {
        let problems: String = self
            .columns
            .iter()
            .flat_map(|column| column.problems.iter().map(move |what| (&column.name, what)))
            .map(|(name, what)| element("li", "problem", &format!("{name}: {what}")))
            .collect();
        if problems.is_empty() {
            return problems;
        }
        format!("<h2>Beside the cases</h2>\n<ul>{problems}</ul>\n")
    }
}

/// Why known differences are there, each said once and numbered.
#[derive(Default)]
struct Reasons<'a>(Vec<&'a str>);

impl<'a> Reasons<'a> {
    fn number(&mut self, reason: &'a str) -> usize {
        let known = self.0.iter().position(|known| *known == reason);
        1 + known.unwrap_or_else(|| {
            self.0.push(reason);
            self.0.len() - 1
        })
    }

    fn html(&self) -> String {
        if self.0.is_empty() {
            return "<p>No failure is expected anywhere.</p>\n".to_owned();
        }
        let items: String = self
            .0
            .iter()
            .map(|reason| element("li", "", reason))
            .collect();
        format!("<h2>Expected failures</h2>\n<ol>{items}</ol>\n")
    }
}

/// Notes have letters here, for reasons have the numbers.
fn notes_below(notes: &[&str]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let items: String = notes.iter().map(|note| element("li", "", note)).collect();
    format!("<h2>Notes</h2>\n<ol type=\"a\">{items}</ol>\n")
}

fn letter(number: usize) -> char {
    ('a'..='z').nth(number - 1).unwrap_or('z')
}

fn data_cell<'a>(entry: &'a Entry, notes: &[&str], reasons: &mut Reasons<'a>) -> String {
    let (class, mut title, mut text) = match &entry.cell {
        Cell::Ok => ("ok", String::new(), "ok".to_owned()),
        Cell::Failed => ("failed", String::new(), "FAILED".to_owned()),
        Cell::Expected(reason) => {
            let number = reasons.number(reason);
            ("expected", reason.clone(), format!("expected ({number})"))
        }
        Cell::Ignored => ("ignored", String::new(), "ignored".to_owned()),
        Cell::Missing => ("missing", String::new(), "–".to_owned()),
    };
    if let Some(number) = number_of(notes, entry) {
        text.push_str(&format!(" ({})", letter(number)));
    }
    if let Some(took_ms) = entry.took_ms.filter(|_| title.is_empty()) {
        title = format!("{took_ms} ms");
    }
    if !title.is_empty() {
        title = format!(" title=\"{}\"", escaped(&title));
    }
    format!("<td class=\"{class}\"{title}>{}</td>", escaped(&text))
}

fn sum(column: &Column) -> String {
    let Column {
        passed,
        failed,
        seconds,
        ..
    } = column;
    element(
        "td",
        "",
        &format!("{passed} passed, {failed} failed, {seconds:.0} s"),
    )
}

fn element(name: &str, class: &str, text: &str) -> String {
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    format!("<{name}{class}>{}</{name}>", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::tests::{noted, sample};

    #[test]
    fn every_cell_is_there_and_a_reason_stands_below() {
        let html = sample().html();
        assert!(
            html.contains("<th>slow::vanish</th><td class=\"ok\">ok</td>"),
            "{html}"
        );
        assert!(html.contains("<td class=\"failed\">FAILED</td>"), "{html}");
        assert!(html.contains("title=\"a | b\">expected (1)</td>"), "{html}");
        assert!(html.contains("<ol><li>a | b</li></ol>"), "{html}");
        assert_eq!(html.matches("<tr>").count(), 5);
    }

    #[test]
    fn a_note_has_a_letter_and_stands_below() {
        let html = noted().html();
        let cell = "<td class=\"ok\" title=\"1250 ms\">ok (a)</td>";
        assert!(html.contains(cell), "{html}");
        let below = "<ol type=\"a\"><li>seen through a &lt;window&gt;</li></ol>";
        assert!(html.contains(below), "{html}");
        assert!(!sample().html().contains("Notes"));
    }

    #[test]
    fn equal_reasons_have_one_number() {
        let mut reasons = Reasons::default();
        assert_eq!(
            (
                reasons.number("a"),
                reasons.number("b"),
                reasons.number("a")
            ),
            (1, 2, 1)
        );
    }

    #[test]
    fn a_reason_cannot_break_out_of_its_cell() {
        let entry = Entry {
            cell: Cell::Expected("\"><script>&".to_owned()),
            ..Entry::MISSING
        };
        let cell = data_cell(&entry, &[], &mut Reasons::default());
        assert!(cell.contains("&quot;&gt;&lt;script&gt;&amp;"), "{cell}");
        assert!(!cell.contains("<script>"));
    }
}
