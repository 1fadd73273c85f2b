//! Joining, relaying, sealing, leaving.

use signaling::{MAX_MESSAGE_SIZE, MAX_NOTICE_SIZE};

use super::*;
use crate::entropy;

const MAX_ID: u32 = PeerId::MAX.get();

#[test]
fn the_first_to_join_makes_the_lobby_and_is_its_host() {
    let mut house = house(Config::default());
    let host = connect(&mut house);
    assert_eq!(
        give(&mut house, host, JOIN),
        [(host, notice(1, 1, "true")), (host, notice(0, 0, "demo"))]
    );
    assert_eq!(
        house.counts(),
        Counts {
            members: 1,
            away: 0,
            lobbies: 1
        }
    );
}

#[test]
fn a_joiner_learns_of_everybody_and_everybody_of_it() {
    let (mut house, sockets) = lobby_of(Config::default(), 2, JOIN);
    let third = connect(&mut house);
    assert_eq!(
        give(&mut house, third, JOIN),
        [
            (third, notice(1, 11, "true")),
            (sockets[0], notice(2, 11, "")),
            (third, notice(2, 1, "")),
            (sockets[1], notice(2, 11, "")),
            (third, notice(2, 10, "")),
            (third, notice(0, 0, "demo")),
        ]
    );
}

#[test]
fn a_lobby_without_a_name_gets_one() {
    let mut house = House::new(Config::default(), entropy::system());
    let host = connect(&mut house);
    let said = give(&mut house, host, r#"{"type":0,"id":1,"data":""}"#);
    assert_eq!(said[0], (host, notice(1, 1, "")));
    let name = said[1].1.split('"').nth(7).expect("a name").to_owned();
    assert_eq!(name.len(), 16);

    let guest = connect(&mut house);
    let said = give(&mut house, guest, &notice(0, 0, &name));
    assert_eq!(said.last(), Some(&(guest, notice(0, 0, &name))));
}

#[test]
fn the_host_decides_the_topology() {
    let (mut house, _) = lobby_of(Config::default(), 1, JOIN_AS_CLIENT);
    let guest = connect(&mut house);
    assert_eq!(give(&mut house, guest, JOIN)[0], (guest, notice(1, 10, "")));
}

#[test]
fn clients_of_a_host_do_not_learn_of_each_other() {
    let (mut house, sockets) = lobby_of(Config::default(), 2, JOIN_AS_CLIENT);
    let third = connect(&mut house);
    assert_eq!(
        give(&mut house, third, JOIN_AS_CLIENT),
        [
            (third, notice(1, 11, "")),
            (sockets[0], notice(2, 11, "")),
            (third, notice(2, 1, "")),
            (third, notice(0, 0, "demo")),
        ]
    );
    assert_eq!(give(&mut house, third, &notice(4, 10, "v=0")), []);
    house.disconnect(third);
    assert_eq!(actions(&mut house), [(sockets[0], notice(3, 11, ""))]);
}

#[test]
fn signals_are_passed_on_under_the_senders_id() {
    let (mut house, sockets) = lobby_of(Config::default(), 3, JOIN);
    for (kind, from, to, to_id, from_id) in [(4, 1, 0, 1, 10), (5, 0, 1, 10, 1), (6, 2, 1, 10, 11)]
    {
        assert_eq!(
            give(&mut house, sockets[from], &notice(kind, to_id, r"a\nb")),
            [(sockets[to], notice(kind, from_id, r"a\nb"))]
        );
    }
}

#[test]
fn what_a_peer_adds_to_a_message_is_not_passed_on() {
    let (mut house, sockets) = lobby_of(Config::default(), 2, JOIN);
    let text = r#"{"type":4.0,"id":1.0,"data":"v=0","token":"secret"}"#;
    assert_eq!(
        give(&mut house, sockets[1], text),
        [(sockets[0], notice(4, 10, "v=0"))]
    );
}

#[test]
fn the_largest_message_taken_is_one_that_every_client_takes() {
    let longest = MAX_ID - 2;
    let entropy: Entropy = Box::new(move || Some(longest));
    let mut house = House::new(Config::default(), entropy);
    let (host, guest) = (connect(&mut house), connect(&mut house));
    give(&mut house, host, JOIN);
    give(&mut house, guest, JOIN);
    let room = MAX_MESSAGE_SIZE - notice(4, 1, "").len();
    let said = give(&mut house, guest, &notice(4, 1, &"x".repeat(room)));
    assert_eq!(said.len(), 1);
    assert!(said[0].1.len() > MAX_MESSAGE_SIZE);
    assert!(said[0].1.len() <= MAX_NOTICE_SIZE.min(65535));
}

#[test]
fn a_signal_for_one_who_has_left_is_dropped() {
    let (mut house, sockets) = lobby_of(Config::default(), 3, JOIN);
    house.disconnect(sockets[2]);
    assert_eq!(
        actions(&mut house),
        [
            (sockets[0], notice(3, 11, "")),
            (sockets[1], notice(3, 11, ""))
        ]
    );
    for id in [11, 10, 0, 2_147_483_647] {
        assert_eq!(give(&mut house, sockets[1], &notice(6, id, "c")), []);
    }
    assert_eq!(
        house.counts(),
        Counts {
            members: 2,
            away: 0,
            lobbies: 1
        }
    );
}

#[test]
fn a_signal_stays_in_its_lobby() {
    let (mut house, _) = lobby_of(Config::default(), 2, JOIN);
    let other = connect(&mut house);
    give(&mut house, other, &notice(0, 0, "another"));
    assert_eq!(give(&mut house, other, &notice(4, 10, "v=0")), []);
    assert_eq!(
        house.counts(),
        Counts {
            members: 3,
            away: 0,
            lobbies: 2
        }
    );
}

#[test]
fn the_host_leaving_ends_the_lobby() {
    let (mut house, sockets) = lobby_of(Config::default(), 3, JOIN);
    house.disconnect(sockets[0]);
    let goodbye = "4000 Room host has disconnected".to_owned();
    assert_eq!(
        actions(&mut house),
        [(sockets[1], goodbye.clone()), (sockets[2], goodbye)]
    );
    assert_eq!(
        house.counts(),
        Counts {
            members: 0,
            away: 0,
            lobbies: 0
        }
    );

    // Those who come back find each other again, under a new host.
    let again = connect(&mut house);
    assert_eq!(
        give(&mut house, again, JOIN)[0],
        (again, notice(1, 1, "true"))
    );
}

#[test]
fn a_lobby_ends_with_its_last_member() {
    let (mut house, sockets) = lobby_of(Config::default(), 1, JOIN);
    house.disconnect(sockets[0]);
    house.disconnect(sockets[0]);
    assert_eq!(actions(&mut house), []);
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
fn a_sealed_lobby_takes_nobody_and_ends_when_its_time_is_up() {
    let (mut house, sockets) = lobby_of(Config::default(), 2, JOIN);
    let sealed = notice(7, 0, "");
    assert_eq!(house.hall.poll_timeout(), None);
    assert_eq!(
        give(&mut house, sockets[0], SEAL),
        [(sockets[0], sealed.clone()), (sockets[1], sealed)]
    );
    assert_eq!(give(&mut house, sockets[0], SEAL), []);

    let late = connect(&mut house);
    assert_eq!(
        give(&mut house, late, JOIN),
        [(late, "4000 Lobby is sealed".to_owned())]
    );
    assert_eq!(
        give(&mut house, sockets[1], &notice(4, 1, "v=0")),
        [(sockets[0], notice(4, 10, "v=0"))]
    );

    let due = START + Duration::from_secs(10);
    assert_eq!(house.hall.poll_timeout(), Some(due));
    house.handle_timeout(START + Duration::from_micros(9_999_999));
    assert_eq!(actions(&mut house), []);
    house.handle_timeout(due);
    let goodbye = "1000 Seal complete".to_owned();
    assert_eq!(
        actions(&mut house),
        [(sockets[0], goodbye.clone()), (sockets[1], goodbye)]
    );
    house.handle_timeout(due);
    house.disconnect(sockets[0]);
    assert_eq!(actions(&mut house), []);
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
fn a_host_that_seals_and_leaves_does_not_cut_handshakes_short() {
    let (mut house, sockets) = lobby_of(Config::default(), 3, JOIN);
    give(&mut house, sockets[0], SEAL);
    house.disconnect(sockets[0]);
    assert_eq!(actions(&mut house), []);
    assert_eq!(
        give(&mut house, sockets[2], &notice(4, 10, "v=0")),
        [(sockets[1], notice(4, 11, "v=0"))]
    );
    assert_eq!(give(&mut house, sockets[2], &notice(4, 1, "v=0")), []);
    let late = connect(&mut house);
    assert_eq!(
        give(&mut house, late, JOIN),
        [(late, "4000 Lobby is sealed".to_owned())]
    );

    house.handle_timeout(START + Duration::from_secs(10));
    let goodbye = "1000 Seal complete".to_owned();
    assert_eq!(
        actions(&mut house),
        [(sockets[1], goodbye.clone()), (sockets[2], goodbye)]
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
fn a_sealed_lobby_that_everybody_left_is_free_again() {
    let (mut house, sockets) = lobby_of(Config::default(), 2, JOIN);
    give(&mut house, sockets[0], SEAL);
    house.disconnect(sockets[0]);
    house.disconnect(sockets[1]);
    assert_eq!(
        house.counts(),
        Counts {
            members: 0,
            away: 0,
            lobbies: 0
        }
    );
    let again = connect(&mut house);
    assert_eq!(
        give(&mut house, again, JOIN)[0],
        (again, notice(1, 1, "true"))
    );
    // The old end is not the new lobby's.
    assert_eq!(house.hall.poll_timeout(), None);
}

#[test]
fn a_shutdown_sends_every_member_away() {
    let (mut house, sockets) = lobby_of(Config::default(), 2, JOIN);
    house.hall.close_all(&Goodbye::ShuttingDown);
    let goodbye = "1001 The server is shutting down".to_owned();
    assert_eq!(
        actions(&mut house),
        [(sockets[0], goodbye.clone()), (sockets[1], goodbye)]
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
