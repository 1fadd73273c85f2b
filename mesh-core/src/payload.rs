//! The bytes of a message and their kind.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

/// A message as the wire has it: bytes, and whether they were sent as text.
///
/// Cloning is cheap: the bytes are shared.
#[doc(alias = "write_mode")]
#[doc(alias = "get_var")]
#[doc(alias = "put_var")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Binary (SCTP PPID 53, or 57 when empty); what Godot sends.
    #[doc(alias = "WRITE_MODE_BINARY")]
    Binary(Bytes),
    /// Text (PPID 51, or 56 when empty). A peer may send bytes here that are not UTF-8: see [`Payload::text`].
    #[doc(alias = "WRITE_MODE_TEXT")]
    Text(Bytes),
}

impl Payload {
    /// The bytes, whatever the kind.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        match self {
            Self::Binary(bytes) | Self::Text(bytes) => bytes,
        }
    }

    /// Takes the bytes, whatever the kind.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Binary(bytes) | Self::Text(bytes) => bytes,
        }
    }

    /// The text, if it was sent as text and is UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(bytes) => core::str::from_utf8(bytes).ok(),
            Self::Binary(_) => None,
        }
    }

    /// Whether it was sent as text (Godot: `was_string_packet`).
    #[doc(alias = "was_string_packet")]
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether there are no bytes; an empty message is still a message.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl<const N: usize> From<&[u8; N]> for Payload {
    fn from(bytes: &[u8; N]) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        Self::Text(Bytes::copy_from_slice(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_empty_without_bytes_of_either_kind() {
        assert!(Payload::from(b"").is_empty() && Payload::from("").is_empty());
        assert!(!Payload::from(b"\0").is_empty() && !Payload::from(" ").is_empty());
    }
}
