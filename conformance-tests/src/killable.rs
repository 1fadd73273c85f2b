//! A signaling server in a thread of its own, so that it can be killed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use signaling_server::{Config, ResumeKey, Server};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::{Failure, Outcome};

/// A server that runs. Dropping it kills it.
pub(crate) struct Signaling {
    place: Place,
    end: oneshot::Sender<End>,
    thread: JoinHandle<()>,
}

/// What the next server has in common with one that was killed. All else is lost.
pub(crate) struct Place {
    address: SocketAddr,
    config: Config,
    key: ResumeKey,
}

/// How it ends.
enum End {
    /// Every socket is told.
    Told,
    /// Nobody is told: the sockets are dropped.
    Killed,
}

impl Signaling {
    /// Starts one on a free port, with this configuration but for its key.
    pub(crate) async fn new(config: Config) -> Outcome<Self> {
        let key = ResumeKey::generate().map_err(failed)?;
        let mut trouble = Failure::new("no port is left");
        for _ in 0..1000 {
            let place = Place {
                address: (Ipv4Addr::LOCALHOST, next_port()).into(),
                config: config.clone(),
                key: key.clone(),
            };
            match place.start().await {
                Ok(signaling) => return Ok(signaling),
                Err(failure) => trouble = failure,
            }
        }
        Err(trouble)
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.place.address
    }

    /// Ends it in good order.
    pub(crate) async fn shut_down(self) -> Outcome {
        self.end(End::Told).await.map(drop)
    }

    /// Ends it without a word. Another one can be started in its place.
    pub(crate) async fn kill(self) -> Outcome<Place> {
        self.end(End::Killed).await
    }

    /// Ends it, and waits until its port is free.
    async fn end(self, end: End) -> Outcome<Place> {
        let Self {
            place,
            end: sender,
            thread,
        } = self;
        // If it has gone already it is at its end, too.
        let _ = sender.send(end);
        let joined = tokio::task::spawn_blocking(move || thread.join());
        let ended = joined.await.map_err(failed)?;
        ended.map_err(|_| Failure::new("the signaling server panicked"))?;
        Ok(place)
    }
}

impl Place {
    /// Starts a server there, with the key of the former one.
    pub(crate) async fn start_again(self) -> Outcome<Signaling> {
        let key = self.key.inherited();
        Self { key, ..self }.start().await
    }

    async fn start(self) -> Outcome<Signaling> {
        let config = Config {
            resume_key: Some(self.key.clone()),
            ..self.config.clone()
        };
        let (end, ending) = oneshot::channel();
        let (started, starting) = oneshot::channel();
        let address = self.address;
        let run = move || serve(address, config, started, ending);
        let thread = thread::Builder::new().spawn(run).map_err(failed)?;
        starting.await.map_err(failed)??;
        Ok(Signaling {
            place: self,
            end,
            thread,
        })
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
    started: oneshot::Sender<Outcome>,
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
        let _ = started.send(Ok(()));
        if let Ok(End::Told) = ending.await {
            server.shutdown().await;
        }
    });
}
