//! What becomes of what waits when it cannot be sent, or when somebody goes.

use mesh_core::{ChannelIndex, Event, Packet, TransferMode};

use super::{refused, tight_server_of};
use crate::kit::{add, connected, del, id, lost, poll, relay, server_of};

#[test]
fn what_waits_of_one_who_has_gone_is_not_the_next_ones() {
    let mut api = server_of(3);
    api.peer_mut().full.insert(id(4));
    for channel in [0, 3].map(ChannelIndex) {
        api.peer_mut().tell(Event::Packet(Packet {
            from: id(3),
            mode: TransferMode::Reliable,
            channel,
            payload: relay(4, b"\x03old").into(),
        }));
    }
    poll(&mut api);
    assert_eq!(api.stats().relayed, 2);
    api.peer_mut().lose(3);
    api.peer_mut().connect(3);
    assert_eq!(poll(&mut api), [lost(3), connected(3)]);
    let stats = api.stats();
    assert_eq!((stats.relayed, stats.relay_dropped), (0, 2));

    api.peer_mut().sent.clear();
    api.peer_mut().full.clear();
    api.peer_mut().receive(3, &relay(4, b"\x03new"));
    poll(&mut api);
    assert_eq!(
        api.peer_mut().take_reliable(),
        [
            (4, del(3).to_vec()),
            (4, add(3).to_vec()),
            (4, relay(3, b"\x03new"))
        ]
    );
}

#[test]
fn the_next_one_does_not_pay_for_one_who_has_gone() {
    let mut api = tight_server_of(3);
    api.peer_mut().full.insert(id(4));
    for _ in 0..20 {
        api.peer_mut().receive(3, &relay(4, &[3; 1000]));
    }
    let told = poll(&mut api);
    assert_eq!(told.last(), Some(&refused(3, 4)));
    api.peer_mut().lose(3);
    api.peer_mut().connect(3);
    for _ in 0..8 {
        api.peer_mut().receive(3, &relay(4, &[3; 1000]));
    }
    assert_eq!(poll(&mut api), [lost(3), connected(3)]);
    assert_eq!(api.stats().relayed, 8);
}

#[test]
fn what_turns_out_too_large_after_it_has_waited_is_counted() {
    let mut api = server_of(2);
    api.peer_mut().full.insert(id(3));
    api.peer_mut().receive(2, &relay(3, &[3; 1000]));
    api.peer_mut().receive(2, &relay(3, b"\x03small"));
    poll(&mut api);
    let own = api.send_bytes(id(3), TransferMode::Reliable, &[7; 1000]);
    assert_eq!(own.unwrap().accepted, 1);
    assert_eq!(api.stats().relayed, 2);

    api.peer_mut().full.clear();
    api.peer_mut().limit = 500;
    assert_eq!(poll(&mut api), []);
    assert_eq!(
        api.peer_mut().take_reliable(),
        [(3, relay(2, b"\x03small"))]
    );
    let stats = api.stats();
    assert_eq!((stats.relayed, stats.relay_dropped), (1, 1));
}

#[test]
fn what_waits_for_one_who_goes_was_not_passed_on() {
    let mut api = server_of(3);
    api.peer_mut().full.extend([3, 4].map(id));
    for to in [3, 4] {
        api.peer_mut().receive(2, &relay(to, b"\x03x"));
    }
    poll(&mut api);
    api.peer_mut().lose(3);
    assert_eq!(poll(&mut api), [lost(3)]);
    let stats = api.stats();
    assert_eq!((stats.relayed, stats.relay_dropped), (1, 1));
    api.peer_mut().restart();
    poll(&mut api);
    let stats = api.stats();
    assert_eq!((stats.relayed, stats.relay_dropped), (0, 2));
}
