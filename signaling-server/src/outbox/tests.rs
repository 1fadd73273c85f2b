//! Order, shares, and an end.

use proptest::prelude::*;

use super::*;
use crate::Config;

const ONE: MemberId = MemberId(1);
const TWO: MemberId = MemberId(2);

/// Before anything has been taken.
const FULL: Full = Full { taken: 0 };

fn text(length: usize) -> Arc<str> {
    "x".repeat(length).into()
}

fn outbox(limit: usize) -> Outbox {
    Outbox::new(limit, 128)
}

#[tokio::test]
async fn texts_come_in_order_and_the_close_last() {
    let outbox = outbox(100_000);
    outbox.tell("a".into(), About::Lobby);
    assert_eq!(outbox.relay(ONE, "b".into()), Ok(()));
    outbox.close(Goodbye::HostLeft);
    outbox.close(Goodbye::ShuttingDown);
    assert_eq!(outbox.relay(ONE, "c".into()), Ok(()));
    outbox.tell("c".into(), About::Lobby);
    assert_eq!(outbox.next().await, Outgoing::Text("a".into()));
    assert_eq!(outbox.next().await, Outgoing::Text("b".into()));
    assert_eq!(outbox.next().await, Outgoing::Close(Goodbye::HostLeft));
}

#[tokio::test]
async fn a_sender_has_a_share_and_has_it_again() {
    let outbox = outbox(PARTS * 2 * (100 + TEXT_COST));
    assert_eq!(outbox.relay(ONE, text(100)), Ok(()));
    assert_eq!(outbox.relay(ONE, text(100)), Ok(()));
    assert_eq!(outbox.relay(ONE, text(0)), Err(FULL));
    assert_eq!(outbox.relay(TWO, text(100)), Ok(()));
    outbox.next().await;
    assert_eq!(outbox.relay(ONE, text(100)), Ok(()));
    assert_eq!(outbox.relay(ONE, text(0)), Err(Full { taken: 1 }));
}

#[test]
fn many_senders_leave_room_for_one_more() {
    let config = Config::default();
    let outbox = Outbox::new(config.max_outgoing, config.max_lobby_peers);
    for member in 10..136 {
        while outbox.relay(MemberId(member), text(30_000)).is_ok() {}
        while outbox.relay(MemberId(member), text(300)).is_ok() {}
    }
    // An offer and the candidates of one who does what everybody does.
    assert_eq!(outbox.relay(ONE, text(2_000)), Ok(()));
    for _ in 0..15 {
        assert_eq!(outbox.relay(ONE, text(200)), Ok(()));
    }
}

#[test]
fn a_text_that_is_longer_than_a_share_has_room_while_there_is_some() {
    let outbox = outbox(1000);
    assert_eq!(outbox.relay(ONE, text(900)), Ok(()));
    assert_eq!(outbox.relay(TWO, text(900)), Err(FULL));
}

#[tokio::test]
async fn who_does_not_read_is_not_sent_the_rest() {
    let outbox = outbox(1000);
    outbox.tell(text(1), About::Lobby);
    let within = std::time::Duration::from_secs(1);
    let goodbye = Goodbye::Silent { within };
    outbox.close(goodbye.clone());
    assert_eq!(outbox.next().await, Outgoing::Close(goodbye));
}

#[tokio::test]
async fn who_came_and_left_while_much_waited_was_never_there() {
    let outbox = outbox(300);
    outbox.tell(text(100), About::Lobby);
    outbox.tell("two came".into(), About::Came(TWO));
    for round in 0..10_000 {
        let member = MemberId(10 + round);
        outbox.tell("came".into(), About::Came(member));
        let _ = outbox.relay(member, "word".into());
        outbox.tell("left".into(), About::Left(member));
    }
    assert_eq!(outbox.next().await, Outgoing::Text(text(100)));
    assert_eq!(outbox.next().await, Outgoing::Text("two came".into()));
    // Who is known to have come is said to have left.
    outbox.tell("two left".into(), About::Left(TWO));
    assert_eq!(outbox.next().await, Outgoing::Text("two left".into()));
    assert_eq!(outbox.pop(), None);
}

#[tokio::test]
async fn a_waiting_writer_and_a_waiting_sender_are_woken() {
    let outbox = Arc::new(outbox(1000));
    let writer = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { outbox.next().await }
    });
    tokio::task::yield_now().await;
    assert_eq!(outbox.relay(ONE, text(900)), Ok(()));
    assert_eq!(writer.await.expect("no panic"), Outgoing::Text(text(900)));

    assert_eq!(outbox.relay(ONE, text(900)), Ok(()));
    let full = outbox.relay(ONE, text(900)).expect_err("it is full");
    let sender = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { outbox.emptied(&full).await }
    });
    tokio::task::yield_now().await;
    outbox.next().await;
    sender.await.expect("no panic");
}

#[tokio::test]
async fn a_sender_does_not_wait_for_what_has_happened() {
    let outbox = outbox(1000);
    assert_eq!(outbox.relay(ONE, text(900)), Ok(()));
    let full = outbox.relay(ONE, text(900)).expect_err("it is full");
    outbox.next().await;
    outbox.emptied(&full).await;
}

proptest! {
    /// Whatever is pushed, what waits is bounded, and the accounts are even once all is written.
    #[test]
    fn what_waits_is_bounded(steps in proptest::collection::vec((0..200_u64, 0..40_000_usize, 0..4_u8), 0..600)) {
        let config = Config::default();
        let outbox = Outbox::new(config.max_outgoing, config.max_lobby_peers);
        let mut told = 0;
        for (member, size, kind) in steps {
            let member = MemberId(member);
            match kind {
                0 => {
                    outbox.tell("left".into(), About::Left(member));
                    told += 1;
                }
                1 => {
                    outbox.tell("came".into(), About::Came(member));
                    told += 1;
                }
                _ => {
                    let _ = outbox.relay(member, text(size));
                }
            }
            let shares = 200 * (config.max_outgoing / config.max_lobby_peers);
            prop_assert!(outbox.lock().cost <= config.max_outgoing + shares + told * 100);
        }
        while outbox.pop().is_some() {}
        prop_assert_eq!(outbox.lock().cost, 0);
        prop_assert!(outbox.lock().costs.is_empty());
    }
}
