//! Two backends connect, talk and part.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use std::time::{Duration, Instant};

use backend_native::PlatformConfig;
use bytes::Bytes;
use mesh_core::platform::MAX_MESSAGE_SIZE;
use mesh_core::{Backend, CloseReason, Command, LinkEvent, Payload};
use support::{ORDERED, Pair, RELIABLE, UNRELIABLE, specs};

#[test]
fn two_backends_connect_and_all_channels_carry_messages() {
    let mut pair = Pair::connected();
    for channel in [RELIABLE, ORDERED, UNRELIABLE] {
        pair.a.send(channel, "from a");
        pair.b.send(channel, b"from b");
    }
    pair.wait("six messages", |pair| {
        [RELIABLE, ORDERED, UNRELIABLE]
            .iter()
            .all(|channel| pair.a.messages(*channel) == 1 && pair.b.messages(*channel) == 1)
    });
    for channel in [RELIABLE, ORDERED, UNRELIABLE] {
        assert_eq!(pair.b.take_messages(channel), [Payload::from("from a")]);
        assert_eq!(pair.a.take_messages(channel), [Payload::from(b"from b")]);
    }
}

#[test]
fn messages_of_every_size_keep_their_kind_and_boundaries() {
    let config = PlatformConfig {
        max_message_size: MAX_MESSAGE_SIZE,
        ..PlatformConfig::loopback()
    };
    let mut pair = Pair::of(&config);
    pair.open(&specs());
    pair.connect();
    let sizes = [0, 1, 3, 1190, 16 * 1024, 64 * 1024, MAX_MESSAGE_SIZE];
    let sent: Vec<Payload> = sizes
        .iter()
        .flat_map(|size| {
            let bytes: Bytes = (0..*size).map(|at| b'a' + (at % 26) as u8).collect();
            [Payload::Binary(bytes.clone()), Payload::Text(bytes)]
        })
        .collect();
    for payload in &sent {
        let link = pair.a.link;
        while pair
            .a
            .backend
            .send(link, RELIABLE, payload.clone())
            .is_err()
        {
            pair.wait("room", |pair| {
                pair.a.backend.buffered_amount(link, RELIABLE) < 1024 * 1024
            });
        }
    }
    pair.wait("all messages", |pair| {
        pair.b.messages(RELIABLE) == sent.len()
    });
    assert!(pair.b.take_messages(RELIABLE) == sent, "as they were sent");
}

#[test]
fn a_close_is_heard_at_once() {
    let mut pair = Pair::connected();
    pair.a.close(Duration::ZERO);
    pair.wait("the far side hears", |pair| {
        [RELIABLE, ORDERED, UNRELIABLE]
            .iter()
            .all(|channel| pair.b.has_closed_channel(*channel))
            && pair.a.closed.is_some()
    });
    assert_eq!(pair.a.closed, Some(CloseReason::Local));
    assert_eq!(pair.b.closed, None, "the core closes its own side");
    pair.b.close(Duration::ZERO);
    pair.wait("the other closes, too", |pair| pair.b.closed.is_some());
}

#[test]
fn the_last_reliable_message_before_a_close_arrives() {
    let mut pair = Pair::connected();
    let count: usize = 500;
    for number in 0..count {
        pair.a.send(
            RELIABLE,
            vec![u8::try_from(number % 251).expect("small"); 900],
        );
    }
    pair.a.send(RELIABLE, "the last word");
    pair.a.close(Duration::from_secs(5));
    pair.wait("the far side hears", |pair| {
        pair.b.has_closed_channel(RELIABLE)
    });
    let messages = pair.b.take_messages(RELIABLE);
    assert_eq!(messages.last(), Some(&Payload::from("the last word")));
    assert_eq!(messages.len(), count + 1);
    let after = pair.b.log.iter().skip_while(
        |event| !matches!(event, LinkEvent::ChannelClosed { channel, .. } if *channel == RELIABLE),
    );
    assert!(
        after.into_iter().all(
            |event| !matches!(event, LinkEvent::Message { channel, .. } if *channel == RELIABLE)
        )
    );
}

#[test]
fn an_empty_last_message_arrives_too() {
    let mut pair = Pair::connected();
    pair.a.send(RELIABLE, "before");
    pair.a.send(RELIABLE, "");
    let asked = Instant::now();
    pair.a.close(Duration::from_secs(10));
    pair.wait("the far side hears", |pair| {
        pair.b.has_closed_channel(RELIABLE)
    });
    let messages = pair.b.take_messages(RELIABLE);
    assert_eq!(messages, [Payload::from("before"), Payload::from("")]);
    // SCTP acknowledges a lone packet after 200 ms.
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn small_messages_of_one_go_share_a_packet() {
    const BURSTS: usize = 50;
    const MESSAGES: usize = 10;
    let mut pair = Pair::connected();
    let link = pair.a.link;
    pair.a.backend.execute(Command::Coalesce { link });
    for _ in 0..BURSTS {
        for tag in 0..MESSAGES {
            pair.a.send(RELIABLE, vec![tag as u8; 64]);
        }
    }
    let mut wire = Vec::new();
    // A backend hands a batch up as it is, 5 bytes and 2 for each message; the core takes it apart.
    let carried = |wire: &[Payload]| -> usize {
        let of = |one: &Payload| {
            if one.len() == 64 {
                1
            } else {
                (one.len() - 5) / 66
            }
        };
        wire.iter().map(of).sum()
    };
    pair.wait("all messages", |pair| {
        wire.extend(pair.b.take_messages(RELIABLE));
        carried(&wire) == BURSTS * MESSAGES
    });
    // How many share one depends on who runs when.
    assert!(wire.len() < BURSTS * MESSAGES, "{} packets", wire.len());
}
