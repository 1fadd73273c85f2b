//! The routes of an axum application.

mod lobbies;
mod pages;
mod turn;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::Config;
use crate::admission::{Entry, Pass};
use crate::cluster::{HEADER, Introduction};
use crate::door::{Meter, Network, client, is_allowed};
use crate::metrics::Gauges;
use crate::relay::{Relay, Turned, Visit};
use crate::socket;
use crate::wire::{SharedMeter, Wire};

/// Bytes a socket holds to read into: most are idle, and the default of 128 KiB each would be most of the memory. Most signals are
/// shorter.
const READ_BUFFER: usize = 2 * 1024;

/// Room for answers to pings and closes beside a message that is being written.
const CONTROL_FRAMES: usize = 64 * 1024;

/// The server's routes for an axum application of your own: `/` takes the WebSockets, `/health` answers with figures, `/lobbies` with
/// the public list of lobbies, and `/turn` with credentials where [`Config::turn`] is set.
///
/// The application brings what is around a WebSocket: a listener with a bound on connections and on the time a handshake
/// may take, and an end. The limits of [`Config::address`] hold where it says where a connection comes from, as
/// `Router::into_make_service_with_connect_info::<SocketAddr>` does; its admin address, TLS and cluster are not looked at.
pub fn router(config: Config) -> Router {
    routes(Relay::new(config, None), false)
}

/// As [`router`], for sockets on any path if so wanted: Godot's servers look at none.
pub(crate) fn routes(relay: Relay, any_path: bool) -> Router {
    let router = Router::new().route("/health", get(health));
    let router = match relay.config().turn {
        Some(_) => router.route("/turn", get(turn::give).options(pages::preflight)),
        None => router,
    };
    // Lobbies get on the list by our extension, which a strict server does not speak.
    let router = match relay.config().strict {
        false => router.route("/lobbies", get(lobbies::give).options(pages::preflight)),
        true => router,
    };
    let router = if any_path {
        router.fallback(upgrade)
    } else {
        router.route("/", any(upgrade))
    };
    router.with_state(relay)
}

/// What operators ask for.
pub(crate) fn admin_routes(relay: Relay) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .with_state(relay)
}

/// What other instances ask for: sockets of members whose lobby is here.
pub(crate) fn instance_routes(relay: Relay) -> Router {
    Router::new().fallback(introduced).with_state(relay)
}

/// Where a connection came from, where the listener is ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote(pub(crate) SocketAddr);

async fn upgrade(State(relay): State<Relay>, request: Request) -> Response {
    let config = relay.config();
    if !is_allowed(request.headers(), &config.allowed_origins) {
        return (StatusCode::FORBIDDEN, "not for pages of this origin\n").into_response();
    }
    let Ok(response) = create_response_with_body(&request, Body::empty) else {
        return pages::without_socket(request.headers());
    };
    let (parts, body) = request.into_parts();
    let judge = || admit(config, &parts);
    let mut visit = match relay.enter(network(config, &parts), judge) {
        Ok(visit) => visit,
        Err(turned) => return turned.into_response(),
    };
    visit.set_group(group_of(parts.uri.query()));
    open(
        relay.clone(),
        visit,
        Request::from_parts(parts, body),
        response,
    )
}

/// Opens the socket of a member that another instance forwards. That one has judged it.
async fn introduced(State(relay): State<Relay>, request: Request) -> Response {
    let header = request.headers().get(HEADER);
    let introduction = header.and_then(|header| relay.introduction(header.to_str().ok()?));
    let Some(introduction) = introduction else {
        return (StatusCode::FORBIDDEN, "for other instances\n").into_response();
    };
    let Ok(response) = create_response_with_body(&request, Body::empty) else {
        return (StatusCode::BAD_REQUEST, "a WebSocket is expected here\n").into_response();
    };
    match visit(&relay, introduction) {
        Ok(visit) => open(relay, visit, request, response),
        Err(turned) => turned.into_response(),
    }
}

fn visit(relay: &Relay, introduction: Arc<Introduction>) -> Result<Visit, Turned> {
    let network = introduction.address.map(Network::of);
    let mut visit = relay.enter(network, || Ok(Pass::anywhere()))?;
    visit.set_introduction(introduction);
    Ok(visit)
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        match self {
            Self::Away => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Self::AwayForItsAddress => StatusCode::TOO_MANY_REQUESTS.into_response(),
        }
    }
}

/// Serves a socket once its connection has become one.
fn open(relay: Relay, visit: Visit, mut request: Request, response: Response) -> Response {
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return (StatusCode::UPGRADE_REQUIRED, "HTTP/1.1 is expected here\n").into_response();
    };
    tokio::spawn(async move {
        // An error is that the connection has ended before.
        let Ok(upgraded) = on_upgrade.await else {
            return;
        };
        let meter = SharedMeter::new(Meter::new(relay.now(), relay.config()));
        let wire = Wire::new(upgraded, meter.clone(), relay.start(), visit.account());
        let config = websocket(relay.config().max_message_size);
        let socket = WebSocketStream::from_raw_socket(wire, Role::Server, Some(config)).await;
        socket::serve(relay, visit, meter, socket).await;
    });
    response
}

/// How many members make a group, as the query of a socket's URL says (`?next=4`): for clients whose join cannot say it.
fn group_of(query: Option<&str>) -> Option<u32> {
    let mut pairs = query?.split('&');
    let size = pairs.find_map(|pair| pair.strip_prefix("next="))?;
    size.parse().ok()
}

/// Whether whoever asks is admitted.
fn admit(config: &Config, request: &Parts) -> Entry {
    match &config.admission {
        Some(admission) => admission.judge(request),
        None => Ok(Pass::anywhere()),
    }
}

/// The address to whose account a request goes, if it is known.
fn network(config: &Config, request: &Parts) -> Option<Network> {
    let extensions = &request.extensions;
    let ours = extensions.get::<Remote>().map(|Remote(remote)| *remote);
    let remote = ours.or_else(|| {
        let theirs = extensions.get::<ConnectInfo<SocketAddr>>();
        theirs.map(|ConnectInfo(remote)| *remote)
    })?;
    let (trusted, header) = (&config.trusted_proxies, config.forwarded_header);
    let client = client(remote.ip(), &request.headers, trusted, header);
    Some(Network::of(client))
}

fn websocket(max_message_size: usize) -> WebSocketConfig {
    // A message becomes longer by the digits of an id on its way to another member.
    let writable = max_message_size.saturating_mul(2);
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // Each message is flushed on its own, so at most one waits here; the outbox has the others.
        .write_buffer_size(0)
        .max_write_buffer_size(writable.saturating_add(CONTROL_FRAMES))
        .max_message_size(Some(max_message_size))
        .max_frame_size(Some(max_message_size))
}

async fn health(State(relay): State<Relay>) -> Response {
    let Gauges { peers, lobbies, .. } = relay.gauges();
    let (status, word) = match relay.is_draining() {
        false => (StatusCode::OK, "ok"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
    };
    let body = format!(r#"{{"status":"{word}","peers":{peers},"lobbies":{lobbies}}}"#);
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn metrics(State(relay): State<Relay>) -> impl IntoResponse {
    let page = relay.metrics().page(relay.gauges());
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        page,
    )
}
