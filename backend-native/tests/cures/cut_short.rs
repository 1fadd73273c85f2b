//! A link whose task does not come to its end: its end is reported all the same, and nothing of it is left.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use backend_native::testing::{Cures, SocketOptions, SocketSource};
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{Backend, CloseReason, ConnectFailure, LinkConfig};
use socket_faults::{Fate, Faults};
use tokio::runtime::{Builder, Handle, Runtime};
use webrtc::runtime::AsyncUdpSocket;

use crate::backends::{INBOX, Pair, Peer, RELIABLE, specs};
use crate::support::{connected_backends, in_memory, within};

/// Whatever of a link is left over keeps the source of its sockets.
fn counted() -> (Arc<dyn SocketSource>, SocketOptions) {
    let (_, mut options) = in_memory(Cures::default());
    let source = options.source.take().unwrap();
    options.source = Some(Arc::clone(&source));
    (source, options)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Waits until only the test holds the source.
fn assert_let_go(source: &Arc<dyn SocketSource>) {
    for _ in 0..500 {
        if Arc::strong_count(source) == 1 {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("{} are left", Arc::strong_count(source) - 1);
}

/// A connected pair on the runtime, whose links run there, or in threads of their own.
fn connected(runtime: &Runtime, options: &SocketOptions, are_isolated: bool) -> Pair {
    if !are_isolated {
        return runtime.block_on(connected_backends(options.clone(), options.clone()));
    }
    let peer = || {
        let handle = runtime.handle().clone();
        let mut backend = PlatformBackend::with_handle(handle, PlatformConfig::loopback());
        backend.use_sockets(options.clone());
        Peer::new(backend)
    };
    let (a, b) = (peer(), peer());
    let mut pair = Pair { a, b };
    pair.open(&specs());
    pair.connect();
    pair
}

#[test]
fn a_runtime_that_ends_before_its_backends_leaves_nothing() {
    for are_isolated in [false, true] {
        let runtime = runtime();
        let (source, options) = counted();
        let pair = connected(&runtime, &options, are_isolated);
        drop(options);
        drop(runtime);
        drop(pair);
        assert_let_go(&source);
    }
}

#[test]
fn the_end_of_the_runtime_ends_every_link() {
    for are_isolated in [false, true] {
        let runtime = runtime();
        let (_, options) = counted();
        let mut pair = connected(&runtime, &options, are_isolated);
        drop(runtime);
        for peer in [&mut pair.a, &mut pair.b] {
            peer.wait("its end", |peer| peer.closed.is_some());
            assert!(is_platform(peer.closed.as_ref()), "{:?}", peer.closed);
            peer.open(crate::backends::link(1), LinkConfig::default(), INBOX, &[]);
            peer.wait("the end of another", |peer| peer.closed.is_some());
            assert!(is_platform(peer.closed.as_ref()), "{:?}", peer.closed);
        }
    }
}

/// A link that drains towards a peer that is silent, cut short by the end of its backend and of the backend's threads.
#[test]
fn a_lingering_close_that_is_cut_short_leaves_nothing() {
    let (inner, options) = counted();
    let silent = Arc::new(AtomicBool::new(false));
    let faulty = {
        let silent = Arc::clone(&silent);
        Faults::by(inner, move || {
            let silent = Arc::clone(&silent);
            Box::new(move |_: &[u8]| {
                if silent.load(Ordering::SeqCst) {
                    Fate::Lose
                } else {
                    Fate::Deliver
                }
            })
        })
    };
    let source: Arc<dyn SocketSource> = faulty;
    let options = SocketOptions {
        source: Some(Arc::clone(&source)),
        ..options
    };
    let peer = || {
        let mut backend = PlatformBackend::new(PlatformConfig::loopback()).unwrap();
        backend.use_sockets(options.clone());
        Peer::new(backend)
    };
    let (a, b) = (peer(), peer());
    let mut pair = Pair { a, b };
    pair.open(&specs());
    pair.connect();
    silent.store(true, Ordering::SeqCst);
    pair.a.send(RELIABLE, vec![0; 1000]);
    pair.a.close(Duration::from_secs(2));
    drop(pair);
    drop(options);
    assert_let_go(&source);
}

/// Makes the link's own task panic, where it binds its sockets.
#[derive(Debug)]
struct Panicking;

impl SocketSource for Panicking {
    fn wrap(&self, _: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        panic!("as planned")
    }
}

#[tokio::test]
async fn a_panic_in_the_task_of_a_link_is_its_end() {
    let source: Arc<dyn SocketSource> = Arc::new(Panicking);
    let mut backend = PlatformBackend::with_handle(Handle::current(), PlatformConfig::loopback());
    backend.use_sockets(SocketOptions {
        source: Some(source),
        ..SocketOptions::default()
    });
    let mut peer = Peer::new(backend);
    peer.open(
        crate::backends::link(0),
        LinkConfig::default(),
        INBOX,
        &specs(),
    );
    let closed = std::future::poll_fn(|cx| {
        peer.poll(cx);
        match peer.closed.take() {
            Some(closed) => Poll::Ready(closed),
            None => Poll::Pending,
        }
    });
    let closed = within(Duration::from_secs(10), closed).await;
    assert!(is_platform(Some(&closed)), "{closed:?}");
    let _ = peer.backend.now();
}

fn is_platform(closed: Option<&CloseReason>) -> bool {
    matches!(
        closed,
        Some(CloseReason::Failed(ConnectFailure::Platform(_)))
    )
}
