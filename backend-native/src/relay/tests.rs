//! Tests of the module above.

use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use mesh_core::IceServer;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::*;
use crate::wire::{OneWire, Wire};

const SERVER: &str = "192.0.2.1:3478";

fn relay(urls: &[&str]) -> Relay {
    let relay = Relay::new(&LinkConfig {
        ice_servers: urls
            .iter()
            .map(|url| IceServer::turn(*url, "me", "secret"))
            .collect(),
        ice_transport_policy: IceTransportPolicy::Relay,
    });
    relay.expect("a good configuration")
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A socket of the link and what is under it.
fn socket(relay: &Relay) -> (Arc<dyn AsyncUdpSocket>, Arc<Wire>) {
    let wire = Arc::new(Wire::default());
    let source: Arc<dyn SocketSource> = Arc::new(OneWire(Arc::clone(&wire)));
    let sockets = relay.sockets(source, &RootCertificates::default());
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    (sockets.wrap(socket).expect("wrapped"), wire)
}

fn send(socket: &dyn AsyncUdpSocket, datagram: &[u8]) {
    let transmit = Transmit {
        destination: book::placeholder(0, true, 3478),
        ecn: None,
        contents: datagram,
        segment_size: None,
        src_ip: None,
    };
    let sent = socket.poll_send(&mut Context::from_waker(Waker::noop()), &transmit);
    assert!(matches!(sent, Poll::Ready(Ok(_))), "{sent:?}");
}

/// What can be read, and whom the crate believes it is from.
fn receive(socket: &dyn AsyncUdpSocket) -> Option<(SocketAddr, Vec<u8>)> {
    let mut buffer = [0; 2000];
    let mut meta = [RecvMeta::default()];
    let mut bufs = [IoSliceMut::new(&mut buffer)];
    let mut cx = Context::from_waker(Waker::noop());
    let received = socket.poll_recv(&mut cx, &mut bufs, &mut meta);
    matches!(received, Poll::Ready(Ok(1))).then(|| (meta[0].addr, buffer[..meta[0].len].to_vec()))
}

fn arrives(socket: &dyn AsyncUdpSocket, wire: &Wire, from: &str, datagram: &[u8]) -> SocketAddr {
    let mut arriving = wire.arriving.lock().expect("not poisoned");
    arriving.push_back((address(from), datagram.to_vec()));
    drop(arriving);
    receive(socket).expect("it is there").0
}

fn settle(relay: &Relay, addresses: &[&str]) {
    let addresses = addresses.iter().map(|text| address(text)).collect();
    relay.book.servers()[0].settle(Ok(addresses));
}

#[tokio::test]
async fn what_is_sent_waits_for_the_name_and_goes_to_its_address() {
    let relay = relay(&["turn:example.org"]);
    let (socket, wire) = socket(&relay);
    send(&*socket, &stun::tests::allocate(false));
    assert!(wire.sent.lock().expect("not poisoned").is_empty());
    settle(&relay, &["[2001:db8::1]:3478", SERVER]);
    tokio::task::yield_now().await;
    send(&*socket, b"channel data");
    let sent: Vec<_> = wire
        .sent
        .lock()
        .expect("not poisoned")
        .iter()
        .map(|(to, _)| *to)
        .collect();
    assert_eq!(sent, [address(SERVER); 2]);
    let from = arrives(&*socket, &wire, SERVER, &[0x40, 0, 0, 0]);
    assert_eq!(from, book::placeholder(0, true, 3478));
    let from = arrives(&*socket, &wire, "192.0.2.77:1", b"a peer's");
    assert_eq!(from, address("192.0.2.77:1"));
}

#[tokio::test]
async fn a_server_without_an_address_refuses_at_once() {
    for settled in [true, false] {
        let relay = relay(&["turn:example.org"]);
        let (socket, wire) = socket(&relay);
        if settled {
            settle(&relay, &["[2001:db8::1]:3478"]);
        }
        send(&*socket, &stun::tests::allocate(true));
        if !settled {
            assert_eq!(receive(&*socket), None);
            relay.book.servers()[0].settle(Err("the name example.org was not found".into()));
        }
        let (from, answer) = receive(&*socket).expect("an answer");
        assert_eq!(from, book::placeholder(0, true, 3478));
        let answer = stun::Message::read(&answer).expect("STUN");
        assert_eq!(answer.transaction(), stun::tests::ID);
        assert!(wire.sent.lock().expect("not poisoned").is_empty());
        if !settled {
            assert_eq!(
                relay.cause(),
                "turn:example.org: the name example.org was not found"
            );
        }
    }
}

#[tokio::test]
async fn the_first_unauthorized_only_asks_for_the_credential() {
    let relay = relay(&["turn:example.org"]);
    let (socket, wire) = socket(&relay);
    settle(&relay, &[SERVER]);
    let unauthorized = stun::tests::refused(401, "Unauthorized");
    send(&*socket, &stun::tests::allocate(false));
    arrives(&*socket, &wire, SERVER, &unauthorized);
    assert_eq!(relay.cause(), "turn:example.org: no answer");
    send(&*socket, &stun::tests::allocate(true));
    arrives(&*socket, &wire, SERVER, &unauthorized);
    assert_eq!(relay.cause(), "turn:example.org: 401 Unauthorized");
}

#[tokio::test]
async fn a_forged_refusal_is_not_heard() {
    let relay = relay(&["turn:example.org"]);
    let (socket, wire) = socket(&relay);
    settle(&relay, &[SERVER]);
    // Nobody asked.
    arrives(
        &*socket,
        &wire,
        SERVER,
        &stun::tests::refused(403, "Forged"),
    );
    send(&*socket, &stun::tests::allocate(true));
    // From somewhere else.
    arrives(
        &*socket,
        &wire,
        "192.0.2.66:3478",
        &stun::tests::refused(403, "Forged"),
    );
    // An answer to something else.
    let mut other = stun::tests::refused(403, "Forged");
    other[19] ^= 1;
    arrives(&*socket, &wire, SERVER, &other);
    assert_eq!(relay.cause(), "turn:example.org: no answer");
    arrives(
        &*socket,
        &wire,
        SERVER,
        &stun::tests::refused(403, "Forbidden"),
    );
    assert_eq!(relay.cause(), "turn:example.org: 403 Forbidden");
}

#[test]
fn what_cannot_be_used_is_said() {
    let relay = relay(&["turns:example.org?transport=udp"]);
    assert!(!relay.is_possible());
    assert!(relay.cause().contains("not supported"), "{}", relay.cause());
    assert!(relay.servers().is_empty());
}

#[test]
fn nothing_is_missing_where_relays_are_not_needed() {
    let mut relay = relay(&["turn:example.org"]);
    assert!(relay.failure().is_some());
    relay.found();
    assert_eq!(relay.failure(), None);
    assert_eq!(relay.trouble(), "");
    relay.found = false;
    relay.only = false;
    assert_eq!(relay.failure(), None);
}

#[test]
fn the_crate_is_told_names_of_ours() {
    let relay = relay(&["turn:example.org:99", "turns:[2001:db8::1]"]);
    let told: Vec<_> = relay
        .servers()
        .iter()
        .flat_map(|server| &server.urls)
        .collect();
    assert_eq!(
        told,
        ["turn:0.server.invalid:99", "turn:1.server.invalid:5349"]
    );
}
