//! A signaling server that players reach over the loopback of their own namespaces: whatever is done to the network, it
//! stays, until the case cuts it off or kills it.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use signaling_server::Config;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::netns::Namespace;
use crate::killable::{Place, Signaling as Server};
use crate::request::Meeting;
use crate::{Failure, Outcome};

/// A server and its ways into namespaces. Dropping it ends them.
pub(super) struct Signaling {
    address: SocketAddr,
    server: RefCell<Option<Server>>,
    ways: RefCell<JoinSet<()>>,
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
        let server = Server::new(config).await?;
        let signaling = Self {
            address: server.address(),
            server: RefCell::new(Some(server)),
            ways: RefCell::default(),
        };
        signaling.lead_from(namespaces)?;
        Ok(signaling)
    }

    /// Ends every way to the server, with the connections on it.
    pub(super) async fn cut_off(&self) {
        let mut ways = self.ways.take();
        ways.shutdown().await;
    }

    /// Kills the server, with all that it knows. What the next one in its place needs.
    pub(super) async fn kill(&self) -> Outcome<Place> {
        self.cut_off().await;
        let server = self.server.take();
        let server = server.ok_or_else(|| Failure::new("no server is left"))?;
        server.kill().await
    }

    /// Starts another server in the place of one that was killed, and leads there from these namespaces.
    pub(super) async fn start_again(&self, place: Place, namespaces: &[Namespace]) -> Outcome {
        let server = place.start_again().await?;
        self.server.replace(Some(server));
        self.lead_from(namespaces)
    }

    /// Leads there from these namespaces, once more if it was cut off.
    pub(super) fn lead_from(&self, namespaces: &[Namespace]) -> Outcome {
        let address = self.address;
        for namespace in namespaces {
            let listener = namespace
                .inside(|| std::net::TcpListener::bind(address))?
                .and_then(|listener| {
                    listener.set_nonblocking(true)?;
                    TcpListener::from_std(listener)
                })
                .map_err(|error| Failure::new(format!("no way to the server: {error}")))?;
            self.ways.borrow_mut().spawn(lead(listener, address));
        }
        Ok(())
    }

    /// Where sessions can meet.
    pub(super) fn meeting(&self) -> Meeting {
        Meeting {
            url: format!("ws://{}", self.address),
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
