//! The lobbies on a server's public list, for the start screen.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use webrtc_multiplayer::signaling::{LobbyList, LobbyQuery, escape_control};

use crate::net::LOBBY_DATA;

/// Fetches a text of at most [`MOST_BYTES`] over HTTP, in [`MOST_TIME`], and leaves it in the answer. It does not wait for it.
pub(crate) type Fetch = fn(address: String, answer: Answer);

/// A longer list is not read.
pub(crate) const MOST_BYTES: usize = 64 * 1024;
/// A list that takes longer is not read.
pub(crate) const MOST_TIME: Duration = Duration::from_secs(5);
/// Lobbies that are asked for.
const LOBBIES: u32 = 20;
/// The list is asked for so often, in seconds.
const REFRESH: f64 = 3.0;
/// An address that is being typed is asked when it has stayed the same for so many seconds.
const TYPING: f64 = 0.7;
/// An answer that takes longer is given up, in seconds.
const PATIENCE: f64 = 15.0;
/// Characters of a lobby's name that are shown.
const SHOWN: usize = 24;

/// Why there is no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// The server says so, by this status of HTTP. Many servers have no list.
    #[error("the server answers with {0}")]
    Status(u16),
    /// The rest of the answer was not read.
    #[error("the answer has more than {MOST_BYTES} bytes")]
    TooLong,
    #[error("the answer is no list of lobbies")]
    NotAList,
    /// The server cannot be reached, or the answer broke off or took too long.
    #[error("there is no whole answer: {0}")]
    Broken(String),
}

/// What was fetched, or why nothing was; empty until then.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer(Arc<Mutex<Option<Result<String, FetchError>>>>);

impl Answer {
    /// Leaves it for whoever has asked.
    pub(crate) fn give(&self, fetched: Result<String, FetchError>) {
        if let Ok(mut answer) = self.0.lock() {
            *answer = Some(fetched);
        }
    }

    fn take(&self) -> Option<Result<String, FetchError>> {
        self.0.lock().ok()?.take()
    }
}

/// A lobby that can be joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    /// To join with.
    pub(crate) code: String,
    /// How it is shown.
    pub(crate) name: String,
    pub(crate) players: u32,
    pub(crate) max_players: u32,
}

/// The latest list of a server.
#[derive(Debug, Default)]
pub(crate) struct PublicList {
    /// Of the server.
    url: String,
    asked: Option<(Answer, f64)>,
    next_at: f64,
    lobbies: Option<Vec<Open>>,
    error: Option<FetchError>,
}

impl PublicList {
    /// Asks the server again from time to time, and takes what has come. Call it once a frame.
    pub(crate) fn refresh(&mut self, url: &str, now: f64, fetch: Fetch) {
        if self.url != url {
            let is_first = self.url.is_empty();
            *self = Self {
                url: url.to_owned(),
                next_at: if is_first { now } else { now + TYPING },
                ..Self::default()
            };
        }
        if let Some((answer, since)) = &self.asked {
            match answer.take() {
                Some(fetched) => {
                    let read = fetched.and_then(|text| read(&text));
                    self.error = read.as_ref().err().cloned();
                    self.lobbies = read.ok();
                    self.asked = None;
                }
                None if now > since + PATIENCE => {
                    self.lobbies = None;
                    self.asked = None;
                }
                None => {}
            }
        }
        if self.asked.is_none()
            && now >= self.next_at
            && let Some(address) = address(url)
        {
            let answer = Answer::default();
            fetch(address, answer.clone());
            self.asked = Some((answer, now));
            self.next_at = now + REFRESH;
        }
    }

    /// The lobbies that can be joined; `None` where the server gives no list, or has not yet.
    pub(crate) fn lobbies(&self) -> Option<&[Open]> {
        self.lobbies.as_deref()
    }

    /// Why the server's latest answer was no list.
    pub(crate) const fn error(&self) -> Option<&FetchError> {
        self.error.as_ref()
    }
}

/// Where a signaling server has its list: on the same host and port, over HTTP. Only lobbies of this game are asked for.
fn address(url: &str) -> Option<String> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme {
        "ws" => "http",
        "wss" => "https",
        _ => return None,
    };
    let host = rest.split(['/', '?', '#']).next()?;
    let query = LobbyQuery {
        limit: Some(LOBBIES),
        filter: LOBBY_DATA.to_owned(),
        ..LobbyQuery::default()
    };
    (!host.is_empty()).then(|| format!("{scheme}://{host}{}", query.path()))
}

/// Reads a list. It is what a server says, and names are what strangers have chosen.
fn read(text: &str) -> Result<Vec<Open>, FetchError> {
    if text.len() > MOST_BYTES {
        return Err(FetchError::TooLong);
    }
    let list = LobbyList::parse(text).map_err(|_| FetchError::NotAList)?;
    let lobbies = list.lobbies.into_iter().take(LOBBIES as usize);
    let open = lobbies.map(|lobby| Open {
        name: escape_control(&lobby.code.chars().take(SHOWN).collect::<String>()).to_string(),
        code: lobby.code,
        players: lobby.players,
        max_players: lobby.max_players,
    });
    Ok(open.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        r#"{"lobbies":[{"code":"de\u202emo","players":2,"max_players":8,"data":""}],"next":"5"}"#;

    #[test]
    fn the_list_is_on_the_servers_host_over_http() {
        let list = address(" ws://127.0.0.1:9080/game?next=4 ").unwrap();
        assert!(list.starts_with("http://127.0.0.1:9080/lobbies?"), "{list}");
        assert!(address("wss://example.org").is_some_and(|it| it.starts_with("https://example")));
        for bad in ["", "example.org", "ftp://example.org", "ws://", "ws:///x"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_are_shown_without_harm_and_joined_as_they_are() {
        let lobbies = read(LIST).unwrap();
        assert_eq!(lobbies[0].code, "de\u{202e}mo");
        assert_eq!(lobbies[0].name, "de\\u{202e}mo");
        assert_eq!((lobbies[0].players, lobbies[0].max_players), (2, 8));
        for bad in ["", "[]", "{\"lobbies\":7}"] {
            assert_eq!(read(bad), Err(FetchError::NotAList));
        }
        let long = LIST.to_owned() + &" ".repeat(MOST_BYTES);
        assert_eq!(read(&long), Err(FetchError::TooLong));
    }

    #[test]
    fn a_server_is_asked_again_and_again_and_a_new_one_when_it_is_typed() {
        fn give(_: String, answer: Answer) {
            answer.give(Ok(LIST.to_owned()));
        }
        fn refuse(_: String, answer: Answer) {
            answer.give(Err(FetchError::Status(404)));
        }
        fn never(_: String, _: Answer) {}
        let mut list = PublicList::default();
        list.refresh("ws://one", 0.0, give);
        assert_eq!(list.lobbies(), None);
        list.refresh("ws://one", 0.1, refuse);
        assert_eq!(list.lobbies().map(<[Open]>::len), Some(1));
        list.refresh("ws://one", REFRESH, refuse);
        list.refresh("ws://one", REFRESH + 0.1, refuse);
        assert_eq!(list.lobbies(), None);
        assert_eq!(list.error(), Some(&FetchError::Status(404)));

        list.refresh("ws://on", 10.0, give);
        list.refresh("ws://on", 10.1, give);
        assert!(list.asked.is_none(), "it is still being typed");
        list.refresh("ws://on", 10.0 + TYPING, never);
        assert!(list.asked.is_some());
        list.refresh("ws://on", 11.0 + PATIENCE, give);
        list.refresh("ws://on", 11.1 + PATIENCE, give);
        assert!(list.lobbies().is_some());
    }
}
