//! The signaling server that a cast meets on, in a thread of its own, so that it can be killed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use signaling_server::{Config, ResumeKey, Server};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::{Failure, Outcome};

/// A server that runs. Dropping it kills it.
pub(super) struct Signaling {
    address: SocketAddr,
    key: ResumeKey,
    end: oneshot::Sender<End>,
    thread: JoinHandle<()>,
}

/// How it ends.
enum End {
    /// Every socket is told.
    Told,
    /// Nobody is told: the sockets are dropped.
    Killed,
}

impl Signaling {
    pub(super) async fn new() -> Outcome<Self> {
        let key = ResumeKey::generate().map_err(failed)?;
        let mut trouble = Failure::new("no port is left");
        for _ in 0..1000 {
            let address = (Ipv4Addr::LOCALHOST, next_port()).into();
            match Self::start(address, key.clone()).await {
                Ok(signaling) => return Ok(signaling),
                Err(failure) => trouble = failure,
            }
        }
        Err(trouble)
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Ends it in good order.
    pub(super) async fn shut_down(self) -> Outcome {
        self.end(End::Told).await.map(drop)
    }

    /// Ends it without a word, and starts another with its key in its place.
    pub(super) async fn kill_and_start_again(self) -> Outcome<Self> {
        let (address, key) = self.end(End::Killed).await?;
        Self::start(address, key.inherited()).await
    }

    async fn start(address: SocketAddr, key: ResumeKey) -> Outcome<Self> {
        let config = Config {
            resume_key: Some(key.clone()),
            ..Config::default()
        };
        let (end, ending) = oneshot::channel();
        let (started, starting) = oneshot::channel();
        let run = move || serve(address, config, started, ending);
        let thread = thread::Builder::new().spawn(run).map_err(failed)?;
        let address = starting.await.map_err(failed)??;
        Ok(Self {
            address,
            key,
            end,
            thread,
        })
    }

    /// Ends it, and waits until its port is free.
    async fn end(self, end: End) -> Outcome<(SocketAddr, ResumeKey)> {
        let Self {
            address,
            key,
            end: sender,
            thread,
        } = self;
        // If it has gone already it is at its end, too.
        let _ = sender.send(end);
        let joined = tokio::task::spawn_blocking(move || thread.join());
        let ended = joined.await.map_err(failed)?;
        ended.map_err(|_| Failure::new("the signaling server panicked"))?;
        Ok((address, key))
    }
}

/// Another port each time, and one that no system gives to those who do not care: it must still be free when the server is started
/// again.
fn next_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let asked = ASKED.fetch_add(1, Ordering::Relaxed);
    let offset = std::process::id().wrapping_add(asked) % 10_000;
    u16::try_from(20_000 + offset).unwrap_or(20_000)
}

fn failed(error: impl ToString) -> Failure {
    Failure::new(error.to_string())
}

/// The life of a server. Its sockets end with the runtime.
fn serve(
    address: SocketAddr,
    config: Config,
    started: oneshot::Sender<Outcome<SocketAddr>>,
    ending: oneshot::Receiver<End>,
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(failed(error)))),
    };
    runtime.block_on(async {
        let server = match Server::bind(address, config).await {
            Ok(server) => server,
            Err(error) => return drop(started.send(Err(failed(error)))),
        };
        // Who has started it may be gone, and so it ends.
        let _ = started.send(Ok(server.local_addr()));
        if let Ok(End::Told) = ending.await {
            server.shutdown().await;
        }
    });
}
