//! Makes words from outside safe to print.

/// The most characters that are kept; WebSocket allows a reason of 123 bytes.
const MAX_CHARS: usize = 512;

/// The text with everything escaped that could move a cursor, start a line or turn the reading direction; what is longer
/// than 512 characters is cut.
///
/// What is printable stays as it is, backslashes too, so escaping twice changes nothing.
#[must_use]
pub fn escape_control(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len().min(MAX_CHARS));
    for (index, c) in text.chars().enumerate() {
        if index == MAX_CHARS {
            escaped.push('…');
            break;
        }
        if is_dangerous(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Control characters, the two line separators of Unicode, and the marks that reorder text.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_can_be_forged() {
        assert_eq!(
            escape_control("full\nconnected 7\r\u{1b}[2J\u{202e}\u{2028}"),
            r"full\nconnected 7\r\u{1b}[2J\u{202e}\u{2028}"
        );
    }

    #[test]
    fn words_stay_as_they_are() {
        for words in ["Lobby does not exists", r"C:\temp", "Räume – 部屋 🎲", ""] {
            assert_eq!(escape_control(words), words);
        }
    }

    #[test]
    fn length_is_bounded() {
        assert!(escape_control(&"x".repeat(100_000)).chars().count() <= MAX_CHARS + 1);
    }

    #[test]
    fn twice_is_once() {
        let once = escape_control("a\n\u{7}b");
        assert_eq!(escape_control(&once), once);
    }
}
