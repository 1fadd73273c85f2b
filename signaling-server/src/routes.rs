//! The routes of an axum application.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use crate::relay::Relay;
use crate::socket;
use crate::{Config, hub::Counts};

/// The server's routes for an axum application of your own: `/` takes the WebSockets, `/health` answers with figures.
///
/// The application brings what is around a WebSocket: a listener with a bound on connections and on the time a handshake
/// may take, and an end.
pub fn router(config: Config) -> Router {
    routes(Relay::new(config), false)
}

/// As [`router`], for sockets on any path if so wanted: Godot's servers look at none.
pub(crate) fn routes(relay: Relay, any_path: bool) -> Router {
    let router = Router::new().route("/health", get(health));
    let router = if any_path {
        router.fallback(upgrade)
    } else {
        router.route("/", any(upgrade))
    };
    router.with_state(relay)
}

async fn upgrade(State(relay): State<Relay>, upgrade: WebSocketUpgrade) -> Response {
    let Some(task) = relay.task() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let limit = relay.config().max_message_size;
    // Twice what is taken: a message that is somewhat too large gets an answer that names the limit.
    let readable = limit.saturating_mul(2);
    upgrade
        .max_message_size(readable)
        .max_frame_size(readable)
        .on_upgrade(move |websocket| socket::serve(relay, task, websocket))
}

async fn health(State(relay): State<Relay>) -> impl IntoResponse {
    let Counts { peers, lobbies } = relay.counts();
    let body = format!(r#"{{"status":"ok","peers":{peers},"lobbies":{lobbies}}}"#);
    ([(CONTENT_TYPE, "application/json")], body)
}
