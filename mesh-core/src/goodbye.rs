//! What a peer says when it ends a connection.

use alloc::string::String;
use core::fmt;

use crate::CloseReason;

/// A reason that a game gives for a leave or a kick: a code of its own, and a short text for players.
///
/// The library reads neither. Code 0 and an empty text mean that no reason was given, which is the default.
///
/// ```
/// use mesh_core::GivenReason;
///
/// let reason = GivenReason::new(7, "the match is over");
/// assert_eq!((reason.code(), reason.text()), (7, "the match is over"));
/// assert_eq!(reason.to_string(), "the match is over (7)");
/// assert_eq!(GivenReason::from("bad manners").code(), 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GivenReason {
    code: u16,
    text: String,
}

impl GivenReason {
    /// The longest text in bytes of UTF-8: [`MAX_REASON_SIZE`](crate::MAX_REASON_SIZE), so that a reason may be given in the lobby, too.
    pub const MAX_TEXT: usize = crate::MAX_REASON_SIZE;

    /// A reason. A text of more than [`MAX_TEXT`](Self::MAX_TEXT) bytes is cut at the last whole character that fits, and a
    /// control character becomes a space: the text may be shown as it is.
    #[must_use]
    pub fn new(code: u16, text: &str) -> Self {
        let text = &text[..text.floor_char_boundary(Self::MAX_TEXT)];
        // A control character may be two bytes long, a space never is: it does not get longer.
        let text = text.replace(char::is_control, " ");
        Self { code, text }
    }

    /// The game's own code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The text: at most [`MAX_TEXT`](Self::MAX_TEXT) bytes, without control characters.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether no reason was given: code 0 and no text.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.code == 0 && self.text.is_empty()
    }
}

impl From<&str> for GivenReason {
    /// A text with code 0.
    fn from(text: &str) -> Self {
        Self::new(0, text)
    }
}

impl From<u16> for GivenReason {
    /// A code without a text.
    fn from(code: u16) -> Self {
        Self::new(code, "")
    }
}

impl From<(u16, &str)> for GivenReason {
    fn from((code, text): (u16, &str)) -> Self {
        Self::new(code, text)
    }
}

impl fmt::Display for GivenReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.text.as_str()) {
            (0, "") => f.write_str("no reason given"),
            (0, text) => f.write_str(text),
            (code, "") => write!(f, "code {code}"),
            (code, text) => write!(f, "{text} ({code})"),
        }
    }
}

/// What one side of a link tells the other before it closes, so that the other knows why.
///
/// It reaches peers of this library only; any other peer hears that the connection was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Goodbye {
    /// The game leaves.
    Left(GivenReason),
    /// The game does not want the far side any more.
    Kicked(GivenReason),
    /// The user left the page.
    PageLeft,
    /// The far side sent more on a reliable channel than the inbox holds.
    InboxFull,
    /// The far side broke a rule of the wire. With the rule, cut to [`GivenReason::MAX_TEXT`] bytes.
    Protocol(String),
}

impl Goodbye {
    /// What a backend says of itself when it gives a link up: that the far side is at fault, if it is.
    #[must_use]
    pub fn of_fault(reason: &CloseReason) -> Option<Self> {
        match reason {
            CloseReason::InboxFull => Some(Self::InboxFull),
            CloseReason::Protocol(what) => Some(Self::Protocol(what.clone())),
            CloseReason::Local | CloseReason::Remote | CloseReason::Failed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_whole_character() {
        let long = "é".repeat(100);
        assert_eq!(GivenReason::new(0, &long).text(), "é".repeat(61));
        let odd = std::format!("x{long}");
        let cut = std::format!("x{}", "é".repeat(61));
        assert_eq!(GivenReason::new(0, &odd).text(), cut);
        let whole = "x".repeat(GivenReason::MAX_TEXT);
        assert_eq!(GivenReason::new(0, &whole).text(), whole);
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(GivenReason::new(1, "a\n\u{1b}\u{85}b").text(), "a   b");
    }

    #[test]
    fn it_is_shown_with_what_it_has() {
        let shown = |code, text| GivenReason::new(code, text).to_string();
        assert_eq!(shown(0, ""), "no reason given");
        assert_eq!(shown(0, "late"), "late");
        assert_eq!(shown(9, ""), "code 9");
        assert_eq!(shown(9, "late"), "late (9)");
        assert!(GivenReason::default().is_empty());
        assert!(!GivenReason::from(1).is_empty() && !GivenReason::from("x").is_empty());
    }

    #[test]
    fn the_far_side_is_told_of_its_own_faults_alone() {
        let of = |reason| Goodbye::of_fault(&reason);
        assert_eq!(of(CloseReason::InboxFull), Some(Goodbye::InboxFull));
        let rule = || String::from("a message before its channel");
        let told = Some(Goodbye::Protocol(rule()));
        assert_eq!(of(CloseReason::Protocol(rule())), told);
        assert_eq!(of(CloseReason::Local), None);
        assert_eq!(of(CloseReason::Remote), None);
    }
}
