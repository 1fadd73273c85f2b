//! More than the network, or the other side, can take.

use mesh_core::{Backend, BackendSendError, CloseReason, Command, LinkEvent, Payload};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{LINK, Pair, Peer, RELIABLE, UNRELIABLE, limits};

fn lows(peer: &Peer) -> usize {
    peer.count(|event| {
        matches!(
            event,
            LinkEvent::BufferedAmountLow {
                channel: RELIABLE,
                ..
            }
        )
    })
}

/// Sends until the channel is full; how many were taken, and how much was buffered at most.
fn fill(peer: &mut Peer, length: usize) -> (usize, usize) {
    let (mut taken, mut most) = (0, 0);
    loop {
        match peer
            .backend()
            .send(LINK, RELIABLE, Payload::from(vec![0; length]))
        {
            Ok(()) => taken += 1,
            Err(error) => {
                assert_eq!(error.reason, BackendSendError::Full);
                return (taken, most);
            }
        }
        most = most.max(peer.backend().buffered_amount(LINK, RELIABLE));
    }
}

#[wasm_bindgen_test]
async fn full_is_told_and_low_follows() {
    for (high, low, length) in [
        (64 * 1024, 16 * 1024, 4096),
        // One message is more than the mark.
        (1000, 100, 60_000),
        // Marks that could never be crossed downwards.
        (4096, 4096, 1024),
        (0, 0, 16),
    ] {
        let mut pair = Pair::connected_with(limits(high, low), 64 << 20).await;
        for round in 1..=3 {
            pair.a.seen.clear();
            pair.b.seen.clear();
            let (taken, most) = fill(&mut pair.a, length);
            assert!(taken > 0, "{high} {low}: it was never low");
            assert!(most < high.max(1) + length, "{most} bytes were buffered");
            pair.until("room, and all messages", |a, b| {
                lows(a) >= 1 && b.messages().len() == taken
            })
            .await;
            assert_eq!(lows(&pair.a), 1, "{high} {low}, round {round}");
        }
    }
}

#[wasm_bindgen_test]
async fn empty_messages_are_bounded_too() {
    let mut pair = Pair::connected_with(limits(1000, 100), 64 << 20).await;
    for _ in 0..2 {
        pair.a.seen.clear();
        pair.b.seen.clear();
        let (taken, most) = fill(&mut pair.a, 0);
        assert!(taken >= 1000, "{taken} are no flood");
        assert_eq!(most, 0);
        pair.until("room, and all messages", |a, b| {
            lows(a) == 1 && b.messages().len() == taken
        })
        .await;
    }
}

#[wasm_bindgen_test]
async fn a_mark_above_what_the_browser_bears_is_no_trap() {
    let mut pair = Pair::connected_with(limits(usize::MAX, 1024), 64 << 20).await;
    let (taken, _) = fill(&mut pair.a, 262_144);
    assert!(taken >= 32, "8 MiB are no problem: {taken}");
    pair.until("room, and all messages", |a, b| {
        lows(a) == 1 && b.messages().len() == taken
    })
    .await;
    assert_eq!(pair.a.closed(), None);
}

#[wasm_bindgen_test]
async fn a_reliable_flood_ends_the_link_and_what_was_held_comes_first() {
    let mut pair = Pair::connected_with(limits(1 << 20, 1 << 18), 64 * 1024).await;
    pair.b.listens = false;
    for number in 0..100_u8 {
        pair.a.send(vec![number; 4096]);
    }
    // Our end hears of it because the other's connection is gone.
    pair.until("the far side to end", |a, _| a.channels_closed() == 3)
        .await;
    pair.b.listens = true;
    pair.until("the reason", |_, b| b.closed().is_some()).await;
    assert_eq!(pair.b.closed(), Some(&CloseReason::InboxFull));
    let held = pair.b.messages();
    assert_eq!(held.len(), 64 * 1024 / (4096 + 64));
    for (number, payload) in (0..).zip(&held) {
        assert_eq!(payload.bytes()[0], number);
    }
    assert!(matches!(pair.b.seen.back(), Some(LinkEvent::Closed { .. })));
}

#[wasm_bindgen_test]
async fn an_unreliable_flood_costs_its_oldest() {
    let mut pair = Pair::connected_with(limits(1 << 20, 1 << 18), 64 * 1024).await;
    pair.b.listens = false;
    for number in 0..200_u8 {
        let payload = Payload::from(vec![number; 1000]);
        let sent = pair.a.backend().send(LINK, UNRELIABLE, payload);
        assert_eq!(sent, Ok(()));
        // Otherwise the network's own losses would do.
        if number % 20 == 0 {
            pair.pass(core::time::Duration::from_millis(5)).await;
        }
    }
    pair.pass(core::time::Duration::from_millis(300)).await;
    pair.b.listens = true;
    pair.a.send("end of it");
    pair.until("the end of it", |_, b| b.messages().len() == 1)
        .await;
    let (mut heard, mut dropped) = (0, 0);
    for event in &pair.b.seen {
        match event {
            LinkEvent::Message { .. } => heard += 1,
            LinkEvent::InboxDropped { messages, .. } => dropped += messages,
            _ => {}
        }
    }
    assert!(dropped > 0, "{heard} heard, none dropped");
    assert!(heard <= 64, "{heard} are more than the inbox holds");
    assert_eq!(pair.b.closed(), None);
}

#[wasm_bindgen_test]
async fn small_messages_of_one_go_share_a_packet() {
    let mut pair = Pair::connected().await;
    pair.a.execute(Command::Coalesce { link: LINK });
    let small = |tag| Payload::from(vec![tag; 64]);
    (0..10).for_each(|tag| pair.a.send(small(tag)));
    assert!(pair.a.backend().buffered_amount(LINK, RELIABLE) >= 640);
    pair.until("the batch", |_, b| !b.messages().is_empty())
        .await;
    // A backend hands a batch up as it is; the core takes it apart.
    let batch = pair.b.messages();
    assert_eq!(batch.len(), 1);
    assert_eq!(batch[0].len(), 5 + 10 * (2 + 64));

    pair.b.seen.clear();
    pair.a.send(small(1));
    pair.until("the one", |_, b| !b.messages().is_empty()).await;
    assert_eq!(pair.b.messages(), [small(1)]);

    pair.b.seen.clear();
    pair.a.send(small(1));
    pair.a.send(small(2));
    pair.a.backend().flush();
    pair.a.send(small(3));
    pair.until("a batch, and one", |_, b| b.messages().len() == 2)
        .await;
}

#[wasm_bindgen_test]
async fn full_with_a_batch_that_waits_is_followed_by_room() {
    let high = 64 * 1024;
    let mut pair = Pair::connected_with(limits(high, 0), 64 << 20).await;
    pair.a.execute(Command::Coalesce { link: LINK });
    for _ in 0..3 {
        pair.a.seen.clear();
        pair.b.seen.clear();
        pair.a.send(Vec::new());
        let large = Payload::from(vec![0; high]);
        let sent = pair.a.backend().send(LINK, RELIABLE, large);
        let is_full = sent.is_err();
        pair.until("room, and what was taken", |a, b| {
            b.messages().len() == 1 + usize::from(!is_full) && (!is_full || lows(a) == 1)
        })
        .await;
    }
}
