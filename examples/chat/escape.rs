//! A peer's bytes as one harmless line.

use std::fmt::Write;

/// Escapes control characters, what reorders or breaks lines, backslashes and invalid UTF-8, so that no peer can forge a
/// line.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut line = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char == '\\' || char.is_control() || is_format(char) {
                line.extend(char.escape_default());
            } else {
                line.push(char);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(line, "\\x{byte:02x}");
        }
    }
    line
}

/// Line and paragraph separators, and the marks that turn the direction of what follows.
pub(crate) const fn is_format(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn plain_text_stays() {
        assert_eq!(escape("Grüße, 世界 🎮".as_bytes()), "Grüße, 世界 🎮");
    }

    #[test]
    fn nothing_forges_a_line() {
        assert_eq!(
            escape(b"hi\nconnected 9\r\x1b[2J"),
            "hi\\nconnected 9\\r\\u{1b}[2J"
        );
        assert_eq!(escape(b"a\\nb"), "a\\\\nb");
        assert_eq!(
            escape("a\u{2028}b\u{85}c\u{61c}d".as_bytes()),
            "a\\u{2028}b\\u{85}c\\u{61c}d"
        );
        assert_eq!(escape(b"\xff\xfeok\xc3"), "\\xff\\xfeok\\xc3");
    }
}
