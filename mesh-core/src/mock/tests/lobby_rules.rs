//! What a lobby is made with.

use super::lobbies::{control, refused, take};
use crate::mock::{MockLobby, Network};
use crate::{LobbyCommand, LobbyEvent, SignalingEvent as Event};

const NOBODY: [&str; 0] = [];

fn for_players(max_players: u32) -> MockLobby {
    MockLobby {
        max_players: Some(max_players),
        ..MockLobby::default()
    }
}

#[test]
fn who_makes_a_lobby_sets_how_many_it_takes() {
    let network = Network::new(1);
    let mut host = network.signaling_in("demo", for_players(2));
    take(&mut host);
    let mut guest = network.signaling_in("demo", for_players(9));
    assert!(matches!(take(&mut guest)[0], Event::Joined { .. }));
    let mut late = network.signaling("demo");
    assert_eq!(take(&mut late), [refused("Lobby is full")]);
}

#[test]
fn a_group_seals_itself_when_it_is_complete() {
    let network = Network::new(1);
    let join = || {
        let rules = MockLobby {
            group_of: Some(2),
            ..MockLobby::default()
        };
        let mut client = network.signaling_in("duel", rules);
        let events = take(&mut client);
        let Some(Event::Joined { lobby, .. }) = events.first() else {
            panic!("not joined: {events:?}");
        };
        (client, lobby.clone(), events.contains(&Event::Sealed))
    };
    let (mut first, lobby, is_sealed) = join();
    assert!(!is_sealed);
    let (_second, same, is_sealed) = join();
    assert_eq!((same, is_sealed), (lobby.clone(), true));
    assert!(take(&mut first).contains(&Event::Sealed));
    let (_third, other, is_sealed) = join();
    assert!(other != lobby && !is_sealed);
}

#[test]
fn a_lobby_is_on_the_list_while_it_takes_somebody_and_its_host_wants_it() {
    let network = Network::new(1);
    let rules = MockLobby {
        is_listed: true,
        ..for_players(2)
    };
    let mut host = network.signaling_in("demo", rules);
    let listed = |is_listed| Event::Lobby(LobbyEvent::Listed(is_listed));
    assert!(take(&mut host).contains(&listed(true)));
    let mut private = network.signaling("private");
    take(&mut private);
    assert_eq!(network.listed_lobbies(), ["demo"]);

    let mut guest = network.signaling("demo");
    take(&mut guest);
    assert_eq!(network.listed_lobbies(), NOBODY, "it is full");
    drop(guest);
    assert_eq!(network.listed_lobbies(), ["demo"]);
    control(&mut host, LobbyCommand::SetLocked(true)).unwrap();
    assert_eq!(network.listed_lobbies(), NOBODY);
    control(&mut host, LobbyCommand::SetLocked(false)).unwrap();
    take(&mut host);
    control(&mut host, LobbyCommand::SetListed(false)).unwrap();
    assert_eq!(take(&mut host), [listed(false)]);
    assert_eq!(network.listed_lobbies(), NOBODY);
}
