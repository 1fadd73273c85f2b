//! Where a stream is cut that has no room left.

use mesh_core::{ChannelIndex, Event, Packet, RefusedReason, TransferMode};
use multiplayer_api::{ApiConfig, MultiplayerApi};

use super::{got, refused, tight_server_of};
use crate::kit::{Fake, id, poll, relay};

/// To client 4, a number and as many bytes behind it.
fn numbered(number: u8, length: usize) -> Vec<u8> {
    let mut inner = vec![3, number];
    inner.resize(2 + length, 0);
    relay(4, &inner)
}

#[test]
fn a_stream_that_loses_a_packet_ends_there_until_what_is_before_has_gone() {
    let mut api = tight_server_of(3);
    api.peer_mut().full.insert(id(4));
    for number in 0..12 {
        api.peer_mut().receive(2, &numbered(number, 1000));
    }
    // These would have room, behind the hole.
    for number in 12..15 {
        api.peer_mut().receive(2, &numbered(number, 1));
    }
    assert_eq!(poll(&mut api), vec![refused(2, 4); 6]);
    let stats = api.stats();
    assert_eq!((stats.relayed, stats.relay_dropped), (9, 6));
    // Others are not cut, nor is another channel of the same sender, of which nothing is lost.
    api.peer_mut().receive(3, &numbered(100, 1));
    api.peer_mut().tell(Event::Packet(Packet {
        from: id(2),
        mode: TransferMode::Reliable,
        channel: ChannelIndex(3),
        payload: numbered(50, 1).into(),
    }));
    assert_eq!(poll(&mut api), []);

    api.peer_mut().full.clear();
    poll(&mut api);
    let custom = api
        .peer_mut()
        .sent
        .extract_if(.., |(_, channel, _)| *channel == ChannelIndex(3));
    assert_eq!(custom.count(), 1);
    let expected: Vec<_> = (0..9).map(|number| (2, number)).chain([(3, 100)]).collect();
    assert_eq!(got(&mut api, 4), expected);
    api.peer_mut().receive(2, &numbered(15, 1));
    assert_eq!(poll(&mut api), []);
    assert_eq!(got(&mut api, 4), [(2, 15)]);
}

#[test]
fn own_data_without_room_for_all_that_it_costs_pushes_nobody_out() {
    let config = ApiConfig {
        backlog_bytes: 100,
        ..ApiConfig::default()
    };
    let mut api = MultiplayerApi::new(Fake::server(), config);
    for client in [2, 4] {
        api.peer_mut().connect(client);
    }
    poll(&mut api);
    api.peer_mut().sent.clear();
    api.peer_mut().full.insert(id(4));
    api.peer_mut().receive(2, &numbered(7, 1));
    assert_eq!(poll(&mut api), []);

    let sent = api.send_bytes(id(4), TransferMode::Reliable, &[0; 40]);
    assert_eq!(sent.unwrap().refused[0].reason, RefusedReason::Full);
    assert_eq!(poll(&mut api), []);
    api.peer_mut().full.clear();
    poll(&mut api);
    assert_eq!(got(&mut api, 4), [(2, 7)]);
}
