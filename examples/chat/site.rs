//! Serves a page to browsers: a folder that `cargo ci build-web` makes. The arena uses it, too.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
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
            "there is no page in {}; `cargo ci build-web` makes the arena's in target/web, and the chat's in target/web/chat",
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
        let host = for_others(self.local_addr);
        format!("http://{host}/?lobby={lobby}&url={signaling}")
    }
}

/// An address that other machines can use, of one that may stand for all of this machine's: that of the interface with the
/// default route. Nothing is sent to find it.
pub(crate) fn for_others(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    // Addresses of the documentation, behind any route there is (RFC 5737, RFC 3849).
    let ways: [(IpAddr, IpAddr); 2] = [
        (
            Ipv4Addr::UNSPECIFIED.into(),
            Ipv4Addr::new(192, 0, 2, 1).into(),
        ),
        (
            Ipv6Addr::UNSPECIFIED.into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        ),
    ];
    let ip = ways.into_iter().find_map(|(from, to)| {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    });
    // Without a route there are no others.
    let ip = ip.unwrap_or_else(|| Ipv4Addr::LOCALHOST.into());
    SocketAddr::new(ip, address.port())
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
