//! A server that is started again: who comes back to which lobby, and who must wait.

use super::resume::{OURS, give_at, join, later, refused, resume, told, with_token};
use super::*;
use crate::resume::ResumeKey;

/// The moment when a server starts, since 1970.
const BEGIN: Duration = Duration::from_secs(1_800_000_000);

#[test]
fn the_next_server_with_the_key_gives_the_seats_back() {
    let key = ResumeKey::generate().expect("a key");
    let mut first = House::restarted(Config::default(), counting(), &key, BEGIN);
    let (_, host) = join(&mut first, START);
    let (_, guest) = join(&mut first, START);
    let (_, third) = join(&mut first, START);

    let mut next = 1000;
    let others: Entropy = Box::new(move || {
        next += 1;
        Some(next)
    });
    let mut second = House::restarted(Config::default(), others, &key.inherited(), BEGIN);
    let stranger = second.connect();
    let said = give(&mut second, stranger, OURS);
    let words = "1013 The server has restarted: lobbies can be made in 90 s";
    assert_eq!(said, [(stranger, words.to_owned())]);
    let (guest_back, said) = resume(&mut second, later(1), &guest);
    let messages = [(1, 10), (41, 10), (0, 0)];
    assert_eq!(told(&said, guest_back).messages, messages);
    let new = second.connect();
    let said = give(&mut second, new, OURS);
    let messages = [(1, 1003), (2, 10), (41, 10), (0, 0)];
    assert_eq!(told(&said, new).messages, messages, "it is no host");
    let (host_back, said) = resume(&mut second, later(2), &host);
    assert_eq!(told(&said, host_back).messages[0], (1, 1));
    // What it had set before is lost, and those that still have it are told so.
    assert_eq!(told(&said, guest_back).messages, [(35, 1), (41, 1)]);
    assert_eq!(told(&said, new).messages, [(35, 1), (41, 1)]);
    assert!(said.contains(&(new, notice(41, 1, ""))), "{said:?}");
    // Its host's leave ends it for good.
    let said = give(&mut second, host_back, r#"{"type":36,"id":0}"#);
    assert!(said.iter().any(|(socket, _)| *socket == guest_back));
    refused(&mut second, later(3), &third);
    refused(&mut second, later(3), &guest);
}

#[test]
fn nobody_is_a_host_in_a_lobby_whose_host_may_come_back() {
    let (mut second, tokens) = restarted();
    let (guest, _) = resume(&mut second, later(1), &tokens[1]);
    assert_eq!(second.counts().away, 1, "the host's seat is kept");
    second.handle_timeout(later(60));
    actions(&mut second);
    second.handle_timeout(later(61));
    let said = actions(&mut second);
    assert_eq!(
        said,
        [(guest, "4000 Room host has disconnected".to_owned())]
    );
    refused(&mut second, later(61), &tokens[0]);
}

#[test]
fn after_the_time_of_the_old_tokens_names_are_free() {
    let (mut second, tokens) = restarted();
    refused(&mut second, later(90), &tokens[0]);
    let socket = second.connect();
    let said = give_at(&mut second, later(90), socket, OURS);
    assert_eq!(told(&said, socket).messages, [(1, 1), (0, 0)]);
}

/// A server that has just started, and the tokens of a host and a guest that its predecessor gave.
fn restarted() -> (House, [String; 2]) {
    let key = ResumeKey::generate().expect("a key");
    let mut first = House::restarted(Config::default(), counting(), &key, BEGIN);
    let tokens = [(); 2].map(|()| join(&mut first, START).1);
    let second = House::restarted(Config::default(), counting(), &key.inherited(), BEGIN);
    (second, tokens)
}

#[test]
fn a_limit_does_not_keep_those_out_who_were_there_before_a_restart() {
    let key = ResumeKey::generate().expect("a key");
    let config = Config {
        max_lobbies: 1,
        max_lobby_peers: 2,
        ..Config::default()
    };
    let mut first = House::restarted(config.clone(), counting(), &key, BEGIN);
    let tokens = [(); 2].map(|()| join(&mut first, START).1);
    let mut second = House::restarted(config, counting(), &key.inherited(), BEGIN);
    // Somebody else has made the only lobby that there may be, and another has the free seat.
    let stranger = second.connect();
    give(&mut second, stranger, r#"{"type":0,"id":0,"data":""}"#);
    let (host, said) = resume(&mut second, later(1), &tokens[0]);
    assert_eq!(told(&said, host).messages, [(1, 1), (41, 1), (0, 0)]);
    let other = second.connect();
    give(&mut second, other, JOIN);
    let (guest, said) = resume(&mut second, later(1), &tokens[1]);
    assert_eq!(told(&said, guest).messages[0], (1, 10));
    let late = second.connect();
    let said = give(&mut second, late, JOIN);
    assert_eq!(said[0].1, "4000 Lobby is full: at most 2 peers");
}

#[test]
fn an_address_makes_as_many_lobbies_again_as_it_may_have_sockets() {
    let key = ResumeKey::generate().expect("a key");
    let mut config = Config::default();
    (config.address.sockets, config.address.lobbies) = (2, 1);
    let mut first = House::restarted(config.clone(), counting(), &key, BEGIN);
    let tokens = ["a", "b", "c"].map(|name| {
        let socket = first.connect();
        let said = give(&mut first, socket, &OURS.replace("demo", name));
        told(&said, socket).token.expect("a token")
    });
    let mut second = House::restarted(config, counting(), &key.inherited(), BEGIN);
    let network = Network::of([192, 0, 2, 1].into());
    let answers = tokens.map(|token| {
        let socket = second.connect();
        second.networks.insert(socket, network);
        let said = give_at(&mut second, later(1), socket, &with_token(&token));
        (told(&said, socket).messages, said[0].1.clone())
    });
    assert_eq!(answers[0].0, [(1, 1), (41, 1), (0, 0)]);
    assert_eq!(answers[1].0, [(1, 1), (41, 1), (0, 0)]);
    let words = "1008 Too many lobbies made from your address: at most 2";
    assert_eq!(answers[2].1, words);
    assert_eq!(second.counts().lobbies, 2);
}

#[test]
fn a_token_of_an_older_lobby_of_the_same_name_does_not_lock_out_the_later_one() {
    let key = ResumeKey::generate().expect("a key");
    let mut first = House::restarted(Config::default(), counting(), &key, BEGIN);
    let (host, older) = join(&mut first, START);
    give(&mut first, host, r#"{"type":36,"id":0}"#);
    let (_, later_one) = join(&mut first, later(1));
    let restart = BEGIN + Duration::from_secs(1);
    let mut second = House::restarted(Config::default(), counting(), &key.inherited(), restart);
    let (ghost, said) = resume(&mut second, later(2), &older);
    assert_eq!(told(&said, ghost).messages[0], (1, 1));
    let (back, said) = resume(&mut second, later(3), &later_one);
    let words = "4000 Room host has disconnected";
    assert_eq!(said[0], (ghost, words.to_owned()));
    assert_eq!(told(&said, back).messages, [(1, 1), (41, 1), (0, 0)]);
    refused(&mut second, later(4), &older);
}

#[test]
fn a_token_of_an_older_lobby_of_the_same_name_does_not_end_the_later_one() {
    let key = ResumeKey::generate().expect("a key");
    let mut first = House::restarted(Config::default(), counting(), &key, BEGIN);
    let (host, older) = join(&mut first, START);
    give(&mut first, host, r#"{"type":36,"id":0}"#);
    let (_, later_one) = join(&mut first, later(1));
    let restart = BEGIN + Duration::from_secs(1);
    let mut second = House::restarted(Config::default(), counting(), &key.inherited(), restart);
    let (back, _) = resume(&mut second, later(2), &later_one);
    refused(&mut second, later(3), &older);
    assert!(second.hall.id(back).is_some_and(PeerId::is_server));
}

#[test]
fn who_may_not_make_a_lobby_again_ends_none() {
    let key = ResumeKey::generate().expect("a key");
    let config = Config {
        max_lobbies: 1,
        ..Config::default()
    };
    let mut first = House::restarted(Config::default(), counting(), &key, BEGIN);
    let (host, older) = join(&mut first, START);
    give(&mut first, host, r#"{"type":36,"id":0}"#);
    let (_, later_one) = join(&mut first, later(1));
    let restart = BEGIN + Duration::from_secs(1);
    let mut second = House::restarted(config, counting(), &key.inherited(), restart);
    let stranger = second.connect();
    give(&mut second, stranger, r#"{"type":0,"id":0,"data":""}"#);
    let (ghost, _) = resume(&mut second, later(2), &older);
    let late = second.connect();
    let said = give_at(&mut second, later(3), late, &with_token(&later_one));
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].0, late, "nobody else is told anything");
    assert_eq!(second.counts().members, 2, "{ghost:?} is still there");
}

/// A token of this server does not bring back who has left, as one of an earlier server does.
#[test]
fn who_came_after_a_restart_and_left_has_left() {
    let (mut second, tokens) = restarted();
    let (_, _) = resume(&mut second, later(1), &tokens[0]);
    let (guest, token) = join(&mut second, later(1));
    give(&mut second, guest, r#"{"type":36,"id":0}"#);
    refused(&mut second, later(2), &token);
    // So it need not be remembered.
    let gone = second.hall.lobbies["demo"].gone.as_ref();
    assert_eq!(gone.map(BTreeSet::len), Some(0));
}

#[test]
fn what_is_remembered_of_an_earlier_server_is_bounded_and_forgotten() {
    let (mut second, tokens) = restarted();
    let (_, _) = resume(&mut second, later(1), &tokens[0]);
    for _ in 0..10_000 {
        let socket = second.connect();
        give_at(&mut second, later(1), socket, JOIN);
        second.disconnect(socket);
        actions(&mut second);
    }
    let gone = |house: &House| match house.hall.lobbies.values().next() {
        Some(lobby) => format!("{:?}", lobby.gone).len(),
        None => 0,
    };
    assert!(gone(&second) < 1000, "none of ten thousand strangers");
    // They do not keep out who was there before.
    let (guest, said) = resume(&mut second, later(2), &tokens[1]);
    assert_eq!(told(&said, guest).messages[0].0, 1);
    give(&mut second, guest, r#"{"type":36,"id":0}"#);
    refused(&mut second, later(3), &tokens[1]);
    second.handle_timeout(later(90));
    assert_eq!(gone(&second), "None".len());
}

/// Nobody is left, and those who have not come back yet do not make it again.
#[test]
fn who_leaves_a_lobby_as_the_last_one_ends_it_for_those_of_the_earlier_server() {
    let leave = r#"{"type":36,"id":0}"#;
    let migrating = OURS.replace('}', r#","migrate":1}"#);
    for (text, last_words) in [(OURS, [leave].as_slice()), (&migrating, &[SEAL, leave])] {
        let key = ResumeKey::generate().expect("a key");
        let mut first = House::restarted(Config::default(), counting(), &key, BEGIN);
        let [host, guest] = [(); 2].map(|()| {
            let socket = first.connect();
            let said = give(&mut first, socket, text);
            told(&said, socket).token.expect("a token")
        });
        let mut second = House::restarted(Config::default(), counting(), &key.inherited(), BEGIN);
        let (back, _) = resume(&mut second, later(1), &host);
        for word in last_words {
            give_at(&mut second, later(1), back, word);
        }
        assert_eq!(second.counts().lobbies, 0);
        refused(&mut second, later(2), &guest);
    }
}

#[test]
fn no_more_than_4096_ended_seats_are_remembered() {
    let (mut second, tokens) = restarted();
    let (host, _) = resume(&mut second, later(1), &tokens[0]);
    for id in 1000..6000 {
        assert_eq!(give(&mut second, host, &notice(37, id, "")), []);
    }
    let gone = second.hall.lobbies["demo"].gone.as_ref();
    assert_eq!(gone.map(BTreeSet::len), Some(4096));
}
