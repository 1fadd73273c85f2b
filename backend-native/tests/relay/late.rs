//! A direct path that comes a little later than the relayed one.

use std::collections::BTreeSet;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use backend_native::testing::{Cures, SocketOptions, SocketSource};
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{CandidateType, ConnectionState, LinkConfig, LinkEvent, PathKind, Payload};
use socket_faults::{Fate, Faults, TokioSockets};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use crate::coturn::Coturn;
use crate::stats;
use crate::support::{INBOX, Pair, Peer, RELIABLE, link, specs};

/// A peer to which no other peer's checks come before this moment; what a server sends does.
fn direct_from(moment: Instant) -> Peer {
    let mut backend = PlatformBackend::new(PlatformConfig::loopback()).expect("threads");
    backend.use_sockets(SocketOptions {
        source: Some(Faults::by(Arc::new(TokioSockets), move || {
            Box::new(move |datagram: &[u8]| {
                let is_binding = matches!(datagram, [0x00 | 0x01, 0x01, ..]);
                if is_binding && Instant::now() < moment {
                    Fate::Lose
                } else {
                    Fate::Deliver
                }
            })
        })),
        ..SocketOptions::default()
    });
    Peer::new(backend)
}

pub(crate) fn a_direct_path_that_comes_after_400_ms_is_preferred() {
    let server = Coturn::start();
    let moment = Instant::now() + Duration::from_millis(400);
    let mut pair = Pair {
        a: direct_from(moment),
        b: direct_from(moment),
    };
    let config = LinkConfig {
        ice_servers: vec![server.server()],
        ..LinkConfig::default()
    };
    for peer in [&mut pair.a, &mut pair.b] {
        peer.open(link(0), config.clone(), INBOX, &specs());
    }
    pair.connect();
    let figures = stats(&mut pair, |pair| &mut pair.a);
    assert_ne!(figures.local, Some(CandidateType::Relay));
    assert_ne!(figures.remote, Some(CandidateType::Relay));
}

/// The way between the peers, which can be closed. What goes to a server, or comes from one, is not on it.
#[derive(Clone, Debug, Default)]
struct Street(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_closed: AtomicBool,
    peers: Mutex<BTreeSet<SocketAddr>>,
}

impl Street {
    fn close(&self, is_closed: bool) {
        self.0.is_closed.store(is_closed, Ordering::Relaxed);
    }

    fn loses(&self, destination: SocketAddr) -> bool {
        let peers = self.0.peers.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.is_closed.load(Ordering::Relaxed) && peers.contains(&destination)
    }

    fn peer(&self, cures: Cures) -> Peer {
        let config = PlatformConfig {
            relay_wait: Duration::from_millis(100),
            ..PlatformConfig::loopback()
        };
        let mut backend = PlatformBackend::new(config).expect("threads");
        backend.use_sockets(SocketOptions {
            cures,
            source: Some(Arc::new(self.clone())),
            ..SocketOptions::default()
        });
        Peer::new(backend)
    }

    /// Two peers who have found nothing but a relay.
    fn relayed(&self, server: &Coturn, cures: Cures) -> Pair {
        self.close(true);
        let mut pair = Pair {
            a: self.peer(cures),
            b: self.peer(cures),
        };
        let config = LinkConfig {
            ice_servers: vec![server.server()],
            ..LinkConfig::default()
        };
        for peer in [&mut pair.a, &mut pair.b] {
            peer.open(link(0), config.clone(), INBOX, &specs());
        }
        pair.connect();
        assert!(stats(&mut pair, |pair| &mut pair.a).is_relayed());
        assert!(stats(&mut pair, |pair| &mut pair.b).is_relayed());
        pair
    }
}

impl SocketSource for Street {
    fn wrap(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let mut peers = self.0.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.insert(socket.local_addr()?);
        drop(peers);
        Ok(Arc::new(House {
            inner: TokioSockets.wrap(socket)?,
            street: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct House {
    inner: Arc<dyn AsyncUdpSocket>,
    street: Street,
}

impl AsyncUdpSocket for House {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.street.loses(transmit.destination) {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        self.inner.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_recv(cx, bufs, meta)
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

/// A number each way after the other, and every one of them must arrive, in order, before `done` is asked again.
fn count_until(pair: &mut Pair, count: &mut u32, done: impl Fn(&mut Pair) -> bool) {
    let deadline = Instant::now() + crate::support::PATIENCE;
    while !done(pair) {
        assert!(Instant::now() < deadline, "after {count} messages");
        let number = Payload::from(count.to_string());
        *count += 1;
        pair.a.send(RELIABLE, number.clone());
        pair.b.send(RELIABLE, number.clone());
        let (mut at_a, mut at_b) = (Vec::new(), Vec::new());
        pair.wait("the next number", |pair| {
            at_a.extend(pair.a.take_messages(RELIABLE));
            at_b.extend(pair.b.take_messages(RELIABLE));
            !at_a.is_empty() && !at_b.is_empty()
        });
        assert_eq!((at_a, at_b), (vec![number.clone()], vec![number]));
    }
}

fn are_relayed(pair: &mut Pair) -> [bool; 2] {
    [
        stats(pair, |pair| &mut pair.a).is_relayed(),
        stats(pair, |pair| &mut pair.b).is_relayed(),
    ]
}

pub(crate) fn a_direct_path_that_opens_is_used_and_left_again_when_it_breaks() {
    let server = Coturn::start();
    let street = Street::default();
    let mut pair = street.relayed(&server, Cures::default());
    let mut count = 0;
    for _ in 0..2 {
        street.close(false);
        count_until(&mut pair, &mut count, |pair| {
            are_relayed(pair) == [false; 2]
        });
        street.close(true);
        count_until(&mut pair, &mut count, |pair| are_relayed(pair) == [true; 2]);
    }
    // Each of these changes is counted and told.
    let (relayed, direct) = (PathKind::Relayed, PathKind::Direct);
    let sides: [fn(&mut Pair) -> &mut Peer; 2] = [|pair| &mut pair.a, |pair| &mut pair.b];
    for side in sides {
        assert_eq!(stats(&mut pair, side).pair_changes, 4);
        let told = side(&mut pair).log.iter().filter_map(|event| {
            let LinkEvent::PairSelected { path, .. } = event else {
                return None;
            };
            Some(*path)
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told, [relayed, direct, relayed, direct, relayed]);
    }
    assert_eq!([&pair.a.closed, &pair.b.closed], [&None, &None]);
}

pub(crate) fn a_server_that_dies_under_a_direct_path_ends_no_link() {
    let server = Coturn::start();
    let street = Street::default();
    let mut pair = street.relayed(&server, Cures::default());
    let mut count = 0;
    street.close(false);
    count_until(&mut pair, &mut count, |pair| {
        are_relayed(pair) == [false; 2]
    });
    drop(server);
    // The crate calls the connection disconnected after 2 s of silence on the relay, and it would have failed 3 s later.
    let died = Instant::now();
    count_until(&mut pair, &mut count, |_| {
        died.elapsed() > Duration::from_secs(6)
    });
    for peer in [&pair.a, &pair.b] {
        assert_eq!(peer.closed, None);
        let was_interrupted = peer.log.iter().any(|event| {
            matches!(
                event,
                LinkEvent::State {
                    state: ConnectionState::Disconnected | ConnectionState::Failed,
                    ..
                }
            )
        });
        assert!(!was_interrupted, "{:?}", peer.log);
    }
}

/// Nothing but our own checks goes over the direct path then, and the crate hears nothing at all.
pub(crate) fn what_is_lost_on_a_quiet_direct_path_is_repeated_though_the_turn_server_is_dead() {
    let server = Coturn::start();
    let street = Street::default();
    let mut pair = street.relayed(&server, Cures::default());
    street.close(false);
    count_until(&mut pair, &mut 0, |pair| are_relayed(pair) == [false; 2]);
    drop(server);
    let died = Instant::now();
    pair.wait("a silence in which the crate's clock would stop", |_| {
        died.elapsed() > Duration::from_secs(5)
    });
    pair.b.take_messages(RELIABLE);
    street.close(true);
    pair.a.send(RELIABLE, "lost at first");
    let sent = Instant::now();
    pair.wait("the message to be lost", |_| {
        sent.elapsed() > Duration::from_millis(200)
    });
    street.close(false);
    pair.wait("the message to be repeated", |pair| {
        pair.b.take_messages(RELIABLE).len() == 1
    });
}

pub(crate) fn without_the_cure_a_relayed_link_stays_relayed() {
    let server = Coturn::start();
    let street = Street::default();
    let mut pair = street.relayed(
        &server,
        Cures {
            late_paths: false,
            ..Cures::default()
        },
    );
    street.close(false);
    // As long as a path that opens takes with the cure, many times over.
    let start = Instant::now();
    count_until(&mut pair, &mut 0, |_| {
        start.elapsed() > Duration::from_secs(2)
    });
    assert_eq!(are_relayed(&mut pair), [true; 2]);
}
