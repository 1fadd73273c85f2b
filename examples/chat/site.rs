//! Serves the chat's page to browsers: the folder that `cargo ci build-web` makes.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use axum::Router;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// What a value in the query of an address may not hold as it is.
const VALUE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'<')
    .add(b'>');

/// A folder on an address, for as long as it is kept.
pub(crate) struct Site {
    local_addr: SocketAddr,
    serving: JoinHandle<io::Result<()>>,
}

impl Site {
    /// Serves `folder`; port 0 takes a free one.
    pub(crate) async fn serve(folder: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let index = folder.join("index.html");
        anyhow::ensure!(
            index.is_file(),
            "there is no page in {}; `cargo ci build-web` makes one in target/web",
            folder.display()
        );
        let listening = async {
            let listener = TcpListener::bind(address).await?;
            let local_addr = listener.local_addr()?;
            Ok::<_, io::Error>((listener, local_addr))
        };
        let (listener, local_addr) = listening
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        let router = Router::new()
            .fallback_service(ServeDir::new(folder))
            // The files keep their names from build to build.
            .layer(SetResponseHeaderLayer::overriding(
                CACHE_CONTROL,
                HeaderValue::from_static("no-cache"),
            ));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            local_addr,
            serving,
        })
    }

    /// The address of the page of that lobby.
    pub(crate) fn address(&self, lobby: &str, signaling: &str) -> String {
        let lobby = utf8_percent_encode(lobby, VALUE);
        let signaling = utf8_percent_encode(signaling, VALUE);
        let host = self.local_addr;
        format!("http://{host}/?lobby={lobby}&url={signaling}")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
