//! The public list of a server's lobbies: what `GET /lobbies` is asked, and what it answers.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most lobbies that a server gives at once.
pub const MAX_PAGE: usize = 50;

/// The longest filter of a [`LobbyQuery`], in bytes.
pub const MAX_FILTER_SIZE: usize = 1024;

/// What is not written as it is in a query.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Which lobbies of a server's public list are wanted.
///
/// The list is asked for by HTTP, on the address of the WebSockets: `GET` of the [path](Self::path), with any HTTP client. In a page that is
/// `fetch`. The answer is read with [`LobbyList::parse`].
///
/// ```
/// use signaling::LobbyQuery;
///
/// let query = LobbyQuery { filter: r#"{"map":"dust"}"#.to_owned(), ..LobbyQuery::default() };
/// assert_eq!(query.path(), "/lobbies?filter=%7B%22map%22%3A%22dust%22%7D");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LobbyQuery {
    /// How many lobbies at most: 20 without one, and never fewer than one nor more than [`MAX_PAGE`].
    pub limit: Option<u32>,
    /// Where to go on: [`LobbyList::next`] of the page before. The first page without one.
    pub cursor: Option<String>,
    /// Only lobbies whose data have these members with these values: a JSON object as text, of at most [`MAX_FILTER_SIZE`] bytes, whose
    /// values are texts, numbers, `true`, `false` or `null`. Empty for all lobbies.
    pub filter: String,
}

/// Why a text is not the query of a [`LobbyQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LobbyQueryError {
    /// It is not written as a query is.
    #[error("the query is not percent-encoded UTF-8")]
    Encoding,
    /// `limit` is not a number of 32 bits.
    #[error("\"limit\" is not a whole number from 0 to {}", u32::MAX)]
    Limit,
    /// `filter` is too long.
    #[error("\"filter\" has more than {MAX_FILTER_SIZE} bytes")]
    FilterTooLong,
}

/// A part of a server's public list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LobbyList {
    /// The lobbies, the newest first. There may be none of them even where `next` says that the list goes on.
    pub lobbies: Vec<ListedLobby>,
    /// The cursor of the next page; none at the end of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Whether these are the lobbies of one instance among several that share their lobbies: the others have lobbies of their own, which can be
    /// joined here, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// A lobby that may be joined by everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListedLobby {
    /// Its name, to join with.
    pub code: String,
    /// How many members it has.
    pub players: u32,
    /// How many it takes.
    pub max_players: u32,
    /// Its data as its host has set them: a JSON object as text, or nothing. They are the host's word: judge them as what comes from a peer.
    #[serde(default)]
    pub data: String,
}

/// A text is no list of lobbies.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no list of lobbies: {0}")]
pub struct LobbyListError(String);

impl LobbyQuery {
    /// The path and the query of a request.
    #[must_use]
    pub fn path(&self) -> String {
        let limit = self.limit.map(|limit| limit.to_string());
        let filter = Some(self.filter.as_str()).filter(|filter| !filter.is_empty());
        let pairs = [
            ("limit", limit.as_deref()),
            ("cursor", self.cursor.as_deref()),
            ("filter", filter),
        ];
        let pairs = pairs.into_iter().filter_map(|(name, value)| {
            let value = utf8_percent_encode(value?, ENCODED);
            Some(format!("{name}={value}"))
        });
        match Vec::from_iter(pairs).join("&") {
            query if query.is_empty() => "/lobbies".to_owned(),
            query => format!("/lobbies?{query}"),
        }
    }

    /// Reads the query of a request, which is what stands behind the `?`. Names that are not known are passed over.
    ///
    /// # Errors
    ///
    /// [`LobbyQueryError`]; whatever the text is, nothing panics.
    pub fn parse(query: &str) -> Result<Self, LobbyQueryError> {
        let mut read = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = || {
                // A page that uses `URLSearchParams` writes a space so.
                let value = value.replace('+', " ");
                let value = percent_decode_str(&value).decode_utf8();
                value.map_or(Err(LobbyQueryError::Encoding), |value| {
                    Ok(value.into_owned())
                })
            };
            match name {
                "limit" => {
                    let limit = value()?.parse().map_err(|_| LobbyQueryError::Limit)?;
                    read.limit = Some(limit);
                }
                "cursor" => read.cursor = Some(value()?),
                "filter" => read.filter = value()?,
                _ => {}
            }
        }
        if read.filter.len() > MAX_FILTER_SIZE {
            return Err(LobbyQueryError::FilterTooLong);
        }
        Ok(read)
    }

    /// How many lobbies the server gives at most.
    #[must_use]
    pub fn page(&self) -> usize {
        let limit = self.limit.map(usize::try_from);
        limit.map_or(20, |limit| {
            limit.map_or(MAX_PAGE, |limit| limit.clamp(1, MAX_PAGE))
        })
    }
}

impl LobbyList {
    /// Reads the body of an answer.
    ///
    /// # Errors
    ///
    /// [`LobbyListError`] if it is none; whatever the text is, nothing panics.
    pub fn parse(body: &str) -> Result<Self, LobbyListError> {
        serde_json::from_str(body)
            .map_err(|error| LobbyListError(crate::escape_control(&error.to_string())))
    }
}

impl ListedLobby {
    /// A lobby of that name and without data, which has no member and takes so many.
    pub fn new(code: impl Into<String>, max_players: u32) -> Self {
        Self {
            code: code.into(),
            players: 0,
            max_players,
            data: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_may_write_a_query_as_it_likes() {
        let read = LobbyQuery::parse("ticket=x&filter=%7B%22a%22%3A+1%7D&limit=7&cursor=a%2Fb&x");
        let expected = LobbyQuery {
            limit: Some(7),
            cursor: Some("a/b".to_owned()),
            filter: r#"{"a": 1}"#.to_owned(),
        };
        assert_eq!(read, Ok(expected));
        assert_eq!(LobbyQuery::parse(""), Ok(LobbyQuery::default()));
        let longest = "x".repeat(MAX_FILTER_SIZE);
        let read = LobbyQuery::parse(&format!("filter={longest}"));
        assert_eq!(read.map(|query| query.filter), Ok(longest));
    }

    #[test]
    fn a_query_for_nothing_in_particular_is_none() {
        assert_eq!(LobbyQuery::default().path(), "/lobbies");
    }

    #[test]
    fn what_is_no_query_is_refused() {
        let long = format!("filter={}", "x".repeat(MAX_FILTER_SIZE + 1));
        for (query, error) in [
            ("filter=%ff", LobbyQueryError::Encoding),
            ("limit=", LobbyQueryError::Limit),
            ("limit=-1", LobbyQueryError::Limit),
            (&long, LobbyQueryError::FilterTooLong),
        ] {
            assert_eq!(LobbyQuery::parse(query), Err(error), "{query}");
        }
    }

    #[test]
    fn a_page_is_bounded() {
        let page = |limit| {
            let query = LobbyQuery {
                limit,
                ..LobbyQuery::default()
            };
            query.page()
        };
        assert_eq!(page(None), 20);
        assert_eq!(page(Some(0)), 1, "a page without lobbies would never end");
        assert_eq!(page(Some(u32::MAX)), MAX_PAGE);
    }

    #[test]
    fn a_list_is_json() {
        let body = r#"{"lobbies":[{"code":"demo","players":2,"max_players":4,"data":"{\"map\":\"dust\"}"}],"next":"5"}"#;
        let list = LobbyList::parse(body).expect("a list");
        assert_eq!(list.lobbies[0].data, r#"{"map":"dust"}"#);
        assert_eq!(list.next.as_deref(), Some("5"));
        assert_eq!(serde_json::to_string(&list).expect("JSON"), body);
        assert_eq!(
            LobbyList::parse(r#"{"lobbies":[],"later":1}"#),
            Ok(LobbyList::default())
        );
        let partial = LobbyList {
            partial: true,
            ..LobbyList::default()
        };
        let body = r#"{"lobbies":[],"partial":true}"#;
        assert_eq!(serde_json::to_string(&partial).expect("JSON"), body);
        assert_eq!(LobbyList::parse(body), Ok(partial));
        assert!(LobbyList::parse("[]").is_err());
    }

    proptest! {
        #[test]
        fn what_is_asked_is_read(limit: Option<u32>, cursor: Option<String>, filter in ".{0,99}") {
            let query = LobbyQuery { limit, cursor, filter };
            let path = query.path();
            let (_, text) = path.split_once('?').unwrap_or((&path, ""));
            prop_assert_eq!(LobbyQuery::parse(text), Ok(query));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = LobbyQuery::parse(&text);
            let _ = LobbyList::parse(&text);
        }
    }
}
