//! Serves the page on loopback, and a WebSocket over which it gets its orders.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result};
use async_channel::{Receiver, Sender};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

const SCRIPT: &str = "bench_page.js";
const PROGRAM: &str = "bench_page_bg.wasm";

/// A page that is alone with itself gets a clock of microseconds, any other one of up to a millisecond.
const ISOLATED: [(HeaderName, &str); 2] = [
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
];

/// Where the page is, and who opens it.
pub(crate) struct Site {
    url: String,
    sockets: Receiver<WebSocket>,
}

impl Site {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The next page that is there.
    pub(crate) async fn next(&self) -> Result<WebSocket> {
        self.sockets.recv().await.context("the site has ended")
    }
}

#[derive(Clone)]
struct Served {
    script: Bytes,
    program: Bytes,
    sockets: Sender<WebSocket>,
}

/// Serves until the process ends.
pub(crate) async fn start(folder: &Path) -> Result<Site> {
    let file = |name: &str| {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        anyhow::Ok(Bytes::from(bytes))
    };
    // One browser at a time opens one page.
    let (sender, sockets) = async_channel::bounded(1);
    let served = Served {
        script: file(SCRIPT)?,
        program: file(PROGRAM)?,
        sockets: sender,
    };
    let router = Router::new()
        .route("/", get(page))
        .route(&format!("/{SCRIPT}"), get(script))
        .route(&format!("/{PROGRAM}"), get(program))
        .route("/control", get(control))
        .with_state(served);
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move {
        // Ends with the process.
        let _ = axum::serve(listener, router).await;
    });
    Ok(Site { url, sockets })
}

async fn page() -> Response {
    isolated("text/html; charset=utf-8", include_str!("bench.html"))
}

async fn script(State(served): State<Served>) -> Response {
    isolated("text/javascript", served.script)
}

async fn program(State(served): State<Served>) -> Response {
    isolated("application/wasm", served.program)
}

fn isolated(kind: &'static str, body: impl IntoResponse) -> Response {
    (ISOLATED, [(header::CONTENT_TYPE, kind)], body).into_response()
}

async fn control(State(served): State<Served>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| async move {
        // Fails where nobody waits for a page any more.
        let _ = served.sockets.send(socket).await;
    })
}
