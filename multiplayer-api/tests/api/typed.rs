//! Typed messages between two games.
#![cfg(feature = "typed")]

use mesh_core::{MultiplayerPeer, Target, TransferMode};
use multiplayer_api::{
    ApiEvent, DecodeError, Message, Messages, MessagesEvent, SendBytesError, SendMessageError,
    Typed, TypedEvent,
};
use serde::{Deserialize, Serialize};

use crate::fake::{Fake, connected, id, relay};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Talk {
    Moved { x: f32, y: f32 },
    Said(String),
}

/// A game among 5, connected and told.
fn typed() -> (Typed<Talk>, Fake) {
    let (mut game, mut network) = (Typed::default(), Fake::mesh(2));
    network.connect(5);
    let event = game.poll(&mut network);
    assert_eq!(event, Some(TypedEvent::Api(connected(5))));
    (game, network)
}

#[test]
fn an_enum_goes_over_the_wire() {
    let (mut game, mut network) = typed();
    let mode = TransferMode::UnreliableOrdered;
    let message = Talk::Moved { x: 1.0, y: -2.0 };
    let sent = game.send(&mut network, Target::All, mode, &message);
    assert_eq!(sent.unwrap().accepted, 1);
    let (target, channel, bytes) = network.sent.pop().unwrap();
    assert_eq!((target, channel), (Target::One(id(5)), mode.channel()));
    // RAW, the variant, two floats.
    assert_eq!(bytes.len(), 1 + 1 + 8);

    network.receive_on(5, mode, &bytes);
    assert_eq!(
        game.poll(&mut network).or_else(|| game.poll(&mut network)),
        Some(TypedEvent::Message {
            from: id(5),
            mode,
            channel: mode.channel(),
            message,
        })
    );
}

#[test]
fn what_is_no_message_is_told_with_its_sender() {
    let (mut game, mut network) = typed();
    assert_eq!(game.poll(&mut network), None);
    network.receive(5, b"\x03\x09");
    assert_eq!(
        game.poll(&mut network),
        Some(TypedEvent::Undecodable {
            from: id(5),
            why: DecodeError::Malformed,
            data: b"\x09".as_slice().into(),
        })
    );
}

#[test]
fn what_cannot_be_sent_is_an_error() {
    let (mut game, mut network) = typed();
    let mode = TransferMode::Reliable;
    assert_eq!(
        game.send(&mut network, id(7), mode, &Talk::Said("hi".into())),
        Err(SendBytesError::UnknownPeer { peer: id(7) }.into())
    );
    let long = Talk::Said("x".repeat(60_000));
    assert_eq!(
        game.send(&mut network, id(5), mode, &long),
        Err(SendMessageError::TooLarge {
            size: 60_004,
            limit: 60_000
        })
    );
    assert!(network.sent.is_empty());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Said(String);

impl Message for Said {
    const ID: u16 = 1;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tick(u32);

impl Message for Tick {
    const ID: u16 = 2;
    const MODE: TransferMode = TransferMode::Unreliable;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unheard;

impl Message for Unheard {
    const ID: u16 = 3;
}

#[derive(Default)]
struct Log(Vec<String>);

fn messages() -> (Messages<Log>, Fake, Log) {
    let mut messages = Messages::<Log>::default();
    messages
        .register(|log, from, Said(text)| log.0.push(format!("{from}: {text}")))
        .unwrap();
    messages
        .register(|log, from, Tick(number)| log.0.push(format!("{from} at {number}")))
        .unwrap();
    let (mut network, mut log) = (Fake::mesh(2), Log::default());
    network.connect(5);
    let event = messages.poll(&mut network, &mut log);
    assert_eq!(event, Some(MessagesEvent::Api(connected(5))));
    assert_eq!(messages.poll(&mut network, &mut log), None);
    (messages, network, log)
}

#[test]
fn each_type_goes_its_way_and_to_its_handler() {
    let (mut messages, mut network, mut log) = messages();
    let mut sent = messages.send(&mut network, Target::All, &Said("hi".into()));
    assert_eq!(sent.unwrap().accepted, 1);
    sent = messages.send(&mut network, id(5), &Tick(7));
    assert_eq!(sent.unwrap().accepted, 1);
    sent = messages.send_via(
        &mut network,
        id(5),
        TransferMode::UnreliableOrdered,
        &Tick(8),
    );
    assert_eq!(sent.unwrap().accepted, 1);
    let sent = std::mem::take(&mut network.sent);
    let modes = [
        TransferMode::Reliable,
        TransferMode::Unreliable,
        TransferMode::UnreliableOrdered,
    ];
    for ((_, channel, bytes), mode) in sent.into_iter().zip(modes) {
        assert_eq!(channel, mode.channel());
        network.receive_on(5, mode, &bytes);
    }
    assert_eq!(messages.poll(&mut network, &mut log), None);
    assert_eq!(log.0, ["5: hi", "5 at 7", "5 at 8"]);
}

#[test]
fn what_nobody_handles_is_told() {
    let (mut messages, mut network, mut log) = messages();
    let sent = messages.send(&mut network, id(5), &Unheard);
    assert_eq!(sent.unwrap().accepted, 1);
    let (_, _, unheard) = network.sent.pop().unwrap();
    network.receive(5, &unheard);
    network.receive(5, b"\x03\x01\x09short");
    network.receive(5, b"\x03\x02\x01\x01");
    network.receive(5, b"\x03\xff");
    let mut told = Vec::new();
    while let Some(event) = messages.poll(&mut network, &mut log) {
        match event {
            MessagesEvent::Undecodable { from, why, .. } => {
                assert_eq!(from, id(5));
                told.push(why);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        told,
        [
            DecodeError::UnknownMessage { id: 3 },
            DecodeError::Malformed,
            DecodeError::Trailing { bytes: 1 },
            DecodeError::Malformed,
        ]
    );
    assert_eq!(log.0, Vec::<String>::new());
}

#[test]
fn events_that_are_no_packets_come_through() {
    let (mut messages, mut network, mut log) = messages();
    network.close();
    assert_eq!(
        messages.poll(&mut network, &mut log),
        Some(MessagesEvent::Api(ApiEvent::ServerDisconnected))
    );
}

#[test]
fn the_largest_message_can_wait_behind_what_is_passed_on() {
    let (mut game, mut network) = (Typed::<Talk>::default(), Fake::server());
    for client in [2, 3] {
        network.connect(client);
    }
    while game.poll(&mut network).is_some() {}
    network.full.insert(id(3));
    network.receive(2, &relay(3, b"\x03first"));
    assert_eq!(game.poll(&mut network), None);
    network.sent.clear();

    let mut say = |size: usize| {
        // The variant, and a length of three bytes.
        let message = Talk::Said("x".repeat(size - 1 - 3));
        game.send(&mut network, id(3), TransferMode::Reliable, &message)
    };
    assert_eq!(say(60_000).unwrap().accepted, 1);
    let (size, limit) = (60_001, 60_000);
    let too_large = SendMessageError::TooLarge { size, limit };
    assert_eq!(say(size), Err(too_large));
    network.full.clear();
    assert_eq!(game.poll(&mut network), None);
    let sent = network.take_reliable();
    let lengths: Vec<_> = sent.iter().map(|(_, packet)| packet.len()).collect();
    assert_eq!(lengths, [12, 1 + 60_000]);
}
