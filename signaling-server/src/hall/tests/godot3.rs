//! Clients of Godot's 3.x demo. What they are told is translated by their sockets; here it is as all are told it.

use super::resume::{OURS, told};
use super::*;

#[test]
fn a_client_is_known_by_its_first_message() {
    let mut house = house(Config::default());
    let host = connect(&mut house);
    let said = give(&mut house, host, "J: demo\n");
    assert_eq!(told(&said, host).messages, [(1, 1), (0, 0)]);
    let guest = connect(&mut house);
    give(&mut house, guest, "J: demo\n");
    let said = give(&mut house, host, "O: 10\nv=0");
    assert_eq!(said, [(guest, notice(4, 1, "v=0"))]);
    // Whoever has begun so goes on so.
    let said = give(&mut house, guest, SEAL);
    let words = "4000 Invalid message format: not a message of Godot 3's protocol";
    assert!(said.contains(&(guest, words.to_owned())), "{said:?}");
    let said = give(&mut house, host, "S: \n");
    assert_eq!(said, [(host, SEAL.to_owned())]);
}

#[test]
fn the_two_protocols_have_lobbies_of_their_own() {
    let mut house = house(Config::default());
    let three = connect(&mut house);
    give(&mut house, three, "J: old\n");
    let four = connect(&mut house);
    give(&mut house, four, JOIN);
    for (text, words) in [
        (
            OURS.replace("demo", "old"),
            "4000 Lobby is for clients of Godot 3 alone",
        ),
        (
            "J: demo\n".to_owned(),
            "4000 Lobby is not for clients of Godot 3",
        ),
    ] {
        let socket = connect(&mut house);
        let said = give(&mut house, socket, &text);
        assert_eq!(said, [(socket, words.to_owned())]);
    }
}

#[test]
fn a_strict_server_and_a_later_message_know_nothing_of_it() {
    let mut house = house(Config::strict());
    let socket = connect(&mut house);
    let said = give(&mut house, socket, "J: \n");
    assert_eq!(said, [(socket, "4000 Invalid message format".to_owned())]);
    let mut house = House::new(Config::default(), counting());
    let socket = connect(&mut house);
    let said = give(&mut house, socket, "S: \n");
    assert!(
        said[0].1.starts_with("4000 Invalid message format"),
        "{said:?}"
    );
}
