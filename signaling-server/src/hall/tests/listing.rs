//! The public list.

use super::resume::{OURS, give_at, later};
use super::*;

const LISTED: &str = r#"{"type":0,"id":0,"data":"demo","v":1,"max":2,"list":1}"#;
const LIST: &str = r#"{"type":42,"id":0,"data":"true"}"#;
const UNLIST: &str = r#"{"type":42,"id":0,"data":""}"#;

/// The names of the lobbies that everybody may see, and their members.
fn listed(house: &House) -> Vec<(String, u32)> {
    let open = house.hall.listing(None).open;
    let entries = open.into_iter().map(|(_, lobby)| lobby);
    entries.map(|lobby| (lobby.code, lobby.players)).collect()
}

fn named(name: &str) -> String {
    LISTED.replace("demo", name)
}

#[test]
fn a_lobby_is_on_the_list_if_its_maker_wants_it() {
    let mut house = house(Config::default());
    let host = connect(&mut house);
    let said = give(&mut house, host, LISTED);
    assert!(said.contains(&(host, LIST.to_owned())), "{said:?}");
    give(&mut house, host, r#"{"type":40,"id":0,"data":"{}"}"#);
    let private = connect(&mut house);
    give(&mut house, private, &OURS.replace("demo", "private"));
    let open = house.hall.listing(None).open;
    let [(_, lobby)] = &open[..] else {
        panic!("{open:?}");
    };
    assert_eq!((&*lobby.code, &*lobby.data), ("demo", "{}"));
    assert_eq!((lobby.players, lobby.max_players), (1, 2));
    house.disconnect(host);
    assert_eq!(listed(&house), []);
    assert!(house.hall.listed.is_empty());
}

#[test]
fn a_lobby_that_takes_nobody_is_left_out() {
    let mut house = house(Config::default());
    let host = connect(&mut house);
    give(&mut house, host, LISTED);
    let guest = connect(&mut house);
    give(&mut house, guest, OURS);
    assert_eq!(listed(&house), [], "it is full");
    house.disconnect(guest);
    let on_list = [("demo".to_owned(), 1)];
    assert_eq!(listed(&house), on_list);
    give(&mut house, host, r#"{"type":39,"id":0,"data":"true"}"#);
    assert_eq!(listed(&house), [], "it is locked");
    give(&mut house, host, r#"{"type":39,"id":0,"data":""}"#);
    assert_eq!(listed(&house), on_list);
    give(&mut house, host, SEAL);
    assert_eq!(listed(&house), [], "it is sealed");
}

#[test]
fn the_host_puts_its_lobby_on_the_list_and_takes_it_off() {
    let mut house = house(Config::default());
    let host = connect(&mut house);
    give(&mut house, host, OURS);
    let guest = connect(&mut house);
    give(&mut house, guest, OURS);
    let said = give(&mut house, host, LIST);
    assert_eq!(said, [(host, LIST.to_owned()), (guest, LIST.to_owned())]);
    assert_eq!(give(&mut house, host, LIST), [], "nothing has changed");
    assert_eq!(listed(&house), [("demo".to_owned(), 2)]);
    let said = give_at(&mut house, later(1), host, UNLIST);
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(listed(&house), []);
    let said = give(&mut house, guest, LIST);
    let words = "4000 Only the host can do that".to_owned();
    assert!(said.contains(&(guest, words)), "{said:?}");
}

#[test]
fn the_list_is_read_in_parts_the_newest_first() {
    let mut house = house(Config {
        max_lobbies: 1000,
        ..Config::default()
    });
    for n in 0..600 {
        let host = connect(&mut house);
        give(&mut house, host, &named(&n.to_string()));
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let listing = house.hall.listing(before);
        assert!(listing.open.len() <= 256);
        seen.extend(listing.open.into_iter().map(|(_, lobby)| lobby.code));
        before = listing.rest;
        if before.is_none() {
            break;
        }
    }
    assert!(seen.into_iter().eq((0..600).rev().map(|n| n.to_string())));
}

#[test]
fn a_strict_server_has_no_list() {
    let mut house = house(Config::strict());
    let host = connect(&mut house);
    give(&mut house, host, &named(""));
    assert_eq!(house.counts().lobbies, 1);
    assert_eq!(listed(&house), []);
}
