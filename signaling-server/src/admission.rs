//! Who is let in: tickets that somebody else has signed, or a judgement of the application around the server.

mod keys;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use thiserror::Error;

pub use keys::{TicketKeyError, TicketKeys};

/// Decides who may join a lobby. Cheap to clone.
///
/// It is asked once for each socket, before the WebSocket opens, and for each request for
/// TURN credentials or for the public list. A socket that is not
/// let in is closed with code 4005 and the refusal's words when it tries to join; browsers tell a page nothing of a refused HTTP
/// request. A member that comes back to a seat it has is not judged again, so a ticket may expire while a game is played.
#[derive(Clone)]
pub struct Admission(Arc<Judge>);

type Judge = dyn Fn(&Arrival<'_>) -> Entry + Send + Sync;

/// What became of somebody who wants in.
pub(crate) type Entry = Result<Pass, Refusal>;

/// Somebody who wants in.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Arrival<'a> {
    /// The HTTP request, without its body.
    pub request: &'a Parts,
    /// What it shows: `Authorization: Bearer …`, or `ticket=…` in the query of its URL, as it stands there.
    pub ticket: Option<&'a str>,
}

/// What somebody may do who was let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    lobby: Option<String>,
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Admission {
    /// Lets a function decide. It must neither block nor panic: all sockets of a thread wait for it.
    pub fn by(
        judge: impl Fn(&Arrival<'_>) -> Result<Pass, Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(judge))
    }

    /// Admits whoever has a ticket that one of these keys has signed: a JSON Web Token (RFC 7519) with the algorithm HS256.
    ///
    /// Its claim `exp` must lie ahead. A claim `lobby` admits to the lobby of that name alone. Others are passed over.
    #[must_use]
    pub fn by_tickets(keys: TicketKeys) -> Self {
        Self::by(move |arrival| match arrival.ticket {
            Some(ticket) => keys.check(unix(), ticket),
            None => Err(Refusal::new("A ticket is needed")),
        })
    }

    pub(crate) fn judge(&self, request: &Parts) -> Entry {
        let ticket = ticket(request);
        (self.0)(&Arrival { request, ticket })
    }
}

impl Pass {
    /// To any lobby.
    #[must_use]
    pub const fn anywhere() -> Self {
        Self { lobby: None }
    }

    /// To the lobby of this name and no other.
    pub fn to(lobby: impl Into<String>) -> Self {
        Self {
            lobby: Some(lobby.into()),
        }
    }

    /// Whether it is good for a lobby.
    pub(crate) fn check(&self, lobby: &str) -> Result<(), Refusal> {
        match &self.lobby {
            Some(only) if only != lobby => Err(Refusal::new("The ticket is for another lobby")),
            Some(_) | None => Ok(()),
        }
    }
}

impl Refusal {
    /// With words for a player, of which a close frame has the first 123 bytes.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

/// The time since 1970; nothing on a machine whose clock shows a time before.
pub(crate) fn unix() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default()
}

/// What a request shows.
fn ticket(request: &Parts) -> Option<&str> {
    let header = request.headers.get(AUTHORIZATION);
    let bearer = header.and_then(|value| {
        let (scheme, ticket) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| ticket.trim())
    });
    bearer.or_else(|| {
        let mut pairs = request.uri.query()?.split('&');
        pairs.find_map(|pair| pair.strip_prefix("ticket="))
    })
}

impl fmt::Debug for Arrival<'_> {
    /// Without what it shows: a ticket is as good as a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival")
            .field("path", &self.request.uri.path())
            .field("has_ticket", &self.ticket.is_some())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Admission {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Admission {}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn request(uri: &str, authorization: Option<&str>) -> Parts {
        let request = Request::builder().uri(uri);
        let request = match authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        };
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn a_ticket_is_found_in_the_header_and_in_the_query() {
        let found = |uri, header| ticket(&request(uri, header)).map(str::to_owned);
        assert_eq!(found("/?a=1&ticket=x.y&b=2", None).as_deref(), Some("x.y"));
        assert_eq!(found("/", Some("bearer x.y")).as_deref(), Some("x.y"));
        assert_eq!(
            found("/?ticket=query", Some("Bearer header")).as_deref(),
            Some("header")
        );
        for (uri, header) in [
            ("/", None),
            ("/?tickets=1", None),
            ("/", Some("Basic x")),
            ("/", Some("Bearer")),
        ] {
            assert_eq!(found(uri, header), None, "{uri} {header:?}");
        }
    }

    #[test]
    fn a_pass_for_a_lobby_is_for_no_other() {
        assert_eq!(Pass::anywhere().check("x"), Ok(()));
        assert_eq!(Pass::to("x").check("x"), Ok(()));
        assert!(Pass::to("x").check("y").is_err());
        assert!(Pass::to("x").check("").is_err());
    }

    #[test]
    fn a_function_sees_the_request() {
        let admission = Admission::by(|arrival| match arrival.request.uri.path() {
            "/friends" => Ok(Pass::to("friends")),
            _ => Err(Refusal::new("Friends only")),
        });
        let judged = |uri| admission.judge(&request(uri, None));
        assert_eq!(judged("/friends"), Ok(Pass::to("friends")));
        assert_eq!(judged("/"), Err(Refusal::new("Friends only")));
    }

    #[test]
    fn a_clone_is_the_same_admission_and_another_function_is_not() {
        let everybody = || Admission::by(|_| Ok(Pass::anywhere()));
        let admission = everybody();
        assert_eq!(admission, admission.clone());
        assert_ne!(admission, everybody());
    }
}
