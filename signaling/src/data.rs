//! What is told of a lobby or of a member: a small JSON object.

use serde_json::{Map, Value};
use thiserror::Error;

/// Why a text is not the data of a lobby or a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DataError {
    /// It is too long.
    #[error("data of more than {limit} bytes")]
    TooLong {
        /// The most that is taken, in bytes.
        limit: usize,
    },
    /// It is neither empty nor one JSON object.
    #[error("data that are no JSON object")]
    NotAnObject,
}

/// Whether a text is the data of a lobby or a member: empty, or a JSON object of at most `limit` bytes.
///
/// # Errors
///
/// [`DataError`] if it is not; whatever the text is, nothing panics.
pub fn check_data(text: &str, limit: usize) -> Result<(), DataError> {
    if text.len() > limit {
        return Err(DataError::TooLong { limit });
    }
    if text.is_empty() || serde_json::from_str::<Map<String, Value>>(text).is_ok() {
        return Ok(());
    }
    Err(DataError::NotAnObject)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn data_are_nothing_or_one_object() {
        for text in ["", "{}", r#" {"map":"dust","players":[1,{"a":null}]} "#] {
            assert_eq!(check_data(text, 1024), Ok(()), "{text}");
        }
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(300), "]".repeat(300));
        for text in [
            " ", "1", "[]", "null", "{", "{}{}", "{} x", r#"{"a"}"#, &deep,
        ] {
            assert_eq!(
                check_data(text, 1024),
                Err(DataError::NotAnObject),
                "{text}"
            );
        }
        assert_eq!(check_data("{}", 2), Ok(()));
        assert_eq!(check_data("{ }", 2), Err(DataError::TooLong { limit: 2 }));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = check_data(&text, 256);
        }
    }
}
