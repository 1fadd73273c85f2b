//! A server that stops names an address, and the client comes back there.

use mesh_core::{Duration, HintError, LobbyEvent, MAX_HINT_SIZE, ReconnectHint, SignalingEvent};

use super::resuming::{answer, attempt, back, broken, interrupted, ours};
use super::*;

const GIVEN: &str = "wss://a.example";
const NAMED: &str = "wss://b.example/";

/// A client that is in, by a connection with `url`.
fn client_at(url: Option<&'static str>) -> Client<Script> {
    let mut client = ours(7, &[1]);
    client.transport.url = url;
    client
}

fn drain(url: &str) -> TransportEvent {
    text(&format!(r#"{{"type":44,"id":30,"data":"{url}"}}"#))
}

fn draining(hint: ReconnectHint) -> Vec<SignalingEvent> {
    let within = Duration::from_secs(30);
    let draining = LobbyEvent::Draining { within, hint };
    vec![SignalingEvent::Lobby(draining)]
}

/// A client that has been told to come back at `NAMED`.
fn led() -> Client<Script> {
    let mut client = client_at(Some(GIVEN));
    let told = give(&mut client, drain(NAMED));
    assert_eq!(told, draining(ReconnectHint::At(NAMED.to_owned())));
    client
}

/// The connection breaks.
fn break_off(client: &mut Client<Script>) {
    let reason = refused(1001, "The server is shutting down");
    let closed = TransportEvent::Closed {
        reason: reason.clone(),
    };
    assert_eq!(give(client, closed), [interrupted(reason)]);
}

/// The attempt under way fails; what the game hears of that.
fn fail(client: &mut Client<Script>, reason: LostReason) -> Vec<SignalingEvent> {
    give(client, TransportEvent::Closed { reason })
}

fn unreachable() -> LostReason {
    LostReason::Unreachable("refused".to_owned())
}

#[test]
fn a_hint_changes_nothing_before_the_end() {
    let client = led();
    assert_eq!(client.transport.reopened, Some(0));
    assert!(!client.transport.closed);
    assert_eq!(client.transport.sent, [""; 0]);
}

#[test]
fn it_comes_back_at_the_address_that_was_named() {
    let mut client = led();
    break_off(&mut client);
    // With its token.
    let (_, events) = back(&mut client, 7, &[1]);
    assert_eq!(events, [SignalingEvent::Resumed]);
    assert_eq!(client.transport.elsewhere.as_deref(), Some(NAMED));
    // It stays there.
    assert_eq!(give(&mut client, broken()).len(), 1);
    attempt(&mut client);
    assert_eq!(client.transport.elsewhere.as_deref(), Some(NAMED));
}

#[test]
fn the_address_of_before_is_tried_in_turn() {
    let mut client = led();
    break_off(&mut client);
    for expected in [Some(NAMED), None, Some(NAMED), None] {
        attempt(&mut client);
        assert_eq!(client.transport.elsewhere.as_deref(), expected);
        assert_eq!(fail(&mut client, unreachable()), []);
    }
}

#[test]
fn a_server_that_knows_no_seat_of_ours_is_not_asked_again() {
    for reason in [
        refused(crate::CLOSE_NO_SEAT, "No seat is kept for you any more"),
        refused(crate::CLOSE_NOT_ADMITTED, "A ticket is needed"),
        LostReason::Protocol("a frame that is no text".to_owned()),
    ] {
        let mut client = led();
        break_off(&mut client);
        attempt(&mut client);
        assert_eq!(client.transport.elsewhere.as_deref(), Some(NAMED));
        assert_eq!(fail(&mut client, reason.clone()), []);
        for _ in 0..3 {
            attempt(&mut client);
            assert_eq!(client.transport.elsewhere, None);
            assert_eq!(fail(&mut client, unreachable()), []);
        }
        // Where our seat was, this is the end.
        attempt(&mut client);
        assert_eq!(fail(&mut client, reason.clone()), lost(reason));
    }
}

/// A server of another game, or of Godot's protocol, takes us for somebody new.
#[test]
fn a_server_that_gives_us_another_id_is_not_asked_again() {
    let mut client = led();
    break_off(&mut client);
    let now = attempt(&mut client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    assert_eq!(answer(&mut client, now, 8, &[]), []);
    let (_, events) = back(&mut client, 7, &[1]);
    assert_eq!(events, [SignalingEvent::Resumed]);
    assert_eq!(client.transport.elsewhere, None);
}

/// So does one that knows no seats and gives us, by chance, the id that we have.
#[test]
fn a_server_that_keeps_no_seats_is_not_asked_again() {
    let mut client = led();
    break_off(&mut client);
    let now = attempt(&mut client);
    client.transport.incoming.push_back(TransportEvent::Opened);
    for answer in [
        r#"{"type":1,"id":7,"data":"true"}"#,
        r#"{"type":0,"id":0,"data":"demo"}"#,
    ] {
        client.transport.incoming.push_back(text(answer));
    }
    assert_eq!(drain_at(&mut client, now), []);
    let (_, events) = back(&mut client, 7, &[1]);
    assert_eq!(events, [SignalingEvent::Resumed]);
    assert_eq!(client.transport.elsewhere, None);
}

#[test]
fn a_later_word_takes_the_place_of_an_earlier_one() {
    for later in ["", "https://b.example"] {
        let mut client = led();
        assert_eq!(give(&mut client, drain(later)).len(), 1);
        break_off(&mut client);
        back(&mut client, 7, &[1]);
        assert_eq!(client.transport.elsewhere, None, "{later}");
    }
}

#[test]
fn what_ends_a_seat_at_the_address_that_was_named_ends_it() {
    let mut client = led();
    break_off(&mut client);
    attempt(&mut client);
    let reason = refused(crate::CLOSE_REPLACED, "You have come back");
    assert_eq!(fail(&mut client, reason.clone()), lost(reason));
}

#[test]
fn an_address_at_which_no_connection_can_begin_is_passed_over() {
    let mut client = client_at(Some(GIVEN));
    give(&mut client, drain("wss://forbidden.example"));
    break_off(&mut client);
    back(&mut client, 7, &[1]);
    assert_eq!(client.transport.elsewhere, None);
}

#[test]
fn a_server_that_names_none_is_found_where_it_was() {
    let mut client = client_at(Some(GIVEN));
    assert_eq!(give(&mut client, drain("")), draining(ReconnectHint::Same));
    break_off(&mut client);
    back(&mut client, 7, &[1]);
    assert_eq!(client.transport.elsewhere, None);
}

#[test]
fn an_address_that_is_refused_is_told_and_not_used() {
    let long = format!("{NAMED}{}", "x".repeat(MAX_HINT_SIZE));
    let size = long.len();
    for (from, url, error) in [
        (Some(GIVEN), "ws://b.example", HintError::Unencrypted),
        (Some(GIVEN), "https://b.example", HintError::NotWebSocket),
        (Some(GIVEN), &long, HintError::TooLong { size }),
        (None, NAMED, HintError::Unsupported),
    ] {
        let mut client = client_at(from);
        let told = give(&mut client, drain(url));
        assert_eq!(told, draining(ReconnectHint::Refused(error)));
        break_off(&mut client);
        back(&mut client, 7, &[1]);
        assert_eq!(client.transport.elsewhere, None);
    }
}

/// The latest connection counts, also where it was not the first one that was encrypted.
#[test]
fn no_hint_leads_from_an_encrypted_connection_to_one_that_is_not() {
    let mut client = client_at(Some("ws://a.example"));
    give(&mut client, drain(NAMED));
    break_off(&mut client);
    back(&mut client, 7, &[1]);
    let told = give(&mut client, drain("ws://c.example"));
    let refused = ReconnectHint::Refused(HintError::Unencrypted);
    assert_eq!(told, draining(refused));
    let told = give(&mut client, drain("wss://c.example"));
    let taken = ReconnectHint::At("wss://c.example".to_owned());
    assert_eq!(told, draining(taken));
}

#[test]
fn a_server_that_does_not_speak_the_extension_names_no_address() {
    let mut client = joined(7, &[1]);
    client.transport.url = Some(GIVEN);
    assert_eq!(give(&mut client, drain(NAMED)), []);
}
