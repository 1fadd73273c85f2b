//! `GET /lobbies`: the public list of lobbies.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::UPGRADE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use signaling::{LobbyList, LobbyQuery};

use super::{pages, upgrade};
use crate::admission::Pass;
use crate::hall::Listing;
use crate::relay::Relay;

/// Gives a part of the list to whoever would be let into a lobby.
pub(super) async fn give(State(relay): State<Relay>, request: Request) -> Response {
    // A WebSocket may be opened on any path.
    if request.headers().contains_key(UPGRADE) {
        return upgrade(State(relay), request).await;
    }
    let (request, _) = request.into_parts();
    pages::answer(&relay, &request, |pass| {
        match list(&relay, pass, request.uri.query().unwrap_or_default()) {
            Ok(list) => Json(list).into_response(),
            Err(words) => (StatusCode::BAD_REQUEST, format!("{words}\n")).into_response(),
        }
    })
}

/// The lobbies that are asked for, as far as the one who asks may enter them.
fn list(relay: &Relay, pass: &Pass, query: &str) -> Result<LobbyList, String> {
    let query = LobbyQuery::parse(query).map_err(|error| error.to_string())?;
    let filter = Filter::read(&query.filter)?;
    let before = query.cursor.as_deref().map(read_cursor).transpose()?;
    let page = query.page();
    let Listing { open, rest } = relay.listing(before);
    let mut list = LobbyList {
        partial: relay.is_one_of_several(),
        ..LobbyList::default()
    };
    let mut last = before;
    for (number, lobby) in open {
        if !filter.takes(&lobby.data) || pass.check(&lobby.code).is_err() {
            continue;
        }
        if list.lobbies.len() >= page {
            list.next = last.map(cursor);
            return Ok(list);
        }
        last = Some(number);
        list.lobbies.push(lobby);
    }
    list.next = rest.map(cursor);
    Ok(list)
}

/// A place in the list: behind the lobby of that number.
fn cursor(number: u64) -> String {
    format!("{number:x}")
}

fn read_cursor(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text, 16).map_err(|_| "\"cursor\" is not from this server".to_owned())
}

/// What the data of a lobby must have.
struct Filter(Map<String, Value>);

impl Filter {
    /// Nothing for an empty text.
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(Map::new()));
        }
        let wanted: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| "\"filter\" is no JSON object".to_owned())?;
        if wanted
            .values()
            .any(|value| value.is_array() || value.is_object())
        {
            return Err("\"filter\" has a value that is an array or an object".to_owned());
        }
        Ok(Self(wanted))
    }

    fn takes(&self, data: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Ok(data) = serde_json::from_str::<Map<String, Value>>(data) else {
            return false;
        };
        let has = |(name, wanted)| data.get(name).is_some_and(|value| is_equal(value, wanted));
        self.0.iter().all(has)
    }
}

/// Whether two values are the same. Some writers write 1 as 1.0, so numbers are compared as numbers.
fn is_equal(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|number| Some(number) == b.as_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_compares_top_level_values() {
        let data = r#"{"map":"dust","round":3.0,"ranked":false,"x":null,"deep":{"map":"ice"}}"#;
        for filter in [
            "",
            "{}",
            r#"{"map":"dust"}"#,
            r#"{"round":3,"ranked":false}"#,
            r#"{"x":null}"#,
        ] {
            let filter = Filter::read(filter).expect("a filter");
            assert!(filter.takes(data), "{:?}", filter.0);
        }
        for filter in [
            r#"{"map":"ice"}"#,
            r#"{"map":"dust","round":4}"#,
            r#"{"round":"3"}"#,
            r#"{"missing":null}"#,
        ] {
            let filter = Filter::read(filter).expect("a filter");
            assert!(!filter.takes(data) && !filter.takes(""), "{:?}", filter.0);
        }
        for wrong in ["[]", "{", "1", r#"{"deep":{}}"#, r#"{"deep":[]}"#] {
            assert!(Filter::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        assert_eq!(
            read_cursor(&cursor(1_800_000_000_000_000)),
            Ok(1_800_000_000_000_000)
        );
        assert!(read_cursor("").is_err() && read_cursor("x").is_err());
    }
}
