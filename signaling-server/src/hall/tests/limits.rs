//! What is too much, too many, too late or no message at all.

use super::*;
use crate::AddressLimits;

/// What a socket that has not joined is told for a text.
fn told(config: Config, text: &str) -> String {
    let mut house = house(config);
    let socket = connect(&mut house);
    let mut said = give(&mut house, socket, text);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(house.counts().members, 0);
    assert!(!house.visitors.contains_key(&socket));
    said.remove(0).1
}

/// What a member is told for a text, while the host hears of its leaving.
fn told_in_lobby(text: &str) -> String {
    let (mut house, sockets) = lobby_of(Config::default(), 2, JOIN);
    let mut said = give(&mut house, sockets[1], text);
    assert_eq!(said.remove(0), (sockets[0], notice(3, 10, "")));
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].0, sockets[1]);
    said.remove(0).1
}

#[test]
fn no_message_is_said_to_be_none() {
    for (text, words) in [
        ("", "4000 Invalid message format: not a JSON object"),
        ("[]", "4000 Invalid message format: not a JSON object"),
        ("{}", r#"4000 Invalid message format: no "type""#),
        (
            r#"{"type":"x","id":0}"#,
            r#"4000 Invalid message format: "type" is not what it must be"#,
        ),
        (
            r#"{"type":0,"id":-1}"#,
            "4000 Invalid message format: no peer has the id -1",
        ),
    ] {
        for said in [told(Config::default(), text), told_in_lobby(text)] {
            assert!(said.starts_with(words), "{text} gave {said}");
        }
    }
}

#[test]
fn a_message_must_make_sense_where_it_is_sent() {
    for kind in [1, 2, 3, 4, 5, 6, 7] {
        assert_eq!(
            told(Config::default(), &notice(kind, 0, "")),
            "4000 Invalid message when not in a lobby"
        );
    }
    for kind in [1, 2, 3] {
        assert_eq!(told_in_lobby(&notice(kind, 0, "")), "4000 Invalid command");
    }
    assert_eq!(told_in_lobby(JOIN), "4000 Already in a lobby");
    assert_eq!(told_in_lobby(SEAL), "4000 Only host can seal the lobby");
}

#[test]
fn a_message_has_a_size() {
    let config = Config {
        max_message_size: 31,
        ..Config::default()
    };
    assert_eq!(JOIN.len(), 31);
    assert_eq!(
        told(config.clone(), &format!("{JOIN} ")),
        "1009 Message too large: at most 31 bytes"
    );
    let mut house = house(config);
    let socket = connect(&mut house);
    assert_eq!(give(&mut house, socket, JOIN).len(), 2);
}

#[test]
fn a_name_has_a_length() {
    let config = Config {
        max_lobby_name: 3,
        ..Config::default()
    };
    assert_eq!(
        told(config.clone(), JOIN),
        "4000 Lobby name is too long: at most 3 characters"
    );
    // Nine bytes.
    let mut house = house(config);
    let socket = connect(&mut house);
    let short = r#"{"type":0,"id":0,"data":"あそび"}"#;
    assert_eq!(give(&mut house, socket, short).len(), 2);
}

#[test]
fn lobbies_are_counted() {
    let config = Config {
        max_lobbies: 1,
        ..Config::default()
    };
    let (mut house, _) = lobby_of(config, 1, JOIN);
    for name in ["another", ""] {
        let second = connect(&mut house);
        assert_eq!(
            give(&mut house, second, &notice(0, 0, name)),
            [(
                second,
                "4000 Too many lobbies open, disconnecting".to_owned()
            )]
        );
    }
    let third = connect(&mut house);
    assert_eq!(give(&mut house, third, JOIN).len(), 4);
}

#[test]
fn members_are_counted() {
    let config = Config {
        max_lobby_peers: 2,
        ..Config::default()
    };
    let (mut house, sockets) = lobby_of(config, 2, JOIN);
    let third = connect(&mut house);
    assert_eq!(
        give(&mut house, third, JOIN),
        [(third, "4000 Lobby is full: at most 2 peers".to_owned())]
    );
    house.disconnect(sockets[1]);
    actions(&mut house);
    let third = connect(&mut house);
    assert_eq!(give(&mut house, third, JOIN).len(), 4);
}

#[test]
fn without_randomness_nobody_gets_an_id_that_is_not_random() {
    let mut house = House::new(Config::default(), Box::new(|| None));
    let host = connect(&mut house);
    assert_eq!(give(&mut house, host, JOIN).len(), 2);
    for join in [JOIN, r#"{"type":0,"id":0,"data":""}"#] {
        let guest = connect(&mut house);
        assert_eq!(
            give(&mut house, guest, join),
            [(guest, "1011 Server error, no random numbers".to_owned())]
        );
    }
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
fn lobbies_are_counted_by_the_address_that_made_them() {
    let mut house = house(Config {
        address: AddressLimits {
            lobbies: 1,
            ..AddressLimits::default()
        },
        ..Config::default()
    });
    let networks = [1, 2].map(|last| Network::of([192, 0, 2, last].into()));
    let connect_from = |house: &mut House, index: usize| {
        let member = connect(house);
        house.networks.insert(member, networks[index]);
        member
    };
    let refused = "1008 Too many lobbies made from your address: at most 1";
    let first = connect_from(&mut house, 0);
    assert_eq!(give(&mut house, first, JOIN).len(), 2);
    for name in ["another", ""] {
        let second = connect_from(&mut house, 0);
        let said = give(&mut house, second, &notice(0, 0, name));
        assert_eq!(said, [(second, refused.to_owned())]);
    }
    // A lobby of somebody else may be joined, and somebody else may make one.
    let other = connect_from(&mut house, 1);
    assert_eq!(give(&mut house, other, &notice(0, 0, "another")).len(), 2);
    let guest = connect_from(&mut house, 0);
    assert_eq!(give(&mut house, guest, &notice(0, 0, "another")).len(), 4);

    // The lobby ends with its host, and makes room for the next one.
    house.disconnect(first);
    let third = connect_from(&mut house, 0);
    assert_eq!(give(&mut house, third, JOIN).len(), 2);
    house.disconnect(third);
    house.disconnect(other);
    assert!(house.hall.made.is_empty());
}

#[test]
fn a_mistyped_name_makes_no_lobby_where_names_make_none() {
    let mut house = house(Config {
        no_create: true,
        ..Config::default()
    });
    let guest = connect(&mut house);
    let refused = "4000 Lobby does not exists".to_owned();
    assert_eq!(give(&mut house, guest, JOIN), [(guest, refused)]);
    let host = connect(&mut house);
    let said = give(&mut house, host, r#"{"type":0,"id":0,"data":""}"#);
    let name = said[1].1.split('"').nth(7).expect("a name").to_owned();
    let guest = connect(&mut house);
    assert_eq!(give(&mut house, guest, &notice(0, 0, &name)).len(), 4);
    // The rest is not strict.
    assert_eq!(give(&mut house, guest, &notice(4, 5, "v=0")), []);
}

#[test]
fn what_is_not_known_is_passed_over() {
    let (mut house, sockets) = lobby_of(Config::default(), 2, JOIN);
    let stranger = connect(&mut house);
    for text in [
        r#"{"type":8,"id":0,"data":""}"#,
        r#"{"type":100,"id":-5,"data":{"deep":[1]}}"#,
        r#"{"type":-1}"#,
    ] {
        for socket in [sockets[1], stranger] {
            assert_eq!(give(&mut house, socket, text), [], "{text}");
            assert!(house.visitors.contains_key(&socket));
        }
    }
    let text = r#"{"type":4,"id":1,"data":"v=0","new":{"field":true}}"#;
    let offer = (sockets[0], notice(4, 10, "v=0"));
    assert_eq!(give(&mut house, sockets[1], text), [offer]);
    assert_eq!(give(&mut house, stranger, JOIN).len(), 6);
}

#[test]
fn who_makes_a_lobby_sets_how_many_it_takes_up_to_the_servers_limit() {
    for (wanted, limit) in [("0", 1), ("1", 1), ("2", 2), ("4294967295", 3), ("-1", 3)] {
        let mut house = house(Config {
            max_lobby_peers: 3,
            ..Config::default()
        });
        let join =
            |wanted: &str| format!(r#"{{"type":0,"id":0,"data":"demo","v":1,"max":{wanted}}}"#);
        for _ in 0..limit {
            let member = connect(&mut house);
            // Only who makes it is asked.
            let text = if house.counts().lobbies == 0 {
                join(wanted)
            } else {
                join("9")
            };
            let said = give(&mut house, member, &text);
            assert!(
                said.iter().all(|(_, text)| !text.starts_with('4')),
                "{said:?}"
            );
        }
        let late = connect(&mut house);
        let words = format!("4000 Lobby is full: at most {limit} peers");
        assert_eq!(give(&mut house, late, JOIN), [(late, words)]);
    }
    // Godot's server knows no such thing.
    let mut house = house(Config::strict());
    let host = connect(&mut house);
    give(
        &mut house,
        host,
        r#"{"type":0,"id":0,"data":"","v":1,"max":1}"#,
    );
    let name = house.hall.lobbies.keys().next().map(ToString::to_string);
    let guest = connect(&mut house);
    let join = JOIN.replace("demo", &name.expect("a lobby"));
    assert!(give(&mut house, guest, &join)[0].1.contains(r#""type":1"#));
}

#[test]
fn a_member_of_a_full_lobby_comes_back() {
    use super::resume::{later, resume, told};

    let mut house = house(Config::default());
    let host = connect(&mut house);
    let text = r#"{"type":0,"id":0,"data":"demo","v":1,"max":1}"#;
    let said = give(&mut house, host, text);
    let token = told(&said, host).token.expect("a token");
    house.cut(later(1), host);
    let late = connect(&mut house);
    let words = "4000 Lobby is full: at most 1 peers".to_owned();
    assert_eq!(give(&mut house, late, JOIN), [(late, words)]);
    let (back, said) = resume(&mut house, later(2), &token);
    assert_eq!(told(&said, back).messages, [(1, 1), (0, 0)]);
}
