//! Where `--strict` differs: as Godot's Node demo server does it.

use super::*;

const CREATE: &str = r#"{"type":0,"id":0,"data":""}"#;

/// A strict house, its lobby's name and members, host first.
fn strict_lobby(size: usize, create: &str) -> (House, String, Vec<MemberId>) {
    let mut house = House::new(Config::strict(), counting());
    let host = connect(&mut house);
    let said = give(&mut house, host, create);
    let name = said[1].1.split('"').nth(7).expect("a name").to_owned();
    let mut sockets = vec![host];
    for _ in 1..size {
        let guest = connect(&mut house);
        give(&mut house, guest, &notice(0, 0, &name));
        sockets.push(guest);
    }
    (house, name, sockets)
}

#[test]
fn an_unknown_lobby_is_an_error() {
    let mut house = house(Config::strict());
    let socket = connect(&mut house);
    assert_eq!(
        give(&mut house, socket, JOIN),
        [(socket, "4000 Lobby does not exists".to_owned())]
    );
}

#[test]
fn the_words_are_the_demos_alone() {
    let mut house = house(Config::strict());
    let socket = connect(&mut house);
    assert_eq!(
        give(&mut house, socket, "{}"),
        [(socket, "4000 Invalid message format".to_owned())]
    );
}

#[test]
fn a_signal_for_nobody_is_an_error() {
    let (mut house, _, sockets) = strict_lobby(2, CREATE);
    let id = give(&mut house, sockets[0], &notice(4, 5, "v=0"));
    assert_eq!(
        id.last(),
        Some(&(sockets[0], "4000 Invalid destination".to_owned()))
    );
    for id in [0, 2_147_483_647] {
        let (mut house, _, sockets) = strict_lobby(2, CREATE);
        let said = give(&mut house, sockets[1], &notice(4, id, "v=0"));
        assert_eq!(
            said.last(),
            Some(&(sockets[1], "4000 Invalid destination".to_owned()))
        );
    }
}

#[test]
fn everybody_learns_of_everybody_in_a_client_server_lobby_too() {
    let (mut house, name, sockets) = strict_lobby(2, r#"{"type":0,"id":1,"data":""}"#);
    let third = connect(&mut house);
    let said = give(&mut house, third, &notice(0, 0, &name));
    assert_eq!(said.len(), 6);
    assert!(said[0].1.ends_with(r#""data":""}"#));
    let told: Vec<_> = said
        .iter()
        .filter(|(socket, _)| *socket == sockets[1])
        .collect();
    assert_eq!(told.len(), 1);
}

#[test]
fn a_host_that_seals_and_leaves_ends_the_lobby() {
    let (mut house, _, sockets) = strict_lobby(2, CREATE);
    give(&mut house, sockets[0], SEAL);
    house.disconnect(sockets[0]);
    assert_eq!(
        actions(&mut house),
        [(sockets[1], "4000 Room host has disconnected".to_owned())]
    );
    assert_eq!(
        house.counts(),
        Counts {
            members: 0,
            away: 0,
            lobbies: 0
        }
    );
}

#[test]
fn an_unknown_type_is_an_error() {
    let (mut house, _, sockets) = strict_lobby(1, CREATE);
    let stranger = connect(&mut house);
    for (socket, words) in [
        (stranger, "4000 Invalid message when not in a lobby"),
        (sockets[0], "4000 Invalid command"),
    ] {
        let said = give(&mut house, socket, &notice(8, 0, ""));
        assert_eq!(said, [(socket, words.to_owned())]);
    }
}
