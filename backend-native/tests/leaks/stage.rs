//! The backends on which links end, and what is left of them.

use core::fmt;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backend_native::testing::{Lookup, NameSource, SocketOptions};
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::LinkConfig;
use socket_faults::{Fate, Faults, Judge, TokioSockets};
use tokio::runtime::Handle;

use crate::support::{INBOX, Pair, Peer, link, specs};

/// Two backends, one link at a time on each, and a path between them that can be cut.
pub(crate) struct Stage {
    pair: Option<Pair>,
    source: Arc<Faults>,
    path: Path,
}

/// The path between the backends. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Path(Arc<AtomicBool>);

impl Path {
    /// From now on nothing arrives.
    pub(crate) fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// From now on everything arrives.
    pub(crate) fn mend(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    fn fate(&self) -> Fate {
        if self.0.load(Ordering::SeqCst) {
            Fate::Lose
        } else {
            Fate::Deliver
        }
    }
}

/// What is left of links.
pub(crate) struct Left {
    /// How many parts of connections hold the source of their sockets.
    sources: usize,
    tasks: usize,
}

impl Left {
    pub(crate) const fn is_nothing(&self) -> bool {
        self.sources == 0 && self.tasks == 0
    }
}

impl fmt::Debug for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sources, tasks } = self;
        write!(f, "{sources} sources of sockets and {tasks} tasks")
    }
}

/// A name server that answers nobody.
#[derive(Debug)]
struct Silent;

impl NameSource for Silent {
    fn lookup(&self, _: &str, _: u16) -> Lookup {
        Box::pin(pending())
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        let path = Path::default();
        let judged = path.clone();
        let judge = move || {
            let path = judged.clone();
            Box::new(move |_: &[u8]| path.fate()) as Judge
        };
        Self {
            pair: None,
            source: Faults::by(Arc::new(TokioSockets), judge),
            path,
        }
    }

    pub(crate) fn path(&self) -> Path {
        self.path.clone()
    }

    /// The backends of this round.
    pub(crate) fn pair(&mut self) -> &mut Pair {
        self.pair_with(&PlatformConfig::loopback())
    }

    /// The same with settings, which count the first time.
    pub(crate) fn pair_with(&mut self, platform: &PlatformConfig) -> &mut Pair {
        let pair = self.pair.take();
        let pair = pair.unwrap_or_else(|| {
            let peer = || Peer::new(self.backend(platform.clone()));
            Pair {
                a: peer(),
                b: peer(),
            }
        });
        self.pair.insert(pair)
    }

    /// The backends of this round, with a link of that number on both sides.
    pub(crate) fn open(&mut self, number: u32) -> &mut Pair {
        let pair = self.pair();
        open(pair, number);
        pair
    }

    /// The same, connected.
    pub(crate) fn connect(&mut self, number: u32) -> &mut Pair {
        let pair = self.open(number);
        pair.connect();
        pair
    }

    /// A backend with threads of its own.
    pub(crate) fn backend(&self, platform: PlatformConfig) -> PlatformBackend {
        let mut backend = PlatformBackend::new(platform).expect("threads");
        backend.use_sockets(self.sockets());
        backend
    }

    /// A backend on the threads of a runtime.
    pub(crate) fn backend_on(&self, handle: &Handle) -> PlatformBackend {
        let platform = PlatformConfig::loopback();
        let mut backend = PlatformBackend::with_handle(handle.clone(), platform);
        backend.use_sockets(self.sockets());
        backend
    }

    fn sockets(&self) -> SocketOptions {
        SocketOptions {
            source: Some(self.source.clone()),
            names: Some(Arc::new(Silent)),
            ..SocketOptions::default()
        }
    }

    /// What is left of links.
    pub(crate) fn left(&self) -> Left {
        let peers = self.pair.iter().flat_map(|pair| [&pair.a, &pair.b]);
        let tasks = |peer: &Peer| peer.backend.handle().metrics().num_alive_tasks();
        // Ours, and one of each backend for links to come.
        let expected = 1 + peers.clone().count();
        Left {
            sources: Arc::strong_count(&self.source).saturating_sub(expected),
            tasks: peers.map(tasks).sum(),
        }
    }
}

/// Opens a link with three channels on both sides.
pub(crate) fn open(pair: &mut Pair, number: u32) {
    for peer in [&mut pair.a, &mut pair.b] {
        open_one(peer, number, LinkConfig::default());
    }
}

/// Opens a link with three channels.
pub(crate) fn open_one(peer: &mut Peer, number: u32, config: LinkConfig) {
    peer.open(link(number), config, INBOX, &specs());
}

/// Closes what is not closed on either side, and waits for the ends.
pub(crate) fn close(pair: &mut Pair) {
    for peer in [&mut pair.a, &mut pair.b] {
        if peer.closed.is_none() {
            peer.close(Duration::ZERO);
        }
    }
    pair.wait("both ends", |pair| {
        pair.a.closed.is_some() && pair.b.closed.is_some()
    });
}

/// Closes one side and waits for its end.
pub(crate) fn close_one(peer: &mut Peer, linger: Duration) {
    peer.close(linger);
    peer.wait("its end", |peer| peer.closed.is_some());
}

/// Settings with this one address to bind.
pub(crate) fn bound_to(address: SocketAddr) -> PlatformConfig {
    PlatformConfig {
        bind: vec![address],
        ..PlatformConfig::default()
    }
}
