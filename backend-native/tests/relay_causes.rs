//! Why there is no relay: told as soon as gathering has ended.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use mesh_core::{
    CloseReason, ConnectFailure, IceServer, IceTransportPolicy, LinkConfig, LinkEvent,
};
use support::{INBOX, Peer, link, specs};

/// Gathers at this server alone and takes why that cannot be.
fn cause_at(port: u16) -> (String, Duration) {
    let mut peer = Peer::loopback();
    let url = format!("turn:127.0.0.1:{port}");
    let config = LinkConfig {
        ice_servers: vec![IceServer::turn(url, "me", "a wrong secret")],
        ice_transport_policy: IceTransportPolicy::Relay,
    };
    peer.open(link(0), config, INBOX, &specs());
    peer.offer();
    let asked = Instant::now();
    peer.wait("the end", |peer| peer.closed.is_some());
    assert!(
        peer.candidates.is_empty(),
        "relays only: {:?}",
        peer.candidates
    );
    assert!(
        peer.log
            .iter()
            .any(|event| matches!(event, LinkEvent::Gathered { .. }))
    );
    match peer.closed.take() {
        Some(CloseReason::Failed(ConnectFailure::NoRelay { cause })) => (cause, asked.elapsed()),
        other => panic!("closed because of {other:?}"),
    }
}

/// A TURN server that asks for a credential and takes none.
fn refusing_server() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("an address").port();
    thread::spawn(move || {
        let mut request = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut request) {
            // Only Allocate requests.
            if length < 20 || request[..2] != [0x00, 0x03] {
                continue;
            }
            let mut attributes = Vec::new();
            for (kind, value) in [
                (0x0009_u16, &b"\0\0\x04\x01Unauthorized"[..]),
                (0x0014, b"realm"),
                (0x0015, b"nonce"),
            ] {
                attributes.extend(kind.to_be_bytes());
                attributes.extend(u16::try_from(value.len()).expect("short").to_be_bytes());
                attributes.extend(value);
                attributes.resize(attributes.len().next_multiple_of(4), 0);
            }
            let mut answer = vec![0x01, 0x13];
            answer.extend(
                u16::try_from(attributes.len())
                    .expect("short")
                    .to_be_bytes(),
            );
            answer.extend(&request[4..20]);
            answer.extend(attributes);
            let _ = socket.send_to(&answer, from);
        }
    });
    port
}

#[test]
fn a_server_that_refuses_the_credential() {
    let (cause, after) = cause_at(refusing_server());
    assert!(cause.contains("401 Unauthorized"), "{cause}");
    assert!(after < Duration::from_secs(2), "{after:?}");
}

/// Where a direct route is allowed, nothing fails yet, and the cause is kept for the case that none is found.
#[test]
fn what_a_server_said_is_told_where_it_is_not_needed_too() {
    let mut peer = Peer::loopback();
    let url = format!("turn:127.0.0.1:{}", refusing_server());
    let config = LinkConfig {
        ice_servers: vec![IceServer::turn(url.clone(), "me", "a wrong secret")],
        ..LinkConfig::default()
    };
    peer.open(link(0), config, INBOX, &specs());
    peer.offer();
    let mut told = None;
    peer.wait("the end of gathering", |peer| {
        told = peer.log.iter().find_map(|event| match event {
            LinkEvent::Gathered { trouble, .. } => Some(trouble.clone()),
            _ => None,
        });
        told.is_some()
    });
    assert_eq!(told, Some(format!("{url}: 401 Unauthorized")));
    assert_eq!(peer.closed, None);
}

#[test]
fn a_server_that_is_not_there() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("an address").port();
    let (cause, after) = cause_at(port);
    assert!(cause.contains("no answer"), "{cause}");
    // Before the 15 s a peer has to connect.
    assert!(after < Duration::from_secs(12), "{after:?}");
}
