//! A signal on its way through the server.

use std::sync::Arc;

use signaling::{Message, encode};

/// A signal, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    text: Arc<str>,
    /// The same without its number, if it has one.
    plain: Option<Message>,
}

impl Letter {
    pub(super) fn new(mut message: Message) -> Self {
        let text = encode(&message).into();
        let plain = message.extra.number.take().map(|_| message);
        Self { text, plain }
    }

    /// What a receiver gets: one of Godot's protocol sees nothing of ours. No client of ours numbers a signal for such a one, so
    /// the text without the number is made when it is needed.
    pub(crate) fn text(&self, is_ours: bool) -> Arc<str> {
        match &self.plain {
            Some(message) if !is_ours => encode(message).into(),
            Some(_) | None => Arc::clone(&self.text),
        }
    }

    /// Whether its sender has given it a number, and so can send it again.
    pub(crate) const fn is_numbered(&self) -> bool {
        self.plain.is_some()
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use signaling::decode;

    use super::*;

    #[test]
    fn a_letter_is_as_long_as_its_text_and_has_the_number_of_its_sender() {
        for (text, is_numbered) in [
            (r#"{"type":4,"id":1,"data":"v=0"}"#, false),
            (r#"{"type":4,"id":1,"data":"v=0","seq":7,"prev":3}"#, true),
        ] {
            let letter = Letter::new(decode(text, usize::MAX).expect("a message"));
            assert_eq!(&*letter.text(true), text);
            assert_eq!(letter.is_numbered(), is_numbered, "{text}");
            assert_eq!(letter.len(), text.len(), "{text}");
        }
    }
}
