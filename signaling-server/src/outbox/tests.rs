//! Order, shares, and an end.

use proptest::prelude::*;

use super::*;
use crate::Config;

const ONE: PeerId = PeerId::SERVER;
const TWO: PeerId = PeerId::MAX;

/// Before anything has been taken.
const FULL: Full = Full { taken: 0 };

fn text(length: usize) -> Arc<str> {
    "x".repeat(length).into()
}

fn peer(id: u32) -> PeerId {
    PeerId::new(id).expect("an id")
}

const fn came(id: PeerId) -> About {
    let is_known = false;
    About::Came { id, is_known }
}

const fn resumed(id: PeerId) -> About {
    let is_known = true;
    About::Came { id, is_known }
}

fn outbox(limit: usize) -> Outbox {
    Outbox::new(limit, 128)
}

/// The texts that wait. They are taken out.
fn rest(outbox: &Outbox) -> Vec<String> {
    let texts = std::iter::from_fn(|| match outbox.pop()? {
        Outgoing::Text(text) => Some(text.to_string()),
        Outgoing::Close(_) => None,
    });
    texts.collect()
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
        while outbox.relay(peer(member), text(30_000)).is_ok() {}
        while outbox.relay(peer(member), text(300)).is_ok() {}
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
    outbox.tell("two came".into(), came(TWO));
    for round in 0..10_000 {
        let member = peer(10 + round);
        outbox.tell("came".into(), came(member));
        let _ = outbox.relay(member, "word".into());
        outbox.tell("resumed".into(), resumed(member));
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
async fn who_comes_back_and_leaves_while_much_waits_is_said_to_have_left() {
    let outbox = outbox(300);
    outbox.tell(text(100), About::Lobby);
    for _ in 0..10_000 {
        outbox.tell("two resumed".into(), resumed(TWO));
    }
    let waiting = outbox.lock().texts.len();
    assert_eq!(waiting, 2, "coming back once is enough");
    for _ in 0..10_000 {
        outbox.tell("two left".into(), About::Left(TWO));
        outbox.tell("two came".into(), came(TWO));
    }
    assert_eq!(outbox.next().await, Outgoing::Text(text(100)));
    assert_eq!(outbox.next().await, Outgoing::Text("two left".into()));
    assert_eq!(outbox.next().await, Outgoing::Text("two came".into()));
    assert_eq!(outbox.pop(), None);
}

#[test]
fn who_was_thwarted_is_told_once_there_is_room() {
    let outbox = outbox(1000);
    assert_eq!(outbox.relay(ONE, text(400)), Ok(()));
    assert_eq!(outbox.relay(TWO, text(400)), Ok(()));
    let member = MemberId(7);
    outbox.thwart(member, ONE);
    assert_eq!(outbox.relieved(), []);
    outbox.pop();
    assert_eq!(outbox.relieved(), [member]);
    assert_eq!(outbox.relieved(), []);
    outbox.thwart(member, TWO);
    assert_eq!(outbox.relieved(), []);
    outbox.pop();
    assert_eq!(outbox.relieved(), [member]);
    outbox.thwart(member, ONE);
    assert_eq!(outbox.relieved(), [member], "nothing waits at all");
}

#[test]
fn who_has_left_is_not_remembered_as_thwarted() {
    let outbox = outbox(1000);
    assert_eq!(outbox.relay(ONE, text(400)), Ok(()));
    for connection in 0..1000 {
        outbox.thwart(MemberId(connection), TWO);
    }
    assert_eq!(outbox.lock().thwarted.len(), 1, "by its seat");
    outbox.tell(text(1), About::Left(TWO));
    assert!(!outbox.is_thwarting());
}

#[test]
fn who_was_thwarted_is_told_once_no_more_than_half_waits() {
    let member = MemberId(7);
    for (waiting, relieved) in [(500, vec![member]), (501, vec![])] {
        let outbox = outbox(1000);
        outbox.tell(text(waiting - TEXT_COST), About::Lobby);
        outbox.thwart(member, TWO);
        assert_eq!(outbox.relieved(), relieved, "{waiting} of 1000");
    }
}

#[test]
fn a_coming_and_a_leaving_are_told_as_long_as_no_more_than_half_waits() {
    for (waiting, expected) in [(500, vec!["came", "left"]), (501, vec![])] {
        let outbox = outbox(1000);
        let coming = "came".len() + TEXT_COST;
        outbox.tell(text(waiting - coming - TEXT_COST), About::Lobby);
        outbox.tell("came".into(), came(TWO));
        outbox.tell("left".into(), About::Left(TWO));
        outbox.pop();
        assert_eq!(rest(&outbox), expected, "{waiting} of 1000");
    }
}

#[test]
fn a_text_that_fills_the_whole_to_its_end_has_room() {
    for (size, expected) in [(500, Ok(())), (501, Err(FULL))] {
        let outbox = outbox(1000);
        assert_eq!(outbox.relay(TWO, text(500 - TEXT_COST)), Ok(()));
        let relayed = outbox.relay(ONE, text(size - TEXT_COST));
        assert_eq!(relayed, expected, "{size} of 500");
    }
}

#[test]
fn who_leaves_while_much_waits_takes_only_what_is_its_own_along() {
    let outbox = outbox(10_000);
    let state = |text: &str, fact| outbox.tell(text.into(), About::State(fact));
    outbox.tell(text(6000), About::Lobby);
    assert_eq!(outbox.relay(ONE, "word of one".into()), Ok(()));
    outbox.tell("two came".into(), came(TWO));
    assert_eq!(outbox.relay(TWO, "word of two".into()), Ok(()));
    state("data of one", Fact::Member(ONE));
    state("data of two", Fact::Member(TWO));
    state("locked", Fact::Lock);
    outbox.tell("two left".into(), About::Left(TWO));
    outbox.pop();
    assert_eq!(rest(&outbox), ["word of one", "data of one", "locked"]);
}

#[test]
fn a_state_is_paid_back_once_it_is_replaced_or_void_or_told() {
    let one = || About::State(Fact::Member(ONE));
    // What waits after these news between something large, of all of which so many were written.
    let cost = |news: &[(&str, About)], written: usize| {
        let outbox = outbox(100_000);
        outbox.tell(text(6000), About::Lobby);
        for (text, about) in news {
            outbox.tell((*text).into(), *about);
        }
        outbox.tell(text(6000), About::Lobby);
        (0..written).for_each(|_| _ = outbox.pop());
        outbox.lock().cost
    };
    let replaced = cost(&[("first", one()), ("later", one())], 0);
    assert_eq!(replaced, cost(&[("later", one())], 0));
    let left = ("left", About::Left(ONE));
    let void = cost(&[("first", one()), left], 0);
    assert_eq!(void, cost(&[left], 0));
    let told = cost(&[("first", one())], 2);
    assert_eq!(told, cost(&[], 1));
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
    fn what_waits_is_bounded(steps in proptest::collection::vec((1..200_u32, 0..40_000_usize, 0..5_u8), 0..600)) {
        let config = Config::default();
        let outbox = Outbox::new(config.max_outgoing, config.max_lobby_peers);
        for (member, size, kind) in steps {
            let member = peer(member);
            match kind {
                0 => outbox.tell("left".into(), About::Left(member)),
                1 => outbox.tell("came".into(), came(member)),
                2 => outbox.tell("back".into(), resumed(member)),
                _ => {
                    let _ = outbox.relay(member, text(size));
                }
            }
            let shares = 200 * (config.max_outgoing / config.max_lobby_peers);
            // A leaving and a coming of each.
            let news = 200 * 2 * (4 + TEXT_COST);
            prop_assert!(outbox.lock().cost <= config.max_outgoing + shares + news);
        }
        while outbox.pop().is_some() {}
        prop_assert_eq!(outbox.lock().cost, 0);
        prop_assert!(outbox.lock().costs.is_empty());
    }
}

#[test]
fn only_the_latest_of_a_fact_waits_where_much_waits() {
    let outbox = Outbox::new(1000, 1);
    let tell = |text: &str, fact| outbox.tell(text.into(), About::State(fact));
    outbox.tell("x".repeat(600).into(), About::Lobby);
    for n in 0..100 {
        tell(&format!("lock {n}"), Fact::Lock);
        tell(&format!("data {n}"), Fact::Data);
        for id in [2, 3] {
            let peer = PeerId::new(id).expect("an id");
            tell(&format!("{id} {n}"), Fact::Member(peer));
        }
    }
    outbox.pop();
    assert_eq!(rest(&outbox), ["lock 99", "data 99", "2 99", "3 99"]);
}

/// Data that a member sets after it has come back are told after its return.
#[test]
fn a_state_of_somebody_who_has_left_waits_no_more() {
    let outbox = Outbox::new(100_000, 1);
    let id = PeerId::new(7).expect("an id");
    let state = |text: &str| outbox.tell(text.into(), About::State(Fact::Member(id)));
    let came = || {
        let about = About::Came {
            id,
            is_known: false,
        };
        outbox.tell("came".into(), about);
    };
    came();
    state("first");
    outbox.tell("left".into(), About::Left(id));
    came();
    state("second");
    state("third");
    assert_eq!(rest(&outbox), ["came", "left", "came", "third"]);
    assert_eq!(outbox.lock().cost, 0);
}
