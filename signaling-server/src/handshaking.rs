//! A listener and the connections that are no WebSocket yet.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::door::{HandshakeId, Handshakes, Network};
use crate::relay::Relay;
use crate::routes::Remote;
use crate::tls::Tls;

/// The longest request head, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// How long to wait when the system has no more sockets for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection may go on asking for pages: then it is asked to come anew.
const MAX_AGE: Duration = Duration::from_secs(600);

/// Connections on the way, each a task that ends when it has become a WebSocket.
struct Tasks {
    /// Shared with the tasks, which say when they are asked for something.
    waiting: Arc<Mutex<Waiting>>,
    tasks: JoinSet<HandshakeId>,
    aborts: BTreeMap<HandshakeId, AbortHandle>,
}

/// What the tasks and the one that accepts know of connections on the way.
struct Waiting {
    handshakes: Handshakes,
    /// Those whose task has not seen them say anything.
    silent: BTreeMap<HandshakeId, Arc<TcpStream>>,
}

/// Takes connections for ever. Those that are no WebSocket yet end with this future. `is_inner` says that only instances of our own come,
/// each of which has the members of many addresses.
pub(crate) async fn accept(
    listener: TcpListener,
    relay: Relay,
    router: Router,
    tls: Option<Tls>,
    is_inner: bool,
) {
    let config = relay.config();
    let deadline = config.handshake_deadline;
    let mut on_the_way = Tasks {
        waiting: Arc::new(Mutex::new(Waiting {
            handshakes: Handshakes::new(config.max_handshakes, config.max_handshakes_per_address),
            silent: BTreeMap::new(),
        })),
        tasks: JoinSet::new(),
        aborts: BTreeMap::new(),
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(ended) = on_the_way.tasks.join_next() => {
                // The others were cut, and have left.
                if let Ok(id) = ended {
                    on_the_way.leave(id);
                }
                continue;
            }
        };
        match accepted {
            Ok((stream, remote)) => {
                let is_proxy = is_inner || relay.is_proxy(remote.ip());
                let stream = Arc::new(stream);
                let network = Network::of(remote.ip());
                let (id, cut) = on_the_way.enter(Arc::clone(&stream), network, is_proxy);
                if cut {
                    relay.metrics().handshake_cut();
                }
                let waiting = Arc::clone(&on_the_way.waiting);
                let (router, tls) = (router.clone(), tls.clone());
                on_the_way.spawn(id, async move {
                    // Whoever says nothing is cut by the deadline, or for the sake of another one. tokio calls a new socket readable before
                    // anything has come, so we look.
                    let first = timeout(deadline, stream.peek(&mut [0])).await;
                    if !matches!(first, Ok(Ok(1..))) {
                        return;
                    }
                    lock(&waiting).ask(id);
                    // No other task holds it any more.
                    if let Some(stream) = Arc::into_inner(stream) {
                        answer(stream, remote, router, tls, deadline).await;
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                relay.metrics().accept_error();
                on_the_way.cut_one();
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

impl Tasks {
    /// Takes a connection, and says whether another one was cut for it.
    fn enter(
        &mut self,
        stream: Arc<TcpStream>,
        network: Network,
        is_proxy: bool,
    ) -> (HandshakeId, bool) {
        let (id, cut) = lock(&self.waiting).enter(stream, network, is_proxy);
        (id, cut.is_some_and(|cut| self.cut(cut)))
    }

    fn spawn(&mut self, id: HandshakeId, answering: impl Future<Output = ()> + Send + 'static) {
        let abort = self.tasks.spawn(async move {
            answering.await;
            id
        });
        self.aborts.insert(id, abort);
    }

    fn leave(&mut self, id: HandshakeId) {
        lock(&self.waiting).leave(id);
        self.aborts.remove(&id);
    }

    /// Frees a socket of the system's.
    fn cut_one(&mut self) {
        let oldest = lock(&self.waiting).oldest_of_the_greediest();
        if let Some(id) = oldest {
            self.cut(id);
            self.leave(id);
        }
    }

    fn cut(&mut self, id: HandshakeId) -> bool {
        let abort = self.aborts.remove(&id);
        abort.inspect(AbortHandle::abort).is_some()
    }
}

impl Waiting {
    /// Takes a connection; the one that gives way to it is to be cut.
    fn enter(
        &mut self,
        stream: Arc<TcpStream>,
        network: Network,
        is_proxy: bool,
    ) -> (HandshakeId, Option<HandshakeId>) {
        let silent = &self.silent;
        let has_asked = |id| silent.get(&id).is_some_and(has_come);
        let (id, cut) = self.handshakes.enter(network, is_proxy, has_asked);
        if let Some(cut) = cut {
            self.silent.remove(&cut);
        }
        self.silent.insert(id, stream);
        (id, cut)
    }

    /// The task of a connection has seen it say something.
    fn ask(&mut self, id: HandshakeId) {
        self.silent.remove(&id);
        self.handshakes.ask(id);
    }

    fn leave(&mut self, id: HandshakeId) {
        self.silent.remove(&id);
        self.handshakes.leave(id);
    }

    fn oldest_of_the_greediest(&mut self) -> Option<HandshakeId> {
        let silent = &self.silent;
        let has_asked = |id| silent.get(&id).is_some_and(has_come);
        self.handshakes.oldest_of_the_greediest(has_asked)
    }
}

/// Whether a connection has sent something that nobody has read. The system is asked: tokio learns of what has come only
/// between turns of the tasks, and the one that accepts takes many connections in one turn.
fn has_come(stream: &Arc<TcpStream>) -> bool {
    let peeked = SockRef::from(stream.as_ref()).peek(&mut [MaybeUninit::uninit()]);
    matches!(peeked, Ok(1..))
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one connection, over TLS if there is some.
async fn answer(
    stream: TcpStream,
    remote: SocketAddr,
    router: Router,
    tls: Option<Tls>,
    deadline: Duration,
) {
    // Signals are small and wait for each other.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return serve(stream, remote, router, deadline).await;
    };
    match timeout(deadline, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, remote, router, deadline).await,
        Ok(Err(error)) => tracing::debug!(%remote, %error, "not TLS"),
        Err(_) => tracing::debug!(%remote, "no TLS in time"),
    }
}

/// Answers HTTP; a connection that becomes a WebSocket lives on elsewhere.
async fn serve<S>(stream: S, remote: SocketAddr, router: Router, deadline: Duration)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Remote(remote));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Also how long one may wait between two requests.
        .header_read_timeout(deadline)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = sleep(MAX_AGE) => {
            connection.as_mut().graceful_shutdown();
            match timeout(deadline, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%remote, %error, "not HTTP");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Far above what anything here takes.
    const DEADLINE: Duration = Duration::from_secs(20);

    /// A connection of somebody who says nothing, and its other end.
    async fn connection(listener: &TcpListener) -> (Arc<TcpStream>, TcpStream) {
        let addr = listener.local_addr().expect("an address");
        let other = TcpStream::connect(addr).await.expect("a listener");
        let (stream, _) = listener.accept().await.expect("a connection");
        (Arc::new(stream), other)
    }

    #[tokio::test]
    async fn when_the_system_has_no_more_sockets_the_oldest_of_the_greediest_is_cut() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let mut tasks = Tasks {
            waiting: Arc::new(Mutex::new(Waiting {
                handshakes: Handshakes::new(100, 100),
                silent: BTreeMap::new(),
            })),
            tasks: JoinSet::new(),
            aborts: BTreeMap::new(),
        };
        let (modest, greedy) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let mut others = Vec::new();
        for address in [modest, greedy, greedy] {
            let (stream, other) = connection(&listener).await;
            others.push(other);
            let (id, cut) = tasks.enter(Arc::clone(&stream), Network::of(address), false);
            assert!(!cut);
            tasks.spawn(id, async move {
                let _held = stream;
                std::future::pending().await
            });
        }
        tasks.cut_one();
        let ended = timeout(DEADLINE, tasks.tasks.join_next()).await;
        let ended = ended.expect("in time").expect("a task");
        assert!(ended.expect_err("it is cut").is_cancelled());
        // Nobody holds its socket any more.
        let [_, cut, _] = &mut *others else {
            panic!("three connections");
        };
        let read = timeout(DEADLINE, cut.read(&mut [0])).await;
        assert_eq!(read.expect("in time").ok(), Some(0));
        assert_eq!((tasks.tasks.len(), tasks.aborts.len()), (2, 2));
        assert_eq!(lock(&tasks.waiting).silent.len(), 2);
    }
}
