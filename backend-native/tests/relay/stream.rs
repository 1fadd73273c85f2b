//! TURN over TCP and TLS: for peers whose network lets no UDP pass.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backend_native::testing::SocketOptions;
use backend_native::{PlatformBackend, PlatformConfig, RootCertificates};
use mesh_core::{CandidateType, IceServer, LinkConfig, Payload, TransportProtocol};
use socket_faults::{Fate, Faults, TokioSockets};

use crate::coturn::{Coturn, Over};
use crate::support::{INBOX, Pair, Peer, RELIABLE, UNRELIABLE, link, specs};
use crate::{no_relay_of, round_trip, stats};

/// A peer for which no datagram passes, neither way.
fn without_udp(certificate: Option<&str>) -> Peer {
    let root_certificates = certificate.map_or_else(RootCertificates::default, |pem| {
        RootCertificates::from_pem(pem).expect("a certificate")
    });
    let config = PlatformConfig {
        root_certificates,
        ..PlatformConfig::loopback()
    };
    let mut backend = PlatformBackend::new(config).expect("threads");
    backend.use_sockets(SocketOptions {
        source: Some(Faults::both_ways(Arc::new(TokioSockets), || {
            Box::new(|_: &[u8]| Fate::Lose)
        })),
        ..SocketOptions::default()
    });
    Peer::new(backend)
}

fn config(servers: Vec<IceServer>) -> LinkConfig {
    LinkConfig {
        ice_servers: servers,
        ..LinkConfig::default()
    }
}

fn connects(over: Over, protocol: TransportProtocol) {
    let server = &Coturn::start_over(over);
    let certificate = Some(server.certificate.as_str());
    let mut pair = Pair {
        a: without_udp(certificate),
        b: without_udp(certificate),
    };
    let start = Instant::now();
    for peer in [&mut pair.a, &mut pair.b] {
        peer.open(link(0), config(vec![server.server()]), INBOX, &specs());
    }
    pair.connect();
    let open = start.elapsed();
    let figures = stats(&mut pair, |pair| &mut pair.a);
    assert_eq!(figures.local, Some(CandidateType::Relay));
    assert_eq!(figures.protocol, Some(protocol));
    let trip = round_trip(&mut pair, UNRELIABLE, 20);
    eprintln!("open after {open:?}, round trip {trip:?}");
    let large: Vec<Payload> = (0..20).map(|n| Payload::from(vec![n; 64 * 1024])).collect();
    for message in &large {
        pair.a.send(RELIABLE, message.clone());
        pair.wait("the message", |pair| pair.b.messages(RELIABLE) > 0);
        assert_eq!(
            pair.b.take_messages(RELIABLE),
            std::slice::from_ref(message)
        );
    }
    assert!(open < Duration::from_secs(5), "{open:?}");
    assert!(trip < Duration::from_millis(50), "{trip:?}");
}

pub(crate) fn peers_without_udp_play_over_tcp() {
    connects(Over::Tcp, TransportProtocol::Tcp);
}

pub(crate) fn peers_without_udp_play_over_tls() {
    connects(Over::Tls, TransportProtocol::Tls);
}

/// One peer reaches its server over TCP, and the other one is an ordinary one.
pub(crate) fn one_without_udp_meets_one_that_has_it() {
    let server = Coturn::start_over(Over::Tcp);
    let mut pair = Pair {
        a: without_udp(None),
        b: Peer::loopback(),
    };
    pair.a
        .open(link(0), config(vec![server.server()]), INBOX, &specs());
    pair.b.open(link(0), LinkConfig::default(), INBOX, &specs());
    pair.connect();
    round_trip(&mut pair, RELIABLE, 5);
}

pub(crate) fn a_certificate_nobody_knows_is_told() {
    let server = Coturn::start_over(Over::Tls);
    let (cause, time) = no_relay_of(without_udp(None), server.server());
    assert!(
        cause.contains("TLS") && cause.contains("certificate"),
        "{cause}"
    );
    assert!(time < Duration::from_secs(4), "{time:?}");
}

pub(crate) fn a_server_that_refuses_tcp_is_told() {
    let server = Coturn::start_over(Over::Tcp);
    let configured = server.server();
    drop(server);
    let (cause, time) = no_relay_of(without_udp(None), configured);
    assert!(cause.contains("refused"), "{cause}");
    assert!(time < Duration::from_secs(4), "{time:?}");
}

pub(crate) fn a_wrong_password_is_told_over_tcp() {
    let server = Coturn::start_over(Over::Tcp);
    let (cause, _) = no_relay_of(without_udp(None), server.server_with_a_wrong_password());
    assert!(cause.contains("401"), "{cause}");
}
