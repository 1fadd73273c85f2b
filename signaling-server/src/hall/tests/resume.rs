//! Seats that are kept, and who gets them back.

use signaling::decode;

use super::*;

pub(super) const OURS: &str = r#"{"type":0,"id":0,"data":"demo","v":1}"#;

/// What a socket was told: type and id of each message, and the last token.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) messages: Vec<(u8, u32)>,
    pub(super) token: Option<String>,
}

pub(super) fn told(said: &[(MemberId, String)], to: MemberId) -> Told {
    let mut told = Told::default();
    for (_, text) in said.iter().filter(|(socket, _)| *socket == to) {
        let Ok(message) = decode(text, usize::MAX) else {
            continue;
        };
        if message.kind.number() == 34 {
            told.token = Some(message.data);
        } else {
            told.messages.push((message.kind.number(), message.id));
        }
    }
    told
}

pub(super) fn give_at(
    house: &mut House,
    now: Instant,
    socket: MemberId,
    text: &str,
) -> Vec<(MemberId, String)> {
    house.handle_text(now, socket, text);
    actions(house)
}

pub(super) fn join(house: &mut House, now: Instant) -> (MemberId, String) {
    let socket = house.connect();
    let said = give_at(house, now, socket, OURS);
    (socket, told(&said, socket).token.expect("a token"))
}

pub(super) fn with_token(token: &str) -> String {
    format!(r#"{{"type":0,"id":0,"data":"demo","v":1,"token":"{token}"}}"#)
}

pub(super) fn resume(
    house: &mut House,
    now: Instant,
    token: &str,
) -> (MemberId, Vec<(MemberId, String)>) {
    let socket = house.connect();
    let said = give_at(house, now, socket, &with_token(token));
    (socket, said)
}

pub(super) fn refused(house: &mut House, now: Instant, token: &str) {
    let (socket, said) = resume(house, now, token);
    let words = "4001 No seat is kept for you any more";
    assert_eq!(said, [(socket, words.to_owned())]);
}

pub(super) fn later(seconds: u64) -> Instant {
    START + Duration::from_secs(seconds)
}

#[test]
fn a_guest_comes_back_to_its_seat_and_only_those_who_know_our_extension_hear_of_it() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    let godot = house.connect();
    give(&mut house, godot, JOIN);
    house.cut(later(1), guest);
    assert_eq!(actions(&mut house), []);
    // What is sent meanwhile is kept by nobody.
    assert_eq!(give(&mut house, host, &notice(4, 10, "v=0")), []);
    let late = house.connect();
    let said = give(&mut house, late, JOIN);
    assert_eq!(
        told(&said, late).messages,
        [(1, 12), (2, 1), (2, 11), (0, 0)]
    );

    let (back, said) = resume(&mut house, later(2), &token);
    let messages = [(1, 10), (2, 1), (2, 11), (2, 12), (0, 0)];
    assert_eq!(told(&said, back).messages, messages);
    assert_eq!(told(&said, host).messages, [(35, 10)]);
    assert_eq!(told(&said, godot).messages, []);
    assert_eq!(told(&said, late).messages, [(2, 10)]);
    let said = give(&mut house, host, &notice(4, 10, "v=0"));
    assert_eq!(said, [(back, notice(4, 1, "v=0"))]);
}

#[test]
fn a_host_comes_back_as_host_and_its_lobby_waits_for_it() {
    let mut house = house(Config::default());
    let (host, token) = join(&mut house, START);
    let (guest, _) = join(&mut house, START);
    house.cut(later(1), host);
    house.handle_timeout(later(60));
    let said = actions(&mut house);
    assert!(
        said.iter().all(|(_, text)| text.contains(r#""type":34"#)),
        "{said:?}"
    );
    let (back, said) = resume(&mut house, later(60), &token);
    assert_eq!(told(&said, back).messages, [(1, 1), (2, 10), (0, 0)]);
    assert_eq!(told(&said, guest).messages, [(35, 1)]);
    let said = give(&mut house, back, SEAL);
    assert_eq!(told(&said, guest).messages, [(7, 0)]);
}

#[test]
fn who_stays_away_for_a_term_has_left() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    let godot = house.connect();
    give(&mut house, godot, JOIN);
    house.cut(later(1), guest);
    house.handle_timeout(later(61));
    let said = actions(&mut house);
    for socket in [host, godot] {
        assert_eq!(told(&said, socket).messages, [(3, 10)]);
    }
    refused(&mut house, later(61), &token);
    house.cut(later(70), host);
    house.handle_timeout(later(130));
    let said = actions(&mut house);
    assert_eq!(
        said,
        [(godot, "4000 Room host has disconnected".to_owned())]
    );
    assert_eq!(house.hall.poll_timeout(), None);
}

#[test]
fn who_says_that_it_leaves_has_left() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    let said = give(&mut house, guest, r#"{"type":36,"id":0}"#);
    assert_eq!(told(&said, host).messages, [(3, 10)]);
    house.cut(START, guest);
    assert_eq!(actions(&mut house), []);
    refused(&mut house, START, &token);
}

#[test]
fn a_token_of_a_lobby_that_has_ended_makes_none() {
    let mut house = house(Config::default());
    let (host, token) = join(&mut house, START);
    give(&mut house, host, r#"{"type":36,"id":0}"#);
    refused(&mut house, START, &token);
    assert_eq!(house.counts().lobbies, 0);
}

#[test]
fn whoever_shows_the_token_last_has_the_seat() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    let mut seat = guest;
    // Stolen, or its owner's: the server cannot tell.
    for _ in 0..3 {
        let (next, said) = resume(&mut house, later(1), &token);
        let words = "4002 You have come back on another connection";
        assert_eq!(said[0], (seat, words.to_owned()));
        assert_eq!(told(&said, next).messages, [(1, 10), (2, 1), (0, 0)]);
        assert_eq!(told(&said, host).messages, [(35, 10)]);
        seat = next;
    }
    house.cut(later(2), guest);
    assert_eq!(actions(&mut house), []);
    assert_eq!(house.counts().members, 2);
}

#[test]
fn a_token_that_is_forged_or_has_expired_brings_nobody_in() {
    let mut house = house(Config::default());
    let (_, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    for wrong in ["", "x", &token[1..], &token.replace('A', "B")] {
        refused(&mut house, START, wrong);
    }
    let mut other = super::house(Config::default());
    let (_, foreign) = join(&mut other, START);
    refused(&mut house, START, &foreign);
    // It is on its seat all the time, and its first token has had its time.
    house.handle_timeout(later(90));
    actions(&mut house);
    refused(&mut house, later(90), &token);
    assert!(house.visitors.contains_key(&guest));
}

#[test]
fn tokens_are_renewed_so_that_one_is_always_valid_for_a_term() {
    let mut house = house(Config::default());
    let (guest, mut token) = join(&mut house, START);
    for round in 1..10 {
        let due = house.hall.poll_timeout().expect("a renewal");
        assert_eq!(due, later(30 * round));
        house.handle_timeout(due);
        let said = actions(&mut house);
        token = told(&said, guest).token.expect("a token");
    }
    house.cut(later(299), guest);
    let (back, said) = resume(&mut house, later(358), &token);
    assert_eq!(told(&said, back).messages, [(1, 1), (0, 0)]);
}

#[test]
fn a_server_that_keeps_no_seats_speaks_godots_protocol_alone() {
    let no_term = Config {
        resume_term: Duration::ZERO,
        ..Config::default()
    };
    for config in [no_term, Config::strict()] {
        let (mut house, _) = lobby_of(
            Config {
                strict: false,
                ..config.clone()
            },
            1,
            JOIN,
        );
        house.hall.config.strict = config.strict;
        house.hall.vault = None;
        let socket = house.connect();
        let said = give(&mut house, socket, OURS);
        for (_, text) in &said {
            assert!(
                !text.contains(r#""v""#) && !text.contains("token"),
                "{text}"
            );
        }
        assert_eq!(told(&said, socket).messages, [(1, 10), (2, 1), (0, 0)]);
        house.cut(START, socket);
        assert_eq!(house.counts().away, 0);
    }
}

#[test]
fn a_member_of_godots_protocol_sees_nothing_of_ours() {
    let mut house = house(Config::default());
    let godot = house.connect();
    give(&mut house, godot, JOIN);
    let (guest, _) = join(&mut house, START);
    let numbered = r#"{"type":4,"id":1,"data":"v=0","seq":7,"prev":3}"#;
    let said = give(&mut house, guest, numbered);
    assert_eq!(said, [(godot, notice(4, 10, "v=0"))]);
    // Nor does it speak it.
    for text in [r#"{"type":32,"id":0}"#, r#"{"type":36,"id":0}"#] {
        assert_eq!(give(&mut house, godot, text), []);
    }
    let said = give(&mut house, guest, r#"{"type":32,"id":0}"#);
    assert_eq!(said, [(guest, notice(33, 0, ""))]);
    let (other, _) = join(&mut house, START);
    let numbered = numbered.replace(r#""id":1"#, r#""id":11"#);
    let said = give(&mut house, guest, &numbered);
    let arrived = numbered.replace(r#""id":11"#, r#""id":10"#);
    assert_eq!(said, [(other, arrived)]);
}

#[test]
fn no_more_seats_are_kept_than_there_may_be_sockets() {
    let mut house = house(Config {
        max_peers: 2,
        ..Config::default()
    });
    for kept in [1, 2, 2, 2] {
        let (socket, _) = join(&mut house, START);
        house.cut(START, socket);
        assert_eq!(house.counts().away, kept);
    }
}

#[test]
fn an_address_has_no_more_seats_kept_than_sockets() {
    let mut config = Config::default();
    config.address.sockets = 2;
    let mut house = house(config);
    let network = Network::of([192, 0, 2, 1].into());
    for kept in [1, 2, 2, 2] {
        let socket = house.connect();
        house.networks.insert(socket, network);
        give(&mut house, socket, OURS);
        house.cut(START, socket);
        assert_eq!(house.counts().away, kept);
    }
}

fn with_attempt(token: &str, attempt: u32) -> String {
    with_token(token).replace('}', &format!(r#","try":{attempt}}}"#))
}

#[test]
fn a_join_of_an_abandoned_attempt_does_not_take_the_seat_from_a_later_one() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    house.cut(later(1), guest);
    let (abandoned, newer) = (house.connect(), house.connect());
    let said = give_at(&mut house, later(2), newer, &with_attempt(&token, 2));
    assert_eq!(told(&said, newer).messages, [(1, 10), (2, 1), (0, 0)]);
    let said = give_at(&mut house, later(2), abandoned, &with_attempt(&token, 1));
    let words = "4002 You have come back on another connection";
    assert_eq!(said, [(abandoned, words.to_owned())]);
    let said = give(&mut house, host, &notice(4, 10, "v=0"));
    assert_eq!(said, [(newer, notice(4, 1, "v=0"))]);
}

#[test]
fn who_comes_back_in_a_loop_is_slowed_down_and_costs_the_others_nothing() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (_, token) = join(&mut house, START);
    let mut heard = 0;
    let mut seat = None;
    for tick in 0..1000 {
        let now = START + Duration::from_millis(20 * tick);
        let (socket, said) = resume(&mut house, now, &token);
        heard += told(&said, host).messages.len();
        if said[0].0 == socket && said[0].1.starts_with("1013") {
            let words = "1013 You have come back too often: try again later";
            assert_eq!(said, [(socket, words.to_owned())]);
        } else {
            seat = Some(socket);
        }
    }
    // Four at once and one every five seconds, in twenty seconds.
    assert_eq!(heard, 4 + 3);
    let said = give(&mut house, host, &notice(4, 10, "v=0"));
    assert_eq!(said, [(seat.expect("a seat"), notice(4, 1, "v=0"))]);
}
