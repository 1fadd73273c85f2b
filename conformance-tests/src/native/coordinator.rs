//! Keeps the mailboxes of a case's participants, over HTTP on loopback: open to pages of any origin, and to nobody outside.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::mailbox::{LOOK, Mailbox};
use crate::{Failure, Outcome};

/// Letters that wait in one mailbox at most; a participant that reads none of so many is gone.
const LETTERS: usize = 256;

/// Mailboxes, shared between the server and the cases of this process.
#[derive(Clone, Default)]
pub(super) struct Boxes(Arc<Mutex<BTreeMap<String, Arc<Slot>>>>);

#[derive(Default)]
struct Slot {
    letters: Mutex<VecDeque<String>>,
    arrived: Notify,
}

impl Boxes {
    fn slot(&self, address: &str) -> Arc<Slot> {
        let mut boxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(boxes.entry(address.to_owned()).or_default())
    }

    /// An answer's mailbox has one letter in its life.
    fn remove_answer(&self, address: &str) {
        if address.contains('.') {
            let mut boxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            boxes.remove(address);
        }
    }

    fn put_now(&self, address: &str, letter: String) -> bool {
        let slot = self.slot(address);
        let mut letters = slot.letters.lock().unwrap_or_else(PoisonError::into_inner);
        if letters.len() == LETTERS {
            return false;
        }
        letters.push_back(letter);
        drop(letters);
        slot.arrived.notify_one();
        true
    }

    async fn wait(&self, address: &str, wait: Duration) -> Option<String> {
        let slot = self.slot(address);
        let letter = tokio::time::timeout(wait, async {
            loop {
                let letter = slot
                    .letters
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front();
                match letter {
                    Some(letter) => return letter,
                    None => slot.arrived.notified().await,
                }
            }
        })
        .await
        .ok();
        if letter.is_some() {
            self.remove_answer(address);
        }
        letter
    }
}

impl Mailbox for Boxes {
    fn put(&self, address: &str, letter: String) -> LocalBoxFuture<'_, Outcome> {
        let is_put = self.put_now(address, letter);
        let outcome = if is_put {
            Ok(())
        } else {
            Err(Failure::new(format!("{address} does not read its mailbox")))
        };
        Box::pin(std::future::ready(outcome))
    }

    fn take(&self, address: &str, wait: Duration) -> LocalBoxFuture<'_, Outcome<Option<String>>> {
        let address = address.to_owned();
        Box::pin(async move { Ok(self.wait(&address, wait).await) })
    }
}

/// A server of mailboxes; ends when it is dropped.
pub(super) struct Coordinator {
    url: String,
    boxes: Boxes,
    serving: JoinHandle<()>,
}

impl Coordinator {
    pub(super) async fn start() -> Outcome<Self> {
        let failed = |error: std::io::Error| Failure::new(format!("no coordinator: {error}"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let boxes = Boxes::default();
        let router = router(boxes.clone());
        let serving = tokio::spawn(async move {
            // Ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            url,
            boxes,
            serving,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn boxes(&self) -> Boxes {
        self.boxes.clone()
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn router(boxes: Boxes) -> Router {
    Router::new()
        .route("/box/{address}", get(take).post(put))
        .with_state(boxes)
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
        Some(letter) => open_to_pages(letter),
        None => open_to_pages(StatusCode::NO_CONTENT),
    }
}

async fn put(State(boxes): State<Boxes>, Path(address): Path<String>, letter: String) -> Response {
    if boxes.put_now(&address, letter) {
        open_to_pages(StatusCode::NO_CONTENT)
    } else {
        open_to_pages(StatusCode::TOO_MANY_REQUESTS)
    }
}

/// A page that tests run in has another origin, and may demand this of what it loads (COEP).
fn open_to_pages(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    response
}
