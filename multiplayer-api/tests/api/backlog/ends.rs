//! What becomes of what waits when it cannot be sent, or when somebody goes.

use mesh_core::{ChannelIndex, Event, Packet, TransferMode};

use super::{refused, tight_server_of};
use crate::fake::{add, connected, del, id, lost, poll, relay, server_of};

#[test]
fn what_waits_of_one_who_has_gone_is_not_the_next_ones() {
    let (mut api, mut network) = server_of(3);
    network.full.insert(id(4));
    for channel in [0, 3].map(ChannelIndex) {
        network.tell(Event::Packet(Packet {
            from: id(3),
            mode: TransferMode::Reliable,
            channel,
            payload: relay(4, b"\x03old").into(),
        }));
    }
    poll(&mut api, &mut network);
    assert_eq!(api.stats().relayed, 2);
    network.lose(3);
    network.connect(3);
    assert_eq!(poll(&mut api, &mut network), [lost(3), connected(3)]);
    let stats = api.stats();
    assert_eq!((stats.relayed, stats.relay_dropped), (0, 2));

    network.sent.clear();
    network.full.clear();
    network.receive(3, &relay(4, b"\x03new"));
    poll(&mut api, &mut network);
    assert_eq!(
        network.take_reliable(),
        [
            (4, del(3).to_vec()),
            (4, add(3).to_vec()),
            (4, relay(3, b"\x03new"))
        ]
    );
}

#[test]
fn the_next_one_does_not_pay_for_one_who_has_gone() {
    let (mut api, mut network) = tight_server_of(3);
    network.full.insert(id(4));
    for _ in 0..20 {
        network.receive(3, &relay(4, &[3; 1000]));
    }
    let told = poll(&mut api, &mut network);
    assert_eq!(told.last(), Some(&refused(3, 4)));
    network.lose(3);
    network.connect(3);
    for _ in 0..8 {
        network.receive(3, &relay(4, &[3; 1000]));
    }
    assert_eq!(poll(&mut api, &mut network), [lost(3), connected(3)]);
    assert_eq!(api.stats().relayed, 8);
}

#[test]
fn what_turns_out_too_large_after_it_has_waited_is_counted() {
    let (mut api, mut network) = server_of(2);
    network.full.insert(id(3));
    network.receive(2, &relay(3, &[3; 1000]));
    network.receive(2, &relay(3, b"\x03small"));
    poll(&mut api, &mut network);
    let own = api.send_bytes(&mut network, id(3), TransferMode::Reliable, &[7; 1000]);
    assert_eq!(own.unwrap().accepted, 1);
    assert_eq!(api.stats().relayed, 2);

    network.full.clear();
    network.limit = 500;
    assert_eq!(poll(&mut api, &mut network), []);
    assert_eq!(network.take_reliable(), [(3, relay(2, b"\x03small"))]);
    let stats = api.stats();
    assert_eq!((stats.relayed, stats.relay_dropped), (1, 1));
}

#[test]
fn what_waits_for_one_who_goes_was_not_passed_on() {
    let (mut api, mut network) = server_of(3);
    network.full.extend([3, 4].map(id));
    for to in [3, 4] {
        network.receive(2, &relay(to, b"\x03x"));
    }
    poll(&mut api, &mut network);
    network.lose(3);
    assert_eq!(poll(&mut api, &mut network), [lost(3)]);
    let stats = api.stats();
    assert_eq!((stats.relayed, stats.relay_dropped), (1, 1));
    network.restart();
    poll(&mut api, &mut network);
    let stats = api.stats();
    assert_eq!((stats.relayed, stats.relay_dropped), (0, 2));
}
