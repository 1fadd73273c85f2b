//! Groups of so many, each in a lobby of its own.

use super::resume::{give_at, later, resume, told};
use super::*;

const OF_2: &str = r#"{"type":0,"id":0,"data":"duel","v":1,"next":2}"#;
const OF_3: &str = r#"{"type":0,"id":0,"data":"duel","v":1,"next":3}"#;
const SEALED: (u8, u32) = (7, 0);

/// Joins as that text says; the socket, the lobby's name and what everybody was told.
fn join(house: &mut House, text: &str) -> (MemberId, String, Vec<(MemberId, String)>) {
    let socket = connect(house);
    let said = give(house, socket, text);
    let named = said.iter().find(|(_, text)| text.contains(r#""type":0,"#));
    let (_, named) = named.unwrap_or_else(|| panic!("not in: {said:?}"));
    let lobby = signaling::decode(named, usize::MAX)
        .expect("a message")
        .data;
    (socket, lobby, said)
}

#[test]
fn a_group_is_sealed_when_it_is_complete_and_the_next_one_begins() {
    let mut house = house(Config::default());
    let (first, lobby, said) = join(&mut house, OF_2);
    assert_eq!((lobby.len(), told(&said, first).messages[0]), (16, (1, 1)));
    let (second, same, said) = join(&mut house, OF_2);
    assert_eq!(same, lobby);
    let messages = told(&said, second).messages;
    assert_eq!(messages[1..], [(2, 1), (0, 0), SEALED]);
    assert_eq!(told(&said, first).messages[1..], [SEALED]);

    let (third, other, said) = join(&mut house, OF_2);
    assert_ne!(other, lobby);
    assert_eq!(told(&said, third).messages[0], (1, 1));
    // Another number is another group, and another name, too.
    for text in [OF_3, &OF_2.replace("duel", "race")] {
        let (_, name, _) = join(&mut house, text);
        assert!(name != lobby && name != other);
    }
    house.handle_timeout(later(10));
    let said = actions(&mut house);
    let end = "1000 Seal complete".to_owned();
    assert_eq!(said, [(first, end.clone()), (second, end)]);
    for socket in Vec::from_iter(house.visitors.keys().copied()) {
        house.disconnect(socket);
    }
    assert!(house.hall.groups.is_empty());
}

#[test]
fn who_leaves_before_it_is_complete_makes_room_for_another() {
    let mut house = house(Config::default());
    let (_, lobby, _) = join(&mut house, OF_3);
    let (second, _, _) = join(&mut house, OF_3);
    house.disconnect(second);
    let (_, same, _) = join(&mut house, OF_3);
    assert_eq!(same, lobby);
    assert!(house.hall.lobbies[&*lobby].ends.is_none());
    join(&mut house, OF_3);
    assert!(house.hall.lobbies[&*lobby].ends.is_some());
}

#[test]
fn a_group_waits_for_a_member_that_is_away() {
    let mut house = house(Config::default());
    let (first, lobby, _) = join(&mut house, OF_2);
    let token = {
        let (second, _, said) = join(&mut house, OF_3);
        told(&said, second).token.expect("a token")
    };
    let (third, of_3, _) = join(&mut house, OF_3);
    let (guest, _, said) = join(&mut house, OF_3);
    assert_eq!(told(&said, third).messages.last(), Some(&SEALED));
    house.disconnect(guest);
    // That group is complete; this one is not while its host is away.
    house.cut(later(1), first);
    let (other, same, said) = join(&mut house, OF_2);
    assert_eq!(same, lobby);
    assert!(!told(&said, other).messages.contains(&SEALED));
    // It has no place for a third one.
    let (_, another, _) = join(&mut house, OF_2);
    assert_ne!(another, lobby);
    // Who comes back to a sealed group is told that it is sealed.
    let (back, said) = resume(&mut house, later(2), &token);
    assert_eq!(told(&said, back).messages.last(), Some(&SEALED));
    assert!(house.hall.lobbies[&*of_3].ends.is_some());
}

#[test]
fn a_group_is_sealed_when_its_last_member_is_back() {
    let mut house = house(Config::default());
    let (first, _, said) = join(&mut house, OF_2);
    let token = told(&said, first).token.expect("a token");
    house.cut(later(1), first);
    let (second, _, _) = join(&mut house, OF_2);
    let (back, said) = resume(&mut house, later(2), &token);
    assert!(!told(&said, second).messages.contains(&SEALED));
    house.handle_timeout(later(3));
    let said = actions(&mut house);
    for socket in [back, second] {
        assert_eq!(told(&said, socket).messages.last(), Some(&SEALED));
    }
}

#[test]
fn who_comes_back_to_leave_does_not_complete_a_group() {
    let mut house = house(Config::default());
    let (_, of_3, _) = join(&mut house, OF_3);
    let (second, _, said) = join(&mut house, OF_3);
    let token = told(&said, second).token.expect("a token");
    house.cut(later(1), second);
    join(&mut house, OF_3);
    let (back, _) = resume(&mut house, later(2), &token);
    house.disconnect(back);
    house.handle_timeout(later(3));
    assert!(house.hall.lobbies[&*of_3].ends.is_none());
    let (_, again, _) = join(&mut house, OF_3);
    assert_eq!(again, of_3);
}

#[test]
fn a_group_has_one_topology() {
    let mut house = house(Config::default());
    let (_, lobby, _) = join(&mut house, OF_2);
    let (_, other, _) = join(&mut house, &OF_2.replace(r#""id":0"#, r#""id":1"#));
    assert_ne!(lobby, other);
}

#[test]
fn a_locked_group_is_passed_over() {
    let mut house = house(Config::default());
    let (host, lobby, _) = join(&mut house, OF_2);
    give_at(
        &mut house,
        START,
        host,
        r#"{"type":39,"id":0,"data":"true"}"#,
    );
    let (_, other, _) = join(&mut house, OF_2);
    assert_ne!(other, lobby);
}

#[test]
fn a_group_that_can_never_be_complete_is_refused() {
    let mut house = house(Config {
        max_lobby_peers: 4,
        ..Config::default()
    });
    let socket = connect(&mut house);
    let said = give(&mut house, socket, &OF_2.replace('2', "5"));
    let words = "4000 Group is too large: at most 4 peers".to_owned();
    assert_eq!(said, [(socket, words)]);
    let long = OF_2.replace("duel", &"x".repeat(65));
    let socket = connect(&mut house);
    let said = give(&mut house, socket, &long);
    assert!(
        said[0].1.starts_with("4000 Lobby name is too long"),
        "{said:?}"
    );
}

#[test]
fn a_group_of_none_is_an_ordinary_lobby_and_a_strict_server_knows_no_other() {
    let mut house = house(Config::default());
    let (_, name, _) = join(&mut house, &OF_2.replace('2', "0"));
    assert_eq!(name, "duel");
    let mut strict = House::new(Config::strict(), counting());
    let (_, first, _) = join(&mut strict, &OF_2.replace("duel", ""));
    let (_, second, _) = join(&mut strict, &OF_2.replace("duel", ""));
    assert_ne!(first, second);
}

#[test]
fn a_group_may_be_as_large_and_its_name_as_long_as_a_lobby_may() {
    let mut house = house(Config {
        max_lobby_peers: 2,
        max_lobby_name: 4,
        ..Config::default()
    });
    let (_, lobby, _) = join(&mut house, OF_2);
    let (_, same, _) = join(&mut house, OF_2);
    assert_eq!(lobby, same);
}
