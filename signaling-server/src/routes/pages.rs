//! What a page may ask for from another origin.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONNECTION, ORIGIN, VARY, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{admit, network};
use crate::admission::Pass;
use crate::door::is_allowed;
use crate::relay::Relay;

/// How long a browser need not ask again whether a page may ask, in seconds.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("3600");

/// Answers a request of somebody who would be let into a lobby. It counts as a join of its address.
pub(super) fn answer(
    relay: &Relay,
    request: &Parts,
    give: impl FnOnce(&Pass) -> Response,
) -> Response {
    let config = relay.config();
    if !is_allowed(&request.headers, &config.allowed_origins) {
        return (StatusCode::FORBIDDEN, "not for pages of this origin\n").into_response();
    }
    // Charged before it is judged, so that guesses count, too.
    let answer = if relay.charge_join(network(config, request)).is_err() {
        StatusCode::TOO_MANY_REQUESTS.into_response()
    } else {
        match admit(config, request) {
            Ok(pass) => give(&pass),
            Err(refusal) => {
                let scheme = [(WWW_AUTHENTICATE, "Bearer")];
                (StatusCode::UNAUTHORIZED, scheme, format!("{refusal}\n")).into_response()
            }
        }
    };
    for_pages(&request.headers, answer)
}

/// Tells a browser that a page may show a ticket in a header.
pub(super) async fn preflight(State(relay): State<Relay>, request: Request) -> Response {
    let headers = request.headers();
    if !is_allowed(headers, &relay.config().allowed_origins) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut response = for_pages(headers, StatusCode::NO_CONTENT.into_response());
    let allow = response.headers_mut();
    allow.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET"),
    );
    allow.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization"),
    );
    allow.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE);
    response
}

/// Answers a request that asks for no WebSocket, and closes its connection. A page sends one to see whether the server is there, because its
/// browser delays a WebSocket that follows a refused one.
pub(super) fn without_socket(request: &HeaderMap) -> Response {
    let words = "a WebSocket is expected here\n";
    let answer = (StatusCode::BAD_REQUEST, [(CONNECTION, "close")], words);
    for_pages(request, answer.into_response())
}

/// Lets the page that asks read the answer, which nobody may keep.
fn for_pages(request: &HeaderMap, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = request.get(ORIGIN) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    response
}
