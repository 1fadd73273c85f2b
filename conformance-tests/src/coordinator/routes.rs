//! The coordinator over HTTP: long polls for processes, a WebSocket for each page (a browser keeps six HTTP connections to a
//! host, a lobby has eight participants).

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::future::select;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;

use super::boxes::Boxes;
use super::pages::Pages;
use crate::mailbox::{LOOK, TROUBLE};

pub(super) fn router(boxes: Boxes, pages: Pages) -> Router {
    let pages = Router::new().route("/{file}", get(page)).with_state(pages);
    Router::new()
        .route("/box/{address}", get(take).post(put))
        .route("/trouble/{address}", post(trouble))
        .route("/socket/{address}", get(socket))
        .with_state(boxes)
        .nest("/page", pages)
}

async fn page(State(pages): State<Pages>, Path(file): Path<String>) -> Response {
    pages.file(&file)
}

#[derive(Deserialize)]
struct Look {
    wait_ms: u64,
}

async fn take(
    State(boxes): State<Boxes>,
    Path(address): Path<String>,
    Query(look): Query<Look>,
) -> Response {
    let wait = Duration::from_millis(look.wait_ms).min(LOOK);
    match boxes.wait(&address, wait).await {
        Some(letter) => letter.into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn put(
    State(boxes): State<Boxes>,
    Path(address): Path<String>,
    letter: String,
) -> StatusCode {
    if boxes.put_now(&address, letter) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::TOO_MANY_REQUESTS
    }
}

async fn trouble(
    State(boxes): State<Boxes>,
    Path(address): Path<String>,
    what: String,
) -> StatusCode {
    boxes.trouble(&address, &what);
    StatusCode::NO_CONTENT
}

async fn socket(
    State(boxes): State<Boxes>,
    Path(address): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(|socket| attend(boxes, address, socket))
}

/// Hands the letters of one mailbox to a page, and takes those that it writes, until it is gone.
async fn attend(boxes: Boxes, address: String, socket: WebSocket) {
    let (to_page, from_page) = socket.split();
    let sending = pin!(hand_over(&boxes, &address, to_page));
    let receiving = pin!(take_in(&boxes, &address, from_page));
    select(sending, receiving).await;
    boxes.trouble(&address, "its page is gone");
}

async fn hand_over(boxes: &Boxes, address: &str, mut page: SplitSink<WebSocket, Message>) {
    loop {
        let Some(letter) = boxes.wait(address, LOOK).await else {
            continue;
        };
        if page.send(Message::Text(letter.into())).await.is_err() {
            return;
        }
    }
}

/// A text of a page is an address, a line break, and the letter for it.
async fn take_in(boxes: &Boxes, address: &str, mut page: SplitStream<WebSocket>) {
    while let Some(Ok(message)) = page.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        match text.split_once('\n') {
            Some((TROUBLE, what)) => boxes.trouble(address, what),
            Some((to, letter)) if boxes.put_now(to, letter.to_owned()) => {}
            _ => boxes.trouble(address, "it writes what nobody reads"),
        }
    }
}
