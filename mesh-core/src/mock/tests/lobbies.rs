//! The lobby service, through its seam.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::task::{Context, Poll, Waker};

use crate::mock::{MockSignaling, Network};
use crate::{
    Duration, IceCandidate, LobbyCommand, LobbyEvent, LostReason, PeerId, Signal, Signaling,
    SignalingError, SignalingEvent as Event, Topology,
};

const SECOND: Duration = Duration::from_secs(1);
pub(super) const COMPLETE: Event = Event::Lobby(LobbyEvent::Complete);

pub(super) fn take(client: &mut MockSignaling) -> Vec<Event> {
    client.network.advance(SECOND);
    let now = client.network.now();
    let mut cx = Context::from_waker(Waker::noop());
    let mut events = Vec::new();
    while let Poll::Ready(event) = client.poll_event(now, &mut cx) {
        events.push(event);
    }
    events
}

/// Joins and gives the id; the other events of joining are left out.
pub(super) fn join(network: &Network, lobby: &str) -> (MockSignaling, PeerId) {
    let mut client = network.signaling(lobby);
    let events = take(&mut client);
    let Some(Event::Joined { id, .. }) = events.first() else {
        panic!("not joined: {events:?}");
    };
    (client, *id)
}

fn signal(text: &str) -> Signal {
    Signal::Candidate(IceCandidate {
        sdp_mid: "0".to_string(),
        sdp_m_line_index: 0,
        candidate: text.to_string(),
    })
}

fn send(client: &mut MockSignaling, to: PeerId, text: &str) -> Result<(), SignalingError> {
    let now = client.network.now();
    client.send(now, to, signal(text))
}

pub(super) fn refused(reason: &str) -> Event {
    Event::Lost {
        reason: LostReason::Refused {
            code: 4000,
            reason: reason.to_string(),
        },
    }
}

#[test]
fn the_first_is_the_host_and_everybody_hears_of_everybody() {
    let network = Network::new(1);
    let (mut host, host_id) = join(&network, "demo");
    assert_eq!(host_id, PeerId::SERVER);
    let mut second = network.signaling("demo");
    let events = take(&mut second);
    let Event::Joined { id, .. } = events[0] else {
        panic!("{events:?}");
    };
    assert_eq!(
        events,
        [
            Event::Joined {
                id,
                topology: Topology::Mesh,
                lobby: "demo".to_string()
            },
            Event::PeerJoined(PeerId::SERVER),
            COMPLETE
        ]
    );
    assert!(id > PeerId::SERVER);
    assert_eq!(take(&mut host), [Event::PeerJoined(id)]);
}

#[test]
fn lobbies_are_apart_and_a_nameless_one_gets_a_name() {
    let network = Network::new(1);
    let (mut a, _) = join(&network, "a");
    let (_b, id) = join(&network, "b");
    assert_eq!(id, PeerId::SERVER);
    assert_eq!(take(&mut a), []);
    let mut nameless = network.signaling("");
    let events = take(&mut nameless);
    let [Event::Joined { id, lobby, .. }, COMPLETE] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(*id, PeerId::SERVER);
    let (_friend, friend) = join(&network, lobby);
    assert_eq!(take(&mut nameless), [Event::PeerJoined(friend)]);
}

#[test]
fn signals_keep_their_order_and_name_their_sender() {
    let network = Network::new(1);
    let (mut host, _) = join(&network, "demo");
    let (mut guest, id) = join(&network, "demo");
    take(&mut host);
    for number in 0..50 {
        network.advance(Duration::from_millis(number % 3));
        send(&mut guest, PeerId::SERVER, &number.to_string()).unwrap();
    }
    let expected: Vec<_> = (0..50)
        .map(|number| Event::Signal {
            from: id,
            signal: signal(&number.to_string()),
        })
        .collect();
    assert_eq!(take(&mut host), expected);
    assert_eq!(network.usage(), Default::default());
}

#[test]
fn nothing_is_sent_to_strangers_or_without_a_lobby() {
    let network = Network::new(1);
    let mut early = network.signaling("demo");
    assert_eq!(
        send(&mut early, PeerId::SERVER, "x"),
        Err(SignalingError::NotConnected)
    );
    take(&mut early);
    let stranger = PeerId::new(77).unwrap();
    assert!(matches!(
        send(&mut early, stranger, "x"),
        Err(SignalingError::Unsendable(_))
    ));
}

#[test]
fn a_receiver_that_does_not_poll_bounds_the_sender() {
    let network = Network::new(1);
    let (mut host, _) = join(&network, "demo");
    let (mut guest, _) = join(&network, "demo");
    take(&mut host);
    let mut accepted = 0;
    while send(&mut guest, PeerId::SERVER, "x").is_ok() {
        accepted += 1;
        network.advance(Duration::from_millis(10));
    }
    assert_eq!(accepted, 1024);
    assert_eq!(
        send(&mut guest, PeerId::SERVER, "x"),
        Err(SignalingError::Full)
    );
    assert_eq!(take(&mut host).len(), 1024);
    assert_eq!(send(&mut guest, PeerId::SERVER, "x"), Ok(()));
}

#[test]
fn a_guest_that_leaves_is_missed_and_a_host_takes_the_lobby_along() {
    let network = Network::new(1);
    let (mut host, _) = join(&network, "demo");
    let (guest, id) = join(&network, "demo");
    let (mut other, other_id) = join(&network, "demo");
    take(&mut host);
    drop(guest);
    assert_eq!(take(&mut host), [Event::PeerLeft(id)]);
    assert_eq!(take(&mut other), [Event::PeerLeft(id)]);
    send(&mut host, other_id, "last words").unwrap();
    host.close();
    assert_eq!(
        take(&mut other),
        [
            Event::Signal {
                from: PeerId::SERVER,
                signal: signal("last words")
            },
            Event::Lost {
                reason: LostReason::HostLeft
            }
        ]
    );
    assert_eq!(
        send(&mut other, PeerId::SERVER, "x"),
        Err(SignalingError::NotConnected)
    );
    assert_eq!(take(&mut host), [], "nothing after a close");
    let (_next, id) = join(&network, "demo");
    assert_eq!(id, PeerId::SERVER, "a new lobby of the old name");
}

#[test]
fn a_sealed_lobby_takes_nobody_and_ends() {
    let network = Network::new(1);
    let (mut host, _) = join(&network, "demo");
    let (mut guest, _) = join(&network, "demo");
    take(&mut host);
    assert!(matches!(
        guest.seal(network.now()),
        Err(SignalingError::Unsendable(_))
    ));
    host.seal(network.now()).unwrap();
    assert_eq!(take(&mut host), [Event::Sealed]);
    assert_eq!(take(&mut guest), [Event::Sealed]);
    let mut late = network.signaling("demo");
    assert_eq!(take(&mut late), [refused("Lobby is sealed")]);
    network.advance(SECOND * 10);
    let complete = Event::Lost {
        reason: LostReason::SealComplete,
    };
    for client in [&mut host, &mut guest] {
        let events = take(client);
        assert!(events.iter().eq([&complete]), "{events:?}");
    }
}

#[test]
fn a_lost_client_comes_back_under_its_id() {
    let network = Network::new(1);
    let (mut host, _) = join(&network, "demo");
    let (mut guest, id) = join(&network, "demo");
    take(&mut host);
    network.lose_signaling(guest.id());
    network.lose_signaling(guest.id());
    assert!(matches!(
        take(&mut guest)[..],
        [Event::Lost {
            reason: LostReason::Unreachable(_)
        }]
    ));
    assert_eq!(take(&mut host), [Event::PeerLeft(id)]);
    network.start_signaling();
    let events = take(&mut guest);
    assert!(matches!(events[0], Event::Joined { id: again, .. } if again == id));
    assert_eq!(events[1..], [Event::PeerJoined(PeerId::SERVER), COMPLETE]);
    assert_eq!(take(&mut host), [Event::PeerJoined(id)]);
}

#[test]
fn a_service_that_stops_loses_everybody_and_takes_them_back() {
    let network = Network::new(1);
    let (mut host, _) = join(&network, "demo");
    let (mut guest, id) = join(&network, "demo");
    take(&mut host);
    network.stop_signaling();
    for client in [&mut host, &mut guest] {
        assert!(matches!(take(client)[..], [Event::Lost { .. }]));
    }
    let mut late = network.signaling("demo");
    assert!(matches!(take(&mut late)[..], [Event::Lost { .. }]));
    network.start_signaling();
    assert!(matches!(take(&mut host)[0], Event::Joined { id, .. } if id == PeerId::SERVER));
    assert!(matches!(take(&mut guest)[0], Event::Joined { id: again, .. } if again == id));
    assert!(matches!(take(&mut late)[0], Event::Joined { .. }));
}

#[test]
fn an_interrupted_service_comes_back_with_everybody_in_place() {
    let network = Network::new(1);
    let (mut host, host_id) = join(&network, "demo");
    let (mut guest, guest_id) = join(&network, "demo");
    let (leaver, leaver_id) = join(&network, "demo");
    take(&mut host);
    take(&mut guest);
    let mut early = network.signaling("demo");
    network.interrupt_signaling();
    network.interrupt_signaling();
    for client in [&mut host, &mut guest] {
        assert!(matches!(take(client)[..], [Event::Interrupted { .. }]));
    }
    let lost = |client: &mut MockSignaling| matches!(take(client)[..], [Event::Lost { .. }]);
    assert!(lost(&mut early) && lost(&mut network.signaling("demo")));

    send(&mut host, guest_id, "held").unwrap();
    drop(leaver);
    network.advance(SECOND);
    assert_eq!(take(&mut guest), []);

    network.start_signaling();
    let (from, signal) = (host_id, signal("held"));
    let expected = [
        Event::Resumed,
        Event::Signal { from, signal },
        Event::PeerLeft(leaver_id),
    ];
    let events = take(&mut guest);
    assert_eq!(events[..3], expected);
    assert!(
        matches!(events[3..], [Event::PeerJoined(_)]),
        "the early one"
    );
    assert!(matches!(take(&mut early)[0], Event::Joined { .. }));
    network.run_until_idle();
    assert_eq!(network.usage().scheduled, 0);
}

#[test]
fn an_interrupted_service_that_stops_loses_everybody() {
    let network = Network::new(1);
    let (mut host, id) = join(&network, "demo");
    network.interrupt_signaling();
    network.stop_signaling();
    let events = take(&mut host);
    assert!(matches!(
        events[..],
        [Event::Interrupted { .. }, Event::Lost { .. }]
    ));
    network.interrupt_signaling();
    assert_eq!(take(&mut host), []);
    network.start_signaling();
    assert!(matches!(take(&mut host)[0], Event::Joined { id: again, .. } if again == id));
}

#[test]
fn clients_of_a_server_hear_of_the_server_alone() {
    let network = Network::new(1);
    let topology = Topology::ClientServer;
    let mut server = network.signaling_with("demo", topology);
    take(&mut server);
    let mut first = network.signaling("demo");
    let events = take(&mut first);
    assert!(matches!(&events[0], Event::Joined { topology: told, .. } if *told == topology));
    let mut second = network.signaling("demo");
    assert_eq!(take(&mut second).len(), 3);
    assert_eq!(take(&mut first), []);
    assert_eq!(take(&mut server).len(), 2);
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let ids = |seed| {
        let network = Network::new(seed);
        let members: Vec<_> = (0..5).map(|_| join(&network, "demo")).collect();
        members.iter().map(|(_, id)| id.get()).collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
    let name = |seed| {
        let mut client = Network::new(seed).signaling("");
        let events = take(&mut client);
        let Event::Joined { lobby, .. } = &events[0] else {
            return String::new();
        };
        lobby.clone()
    };
    assert_ne!(name(1), name(2));
}

pub(super) fn control(
    client: &mut MockSignaling,
    command: LobbyCommand,
) -> Result<(), SignalingError> {
    let now = client.network.now();
    client.control(now, command)
}

#[test]
fn a_host_kicks_and_bans_and_its_guests_do_not() {
    let network = Network::new(1);
    let (mut host, _) = join(&network, "demo");
    let (mut guest, id) = join(&network, "demo");
    let (mut other, other_id) = join(&network, "demo");
    take(&mut host);
    take(&mut guest);
    let kick = |peer, reason: &str| LobbyCommand::Kick {
        peer,
        reason: reason.to_string(),
    };
    for command in [kick(PeerId::SERVER, ""), kick(id, &"x".repeat(124))] {
        let refused = control(&mut host, command);
        assert!(matches!(refused, Err(SignalingError::Unsendable(_))));
    }
    let refused = control(&mut guest, kick(other_id, ""));
    assert!(matches!(refused, Err(SignalingError::Unsendable(_))));

    control(&mut host, kick(id, "spam")).unwrap();
    let removed = Event::Lobby(LobbyEvent::Removed {
        peer: id,
        is_banned: false,
        reason: "spam".to_string(),
    });
    for client in [&mut host, &mut other] {
        assert_eq!(take(client), [removed.clone(), Event::PeerLeft(id)]);
    }
    let reason = LostReason::Removed {
        is_banned: false,
        reason: "spam".to_string(),
    };
    assert_eq!(take(&mut guest), [Event::Lost { reason }]);
    assert_eq!(control(&mut host, kick(id, "")), Ok(()), "it has left");
    let peer = other_id;
    let reason = String::new();
    control(&mut host, LobbyCommand::Ban { peer, reason }).unwrap();
    let [Event::Lost { reason }] = &take(&mut other)[..] else {
        panic!("not lost");
    };
    assert_eq!(reason.to_string(), "the host has banned us from the lobby");
}

#[test]
fn a_locked_lobby_takes_nobody_new_until_it_is_open_again() {
    let network = Network::new(1);
    let (mut host, _) = join(&network, "demo");
    let (mut guest, id) = join(&network, "demo");
    take(&mut host);
    control(&mut host, LobbyCommand::SetLocked(true)).unwrap();
    control(&mut host, LobbyCommand::SetLocked(true)).unwrap();
    let locked = Event::Lobby(LobbyEvent::Locked(true));
    for client in [&mut host, &mut guest] {
        assert!(take(client).iter().eq([&locked]));
    }
    let mut late = network.signaling("demo");
    assert_eq!(take(&mut late), [refused("Lobby is locked")]);
    // A member comes back all the same.
    network.lose_signaling(guest.id());
    take(&mut guest);
    take(&mut host);
    network.start_signaling();
    let events = take(&mut guest);
    assert!(matches!(events[0], Event::Joined { id: again, .. } if again == id));
    assert_eq!(events[2..], [locked, COMPLETE]);
    take(&mut host);
    control(&mut host, LobbyCommand::SetLocked(false)).unwrap();
    let (_late, _) = join(&network, "demo");
}

#[test]
fn data_are_told_to_everybody_and_to_those_who_come_later() {
    let network = Network::new(1);
    let (mut host, _) = join(&network, "demo");
    let (mut guest, id) = join(&network, "demo");
    take(&mut host);
    let object = || r#"{"name":"a"}"#.to_string();
    let refused = control(&mut guest, LobbyCommand::SetData(object()));
    assert!(matches!(refused, Err(SignalingError::Unsendable(_))));
    for data in ["[]".to_string(), format!("{{{}}}", " ".repeat(1023))] {
        let refused = control(&mut host, LobbyCommand::SetData(data));
        assert!(matches!(refused, Err(SignalingError::Unsendable(_))));
    }
    control(&mut host, LobbyCommand::SetData(object())).unwrap();
    control(&mut guest, LobbyCommand::SetMemberData(object())).unwrap();
    let lobby_data = Event::Lobby(LobbyEvent::Data(object()));
    let data = object();
    let member_data = Event::Lobby(LobbyEvent::MemberData { peer: id, data });
    let told = [lobby_data, member_data];
    assert_eq!(take(&mut host), told);
    assert_eq!(take(&mut guest), told);
    let mut late = network.signaling("demo");
    assert_eq!(take(&mut late)[3..5], told);
}
