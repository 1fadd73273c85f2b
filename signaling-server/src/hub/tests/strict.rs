//! Where `--strict` differs: as Godot's Node demo server does it.

use super::*;

const CREATE: &str = r#"{"type":0,"id":0,"data":""}"#;

/// A strict hub, its lobby's name and members, host first.
fn strict_lobby(size: usize, create: &str) -> (Hub, String, Vec<SocketId>) {
    let mut hub = Hub::new(Config::strict(), counting());
    let host = connect(&mut hub);
    let said = give(&mut hub, host, create);
    let name = said[1].1.split('"').nth(7).expect("a name").to_owned();
    let mut sockets = vec![host];
    for _ in 1..size {
        let guest = connect(&mut hub);
        give(&mut hub, guest, &notice(0, 0, &name));
        sockets.push(guest);
    }
    (hub, name, sockets)
}

#[test]
fn an_unknown_lobby_is_an_error() {
    let mut hub = hub(Config::strict());
    let socket = connect(&mut hub);
    assert_eq!(
        give(&mut hub, socket, JOIN),
        [(socket, "4000 Lobby does not exists".to_owned())]
    );
}

#[test]
fn the_words_are_the_demos_alone() {
    let mut hub = hub(Config::strict());
    let socket = connect(&mut hub);
    assert_eq!(
        give(&mut hub, socket, "{}"),
        [(socket, "4000 Invalid message format".to_owned())]
    );
}

#[test]
fn joining_has_a_second() {
    let mut hub = hub(Config::strict());
    let socket = connect(&mut hub);
    assert_eq!(
        hub.poll_timeout(socket),
        Some(START + Duration::from_secs(1))
    );
}

#[test]
fn a_signal_for_nobody_is_an_error() {
    let (mut hub, _, sockets) = strict_lobby(2, CREATE);
    let id = give(&mut hub, sockets[0], &notice(4, 5, "v=0"));
    assert_eq!(
        id.last(),
        Some(&(sockets[0], "4000 Invalid destination".to_owned()))
    );
    for id in [0, 2_147_483_647] {
        let (mut hub, _, sockets) = strict_lobby(2, CREATE);
        let said = give(&mut hub, sockets[1], &notice(4, id, "v=0"));
        assert_eq!(
            said.last(),
            Some(&(sockets[1], "4000 Invalid destination".to_owned()))
        );
    }
}

#[test]
fn everybody_learns_of_everybody_in_a_client_server_lobby_too() {
    let (mut hub, name, sockets) = strict_lobby(2, r#"{"type":0,"id":1,"data":""}"#);
    let third = connect(&mut hub);
    let said = give(&mut hub, third, &notice(0, 0, &name));
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
    let (mut hub, _, sockets) = strict_lobby(2, CREATE);
    give(&mut hub, sockets[0], SEAL);
    hub.disconnect(sockets[0]);
    assert_eq!(
        actions(&mut hub),
        [(sockets[1], "4000 Room host has disconnected".to_owned())]
    );
    assert_eq!(
        hub.counts(),
        Counts {
            peers: 0,
            lobbies: 0
        }
    );
}
