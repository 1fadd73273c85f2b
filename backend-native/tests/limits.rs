//! Every queue has a bound, and whoever hits it is told.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use mesh_core::{
    Backend, BackendSendError, CloseReason, ConnectionState, Duration, LinkEvent, Payload,
    Rejected, SendLimits,
};
use support::{Pair, RELIABLE, UNRELIABLE, specs, specs_with};

const SMALL_INBOX: usize = 1024 * 1024;

#[test]
fn a_full_send_queue_says_so_and_says_when_there_is_room() {
    let limits = SendLimits {
        high_water: 512 * 1024,
        low_water: 64 * 1024,
        age: Duration::MAX,
    };
    let mut pair = Pair::loopback();
    pair.open(&specs_with(limits));
    pair.connect();
    let message = Payload::from(vec![7; 16 * 1024]);

    let accepted = pair.a.fill(RELIABLE, &message, 100_000);
    let link = pair.a.link;
    assert_eq!(
        pair.a.backend.send(link, RELIABLE, message.clone()),
        Err(Rejected {
            payload: message.clone(),
            reason: BackendSendError::Full
        })
    );
    let buffered = pair.a.backend.buffered_amount(link, RELIABLE);
    assert!(buffered <= limits.high_water, "{buffered}");

    pair.wait("room", |pair| pair.a.has_low(RELIABLE));
    assert!(pair.a.backend.buffered_amount(link, RELIABLE) <= limits.low_water);
    pair.a.send(RELIABLE, message.clone());
    pair.wait("all that was accepted", |pair| {
        pair.b.messages(RELIABLE) == accepted + 1
    });
    assert!(
        pair.b
            .take_messages(RELIABLE)
            .iter()
            .all(|got| *got == message)
    );
}

#[test]
fn nothing_is_taken_before_a_channel_opens_nor_after_the_link_ends() {
    let mut pair = Pair::loopback();
    pair.open(&specs());
    let link = pair.a.link;
    let payload = Payload::from("too early");
    let not_open = || {
        Err(Rejected {
            payload: payload.clone(),
            reason: BackendSendError::NotOpen,
        })
    };
    assert_eq!(
        pair.a.backend.send(link, RELIABLE, payload.clone()),
        not_open()
    );
    pair.connect();
    pair.a.close(Duration::ZERO);
    assert_eq!(
        pair.a.backend.send(link, RELIABLE, payload.clone()),
        not_open()
    );
    pair.wait("closed", |pair| pair.a.closed.is_some());
    assert_eq!(
        pair.a.backend.send(link, RELIABLE, payload.clone()),
        not_open()
    );
    assert_eq!(pair.a.backend.buffered_amount(link, RELIABLE), 0);
}

#[test]
fn a_reliable_flood_that_nobody_takes_ends_the_link() {
    let mut pair = Pair::loopback();
    pair.open_with(SMALL_INBOX, &specs());
    pair.connect();
    let Pair { mut a, mut b } = pair;

    // Nobody looks at b meanwhile. It ends the link, which a hears.
    let mut sent: u32 = 0;
    a.wait("the far side gives up", |a| {
        let link = a.link;
        loop {
            let mut message = vec![0; 1024];
            message[..4].copy_from_slice(&sent.to_be_bytes());
            match a.backend.send(link, RELIABLE, Payload::from(message)) {
                Ok(()) => sent += 1,
                Err(_) => break a.has_closed_channel(RELIABLE),
            }
        }
    });

    b.wait("the end", |b| b.closed.is_some());
    assert_eq!(b.closed, Some(CloseReason::InboxFull));
    assert!(
        matches!(b.log.back(), Some(LinkEvent::Closed { .. })),
        "nothing follows"
    );
    let held = b.take_messages(RELIABLE);
    let bytes: usize = held.iter().map(Payload::len).sum();
    assert!(bytes <= SMALL_INBOX, "{bytes} bytes held");
    assert!(bytes > SMALL_INBOX / 2, "{bytes} bytes held");
    for (number, message) in (0_u32..).zip(&held) {
        assert_eq!(
            message.bytes()[..4],
            number.to_be_bytes(),
            "in order, without a gap"
        );
    }
}

/// The event of a low queue says that it is empty.
const UNTIL_EMPTY: SendLimits = SendLimits {
    high_water: 1024 * 1024,
    low_water: 0,
    age: Duration::MAX,
};

#[test]
fn an_unreliable_flood_that_nobody_takes_loses_its_oldest() {
    let mut pair = Pair::loopback();
    pair.open_with(SMALL_INBOX, &specs_with(UNTIL_EMPTY));
    pair.connect();
    let Pair { mut a, mut b } = pair;

    // Three times what fits. Once the queue is empty, all but the crate's 256 KiB have arrived or are lost.
    let total: u32 = 3 * 1024;
    let mut sent = 0;
    a.wait("all sent", |a| {
        let link = a.link;
        while sent < total {
            let mut message = vec![0; 1024];
            message[..4].copy_from_slice(&sent.to_be_bytes());
            if a.backend
                .send(link, UNRELIABLE, Payload::from(message))
                .is_err()
            {
                return false;
            }
            sent += 1;
        }
        a.backend.buffered_amount(link, UNRELIABLE) == 0
    });
    a.send(RELIABLE, "still here");

    b.wait("the flood and what came after it", |b| {
        b.messages(RELIABLE) == 1 && b.messages(UNRELIABLE) > 0
    });
    assert_eq!(b.closed, None, "the link lives");
    assert_eq!(b.state, ConnectionState::Connected);
    let dropped: u64 = b
        .log
        .iter()
        .map(|event| match event {
            LinkEvent::InboxDropped {
                channel, messages, ..
            } if *channel == UNRELIABLE => *messages,
            _ => 0,
        })
        .sum();
    let held = b.take_messages(UNRELIABLE);
    assert!(dropped > 0, "it is counted");
    assert!(dropped + held.len() as u64 <= u64::from(total));
    let oldest = u32::from_be_bytes(held[0].bytes()[..4].try_into().expect("four bytes"));
    assert!(
        u64::from(oldest) >= dropped,
        "{oldest} is held, {dropped} were dropped before it"
    );
}

#[test]
fn unreliable_messages_make_room_for_a_reliable_one() {
    let mut pair = Pair::loopback();
    pair.open_with(SMALL_INBOX, &specs_with(UNTIL_EMPTY));
    pair.connect();
    let Pair { mut a, mut b } = pair;

    let mut left = 2 * 1024;
    a.wait("the inbox is full", |a| {
        left -= a.fill(UNRELIABLE, &Payload::from(vec![0; 1024]), left);
        left == 0 && a.backend.buffered_amount(a.link, UNRELIABLE) == 0
    });
    let message = Payload::from(vec![1; 64 * 1024]);
    a.send(RELIABLE, message.clone());

    b.wait("the reliable one", |b| b.messages(RELIABLE) == 1);
    assert_eq!(b.closed, None);
    assert_eq!(b.take_messages(RELIABLE), [message]);
}
