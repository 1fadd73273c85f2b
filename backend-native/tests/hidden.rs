//! A far side that hides its address behind a name of multicast DNS, as browsers do, and hears of no address of ours: the
//! connection is made only if the name is asked for.
#![allow(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Instant;

use bytes::BytesMut;
use mesh_core::IceCandidate;
use rtc::mdns::{MDNS_MULTICAST_IPV4, MDNS_PORT, Mdns, MdnsConfig};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use socket2::{Domain, Protocol, Socket, Type};
use support::{Heard, Pair};

/// Answers for a name, on loopback, until the process ends.
fn answer(name: &str) {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).expect("a socket");
    socket.set_reuse_address(true).expect("shared");
    #[cfg(unix)]
    socket.set_reuse_port(true).expect("shared");
    let at = SocketAddr::from((Ipv4Addr::UNSPECIFIED, MDNS_PORT));
    socket.bind(&at.into()).expect("bound");
    let group = socket.join_multicast_v4(&MDNS_MULTICAST_IPV4, &Ipv4Addr::LOCALHOST);
    group.expect("in the group");
    socket
        .set_multicast_if_v4(&Ipv4Addr::LOCALHOST)
        .expect("loopback");
    let socket = std::net::UdpSocket::from(socket);
    let config = MdnsConfig::new()
        .with_local_names(vec![name.to_owned()])
        .with_local_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let mut mdns = Mdns::new(Instant::now(), config);
    thread::spawn(move || {
        let mut buffer = vec![0; 9000];
        while let Ok((length, peer_addr)) = socket.recv_from(&mut buffer) {
            let question = TaggedBytesMut {
                now: Instant::now(),
                transport: TransportContext {
                    local_addr: at,
                    peer_addr,
                    ecn: None,
                    transport_protocol: TransportProtocol::UDP,
                },
                message: BytesMut::from(&buffer[..length]),
            };
            let _ = mdns.handle_read(question);
            while let Some(answer) = mdns.poll_write() {
                let _ = socket.send_to(&answer.message, answer.transport.peer_addr);
            }
        }
    });
}

#[test]
fn a_peer_that_hides_its_address_is_found() {
    let name = format!("hidden-{}.local", std::process::id());
    answer(&name);
    let mut pair = Pair::loopback();
    pair.open(&support::specs());
    pair.a.offer();
    let waker = support::unpark_me();
    let mut cx = std::task::Context::from_waker(&waker);
    support::wait_until("connected", || {
        for heard in pair.a.poll(&mut cx) {
            // b hears nothing of where a is.
            if let Heard::Description(description) = heard {
                pair.b.set_remote(description);
            }
        }
        for heard in pair.b.poll(&mut cx) {
            match heard {
                Heard::Description(description) => pair.a.set_remote(description),
                Heard::Candidate(candidate) => pair.a.add_candidate(IceCandidate {
                    candidate: candidate.candidate.replace("127.0.0.1", &name),
                    ..candidate
                }),
            }
        }
        pair.is_connected()
    });
}
