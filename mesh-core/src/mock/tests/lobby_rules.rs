//! What a lobby is made with.

use alloc::string::String;

use super::lobbies::{control, refused, take};
use crate::mock::{MockLobby, Network};
use crate::{LobbyCommand, LobbyEvent, PeerId, Signaling, SignalingEvent as Event};

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
fn a_lobby_goes_on_without_its_host_if_its_maker_wanted_it() {
    let network = Network::new(1);
    let join = || {
        let rules = MockLobby {
            host_migration: true,
            ..MockLobby::default()
        };
        let mut client = network.signaling_in("demo", rules);
        let events = take(&mut client);
        let Some(Event::Joined { id, .. }) = events.first() else {
            panic!("not joined: {events:?}");
        };
        (client, *id, events.clone())
    };
    let (host, _, _) = join();
    let (mut second, id, _) = join();
    let (mut third, _, _) = join();
    take(&mut second);
    drop(host);
    let is_host = Event::Lobby(LobbyEvent::Host(id));
    let left = Event::PeerLeft(PeerId::SERVER);
    for client in [&mut second, &mut third] {
        assert_eq!(take(client), [left.clone(), is_host.clone()]);
    }
    assert!(control(&mut third, LobbyCommand::SetLocked(true)).is_err());
    let (mut late, late_id, events) = join();
    assert!(!late_id.is_server() && events.contains(&is_host));
    take(&mut second);
    let kick = LobbyCommand::Kick {
        peer: late_id,
        reason: String::new(),
    };
    control(&mut second, kick).unwrap();
    assert!(matches!(take(&mut late)[..], [Event::Lost { .. }]));
    let seal = {
        let now = network.now();
        second.seal(now)
    };
    assert_eq!(seal, Ok(()));
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
