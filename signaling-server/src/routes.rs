//! The routes of an axum application.

use std::net::SocketAddr;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};

use crate::relay::Relay;
use crate::socket;
use crate::{Config, hub::Counts};

/// Bytes a socket holds to read into: most are idle, and the default of 128 KiB each would be most of the memory.
const READ_BUFFER: usize = 4 * 1024;

/// Room for answers to pings and closes beside a message that is being written.
const CONTROL_FRAMES: usize = 64 * 1024;

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

/// Where a request came from, for the log; known where the listener is ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote(pub(crate) SocketAddr);

async fn upgrade(
    State(relay): State<Relay>,
    remote: Option<Extension<Remote>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let remote = remote.map(|Extension(Remote(addr))| addr);
    let Some(task) = relay.task() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let limit = relay.config().max_message_size;
    // Twice what is taken: a message that is somewhat too large gets an answer that names the limit.
    let readable = limit.saturating_mul(2);
    upgrade
        .read_buffer_size(READ_BUFFER)
        // Each message is flushed on its own, so at most one waits here; the outbox has the others.
        .write_buffer_size(0)
        .max_write_buffer_size(readable.saturating_add(CONTROL_FRAMES))
        .max_message_size(readable)
        .max_frame_size(readable)
        .on_upgrade(move |websocket| socket::serve(relay, task, remote, websocket))
}

async fn health(State(relay): State<Relay>) -> impl IntoResponse {
    let Counts { peers, lobbies } = relay.counts();
    let body = format!(r#"{{"status":"ok","peers":{peers},"lobbies":{lobbies}}}"#);
    ([(CONTENT_TYPE, "application/json")], body)
}
