//! A mailbox at the end of HTTP, for a process that is not the coordinator.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::mailbox::Mailbox;
use crate::{Failure, Outcome};

/// The mailboxes of the coordinator at a URL.
pub(super) struct HttpMailbox {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl HttpMailbox {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            // Connections that are kept would be counted among what the participant holds.
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build_http(),
        }
    }

    async fn fetch(
        &self,
        request: Result<Request<Full<Bytes>>, hyper::http::Error>,
    ) -> Outcome<Option<String>> {
        let failed =
            |what: String| Failure::new(format!("the coordinator at {}: {what}", self.url));
        let request = request.map_err(|error| failed(error.to_string()))?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| failed(error.to_string()))?;
        match response.status() {
            StatusCode::NO_CONTENT => Ok(None),
            StatusCode::OK => {
                let body = response
                    .into_body()
                    .collect()
                    .await
                    .map_err(|error| failed(error.to_string()))?;
                String::from_utf8(body.to_bytes().into())
                    .map(Some)
                    .map_err(|error| failed(error.to_string()))
            }
            status => Err(failed(status.to_string())),
        }
    }

    /// Tells the coordinator what is wrong with the owner of the mailbox at this address.
    pub(super) async fn trouble(&self, address: &str, what: &str) -> Outcome {
        let request = Request::post(format!("{}/trouble/{address}", self.url))
            .body(Full::new(Bytes::from(what.to_owned())));
        self.fetch(request).await.map(drop)
    }
}

impl Mailbox for HttpMailbox {
    fn put(&self, address: &str, letter: String) -> LocalBoxFuture<'_, Outcome> {
        let request = Request::post(format!("{}/box/{address}", self.url))
            .body(Full::new(Bytes::from(letter)));
        Box::pin(async move { self.fetch(request).await.map(drop) })
    }

    fn take(&self, address: &str, wait: Duration) -> LocalBoxFuture<'_, Outcome<Option<String>>> {
        let wait_ms = wait.as_millis();
        let request = Request::get(format!("{}/box/{address}?wait_ms={wait_ms}", self.url))
            .body(Full::default());
        Box::pin(self.fetch(request))
    }
}
