//! Receivers that have no room.

use super::*;
use crate::Config;
use crate::admission::Pass;
use crate::door::Meter;
use crate::outbox::Outgoing;

/// What waits for a receiver has room for one [`text`] of each sender, and for no second one.
fn relay() -> Relay {
    let config = Config {
        max_outgoing: 16 * 500,
        messages_per_second: 0,
        message_burst: 40,
        max_lobby_peers: 4,
        ..Config::default()
    };
    Relay::new(config, None)
}

fn meter(relay: &Relay) -> SharedMeter {
    SharedMeter::new(Meter::new(relay.now(), relay.config()))
}

fn place(relay: &Relay) -> Place {
    let visit = relay.enter(None, || Ok(Pass::anywhere())).expect("room");
    relay.connect(&visit).expect("a place")
}

/// A text for the member of that id. It costs two tokens to send.
fn text(id: u32, word: &str) -> String {
    format!(r#"{{"type":6,"id":{id},"data":"{word:x<300}"}}"#)
}

/// Has a member do what a text asks for; why it must go, if it must.
async fn handle(sender: &mut Sender<'_>, visitor: &mut Visitor, text: &str) -> Option<Goodbye> {
    sender.handle(visitor, text).await.err()
}

/// Lets a member into the lobby that all of these tests have.
async fn join(sender: &mut Sender<'_>) -> Visitor {
    let mut visitor = Visitor::new(sender.relay.config());
    let join = r#"{"type":0,"id":0,"data":"demo"}"#;
    assert_eq!(handle(sender, &mut visitor, join).await, None);
    visitor
}

#[test]
fn a_change_in_a_large_lobby_costs_more() {
    assert_eq!([1, 7, 8, 64, 128].map(price), [0, 0, 1, 8, 16]);
}

#[test]
fn a_member_is_held_up_for_a_quarter_of_its_time_at_most() {
    let start = Instant::now();
    let mut patience = Patience { whole_at: start };
    let mut now = start;
    let mut held_up = Duration::ZERO;
    // Every receiver is clogged, and there is always a text for one.
    for _ in 0..1000 {
        let wait = patience.left(now);
        now += wait;
        held_up += wait;
        patience.spend(now, wait);
        now += Duration::from_millis(50);
    }
    let bound = PATIENCE + (now - start) / RECOVERY;
    assert!(held_up <= bound, "{held_up:?} of {:?}", now - start);
    assert!(patience.left(now) < PATIENCE / 10);
    assert_eq!(patience.left(now + PATIENCE * RECOVERY), PATIENCE);
}

#[test]
fn patience_comes_back_bit_by_bit() {
    let start = Instant::now();
    let mut patience = Patience { whole_at: start };
    patience.spend(start, Duration::from_secs(2));
    for (seconds, millis) in [(0, 0), (1, 250), (4, 1000), (7, 1750), (8, 2000), (9, 2000)] {
        let left = patience.left(start + Duration::from_secs(seconds));
        assert_eq!(left, Duration::from_millis(millis), "after {seconds} s");
    }
}

#[tokio::test]
async fn a_text_waits_for_a_receiver_that_has_no_room() {
    let relay = relay();
    let meter = meter(&relay);
    let (host, guest) = (place(&relay), place(&relay));
    join(&mut Sender::new(&relay, &host, &meter)).await;
    let mut sender = Sender::new(&relay, &guest, &meter);
    let mut visitor = join(&mut sender).await;
    let first = text(1, "first");
    assert_eq!(handle(&mut sender, &mut visitor, &first).await, None);
    let begun = Instant::now();
    let second = text(1, "second");
    let taking = async {
        loop {
            match host.outbox().next().await {
                Outgoing::Text(text) if text.contains("first") => return,
                Outgoing::Text(_) => {}
                Outgoing::Close(goodbye) => panic!("{goodbye}"),
            }
        }
    };
    let (gone, ()) = tokio::join!(handle(&mut sender, &mut visitor, &second), taking);
    assert_eq!(gone, None);
    assert!(sender.patience.whole_at > begun, "it had to wait");
    // So that a text that was dropped is not waited for.
    host.outbox().close(Goodbye::HostLeft);
    let next = host.outbox().next().await;
    assert!(
        matches!(&next, Outgoing::Text(text) if text.contains("second")),
        "{next:?}"
    );
}

#[tokio::test]
async fn texts_in_vain_cost_eight_times_as_much_until_their_sender_has_to_go() {
    let relay = relay();
    let meter = meter(&relay);
    let (host, guest) = (place(&relay), place(&relay));
    join(&mut Sender::new(&relay, &host, &meter)).await;
    let mut sender = Sender::new(&relay, &guest, &meter);
    let mut visitor = join(&mut sender).await;
    let text = text(1, "word");
    assert_eq!(handle(&mut sender, &mut visitor, &text).await, None);
    // It has waited for the host in vain before.
    sender.clog(MemberId(host.number()));
    // Of 40 tokens each one takes 16.
    for expected in [None, None, Some(Goodbye::Flooding)] {
        assert_eq!(handle(&mut sender, &mut visitor, &text).await, expected);
    }
}

#[tokio::test]
async fn as_many_slow_receivers_are_remembered_as_a_lobby_has_members() {
    let relay = relay();
    let (meter, place) = (meter(&relay), place(&relay));
    let mut sender = Sender::new(&relay, &place, &meter);
    for number in 0..4 {
        sender.clog(MemberId(number));
    }
    assert_eq!(sender.clogged.len(), 4);
    for number in 4..100 {
        sender.clog(MemberId(number));
        assert!(sender.clogged.len() <= 4 && sender.clogged.contains(&MemberId(number)));
    }
}
