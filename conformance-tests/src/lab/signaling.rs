//! A signaling server that players reach over the loopback of their own namespaces: whatever is done to the network, it stays.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use signaling_server::{Config, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::netns::Namespace;
use crate::request::Meeting;
use crate::{Failure, Outcome};

/// A server and its ways into namespaces. Dropping it ends them.
pub(super) struct Signaling {
    url: String,
    _server: Server,
    _ways: JoinSet<()>,
}

impl Signaling {
    /// Starts one for players in these. It has more patience with them than any of the lab's cases needs.
    pub(super) async fn start(namespaces: &[Namespace]) -> Outcome<Self> {
        const PATIENCE: Duration = Duration::from_secs(300);
        let config = Config {
            ping_interval: PATIENCE,
            ping_deadline: PATIENCE,
            ..Config::default()
        };
        let failed = |what: String| Failure::new(format!("no signaling server: {what}"));
        let server = Server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), config)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let address = server.local_addr();
        let mut ways = JoinSet::new();
        for namespace in namespaces {
            let listener = namespace
                .inside(|| std::net::TcpListener::bind(address))?
                .and_then(|listener| {
                    listener.set_nonblocking(true)?;
                    TcpListener::from_std(listener)
                })
                .map_err(|error| failed(error.to_string()))?;
            ways.spawn(lead(listener, address));
        }
        Ok(Self {
            url: format!("ws://{address}"),
            _server: server,
            _ways: ways,
        })
    }

    /// Where sessions can meet.
    pub(super) fn meeting(&self) -> Meeting {
        Meeting {
            url: self.url.clone(),
            lobby: "lab".to_owned(),
        }
    }
}

/// Leads whoever comes there to the server.
async fn lead(listener: TcpListener, server: SocketAddr) {
    let mut streams = JoinSet::new();
    while let Ok((mut inside, _)) = listener.accept().await {
        streams.spawn(async move {
            if let Ok(mut outside) = TcpStream::connect(server).await {
                let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
            }
        });
    }
}
