//! Kicking, banning and locking, and who may do it.

use super::resume::{OURS, give_at, join, later, resume, told};
use super::*;

const LOCK: &str = r#"{"type":39,"id":0,"data":"true"}"#;
const OPEN: &str = r#"{"type":39,"id":0,"data":""}"#;

fn network(last: u8) -> Network {
    Network::of([10, 0, 0, last].into())
}

/// A member that joins from an address.
fn join_from(house: &mut House, last: u8) -> (MemberId, Vec<(MemberId, String)>) {
    let socket = house.connect();
    house.networks.insert(socket, network(last));
    let said = give(house, socket, OURS);
    (socket, said)
}

#[test]
fn who_is_kicked_hears_why_and_the_others_hear_that_it_left() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    let (other, _) = join(&mut house, START);
    let godot = connect(&mut house);
    give(&mut house, godot, JOIN);
    let said = give(&mut house, host, &notice(37, 10, "spam"));
    let removed = r#"{"type":3,"id":10,"data":"spam","why":1}"#.to_owned();
    let expected = [
        (guest, "4003 spam".to_owned()),
        (host, removed.clone()),
        (other, removed),
        (godot, notice(3, 10, "")),
    ];
    assert_eq!(said, expected);
    // Its seat is gone, and it may join anew.
    let (late, said) = resume(&mut house, START, &token);
    let words = "4001 No seat is kept for you any more";
    assert_eq!(said, [(late, words.to_owned())]);
    join(&mut house, START);
}

#[test]
fn a_godot_client_is_sent_away_as_by_its_own_server() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    for (id, kind, reason, words) in [
        (10, 37, "", "4000 The host has removed you"),
        (11, 38, "", "4000 The host has banned you"),
        (12, 38, "spam", "4000 spam"),
    ] {
        let godot = connect(&mut house);
        give(&mut house, godot, JOIN);
        let said = give(&mut house, host, &notice(kind, id, reason));
        assert!(said.contains(&(godot, words.to_owned())), "{said:?}");
    }
}

#[test]
fn a_member_that_is_away_is_kicked_from_its_seat() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    house.cut(later(1), guest);
    let said = give_at(&mut house, later(2), host, &notice(37, 10, ""));
    assert_eq!(told(&said, host).messages, [(3, 10)]);
    assert_eq!(house.counts().away, 0);
    let (_, said) = resume(&mut house, later(3), &token);
    assert!(said[0].1.starts_with("4001"), "{said:?}");
    // Nothing of it is left to happen.
    house.handle_timeout(later(61));
    assert_eq!(told(&actions(&mut house), host).messages, []);
}

#[test]
fn who_was_away_hears_why_somebody_was_sent_away() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    join(&mut house, START);
    let (other, token) = join(&mut house, START);
    house.cut(later(1), other);
    // It has never been told of this one.
    let (_late, _) = join(&mut house, later(2));
    give_at(&mut house, later(3), host, &notice(37, 12, "late"));
    give_at(&mut house, later(3), host, &notice(38, 10, "spam"));
    let (back, said) = resume(&mut house, later(4), &token);
    let banned = r#"{"type":3,"id":10,"data":"spam","why":2}"#;
    assert_eq!(
        told(&said, back).messages,
        [(1, 11), (3, 10), (2, 1), (0, 0)]
    );
    assert!(said.contains(&(back, banned.to_owned())), "{said:?}");
    // Once is enough.
    house.cut(later(5), back);
    let (back, said) = resume(&mut house, later(6), &token);
    assert_eq!(told(&said, back).messages, [(1, 11), (2, 1), (0, 0)]);
}

#[test]
fn of_those_that_were_sent_away_the_latest_are_remembered() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (other, token) = join(&mut house, START);
    for _ in 0..40 {
        join(&mut house, START);
    }
    house.cut(later(1), other);
    for id in 11..51 {
        give_at(&mut house, later(2), host, &notice(37, id, ""));
    }
    let (back, said) = resume(&mut house, later(3), &token);
    let heard = told(&said, back).messages;
    let heard = heard.into_iter().filter(|(kind, _)| *kind == 3);
    assert!(heard.eq((19..51).map(|id| (3, id))));
}

#[test]
fn the_address_of_a_banned_member_is_not_let_in_again() {
    let mut house = house(Config::default());
    let (host, _) = join_from(&mut house, 1);
    let (_, said) = join_from(&mut house, 2);
    let guest = said[0].0;
    let token = told(&said, guest).token.expect("a token");
    let said = give(&mut house, host, &notice(38, 10, "spam"));
    assert!(said.contains(&(guest, "4004 spam".to_owned())), "{said:?}");
    let (again, said) = join_from(&mut house, 2);
    assert_eq!(said, [(again, "4004 ".to_owned())]);
    let (_, said) = resume(&mut house, START, &token);
    assert!(said[0].1.starts_with("4001"), "{said:?}");
    let (other, said) = join_from(&mut house, 3);
    assert_eq!(told(&said, other).messages, [(1, 11), (2, 1), (0, 0)]);
    // Another lobby is another host's.
    let elsewhere = connect(&mut house);
    house.networks.insert(elsewhere, network(2));
    let said = give(&mut house, elsewhere, &OURS.replace("demo", "else"));
    assert_eq!(told(&said, elsewhere).messages, [(1, 1), (0, 0)]);
}

#[test]
fn a_ban_keeps_nobody_out_who_shares_the_address_of_the_host() {
    let mut house = house(Config::default());
    let (host, _) = join_from(&mut house, 1);
    join_from(&mut house, 1);
    give(&mut house, host, &notice(38, 10, ""));
    let (friend, said) = join_from(&mut house, 1);
    assert_eq!(told(&said, friend).messages, [(1, 11), (2, 1), (0, 0)]);
}

#[test]
fn bans_are_bounded_and_the_oldest_is_forgotten() {
    let mut house = house(Config::default());
    let (host, _) = join_from(&mut house, 1);
    for n in 0..=256_u32 {
        let guest = connect(&mut house);
        let address = std::net::Ipv4Addr::from_bits(0x0b00_0000 + n);
        house.networks.insert(guest, Network::of(address.into()));
        give(&mut house, guest, OURS);
        give(&mut house, host, &notice(38, 10 + n, ""));
    }
    let answer = |house: &mut House, last: u32| {
        let guest = connect(house);
        let address = std::net::Ipv4Addr::from_bits(0x0b00_0000 + last);
        house.networks.insert(guest, Network::of(address.into()));
        let said = give(house, guest, OURS);
        said.iter().any(|(_, text)| text.starts_with("4004"))
    };
    assert!(!answer(&mut house, 0));
    assert!(answer(&mut house, 1) && answer(&mut house, 256));
}

#[test]
fn a_locked_lobby_takes_nobody_new_and_its_members_come_back() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    let godot = connect(&mut house);
    give(&mut house, godot, JOIN);
    let said = give(&mut house, host, LOCK);
    assert_eq!(said, [(host, LOCK.to_owned()), (guest, LOCK.to_owned())]);
    assert_eq!(give(&mut house, host, LOCK), [], "nothing has changed");
    let late = connect(&mut house);
    assert_eq!(
        give(&mut house, late, OURS),
        [(late, "4000 Lobby is locked".to_owned())]
    );
    house.cut(later(1), guest);
    let (back, said) = resume(&mut house, later(2), &token);
    let messages = [(1, 10), (39, 0), (2, 1), (2, 11), (0, 0)];
    assert_eq!(told(&said, back).messages, messages);
    give_at(&mut house, later(3), host, OPEN);
    let late = connect(&mut house);
    let said = give_at(&mut house, later(4), late, OURS);
    assert_eq!(told(&said, late).messages[0], (1, 12));
}

#[test]
fn a_host_that_locks_all_the_time_is_heard_twice_a_second() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, _) = join(&mut house, START);
    let mut heard = Vec::new();
    for step in 0..=1000_u64 {
        let now = START + Duration::from_millis(step);
        house.handle_timeout(now);
        heard.extend(actions(&mut house));
        let text = if step % 2 == 0 { LOCK } else { OPEN };
        heard.extend(give_at(&mut house, now, host, text));
    }
    house.handle_timeout(later(60));
    heard.extend(actions(&mut house));
    let heard = heard.iter().filter(|(to, _)| *to == guest);
    let heard: Vec<_> = heard.filter(|(_, text)| text.contains(":39,")).collect();
    assert_eq!(heard.len(), 4, "at once, after 500, 1000 and 1500 ms");
    assert_eq!(heard.last().map(|(_, text)| &**text), Some(LOCK));
    // A telling that is planned does not outlive the lobby.
    give_at(&mut house, later(61), host, OPEN);
    give_at(&mut house, later(61), host, LOCK);
    house.disconnect(host);
    assert_eq!(house.hall.poll_timeout(), None);
}

#[test]
fn guests_and_strangers_may_do_nothing_and_bounds_hold() {
    let long = "x".repeat(124);
    let cases = [
        (false, notice(37, 11, ""), "4000 Only the host can do that"),
        (false, notice(38, 1, ""), "4000 Only the host can do that"),
        (false, LOCK.to_owned(), "4000 Only the host can do that"),
        (
            true,
            notice(37, 10, &long),
            "4000 Reason is too long: at most 123 bytes",
        ),
    ];
    for (is_host, text, words) in cases {
        let mut house = house(Config::default());
        let (host, _) = join(&mut house, START);
        let (guest, _) = join(&mut house, START);
        let rude = if is_host { host } else { guest };
        let said = give(&mut house, rude, &text);
        assert!(said.contains(&(rude, words.to_owned())), "{text}: {said:?}");
    }
    // Itself, nobody, and somebody who has left.
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    for id in [0, 1, 10, 2_147_483_647] {
        assert_eq!(give(&mut house, host, &notice(37, id, "")), []);
    }
    // Who does not speak the extension says nothing by it.
    let godot = connect(&mut house);
    give(&mut house, godot, &JOIN.replace("demo", "godots"));
    for text in [notice(37, 1, ""), LOCK.to_owned()] {
        assert_eq!(give(&mut house, godot, &text), []);
    }
    assert_eq!(house.counts().members, 2);
}

#[test]
fn a_reason_may_be_as_long_as_a_close_can_hold() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, _) = join(&mut house, START);
    let reason = "x".repeat(123);
    let said = give(&mut house, host, &notice(37, 10, &reason));
    assert_eq!(said[0], (guest, format!("4003 {reason}")));
}

/// Clients of a host have never been told of each other.
#[test]
fn a_client_that_was_away_hears_of_no_other_client_that_was_sent_away() {
    let mut house = house(Config::default());
    let as_client = OURS.replace(r#""id":0"#, r#""id":1"#);
    let [host, _, other] = [(); 3].map(|()| {
        let socket = connect(&mut house);
        let said = give(&mut house, socket, &as_client);
        (socket, told(&said, socket).token.expect("a token"))
    });
    house.cut(later(1), other.0);
    give_at(&mut house, later(2), host.0, &notice(37, 10, "spam"));
    let (back, said) = resume(&mut house, later(3), &other.1);
    assert_eq!(told(&said, back).messages, [(1, 11), (2, 1), (0, 0)]);
}

#[test]
fn a_banned_godot_client_is_refused_in_godots_words() {
    let mut house = house(Config::default());
    let (host, _) = join_from(&mut house, 1);
    join_from(&mut house, 2);
    give(&mut house, host, &notice(38, 10, ""));
    let godot = connect(&mut house);
    house.networks.insert(godot, network(2));
    let said = give(&mut house, godot, JOIN);
    assert_eq!(said, [(godot, "4000 The host has banned you".to_owned())]);
}

#[test]
fn a_change_that_changes_nothing_does_not_delay_the_next_one() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    assert_eq!(give(&mut house, host, OPEN), [], "it is open");
    assert_eq!(give(&mut house, host, LOCK), [(host, LOCK.to_owned())]);
    // Half a second after a change was told, the next one is told at once.
    let next = START + Duration::from_millis(500);
    let said = give_at(&mut house, next, host, OPEN);
    assert_eq!(said, [(host, OPEN.to_owned())]);
}

/// What a member changes costs it more in a larger lobby, and a drain is told to those alone who know the word.
#[test]
fn it_is_known_how_many_seats_a_lobby_has_and_who_speaks_our_extension() {
    let mut house = house(Config::default());
    let stranger = connect(&mut house);
    let (host, _) = join(&mut house, START);
    let godot = connect(&mut house);
    give(&mut house, godot, JOIN);
    let (away, _) = join(&mut house, START);
    house.cut(later(1), away);
    let known = [stranger, host, godot, away]
        .map(|socket| (house.hall.audience(socket), house.hall.is_ours(socket)));
    assert_eq!(known, [(0, false), (3, true), (3, false), (0, false)]);
}
