//! Coming back: when a connection counts as broken, when it is tried again, and what becomes of the members.

use mesh_core::{Duration, Instant, LostReason, Signaling, SignalingEvent};

use super::*;

pub(super) const WELCOME: &str = r#"{"type":34,"id":60,"data":"first"}"#;

/// How a client asks to be taken back, without the number of the attempt.
const REJOIN: &str = r#"{"type":0,"id":0,"data":"demo","v":1,"token":"first""#;
const TERM: Duration = Duration::from_secs(60);

pub(super) fn broken() -> TransportEvent {
    TransportEvent::Closed {
        reason: LostReason::Closed,
    }
}

/// A client that is in as `id` on a server of ours, with members that speak our extension.
pub(super) fn ours(id: u32, members: &[u32]) -> Client<Script> {
    let mut client = client([TransportEvent::Opened]);
    client.transport.reopened = Some(0);
    let events = answer(&mut client, START, id, members);
    assert_eq!(events.len(), 1 + members.len());
    client.transport.sent.clear();
    client
}

/// The server's answer to a join.
pub(super) fn answer(
    client: &mut Client<Script>,
    now: Instant,
    id: u32,
    members: &[u32],
) -> Vec<SignalingEvent> {
    let incoming = &mut client.transport.incoming;
    incoming.push_back(text(&format!(r#"{{"type":1,"id":{id},"data":"true"}}"#)));
    incoming.push_back(text(WELCOME));
    for member in members {
        incoming.push_back(our_peer(2, *member));
    }
    incoming.push_back(text(JOIN));
    drain_at(client, now)
}

pub(super) fn our_peer(kind: u8, id: u32) -> TransportEvent {
    text(&format!(r#"{{"type":{kind},"id":{id},"data":"","v":1}}"#))
}

/// Lets the next attempt begin; when it did.
pub(super) fn attempt(client: &mut Client<Script>) -> Instant {
    let before = client.transport.reopened;
    let due = client.poll_timeout().expect("an attempt is planned");
    drain_at(client, due);
    assert_eq!(client.transport.reopened, before.map(|count| count + 1));
    due
}

/// Is back with these members.
pub(super) fn back(
    client: &mut Client<Script>,
    id: u32,
    members: &[u32],
) -> (Instant, Vec<SignalingEvent>) {
    let now = attempt(client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    drain_at(client, now);
    let rejoin = format!(r#"{REJOIN},"try":{}}}"#, client.attempts);
    assert_eq!(client.transport.sent, [rejoin]);
    client.transport.sent.clear();
    let events = answer(client, now, id, members);
    assert_eq!(events.first(), Some(&SignalingEvent::Resumed));
    (now, events)
}

pub(super) fn interrupted(reason: LostReason) -> SignalingEvent {
    SignalingEvent::Interrupted { reason }
}

#[test]
fn a_broken_connection_is_made_again_and_the_differences_are_told() {
    let mut client = ours(7, &[1, 9]);
    let events = give(&mut client, broken());
    assert_eq!(events, [interrupted(LostReason::Closed)]);
    assert_eq!(client.id(), Some(peer(7)));
    let (now, events) = back(&mut client, 7, &[1, 11]);
    assert!(now - START <= Duration::from_millis(250));
    let joined = SignalingEvent::PeerJoined(peer(11));
    assert_eq!(events, [SignalingEvent::Resumed, joined]);
    // 9 may not be back yet.
    let due = now + Duration::from_secs(4);
    assert_eq!(client.poll_timeout(), Some(due), "a pulse");
    let given_up = now + Duration::from_secs(20);
    client
        .transport
        .incoming
        .push_back(text(r#"{"type":33,"id":0}"#));
    let just_before = Instant::from_micros(given_up.as_micros() - 1);
    assert_eq!(drain_at(&mut client, just_before), []);
    let left = SignalingEvent::PeerLeft(peer(9));
    assert_eq!(drain_at(&mut client, given_up), [left]);
    client.transport.incoming.push_back(our_peer(35, 9));
    let joined = SignalingEvent::PeerJoined(peer(9));
    assert_eq!(drain_at(&mut client, given_up), [joined]);
}

#[test]
fn who_comes_back_to_a_star_asks_for_a_star() {
    let mut client = client([TransportEvent::Opened]);
    client.transport.reopened = Some(0);
    let star = text(r#"{"type":1,"id":7,"data":""}"#);
    client
        .transport
        .incoming
        .extend([star, text(WELCOME), text(JOIN)]);
    assert_eq!(drain_at(&mut client, START).len(), 1);
    client.transport.sent.clear();
    give(&mut client, broken());
    let now = attempt(&mut client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    drain_at(&mut client, now);
    let rejoin = REJOIN.replace(r#""id":0"#, r#""id":1"#);
    assert_eq!(client.transport.sent, [format!(r#"{rejoin},"try":1}}"#)]);
}

#[test]
fn a_server_of_godots_protocol_is_neither_asked_nor_found_again() {
    let mut client = joined(7, &[1]);
    client.transport.reopened = Some(0);
    assert_eq!(client.poll_timeout(), None);
    assert_eq!(give(&mut client, broken()), lost(LostReason::Closed));
    assert_eq!(client.transport.reopened, Some(0));
}

#[test]
fn it_tries_again_until_its_seat_is_not_kept_any_more() {
    let mut client = ours(7, &[1]);
    give(&mut client, broken());
    let mut last = START;
    let reason = LostReason::Unreachable("refused".to_owned());
    loop {
        let due = client.poll_timeout().expect("an attempt or the end");
        assert!(due - last <= Duration::from_secs(3));
        if due == START + TERM {
            assert_eq!(drain_at(&mut client, due), lost(reason));
            break;
        }
        last = attempt(&mut client);
        let reason = reason.clone();
        client
            .transport
            .incoming
            .push_back(TransportEvent::Closed { reason });
        assert_eq!(drain_at(&mut client, due), []);
    }
    let attempts = client.transport.reopened.expect("a number");
    assert!((20..50).contains(&attempts), "{attempts}");
    assert!(client.transport.closed);
    assert_eq!(client.id(), None);
}

#[test]
fn the_end_says_how_the_last_attempt_has_failed() {
    let last_words = |opens: bool| {
        let mut client = ours(7, &[1]);
        // A seat is kept for 4 s.
        give(&mut client, text(r#"{"type":34,"id":4,"data":"first"}"#));
        give(&mut client, broken());
        loop {
            let due = client.poll_timeout().expect("an attempt or the end");
            let before = client.transport.reopened;
            if let [SignalingEvent::Lost { reason }] = drain_at(&mut client, due).as_slice() {
                return reason.to_string();
            }
            if opens && client.transport.reopened != before {
                client.transport.incoming.push_back(TransportEvent::Opened);
                assert_eq!(drain_at(&mut client, due), []);
            }
        }
    };
    let unopened = last_words(false);
    assert!(unopened.ends_with("no connection within 2s"), "{unopened}");
    let unanswered = last_words(true);
    let ending = "it did not answer the request to join within 5s";
    assert!(unanswered.ends_with(ending), "{unanswered}");
}

#[test]
fn an_attempt_that_nobody_answers_is_given_up_soon() {
    let mut client = ours(7, &[1]);
    give(&mut client, broken());
    let began = attempt(&mut client);
    let mut attempts = vec![began];
    // Each follows soon, until it is clear that this takes longer.
    for (number, seconds) in (1..).zip([2, 2, 5, 2, 2, 5, 2, 2, 5, 2, 2, 5, 5, 5]) {
        let began = *attempts.last().expect("one");
        let deadline = client.poll_timeout().expect("a deadline");
        assert_eq!(deadline, began + Duration::from_secs(seconds));
        assert_eq!(drain_at(&mut client, deadline), []);
        let next = attempt(&mut client);
        let (least, most) = if number <= 12 {
            (30, 500)
        } else {
            (1000, 2000)
        };
        let rest = (next - deadline).as_millis();
        assert!((least..=most).contains(&rest), "{rest} ms after {number}");
        attempts.push(next);
    }
    let began = *attempts.last().expect("one");
    // A server that takes the connection has all of the time, and its rest after it.
    client.transport.incoming.push_back(TransportEvent::Opened);
    drain_at(&mut client, began);
    let deadline = client.poll_timeout().expect("a deadline");
    assert_eq!(deadline, began + Duration::from_secs(5));
    assert_eq!(drain_at(&mut client, deadline), []);
    let next = client.poll_timeout().expect("the next attempt");
    assert!(next - deadline >= Duration::from_secs(1));
    back(&mut client, 7, &[1]);
}

#[test]
fn only_what_may_pass_is_waited_for() {
    let passing = [
        LostReason::Unreachable("reset".to_owned()),
        LostReason::Closed,
        refused(1001, "The server is shutting down"),
        refused(1013, "No answer to a ping within 10s"),
        refused(1008, "Too many messages: at most 128 a second"),
    ];
    for reason in passing {
        let mut client = ours(7, &[1]);
        let closed = TransportEvent::Closed {
            reason: reason.clone(),
        };
        assert_eq!(give(&mut client, closed), [interrupted(reason)]);
        let now = attempt(&mut client);
        // Many come back at once, so limits are in the way.
        let mut now = now;
        for limit in [
            refused(
                1008,
                "Too many joins from your address: at most 16 a second",
            ),
            refused(4000, "Lobby is full: at most 128 peers"),
            refused(4000, "Too many lobbies open, disconnecting"),
            refused(4000, "Too many peers connected"),
            refused(4000, "Have not joined lobby yet"),
        ] {
            let closed = TransportEvent::Closed { reason: limit };
            client.transport.incoming.push_back(closed);
            assert_eq!(drain_at(&mut client, now), []);
            now = attempt(&mut client);
        }
        let gone = refused(4001, "No seat is kept for you any more");
        let closed = TransportEvent::Closed {
            reason: gone.clone(),
        };
        client.transport.incoming.push_back(closed);
        assert_eq!(drain_at(&mut client, now), lost(gone));
    }
    for reason in [
        refused(4002, "You have come back on another connection"),
        LostReason::PageLeft,
        LostReason::Protocol("a binary message".to_owned()),
    ] {
        let mut client = ours(7, &[1]);
        let closed = TransportEvent::Closed {
            reason: reason.clone(),
        };
        assert_eq!(give(&mut client, closed), lost(reason));
    }
    let mut client = ours(7, &[1]);
    give(&mut client, text(SEAL));
    assert_eq!(give(&mut client, broken()), lost(LostReason::Closed));
}

#[test]
fn a_transport_that_cannot_be_opened_again_ends_it() {
    let mut client = ours(7, &[1]);
    client.transport.reopened = None;
    let events = give(&mut client, broken());
    assert_eq!(events, [interrupted(LostReason::Closed)]);
    let due = client.poll_timeout().expect("an attempt");
    assert_eq!(drain_at(&mut client, due), lost(LostReason::Closed));
}

#[test]
fn a_server_that_gives_another_id_is_left() {
    let mut client = ours(7, &[1]);
    give(&mut client, broken());
    let now = attempt(&mut client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    drain_at(&mut client, now);
    let events = answer(&mut client, now, 8, &[]);
    let [SignalingEvent::Lost { reason }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert!(matches!(reason, LostReason::Protocol(_)), "{reason}");
}

#[test]
fn the_latest_token_counts_and_so_does_the_name_that_the_server_gave() {
    let mut client = Client::new(Script::default(), JoinRequest::default());
    client.transport.reopened = Some(0);
    client.transport.incoming.push_back(TransportEvent::Opened);
    drain(&mut client);
    answer(&mut client, START, 7, &[]);
    give(&mut client, text(r#"{"type":34,"id":60,"data":"second"}"#));
    give(&mut client, broken());
    let now = attempt(&mut client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    drain_at(&mut client, now);
    let rejoin = REJOIN.replace("first", "second") + r#","try":1}"#;
    assert_eq!(client.transport.sent, [rejoin]);
}

#[test]
fn it_says_that_it_leaves() {
    let mut client = ours(7, &[1]);
    client.close();
    assert_eq!(client.transport.sent, [r#"{"type":36,"id":0,"data":""}"#]);
    assert!(client.transport.closed);
    let mut client = ours(7, &[1]);
    give(&mut client, broken());
    client.close();
    assert_eq!(client.transport.sent, [""; 0]);
    assert_eq!(client.poll_timeout(), None);
    assert_eq!(drain(&mut client), []);
}

#[test]
fn each_attempt_has_a_higher_number() {
    let mut client = ours(7, &[1]);
    for expected in 1..=3 {
        give(&mut client, broken());
        back(&mut client, 7, &[1]);
        assert_eq!(client.attempts, expected);
    }
}

#[test]
fn pauses_grow_on_while_no_connection_stands_for_a_while() {
    let mut client = ours(7, &[1]);
    let mut now = START;
    let mut pauses = Vec::new();
    for _ in 0..8 {
        client.transport.incoming.push_back(broken());
        drain_at(&mut client, now);
        let (back_at, _) = back(&mut client, 7, &[1]);
        pauses.push(back_at - now);
        now = back_at;
    }
    let last = pauses.last().expect("a pause");
    assert!(*last >= Duration::from_millis(1500), "{pauses:?}");
    now += Duration::from_secs(10);
    client.transport.incoming.push_back(broken());
    drain_at(&mut client, now);
    let (back_at, _) = back(&mut client, 7, &[1]);
    assert!(back_at - now <= Duration::from_millis(250));
}

#[test]
fn a_server_that_was_started_again_without_our_extension_is_one_of_godots() {
    let mut client = ours(1, &[9]);
    assert_eq!(client.send(START, peer(9), offer()), Ok(()));
    give(&mut client, broken());
    let now = attempt(&mut client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    drain_at(&mut client, now);
    // It makes a lobby of that name for its host, and 9 comes into it.
    for said in [r#"{"type":1,"id":1,"data":"true"}"#, JOIN, CONNECT_9] {
        client.transport.incoming.push_back(text(said));
    }
    let before = client.transport.sent.len();
    assert_eq!(drain_at(&mut client, now), [SignalingEvent::Resumed]);
    assert_eq!(client.transport.sent.len(), before, "nothing is sent twice");
    client.transport.sent.clear();
    let plain = r#"{"type":4,"id":9,"data":"v=0"}"#;
    assert_eq!(client.send(now, peer(9), offer()), Ok(()));
    assert_eq!(client.transport.sent, [plain]);
    // It is not asked for a sign of life, and its next break is the end.
    let later = now + Duration::from_secs(100);
    assert_eq!(drain_at(&mut client, later), []);
    assert_eq!(client.transport.sent.len(), 1);
    client.transport.incoming.push_back(broken());
    assert_eq!(drain_at(&mut client, later), lost(LostReason::Closed));
}

#[test]
fn a_missing_member_is_given_up_without_our_extension_too() {
    let mut client = ours(1, &[9]);
    give(&mut client, broken());
    let now = attempt(&mut client);
    for event in [
        TransportEvent::Opened,
        text(r#"{"type":1,"id":1,"data":"true"}"#),
        text(JOIN),
    ] {
        client.transport.incoming.push_back(event);
    }
    assert_eq!(drain_at(&mut client, now), [SignalingEvent::Resumed]);
    // No pulse wakes us before.
    let given_up = now + Duration::from_secs(20);
    assert_eq!(client.poll_timeout(), Some(given_up));
    let left = SignalingEvent::PeerLeft(peer(9));
    assert_eq!(drain_at(&mut client, given_up), [left]);
}

#[test]
fn a_term_of_nothing_or_of_years_is_none_or_an_hour() {
    for (term, longest) in [(0, 0), (2_147_483_647, 3600)] {
        let mut client = ours(7, &[1]);
        let welcome = format!(r#"{{"type":34,"id":{term},"data":"first"}}"#);
        give(&mut client, text(&welcome));
        // Who cannot come back has no use for knowing early that the server is dead.
        assert_eq!(client.poll_timeout().is_some(), longest > 0);
        let events = give(&mut client, broken());
        if longest == 0 {
            assert_eq!(events, lost(LostReason::Closed));
            continue;
        }
        let over = START + Duration::from_secs(longest);
        assert!(!client.absence.as_ref().is_some_and(|absence| {
            absence.is_over(Instant::from_micros(over.as_micros() - 1))
        }));
        assert!(
            client
                .absence
                .as_ref()
                .is_some_and(|absence| absence.is_over(over))
        );
    }
}

#[test]
fn who_leaves_while_the_connection_is_broken_gives_its_seat_up() {
    let rejoin = |n: u32| format!(r#"{REJOIN},"try":{n}}}"#);
    const LEAVE: &str = r#"{"type":36,"id":0,"data":""}"#;
    // Between two attempts.
    let mut client = ours(7, &[1]);
    give(&mut client, broken());
    client.close();
    assert_eq!(client.transport.farewell, [&*rejoin(1), LEAVE]);
    assert!(client.transport.closed);
    // In one that has not got through yet.
    let mut client = ours(7, &[1]);
    give(&mut client, broken());
    attempt(&mut client);
    client.close();
    assert_eq!(client.transport.farewell, [&*rejoin(1), LEAVE]);
    // In one that has.
    let mut client = ours(7, &[1]);
    give(&mut client, broken());
    let now = attempt(&mut client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    drain_at(&mut client, now);
    client.close();
    assert_eq!(client.transport.sent, [&*rejoin(1), LEAVE]);
    assert_eq!(client.transport.farewell, [""; 0]);
    // One that has no seat has nothing to give up.
    let mut client = super::client([]);
    drain(&mut client);
    client.close();
    assert_eq!(client.transport.farewell, [""; 0]);
}
