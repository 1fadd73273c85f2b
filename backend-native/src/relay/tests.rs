//! Tests of the module above.

use mesh_core::IceServer;

use super::*;

const LOCAL: &str = "127.0.0.1:1000";
const SERVER: &str = "192.0.2.1:3478";

fn refusal(code: u16, reason: &str) -> Vec<u8> {
    let mut datagram = ALLOCATE_ERROR.to_vec();
    datagram.extend([0; 18]);
    // Another attribute first, whose length is no multiple of four.
    datagram.extend([0x80, 0x22, 0, 3, b'x', b'y', b'z', 0]);
    let length = u16::try_from(4 + reason.len()).expect("short");
    datagram.extend([0, 9]);
    datagram.extend(length.to_be_bytes());
    datagram.extend([
        0,
        0,
        u8::try_from(code / 100).expect("small"),
        (code % 100) as u8,
    ]);
    datagram.extend(reason.as_bytes());
    datagram
}

fn relay(urls: &[&str]) -> Relay {
    Relay::new(&LinkConfig {
        ice_servers: urls
            .iter()
            .map(|url| IceServer::turn(*url, "me", "secret"))
            .collect(),
        ice_transport_policy: IceTransportPolicy::Relay,
    })
}

fn hear(relay: &Relay, datagram: &[u8]) {
    let (local, server) = (LOCAL.parse(), SERVER.parse());
    relay.refusals.hear(
        local.expect("an address"),
        server.expect("an address"),
        datagram,
    );
}

#[test]
fn the_first_unauthorized_only_asks_for_the_credential() {
    let relay = relay(&["turn:example.org"]);
    hear(&relay, &refusal(401, "Unauthorized"));
    assert_eq!(relay.cause(), "turn:example.org: no answer");
    hear(&relay, &refusal(401, "Unauthorized"));
    assert_eq!(relay.cause(), "turn:example.org: 401 Unauthorized");
}

#[test]
fn of_several_servers_the_one_that_refused_is_named() {
    let relay = relay(&["turn:one.example", "turn:two.example?transport=udp"]);
    hear(&relay, &refusal(486, "Allocation Quota Reached\r\n"));
    assert_eq!(
        relay.cause(),
        "turn:one.example, turn:two.example?transport=udp: 192.0.2.1:3478 said 486 Allocation Quota Reached"
    );
}

#[test]
fn what_is_no_refusal_is_not_heard() {
    let relay = relay(&["turn:example.org"]);
    let whole = refusal(403, "Forbidden");
    for length in 0..whole.len() - "Forbidden".len() {
        hear(&relay, &whole[..length]);
    }
    hear(&relay, &[0xff; 100]);
    assert_eq!(relay.cause(), "turn:example.org: no answer");
}

#[test]
fn what_the_crate_cannot_use_is_said() {
    let relay = relay(&["turns:example.org", "turn:example.org?transport=tcp"]);
    assert!(!relay.is_possible());
    assert!(relay.cause().contains("not supported"), "{}", relay.cause());
}

#[test]
fn nothing_is_missing_where_relays_are_not_needed() {
    let mut relay = relay(&["turn:example.org"]);
    assert!(relay.failure().is_some());
    relay.found();
    assert_eq!(relay.failure(), None);
    relay.found = false;
    relay.only = false;
    assert_eq!(relay.failure(), None);
}
