//! `GET /turn`: credentials for a TURN server.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::pages;
use crate::admission::unix;
use crate::relay::Relay;

/// Gives a credential to whoever would be let into a lobby.
pub(super) async fn give(State(relay): State<Relay>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    pages::answer(&relay, &request, |_| {
        let player = getrandom::u64().ok();
        let turn = relay.config().turn.as_ref().zip(player);
        match turn.and_then(|(turn, player)| turn.answer(unix(), player)) {
            Some(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
            None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    })
}
