//! What waits at the server for clients whose channels are full, and who pays when it is too much.

use mesh_core::{ChannelIndex, Event, Packet, PeerId, TransferMode};
use multiplayer_api::{ApiConfig, ApiEvent, IgnoredReason, MultiplayerApi};

use crate::kit::{Fake, add, del, id, poll, relay, server_of, server_with};

mod cut;
mod ends;

/// Bytes that may wait for one client.
const ROOM: usize = 10_000;

/// A server with little room that has let clients 2, 3 and so on in.
fn tight_server_of(clients: u32) -> MultiplayerApi<Fake> {
    let config = ApiConfig {
        backlog_bytes: ROOM,
        ..ApiConfig::default()
    };
    server_with(config, clients)
}

fn refused(from: u32, to: u32) -> ApiEvent {
    let (from, why) = (id(from), IgnoredReason::BacklogFull { to: id(to) });
    ApiEvent::Ignored { from, why }
}

/// What a client has been sent and not shown yet, by first byte of the game's data.
fn got(api: &mut MultiplayerApi<Fake>, client: u32) -> Vec<(u32, u8)> {
    let sent = api.peer_mut().take_reliable();
    let relayed = sent.into_iter().filter(|(to, _)| *to == client);
    relayed
        .map(|(_, packet)| (u32::from(packet[2]), packet[7]))
        .collect()
}

#[test]
fn a_full_channel_holds_reliable_packets_up_in_their_order() {
    let mut api = server_of(2);
    api.peer_mut().full.insert(id(3));
    api.peer_mut().receive(2, &relay(3, b"\x03one"));
    api.peer_mut().receive(2, &relay(3, b"\x03two"));
    api.peer_mut()
        .receive_on(2, TransferMode::Unreliable, &relay(3, b"\x03lost"));
    api.peer_mut().connect(4);
    poll(&mut api);
    assert_eq!(
        api.peer_mut().take_reliable(),
        [
            (2, add(4).to_vec()),
            (4, add(2).to_vec()),
            (4, add(3).to_vec())
        ]
    );
    assert_eq!(api.stats().relay_dropped, 1);

    // Our own does not overtake them.
    let send = |api: &mut MultiplayerApi<Fake>, data: &[u8]| {
        let sent = api.send_bytes(id(3), TransferMode::Reliable, data);
        sent.unwrap().accepted
    };
    assert_eq!(send(&mut api, b"own"), 1);
    assert_eq!(api.peer_mut().take_reliable(), []);
    api.peer_mut().full.clear();
    assert_eq!(send(&mut api, b"more"), 1);
    assert_eq!(
        api.peer_mut().take_reliable(),
        [
            (3, relay(2, b"\x03one")),
            (3, relay(2, b"\x03two")),
            (3, add(4).to_vec()),
            (3, b"\x03own".to_vec()),
            (3, b"\x03more".to_vec())
        ]
    );
    // Without anything before it, the game hears that there is no room.
    api.peer_mut().full.insert(id(3));
    assert_eq!(send(&mut api, b"full"), 0);
}

#[test]
fn what_is_the_servers_own_finds_room_beside_a_flood() {
    let mut api = tight_server_of(2);
    api.peer_mut().full.insert(id(3));
    for _ in 0..20 {
        api.peer_mut().receive(2, &relay(3, &[3; 1000]));
    }
    poll(&mut api);
    let mut accepted = 0;
    for _ in 0..20 {
        let sent = api.send_bytes(id(3), TransferMode::Reliable, &[7; 1000]);
        accepted += sent.unwrap().accepted;
    }
    assert_eq!(accepted, 4, "half of the room");
    let told = poll(&mut api);
    assert!(
        !told.is_empty() && told.iter().all(|event| *event == refused(2, 3)),
        "{told:?}"
    );
    // And stays, whatever else comes.
    for _ in 0..20 {
        api.peer_mut().receive(2, &relay(3, &[3; 100]));
    }
    for client in 10..20 {
        api.peer_mut().connect(client);
    }
    poll(&mut api);
    assert_eq!(api.peer_mut().disconnected, []);
    api.peer_mut().take_reliable();
    api.peer_mut().full.clear();
    poll(&mut api);
    let own = |packet: &[u8]| packet.starts_with(&[3, 7]);
    let sent = api.peer_mut().take_reliable();
    assert_eq!(sent.iter().filter(|(_, packet)| own(packet)).count(), 4);
}

#[test]
fn room_again_is_used_at_once() {
    let mut api = server_of(2);
    api.peer_mut().full.insert(id(3));
    api.peer_mut().receive(2, &relay(3, b"\x03one"));
    poll(&mut api);
    api.peer_mut().full.clear();
    api.peer_mut().tell(Event::BufferedAmountLow {
        peer: id(3),
        channel: TransferMode::Reliable.channel(),
    });
    poll(&mut api);
    assert_eq!(api.peer_mut().take_reliable(), [(3, relay(2, b"\x03one"))]);
}

#[test]
fn a_flood_costs_its_sender_packets_and_nobody_a_place() {
    let mut api = tight_server_of(3);
    api.peer_mut().full.insert(id(4));
    for number in 0..50 {
        api.peer_mut().receive(2, &relay(4, &[3; 1000]));
        // Those of one who does not flood, before the flood and in the midst of it.
        if number % 10 == 0 {
            api.peer_mut().receive(3, &relay(4, &[3, number]));
        }
    }
    let told = poll(&mut api);
    assert!(told.iter().all(|event| *event == refused(2, 4)), "{told:?}");
    assert_eq!(api.peer_mut().disconnected, []);
    let stats = api.stats();
    assert_eq!(stats.relay_dropped, u64::try_from(told.len()).unwrap());
    assert_eq!(stats.relayed + stats.relay_dropped, 55);
    assert_eq!(stats.overrun_peers, 0);

    api.peer_mut().full.clear();
    poll(&mut api);
    let bytes: usize = api
        .peer_mut()
        .sent
        .iter()
        .map(|(.., packet)| packet.len())
        .sum();
    assert!((ROOM - 2000..=ROOM).contains(&bytes), "{bytes} had waited");
    let (flood, others): (Vec<_>, Vec<_>) = got(&mut api, 4)
        .into_iter()
        .partition(|(from, _)| *from == 2);
    assert_eq!(others, [0, 10, 20, 30, 40].map(|number| (3, number)));
    assert_eq!(flood.len() + told.len(), 50);
    // And the next one has all the room again.
    api.peer_mut().receive(2, &relay(4, b"\x03z"));
    assert_eq!(poll(&mut api), []);
    assert_eq!(got(&mut api, 4), [(2, b'z')]);
}

/// A broadcast reaches those who take it, whoever else does not.
#[test]
fn a_flood_is_refused_where_there_is_no_room_alone() {
    let mut api = tight_server_of(3);
    api.peer_mut().full.insert(id(3));
    for _ in 0..20 {
        api.peer_mut().receive(2, &relay(-1, &[3; 1000]));
    }
    let told = poll(&mut api);
    assert!(told.iter().all(|event| *event == refused(2, 3)), "{told:?}");
    assert_eq!(got(&mut api, 4).len(), 20);
    let all: Vec<PeerId> = [2, 3, 4].map(id).into();
    assert_eq!(api.peers().collect::<Vec<_>>(), all);
}

#[test]
fn of_two_floods_each_gets_its_half() {
    let mut api = tight_server_of(3);
    api.peer_mut().full.insert(id(4));
    for _ in 0..30 {
        api.peer_mut().receive(2, &relay(4, &[3; 500]));
    }
    for _ in 0..30 {
        api.peer_mut().receive(3, &relay(4, &[3; 500]));
    }
    poll(&mut api);
    api.peer_mut().full.clear();
    poll(&mut api);
    let got = got(&mut api, 4);
    let of_2 = got.iter().filter(|(from, _)| *from == 2).count();
    assert!(of_2.abs_diff(got.len() - of_2) <= 1, "{got:?}");
}

#[test]
fn what_the_server_has_to_tell_finds_room_before_what_it_passes_on() {
    let mut api = tight_server_of(2);
    api.peer_mut().full.insert(id(3));
    for _ in 0..20 {
        api.peer_mut().receive(2, &relay(3, &[3; 1000]));
    }
    poll(&mut api);
    for client in 10..20 {
        api.peer_mut().connect(client);
    }
    poll(&mut api);
    assert_eq!(api.peer_mut().disconnected, []);
    api.peer_mut().take_reliable();
    api.peer_mut().full.clear();
    poll(&mut api);
    let told = api.peer_mut().take_reliable();
    let joined: Vec<_> = (10..20).map(|client| (3, add(client).to_vec())).collect();
    assert_eq!(told[told.len() - 10..], joined);
}

#[test]
fn who_cannot_even_be_told_who_is_there_is_sent_away() {
    let mut api = tight_server_of(2);
    api.peer_mut().full.insert(id(3));
    let mut clients = 10;
    while api.peer_mut().disconnected.is_empty() {
        api.peer_mut().connect(clients);
        poll(&mut api);
        clients += 1;
        assert!(clients < 500, "nothing bounds what waits");
    }
    assert_eq!(api.peer_mut().disconnected, [id(3)]);
    assert!(!api.has_peer(id(3)) && api.has_peer(id(2)));
    assert_eq!(api.stats().overrun_peers, 1);
    // The others are told of it.
    assert!(
        api.peer_mut()
            .take_reliable()
            .contains(&(2, del(3).to_vec()))
    );
}

#[test]
fn a_channel_of_its_own_is_no_way_around() {
    let mut api = tight_server_of(3);
    api.peer_mut().full.insert(id(4));
    let custom = ChannelIndex(3);
    for _ in 0..20 {
        api.peer_mut().receive(2, &relay(4, &[3; 1000]));
        api.peer_mut().tell(Event::Packet(Packet {
            from: id(2),
            mode: TransferMode::Reliable,
            channel: custom,
            payload: relay(4, &[3; 1000]).into(),
        }));
    }
    assert!(poll(&mut api).len() > 30);
    // One who has nothing there yet takes its place from it, on either.
    for _ in 0..4 {
        api.peer_mut().receive(3, &relay(4, &[3; 1000]));
    }
    let told = poll(&mut api);
    assert!(!told.is_empty() && told.iter().all(|event| *event == refused(2, 4)));
}
