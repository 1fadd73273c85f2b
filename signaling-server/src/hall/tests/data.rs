//! What is told of lobbies and members.

use super::resume::{OURS, give_at, join, later, resume, told};
use super::*;

/// The data message of that type with an object of so many bytes.
fn data(kind: u8, size: usize) -> String {
    format!(
        r#"{{"type":{kind},"id":0,"data":"{{{}}}"}}"#,
        " ".repeat(size - 2)
    )
}

#[test]
fn data_are_told_to_everybody_who_speaks_the_extension_and_to_newcomers() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    let godot = connect(&mut house);
    give(&mut house, godot, JOIN);
    let said = give(&mut house, host, &data(40, 2));
    let lobby_data = notice(40, 0, "{}");
    assert_eq!(
        said,
        [(host, lobby_data.clone()), (guest, lobby_data.clone())]
    );
    assert_eq!(
        give(&mut house, host, &data(40, 2)),
        [],
        "nothing has changed"
    );
    let said = give_at(&mut house, later(1), guest, &data(41, 2));
    let member_data = notice(41, 10, "{}");
    assert_eq!(said, [(host, member_data.clone()), (guest, member_data)]);

    let late = house.connect();
    let said = give_at(&mut house, later(2), late, OURS);
    let messages = [(1, 12), (40, 0), (2, 1), (2, 10), (41, 10), (2, 11), (0, 0)];
    assert_eq!(told(&said, late).messages, messages);
    let plain = house.connect();
    let said = give_at(&mut house, later(2), plain, JOIN);
    let messages = [(1, 13), (2, 1), (2, 10), (2, 11), (2, 12), (0, 0)];
    assert_eq!(told(&said, plain).messages, messages);
    // A seat keeps its data while its member is away.
    house.cut(later(3), guest);
    let (back, _) = resume(&mut house, later(4), &token);
    let said = give_at(&mut house, later(5), back, &data(41, 2));
    assert_eq!(said, []);
    // Nothing of it is told when it has left before its turn.
    give_at(&mut house, later(6), host, &data(40, 3));
    give_at(&mut house, later(6), back, &data(41, 3));
    house.disconnect(back);
    actions(&mut house);
    house.handle_timeout(later(7));
    assert_eq!(actions(&mut house), []);
}

#[test]
fn clients_of_a_host_are_not_told_of_each_other() {
    let mut house = house(Config::default());
    let join = r#"{"type":0,"id":1,"data":"demo","v":1}"#;
    let sockets: Vec<_> = (0..3).map(|_| connect(&mut house)).collect();
    for socket in &sockets {
        give(&mut house, *socket, join);
    }
    let said = give(&mut house, sockets[1], &data(41, 2));
    let told: Vec<_> = said.iter().map(|(socket, _)| *socket).collect();
    assert_eq!(told, [sockets[0], sockets[1]]);
}

#[test]
fn data_have_bounds_and_the_lobbys_are_the_hosts() {
    let cases = [
        (
            true,
            data(40, 1025),
            "4000 Not allowed: data of more than 1024 bytes",
        ),
        (
            true,
            notice(40, 0, "[]"),
            "4000 Not allowed: data that are no JSON object",
        ),
        (false, data(40, 2), "4000 Only the host can do that"),
        (
            false,
            data(41, 257),
            "4000 Not allowed: data of more than 256 bytes",
        ),
        (
            false,
            notice(41, 0, "x"),
            "4000 Not allowed: data that are no JSON object",
        ),
    ];
    for (is_host, text, words) in cases {
        let mut house = house(Config::default());
        let (host, _) = join(&mut house, START);
        let (guest, _) = join(&mut house, START);
        let rude = if is_host { host } else { guest };
        let said = give(&mut house, rude, &text);
        assert!(said.contains(&(rude, words.to_owned())), "{text}: {said:?}");
    }
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    assert_eq!(give(&mut house, host, &data(40, 1024)).len(), 1);
    assert_eq!(give_at(&mut house, later(1), host, &data(41, 256)).len(), 1);
    // Who does not speak the extension says nothing by it.
    let godot = connect(&mut house);
    give(&mut house, godot, JOIN);
    assert_eq!(give(&mut house, godot, &data(41, 2)), []);
}

#[test]
fn members_that_change_their_data_all_the_time_are_heard_twice_a_second() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, _) = join(&mut house, START);
    let mut heard = Vec::new();
    for step in 0..=1000_usize {
        let now = START + Duration::from_millis(step as u64);
        house.handle_timeout(now);
        heard.extend(actions(&mut house));
        heard.extend(give_at(&mut house, now, guest, &data(41, 2 + step % 9)));
    }
    house.handle_timeout(later(9));
    heard.extend(actions(&mut house));
    let heard = heard.iter().filter(|(to, _)| *to == host);
    let heard: Vec<_> = heard.filter(|(_, text)| text.contains(":41,")).collect();
    assert_eq!(heard.len(), 4, "at once, after 500, 1000 and 1500 ms");
    let latest = notice(41, 10, "{ }");
    assert_eq!(heard.last().map(|(_, text)| text), Some(&latest));
}

#[test]
fn a_member_that_was_away_hears_that_data_are_gone() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    give(&mut house, host, &data(41, 2));
    house.cut(later(1), guest);
    give_at(&mut house, later(2), host, &notice(41, 0, ""));
    let (back, said) = resume(&mut house, later(3), &token);
    assert_eq!(
        told(&said, back).messages,
        [(1, 10), (2, 1), (41, 1), (0, 0)]
    );
    assert!(said.contains(&(back, notice(41, 1, ""))), "{said:?}");
}

#[test]
fn who_comes_back_brings_its_data_along() {
    let mut house = house(Config::default());
    let (host, host_token) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    let heard = |said: &[(MemberId, String)], by| {
        let of = said
            .iter()
            .filter(|(to, text)| *to == by && text.contains(":41,"));
        of.map(|(_, text)| text.clone()).collect::<Vec<_>>()
    };
    let first = notice(41, 10, "{}");
    let second = notice(41, 10, "{ }");

    // Somebody joins while it is away.
    give_at(&mut house, later(1), guest, &data(41, 2));
    house.cut(later(2), guest);
    let (late, _) = join(&mut house, later(3));
    let (back, said) = resume(&mut house, later(4), &token);
    for listener in [host, late, back] {
        assert_eq!(heard(&said, listener), std::slice::from_ref(&first));
    }

    // It changes them while another one is away, and is away when that one is back.
    house.cut(later(11), host);
    give_at(&mut house, later(12), back, &data(41, 3));
    house.cut(later(13), back);
    let (host, said) = resume(&mut house, later(14), &host_token);
    assert_eq!(heard(&said, host), [""; 0]);
    let (_, said) = resume(&mut house, later(15), &token);
    assert_eq!(heard(&said, host), [second]);
}

#[test]
fn data_of_one_that_is_away_are_told_when_it_is_back() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house, START);
    let (guest, token) = join(&mut house, START);
    give_at(&mut house, later(1), host, &data(40, 2));
    // Before its turn.
    let said = give_at(&mut house, later(1), guest, &data(41, 2));
    assert_eq!(said, []);
    house.cut(later(1), guest);
    house.handle_timeout(later(2));
    assert_eq!(actions(&mut house), []);
    let (back, said) = resume(&mut house, later(3), &token);
    let told = said
        .iter()
        .filter(|(_, text)| *text == notice(41, 10, "{}"));
    let told: Vec<_> = told.map(|(to, _)| *to).collect();
    assert_eq!(told, [host, back]);
}
