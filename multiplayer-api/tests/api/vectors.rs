//! Bytes on the wire, each vector written by hand from the description of Godot's packets.

use mesh_core::{ChannelIndex, ConnectionStatus, SendError, Target, TransferMode};
use multiplayer_api::{ApiConfig, Generation, MultiplayerApi, SendBytesError};

use crate::kit::{Fake, add, api, client_among, id, packet, poll, server_of};

fn three(network: Fake) -> MultiplayerApi<Fake> {
    let config = ApiConfig {
        generation: Generation::Godot3,
        ..ApiConfig::default()
    };
    MultiplayerApi::new(network, config)
}

fn send(api: &mut MultiplayerApi<Fake>, target: Target) -> Vec<(Target, ChannelIndex, Vec<u8>)> {
    api.send_bytes(target, TransferMode::Reliable, b"hi")
        .unwrap();
    std::mem::take(&mut api.peer_mut().sent)
}

#[test]
fn raw_of_4_is_one_byte_of_3_to_each_admitted_peer() {
    let mut api = server_of(3);
    let reliable = ChannelIndex(0);
    let raw = || vec![0x03, b'h', b'i'];
    let to = |peer| (Target::One(id(peer)), reliable, raw());
    assert_eq!(send(&mut api, Target::All), [to(2), to(3), to(4)]);
    assert_eq!(send(&mut api, Target::AllExcept(id(3))), [to(2), to(4)]);
    assert_eq!(
        send(&mut api, Target::AllExcept(id(99))),
        [to(2), to(3), to(4)]
    );
    assert_eq!(send(&mut api, Target::One(id(4))), [to(4)]);
}

#[test]
fn raw_of_3_is_one_byte_of_4_and_the_network_peers_own_targets() {
    let mut api = three(Fake::mesh(2));
    api.peer_mut().connect(5);
    poll(&mut api);
    for target in [Target::All, Target::One(id(5)), Target::AllExcept(id(5))] {
        assert_eq!(
            send(&mut api, target),
            [(target, ChannelIndex(0), vec![0x04, b'h', b'i'])]
        );
    }
    api.peer_mut().receive(5, &[0x04, 0x03, 0x07]);
    assert_eq!(poll(&mut api), [packet(5, &[0x03, 0x07])]);
}

#[test]
fn a_client_wraps_what_is_not_for_the_server() {
    let mut api = client_among(2);
    let to_server = |bytes: &[u8]| [(Target::One(id(1)), ChannelIndex(0), bytes.to_vec())];
    assert_eq!(
        send(&mut api, Target::One(id(1))),
        to_server(&[0x03, b'h', b'i'])
    );
    assert_eq!(
        send(&mut api, Target::All),
        to_server(&[0x07, 0x03, 0, 0, 0, 0, 0x03, b'h', b'i'])
    );
    assert_eq!(
        send(&mut api, Target::One(id(3))),
        to_server(&[0x07, 0x03, 3, 0, 0, 0, 0x03, b'h', b'i'])
    );
    assert_eq!(
        send(&mut api, Target::AllExcept(id(3))),
        to_server(&[0x07, 0x03, 0xfd, 0xff, 0xff, 0xff, 0x03, b'h', b'i'])
    );
    assert_eq!(
        send(&mut api, Target::AllExcept(id(1))),
        to_server(&[0x07, 0x03, 0xff, 0xff, 0xff, 0xff, 0x03, b'h', b'i'])
    );
}

#[test]
fn a_packet_goes_by_the_channel_it_is_sent_via() {
    let mut api = client_among(1);
    let ways: [(ChannelIndex, u16); 5] = [
        (TransferMode::Reliable.into(), 0),
        (TransferMode::UnreliableOrdered.into(), 1),
        (TransferMode::Unreliable.into(), 2),
        (
            ChannelIndex::for_transfer(TransferMode::UnreliableOrdered, 1),
            3,
        ),
        (ChannelIndex(3), 3),
    ];
    for (via, index) in ways {
        for target in [Target::One(id(1)), Target::One(id(3))] {
            let sent = api.send_bytes(target, via, b"x").unwrap();
            assert_eq!(sent.accepted, 1);
            assert_eq!(api.peer_mut().sent.pop().unwrap().1, ChannelIndex(index));
        }
    }
}

#[test]
fn what_cannot_be_sent_is_an_error() {
    let mut api = client_among(1);
    let mode = TransferMode::Reliable;
    let unknown = |peer| Err(SendBytesError::UnknownPeer { peer: id(peer) });
    assert_eq!(
        api.send_bytes(Target::All, mode, b""),
        Err(SendBytesError::Empty)
    );
    // Not announced, and ourselves.
    assert_eq!(api.send_bytes(id(9), mode, b"x"), unknown(9));
    assert_eq!(api.send_bytes(id(2), mode, b"x"), unknown(2));
    let channel = ChannelIndex::for_transfer(mode, 2);
    assert_eq!(
        api.send_bytes(id(1), channel, b"x"),
        Err(SendError::UnknownChannel { channel: 4 }.into())
    );
    api.peer_mut().lose(1);
    assert_eq!(
        api.send_bytes(Target::All, mode, b"x"),
        Err(SendBytesError::NotConnected)
    );
    assert!(api.peer_mut().sent.is_empty());
}

#[test]
fn a_size_limit_is_told_without_the_headers() {
    let mut api = client_among(1);
    api.peer_mut().limit = 100;
    let mode = TransferMode::Reliable;
    let too_large = |size, limit| Err(SendError::TooLarge { size, limit }.into());
    let mut send = |target, size: usize| {
        let data = vec![7; size];
        api.send_bytes(target, mode, &data)
            .map(|sent| sent.accepted)
    };
    assert_eq!(send(id(1), 99), Ok(1));
    assert_eq!(send(id(1), 100), too_large(100, 99));
    assert_eq!(send(id(3), 93), Ok(1));
    assert_eq!(send(id(3), 94), too_large(94, 93));
}

#[test]
fn nobody_is_reached_before_the_server_has_let_us_in() {
    let mut api = api(Fake::client(2));
    api.peer_mut().status = ConnectionStatus::Connected;
    let sent = api.send_bytes(Target::All, TransferMode::Reliable, b"x");
    assert_eq!(sent, Err(SendBytesError::UnknownPeer { peer: id(1) }));
}

#[test]
fn a_server_introduces_a_newcomer_and_the_others_to_each_other_in_turn() {
    let mut api = api(Fake::server());
    api.peer_mut().connect(2);
    poll(&mut api);
    assert_eq!(api.peer_mut().take_reliable(), []);
    api.peer_mut().connect(0x0102_0304);
    poll(&mut api);
    assert_eq!(
        api.peer_mut().take_reliable(),
        [
            (2, vec![0x07, 0x01, 0x04, 0x03, 0x02, 0x01]),
            (0x0102_0304, vec![0x07, 0x01, 0x02, 0x00, 0x00, 0x00]),
        ]
    );
    api.peer_mut().connect(3);
    poll(&mut api);
    let to = |peer, of| (peer, add(of).to_vec());
    assert_eq!(
        api.peer_mut().take_reliable(),
        [to(2, 3), to(3, 2), to(0x0102_0304, 3), to(3, 0x0102_0304)]
    );
    api.peer_mut().lose(0x0102_0304);
    poll(&mut api);
    let gone = vec![0x07, 0x02, 0x04, 0x03, 0x02, 0x01];
    assert_eq!(
        api.peer_mut().take_reliable(),
        [(2, gone.clone()), (3, gone)]
    );
}
