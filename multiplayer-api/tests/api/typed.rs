//! Typed messages between two games.
#![cfg(feature = "typed")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use mesh_core::{MultiplayerPeer, PeerId, Target, TransferMode};
use multiplayer_api::{
    ApiEvent, DecodeError, Message, Messages, MessagesEvent, MultiplayerApi, RegisterError,
    SendBytesError, SendMessageError, Typed, TypedEvent,
};
use serde::{Deserialize, Serialize};

use crate::kit::{Fake, connected, id, relay};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Talk {
    Moved { x: f32, y: f32 },
    Said(String),
}

/// A game among 5, connected and told.
fn typed() -> Typed<Talk, Fake> {
    let mut game = Typed::new(Fake::mesh(2));
    game.peer_mut().connect(5);
    let event = game.poll();
    assert_eq!(event, Some(TypedEvent::Api(connected(5))));
    game
}

#[test]
fn an_enum_goes_over_the_wire() {
    let mut game = typed();
    let mode = TransferMode::UnreliableOrdered;
    let message = Talk::Moved { x: 1.0, y: -2.0 };
    let sent = game.send(Target::All, mode, &message);
    assert_eq!(sent.unwrap().accepted, 1);
    let (target, channel, bytes) = game.peer_mut().sent.pop().unwrap();
    assert_eq!((target, channel), (Target::One(id(5)), mode.channel()));
    // RAW, the variant, two floats.
    assert_eq!(bytes.len(), 1 + 1 + 8);

    game.peer_mut().receive_on(5, mode, &bytes);
    assert_eq!(
        game.poll().or_else(|| game.poll()),
        Some(TypedEvent::Message {
            from: id(5),
            mode,
            channel: mode.channel(),
            message,
        })
    );
}

#[test]
fn an_id_in_a_message_is_a_valid_one() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Tagged(PeerId);
    #[derive(Serialize, Deserialize)]
    struct Number(u32);

    let given = [1, 7, 2_147_483_647, 0, 2_147_483_648];
    let read = given.map(|number| {
        let bytes = postcard::to_allocvec(&Number(number)).unwrap();
        postcard::from_bytes::<Tagged>(&bytes).ok()
    });
    assert_eq!(
        read[..3],
        [1, 7, 2_147_483_647].map(|number| Some(Tagged(id(number))))
    );
    assert_eq!(read[3..], [None, None]);
    let bytes = postcard::to_allocvec(&Tagged(id(300))).unwrap();
    assert_eq!(postcard::from_bytes::<Number>(&bytes).unwrap().0, 300);
}

#[test]
fn what_is_no_message_is_told_with_its_sender() {
    let mut game = typed();
    assert_eq!(game.poll(), None);
    game.peer_mut().receive(5, b"\x03\x09");
    assert_eq!(
        game.poll(),
        Some(TypedEvent::Undecodable {
            from: id(5),
            why: DecodeError::Malformed,
            data: b"\x09".as_slice().into(),
        })
    );
}

#[test]
fn what_cannot_be_sent_is_an_error() {
    let mut game = typed();
    let mode = TransferMode::Reliable;
    assert_eq!(
        game.send(id(7), mode, &Talk::Said("hi".into())),
        Err(SendBytesError::UnknownPeer { peer: id(7) }.into())
    );
    let long = Talk::Said("x".repeat(60_000));
    assert_eq!(
        game.send(id(5), mode, &long),
        Err(SendMessageError::TooLarge {
            size: 60_004,
            limit: 60_000
        })
    );
    assert!(game.peer_mut().sent.is_empty());
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

fn messages() -> (Messages<Log, Fake>, Log) {
    let mut messages = Messages::<Log, _>::new(Fake::mesh(2));
    messages
        .register(|log, from, Said(text), _| log.0.push(format!("{from}: {text}")))
        .unwrap();
    messages
        .register(|log, from, Tick(number), _| log.0.push(format!("{from} at {number}")))
        .unwrap();
    let mut log = Log::default();
    messages.peer_mut().connect(5);
    let event = messages.poll(&mut log);
    assert_eq!(event, Some(MessagesEvent::Api(connected(5))));
    assert_eq!(messages.poll(&mut log), None);
    (messages, log)
}

#[test]
fn each_type_goes_its_way_and_to_its_handler() {
    let (mut messages, mut log) = messages();
    let mut sent = messages.send(Target::All, &Said("hi".into()));
    assert_eq!(sent.unwrap().accepted, 1);
    sent = messages.send(id(5), &Tick(7));
    assert_eq!(sent.unwrap().accepted, 1);
    sent = messages.send_on(id(5), TransferMode::UnreliableOrdered, &Tick(8));
    assert_eq!(sent.unwrap().accepted, 1);
    let sent = std::mem::take(&mut messages.peer_mut().sent);
    let modes = [
        TransferMode::Reliable,
        TransferMode::Unreliable,
        TransferMode::UnreliableOrdered,
    ];
    for ((_, channel, bytes), mode) in sent.into_iter().zip(modes) {
        assert_eq!(channel, mode.channel());
        messages.peer_mut().receive_on(5, mode, &bytes);
    }
    assert_eq!(messages.poll(&mut log), None);
    assert_eq!(log.0, ["5: hi", "5 at 7", "5 at 8"]);
}

#[test]
fn what_nobody_handles_is_told() {
    let (mut messages, mut log) = messages();
    let sent = messages.send(id(5), &Unheard);
    assert_eq!(sent.unwrap().accepted, 1);
    let (_, _, unheard) = messages.peer_mut().sent.pop().unwrap();
    messages.peer_mut().receive(5, &unheard);
    messages.peer_mut().receive(5, b"\x03\x01\x09short");
    messages.peer_mut().receive(5, b"\x03\x02\x01\x01");
    messages.peer_mut().receive(5, b"\x03\xff");
    let mut told = Vec::new();
    while let Some(event) = messages.poll(&mut log) {
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
    let (mut messages, mut log) = messages();
    messages.peer_mut().close();
    assert_eq!(
        messages.poll(&mut log),
        Some(MessagesEvent::Api(ApiEvent::ServerDisconnected))
    );
}

#[test]
fn the_largest_message_can_wait_behind_what_is_passed_on() {
    let mut game = Typed::<Talk, _>::new(Fake::server());
    for client in [2, 3] {
        game.peer_mut().connect(client);
    }
    while game.poll().is_some() {}
    game.peer_mut().full.insert(id(3));
    game.peer_mut().receive(2, &relay(3, b"\x03first"));
    assert_eq!(game.poll(), None);
    game.peer_mut().sent.clear();

    let mut say = |size: usize| {
        // The variant, and a length of three bytes.
        let message = Talk::Said("x".repeat(size - 1 - 3));
        game.send(id(3), TransferMode::Reliable, &message)
    };
    assert_eq!(say(60_000).unwrap().accepted, 1);
    let (size, limit) = (60_001, 60_000);
    let too_large = SendMessageError::TooLarge { size, limit };
    assert_eq!(say(size), Err(too_large));
    game.peer_mut().full.clear();
    assert_eq!(game.poll(), None);
    let sent = game.peer_mut().take_reliable();
    let lengths: Vec<_> = sent.iter().map(|(_, packet)| packet.len()).collect();
    assert_eq!(lengths, [12, 1 + 60_000]);
}

#[test]
fn an_id_has_one_handler() {
    let (mut messages, _log) = messages();
    let again = messages.register(|_, _, Said(_), _| ());
    assert_eq!(again, Err(RegisterError::Taken { id: 1 }));
}

/// What a handler sends is on its way before the next message is handled, and what cannot be sent is the handler's to know.
#[test]
fn a_handler_replies() {
    let mut messages = Messages::<Vec<String>, _>::new(Fake::mesh(2));
    messages
        .register(|log: &mut Vec<String>, from, Tick(number), outbox| {
            let sent = outbox.reply(&Said(format!("tick {number}")));
            log.push(format!("{from}: {:?}", sent.map(|sent| sent.accepted)));
            let to_all = outbox.send(Target::All, &Tick(number + 1));
            assert_eq!(to_all.unwrap().accepted, outbox.api().peers().count());
            let stranger = outbox.send_on(id(9), TransferMode::Reliable, &Said("x".into()));
            assert!(stranger.is_err());
        })
        .unwrap();
    let mut log = Vec::new();
    for peer in [5, 6] {
        messages.peer_mut().connect(peer);
    }
    while messages.poll(&mut log).is_some() {}
    for number in [7, 20] {
        messages.peer_mut().receive(5, &[3, 2, number]);
    }
    assert_eq!(messages.poll(&mut log), None);
    assert_eq!(log, ["5: Ok(1)", "5: Ok(1)"]);
    let sent = std::mem::take(&mut messages.peer_mut().sent);
    let (to, reliable, unreliable) = (Target::One, 0, 2);
    let told: Vec<_> = sent
        .into_iter()
        .map(|(target, channel, bytes)| (target, channel.0, bytes))
        .collect();
    assert_eq!(
        told,
        [
            (to(id(5)), reliable, b"\x03\x01\x06tick 7".to_vec()),
            (to(id(5)), unreliable, vec![3, 2, 8]),
            (to(id(6)), unreliable, vec![3, 2, 8]),
            (to(id(5)), reliable, b"\x03\x01\x07tick 20".to_vec()),
            (to(id(5)), unreliable, vec![3, 2, 21]),
            (to(id(6)), unreliable, vec![3, 2, 21]),
        ]
    );
}

#[test]
fn messages_that_never_end_let_other_tasks_run() {
    let (mut messages, mut log) = messages();
    for _ in 0..1500 {
        messages.peer_mut().receive(5, &[3, 2, 7]);
    }
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(messages.poll_next(&mut log, &mut cx), Poll::Pending);
    assert_eq!(log.0.len(), 1024);
    assert_eq!(messages.poll_next(&mut log, &mut cx), Poll::Pending);
    assert_eq!(log.0.len(), 1500);
}

#[test]
fn a_game_can_wait_for_messages() {
    let mut game = typed();
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(game.poll_next(&mut cx), Poll::Pending);
    game.peer_mut().receive(5, b"\x03\x01\x02hi");
    let Poll::Ready(event) = pin!(game.next_event()).poll(&mut cx) else {
        panic!("a message is there");
    };
    let TypedEvent::Message { from, message, .. } = event else {
        panic!("{event:?}");
    };
    assert_eq!((from, message), (id(5), Talk::Said("hi".into())));
}

#[test]
fn everything_can_live_in_the_state_of_a_game_engine() {
    const fn is_resource<T: Send + Sync + 'static>() {}
    is_resource::<Typed<Talk, Fake>>();
    is_resource::<Messages<Log, Fake>>();
    is_resource::<MultiplayerApi<Fake>>();
}
