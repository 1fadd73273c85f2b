//! The server passes packets on; each rule by itself.

use mesh_core::{ChannelIndex, Duration, Event, Packet, Payload, Target, TransferMode};
use multiplayer_api::{ApiConfig, ApiEvent, Generation, IgnoredReason, MultiplayerApi};

use crate::kit::{
    Fake, add, api, client_among, connected, del, id, packet, packet_on, poll, relay, server_of,
};

fn ignored(from: u32, why: IgnoredReason) -> ApiEvent {
    let from = id(from);
    ApiEvent::Ignored { from, why }
}

/// What a server does with a packet of client 2 that is to be passed on: whom it sends what, and what it hears itself.
fn passed_on(target: i32) -> (Vec<(u32, Vec<u8>)>, Vec<ApiEvent>) {
    let mut api = server_of(3);
    api.peer_mut().receive(2, &relay(target, b"\x03hi"));
    let events = poll(&mut api);
    (api.peer_mut().take_reliable(), events)
}

#[test]
fn the_server_passes_on_by_godots_rule() {
    let from_2 = || vec![0x07, 0x03, 2, 0, 0, 0, 0x03, b'h', b'i'];
    let heard = || vec![packet(2, b"hi")];
    let to = |peer| (peer, from_2());
    // All: the others and itself, never back to the sender.
    assert_eq!(passed_on(0), (vec![to(3), to(4)], heard()));
    // One.
    assert_eq!(passed_on(3), (vec![to(3)], vec![]));
    assert_eq!(passed_on(2), (vec![to(2)], vec![]), "even the sender");
    // One that is not there, or that one does not ask for.
    assert_eq!(passed_on(99), (vec![], vec![]));
    assert_eq!(passed_on(1), (vec![], vec![]));
    // All but one.
    assert_eq!(passed_on(-3), (vec![to(4)], heard()));
    assert_eq!(passed_on(-2), (vec![to(3), to(4)], heard()));
    assert_eq!(passed_on(-99), (vec![to(3), to(4)], heard()));
    assert_eq!(passed_on(i32::MIN), (vec![to(3), to(4)], heard()));
    // All but itself.
    assert_eq!(passed_on(-1), (vec![to(3), to(4)], vec![]));
}

#[test]
fn mode_and_channel_stay() {
    let mut api = server_of(2);
    let ways = [
        (TransferMode::Reliable, 0),
        (TransferMode::UnreliableOrdered, 1),
        (TransferMode::Unreliable, 2),
        (TransferMode::Reliable, 3),
    ];
    for (mode, index) in ways {
        let channel = ChannelIndex(index);
        api.peer_mut().tell(Event::Packet(Packet {
            from: id(2),
            mode,
            channel,
            payload: Payload::from(relay(0, b"\x03hi")),
        }));
        let heard = ApiEvent::PeerPacket {
            from: id(2),
            mode,
            channel,
            data: b"hi".as_slice().into(),
        };
        assert_eq!(poll(&mut api), [heard]);
        assert_eq!(
            api.peer_mut().sent.pop(),
            Some((Target::One(id(3)), channel, relay(2, b"\x03hi")))
        );
    }
    assert_eq!(api.stats().relayed, 4);
}

#[test]
fn scene_commands_are_passed_on_too() {
    let mut api = server_of(2);
    api.peer_mut().receive(2, &relay(0, b"\x20rpc"));
    assert_eq!(poll(&mut api), []);
    assert_eq!(api.peer_mut().take_reliable(), [(3, relay(2, b"\x20rpc"))]);
    assert_eq!(api.stats().scene_commands, 1);
}

#[test]
fn a_client_hears_whose_packet_it_is() {
    let mut api = client_among(1);
    api.peer_mut()
        .receive_on(1, TransferMode::UnreliableOrdered, &relay(3, b"\x03hi"));
    assert_eq!(
        poll(&mut api),
        [packet_on(3, TransferMode::UnreliableOrdered, b"hi")]
    );
}

#[test]
fn a_client_believes_its_server_and_nobody_else() {
    // Where peers are connected to each other, none is the server of a star.
    let mut api = api(Fake::mesh(2));
    api.peer_mut().connect(1);
    api.peer_mut().connect(5);
    poll(&mut api);
    for from in [1, 5] {
        for packet in [add(3).to_vec(), del(1).to_vec(), relay(3, b"\x03hi")] {
            api.peer_mut().receive(from, &packet);
            assert_eq!(poll(&mut api), [ignored(from, IgnoredReason::NoRelay)]);
        }
    }
    assert_eq!(api.peers().collect::<Vec<_>>(), [id(1), id(5)]);

    let mut api = client_among(0);
    api.peer_mut().connect(5);
    poll(&mut api);
    for packet in [add(3).to_vec(), del(1).to_vec(), relay(3, b"\x03hi")] {
        api.peer_mut().receive(5, &packet);
        assert_eq!(poll(&mut api), [ignored(5, IgnoredReason::NotTheServer)]);
    }
}

#[test]
fn a_server_is_told_of_nobody() {
    let mut api = server_of(2);
    for packet in [add(9), del(3)] {
        api.peer_mut().receive(2, &packet);
        assert_eq!(poll(&mut api), [ignored(2, IgnoredReason::NoRelay)]);
    }
    assert_eq!(api.peer_mut().take_reliable(), []);
}

#[test]
fn a_client_is_told_who_comes_and_goes() {
    let mut api = client_among(0);
    api.peer_mut().receive(1, &add(3));
    api.peer_mut().receive(1, &del(3));
    api.peer_mut().receive(1, &del(3));
    api.peer_mut().receive(1, &add(3));
    let gone = ApiEvent::PeerDisconnected {
        peer: id(3),
        reason: None,
    };
    assert_eq!(poll(&mut api), [connected(3), gone, connected(3)]);
}

#[test]
fn who_cannot_be_is_not_admitted() {
    let mut api = client_among(1);
    // Nobody, nobody, a target, ourselves, the server, and one that is there.
    for given in [0, i32::MIN, -3, 2, 1, 3] {
        let [a, b, c, d] = given.to_le_bytes();
        api.peer_mut().receive(1, &[7, 1, a, b, c, d]);
        assert_eq!(
            poll(&mut api),
            [ignored(1, IgnoredReason::BadPeer { given })]
        );
    }
    // Nor does it go: the server is known by its own connection.
    for given in [0, i32::MIN, -3, 2, 1] {
        let [a, b, c, d] = i32::to_le_bytes(given);
        api.peer_mut().receive(1, &[7, 2, a, b, c, d]);
    }
    assert_eq!(poll(&mut api), []);
    assert_eq!(api.peers().collect::<Vec<_>>(), [id(1), id(3)]);
    for given in [0, -3, 2] {
        api.peer_mut().receive(1, &relay(given, b"\x03hi"));
        assert_eq!(
            poll(&mut api),
            [ignored(1, IgnoredReason::BadPeer { given })]
        );
    }
}

#[test]
fn a_server_cannot_invent_peers_without_end() {
    let config = ApiConfig {
        max_relayed_peers: 2,
        ..ApiConfig::default()
    };
    let mut api = MultiplayerApi::new(Fake::client(2), config);
    api.peer_mut().connect(1);
    for peer in [3, 4, 5] {
        api.peer_mut().receive(1, &add(peer));
    }
    assert_eq!(
        poll(&mut api),
        [
            ApiEvent::ConnectedToServer,
            connected(1),
            connected(3),
            connected(4),
            ignored(1, IgnoredReason::TooManyPeers)
        ]
    );
}

#[test]
fn system_commands_are_not_passed_on() {
    let mut api = client_among(1);
    for inner in [
        add(9).to_vec(),
        del(3).to_vec(),
        vec![7, 0],
        relay(0, b"\x03hi"),
    ] {
        api.peer_mut().receive(1, &relay(3, &inner));
        assert_eq!(
            poll(&mut api),
            [ignored(1, IgnoredReason::NestedSystemCommand)]
        );
    }
    api.peer_mut().receive(1, &relay(3, b"\x03"));
    assert_eq!(poll(&mut api), [ignored(1, IgnoredReason::TooShort)]);
}

#[test]
fn relaying_can_be_switched_off() {
    let config = || ApiConfig {
        server_relay: false,
        ..ApiConfig::default()
    };
    let mut api = MultiplayerApi::new(Fake::server(), config());
    api.peer_mut().connect(2);
    api.peer_mut().connect(3);
    api.peer_mut().receive(2, &relay(0, b"\x03hi"));
    assert_eq!(
        poll(&mut api),
        [
            connected(2),
            connected(3),
            ignored(2, IgnoredReason::NoRelay)
        ]
    );
    assert_eq!(api.peer_mut().take_reliable(), []);

    let mut api = MultiplayerApi::new(Fake::client(2), config());
    api.peer_mut().connect(1);
    poll(&mut api);
    let sent = api.send_bytes(Target::All, TransferMode::Reliable, b"hi");
    assert_eq!(sent.unwrap().accepted, 1);
    assert_eq!(api.peer_mut().take_reliable(), [(1, b"\x03hi".to_vec())]);
}

#[test]
fn generation_3_passes_nothing_on() {
    let config = ApiConfig {
        generation: Generation::Godot3,
        ..ApiConfig::default()
    };
    let mut api = MultiplayerApi::new(Fake::server(), config);
    api.peer_mut().connect(2);
    api.peer_mut().connect(3);
    api.peer_mut().receive(2, &relay(0, b"\x04hi"));
    assert_eq!(
        poll(&mut api),
        [
            connected(2),
            connected(3),
            ignored(2, IgnoredReason::UnknownCommand { command: 7 })
        ]
    );
    assert_eq!(api.peer_mut().take_reliable(), []);
}

#[test]
fn a_packet_that_overtakes_the_announcement_waits_for_it() {
    let mut api = client_among(0);
    let mode = TransferMode::Unreliable;
    api.peer_mut().receive_on(1, mode, &relay(3, b"\x03one"));
    api.peer_mut().receive_on(1, mode, &relay(4, b"\x03other"));
    api.peer_mut().receive_on(1, mode, &relay(3, b"\x03two"));
    assert_eq!(poll(&mut api), []);
    api.peer_mut().receive(1, &add(3));
    assert_eq!(
        poll(&mut api),
        [
            connected(3),
            packet_on(3, mode, b"one"),
            packet_on(3, mode, b"two")
        ]
    );
    // What nobody is announced for is given up.
    assert!(api.peer().alarm.is_some());
    api.peer_mut().wait(Duration::from_secs(2));
    assert_eq!(poll(&mut api), [ignored(4, IgnoredReason::Unannounced)]);
    assert_eq!(api.peer().alarm, None);
}

#[test]
fn what_comes_after_the_end_of_its_sender_is_not_the_next_ones() {
    let mut api = client_among(1);
    let mode = TransferMode::Unreliable;
    let gone = ApiEvent::PeerDisconnected {
        peer: id(3),
        reason: None,
    };
    api.peer_mut().receive(1, &del(3));
    api.peer_mut().receive_on(1, mode, &relay(3, b"\x03late"));
    assert_eq!(
        poll(&mut api),
        [gone.clone(), ignored(1, IgnoredReason::Departed)]
    );
    api.peer_mut().receive(1, &add(3));
    api.peer_mut().receive_on(1, mode, &relay(3, b"\x03new"));
    assert_eq!(poll(&mut api), [connected(3), packet_on(3, mode, b"new")]);
    // Whoever has been away for longer may be early again.
    api.peer_mut().receive(1, &del(3));
    assert_eq!(poll(&mut api), [gone]);
    api.peer_mut().wait(Duration::from_secs(2));
    api.peer_mut().receive_on(1, mode, &relay(3, b"\x03early"));
    api.peer_mut().receive(1, &add(3));
    assert_eq!(poll(&mut api), [connected(3), packet_on(3, mode, b"early")]);
}

#[test]
fn what_is_too_early_for_nobody_is_bounded() {
    let mut api = client_among(0);
    for _ in 0..300 {
        api.peer_mut()
            .receive_on(1, TransferMode::Unreliable, &relay(3, b"\x03early"));
    }
    let events = poll(&mut api);
    assert_eq!(events.len(), 300 - 256);
    assert!(
        events
            .iter()
            .all(|event| *event == ignored(1, IgnoredReason::Unannounced))
    );
    // The end of who was never announced: they are of nobody.
    api.peer_mut().receive(1, &del(3));
    api.peer_mut().receive(1, &add(3));
    assert_eq!(poll(&mut api), [connected(3)]);
}
