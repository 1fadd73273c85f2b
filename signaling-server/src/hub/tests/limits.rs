//! What is too much, too many, too late or no message at all.

use super::*;

/// What a socket that has not joined is told for a text.
fn told(config: Config, text: &str) -> String {
    let mut hub = hub(config);
    let socket = connect(&mut hub);
    let mut said = give(&mut hub, socket, text);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(hub.counts().peers, 0);
    said.remove(0).1
}

/// What a member is told for a text, while the host hears of its leaving.
fn told_in_lobby(text: &str) -> String {
    let (mut hub, sockets) = lobby_of(Config::default(), 2, JOIN);
    let mut said = give(&mut hub, sockets[1], text);
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
    for kind in [1, 2, 3, 4, 5, 6, 7, 8, 100] {
        assert_eq!(
            told(Config::default(), &notice(kind, 0, "")),
            "4000 Invalid message when not in a lobby"
        );
    }
    for kind in [1, 2, 3, 8, 100] {
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
    let mut hub = hub(config);
    let socket = connect(&mut hub);
    assert_eq!(give(&mut hub, socket, JOIN).len(), 2);
}

#[test]
fn a_name_has_a_length() {
    let config = Config {
        max_lobby_name: 3,
        ..Config::default()
    };
    assert_eq!(
        told(config, JOIN),
        "4000 Lobby name is too long: at most 3 bytes"
    );
}

#[test]
fn peers_are_counted() {
    let mut hub = hub(Config {
        max_peers: 1,
        ..Config::default()
    });
    let first = connect(&mut hub);
    assert_eq!(hub.connect(START), Err(Goodbye::TooManyPeers));
    hub.disconnect(first);
    assert!(hub.connect(START).is_ok());
}

#[test]
fn lobbies_are_counted() {
    let config = Config {
        max_lobbies: 1,
        ..Config::default()
    };
    let (mut hub, _) = lobby_of(config, 1, JOIN);
    for name in ["another", ""] {
        let second = connect(&mut hub);
        assert_eq!(
            give(&mut hub, second, &notice(0, 0, name)),
            [(
                second,
                "4000 Too many lobbies open, disconnecting".to_owned()
            )]
        );
    }
    let third = connect(&mut hub);
    assert_eq!(give(&mut hub, third, JOIN).len(), 4);
}

#[test]
fn members_are_counted() {
    let config = Config {
        max_lobby_peers: 2,
        ..Config::default()
    };
    let (mut hub, sockets) = lobby_of(config, 2, JOIN);
    let third = connect(&mut hub);
    assert_eq!(
        give(&mut hub, third, JOIN),
        [(third, "4000 Lobby is full: at most 2 peers".to_owned())]
    );
    hub.disconnect(sockets[1]);
    actions(&mut hub);
    let third = connect(&mut hub);
    assert_eq!(give(&mut hub, third, JOIN).len(), 4);
}

#[test]
fn joining_has_a_deadline() {
    let mut hub = hub(Config::default());
    let socket = connect(&mut hub);
    let due = START + Duration::from_secs(3);
    assert_eq!(hub.poll_timeout(socket), Some(due));
    hub.handle_timeout(START + Duration::from_micros(2_999_999), socket);
    assert_eq!(actions(&mut hub), []);
    hub.handle_timeout(due, socket);
    assert_eq!(
        actions(&mut hub),
        [(socket, "4000 Have not joined lobby yet".to_owned())]
    );
    assert_eq!(hub.poll_timeout(socket), None);
    assert_eq!(hub.counts().peers, 0);
}

#[test]
fn messages_have_a_rate() {
    let config = Config {
        messages_per_second: 1,
        message_burst: 4,
        ..Config::default()
    };
    let (mut hub, sockets) = lobby_of(config, 2, JOIN);
    let candidate = notice(6, 1, "c");
    for _ in 0..3 {
        assert_eq!(give(&mut hub, sockets[1], &candidate).len(), 1);
    }
    assert_eq!(
        give(&mut hub, sockets[1], &candidate),
        [
            (sockets[0], notice(3, 10, "")),
            (
                sockets[1],
                "1008 Too many messages: at most 1 a second".to_owned()
            )
        ]
    );
    assert_eq!(give(&mut hub, sockets[1], &candidate), []);
}

#[test]
fn a_long_message_counts_as_several() {
    let config = Config {
        message_burst: 3,
        messages_per_second: 1,
        ..Config::default()
    };
    let (mut hub, sockets) = lobby_of(config, 2, JOIN);
    let long = notice(4, 1, &"x".repeat(2048));
    assert!(give(&mut hub, sockets[1], &long)[1].1.starts_with("1008 "));
}

#[test]
fn control_frames_count() {
    let mut hub = hub(Config {
        message_burst: 2,
        ..Config::default()
    });
    let socket = connect(&mut hub);
    assert!(hub.handle_frame(START, socket, 0));
    assert!(hub.handle_frame(START, socket, 125));
    assert!(!hub.handle_frame(START, socket, 0));
    assert_eq!(hub.counts().peers, 0);
}

#[test]
fn without_randomness_nobody_gets_an_id_that_is_not_random() {
    let mut hub = Hub::new(Config::default(), Box::new(|| None));
    let host = connect(&mut hub);
    assert_eq!(give(&mut hub, host, JOIN).len(), 2);
    for join in [JOIN, r#"{"type":0,"id":0,"data":""}"#] {
        let guest = connect(&mut hub);
        assert_eq!(
            give(&mut hub, guest, join),
            [(guest, "1011 Server error, no random numbers".to_owned())]
        );
    }
    assert_eq!(
        hub.counts(),
        Counts {
            peers: 1,
            lobbies: 1
        }
    );
}
