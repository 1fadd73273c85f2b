//! Lobbies that go on when their host leaves.

use super::resume::{OURS, give_at, later, resume, told, with_token};
use super::*;
use crate::resume::ResumeKey;

const MIGRATING: &str = r#"{"type":0,"id":0,"data":"demo","v":1,"migrate":1}"#;
const LOCK: &str = r#"{"type":39,"id":0,"data":"true"}"#;

fn host_is(id: u32) -> String {
    notice(43, id, "")
}

/// Joins; the socket and its token.
fn join(house: &mut House) -> (MemberId, String) {
    let socket = connect(house);
    let said = give(house, socket, MIGRATING);
    (socket, told(&said, socket).token.expect("a token"))
}

#[test]
fn the_member_that_has_been_there_longest_is_the_next_host() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house);
    let godot = connect(&mut house);
    give(&mut house, godot, JOIN);
    let (second, _) = join(&mut house);
    let (third, _) = join(&mut house);
    house.disconnect(host);
    // Godot's clients can do little of what a host can.
    let expected = [
        (godot, notice(3, 1, "")),
        (second, notice(3, 1, "")),
        (third, notice(3, 1, "")),
        (second, host_is(11)),
        (third, host_is(11)),
    ];
    assert_eq!(actions(&mut house), expected);
    // It has the rights of the host, and nobody else has.
    assert_eq!(give(&mut house, second, LOCK).len(), 2);
    give(&mut house, second, &LOCK.replace("true", ""));
    assert_eq!(give(&mut house, second, &notice(37, 11, "")), []);
    let said = give(&mut house, second, &notice(37, 10, ""));
    let removed = (godot, "4000 The host has removed you".to_owned());
    assert!(said.contains(&removed), "{said:?}");
    // Who made the lobby can join again, as somebody new.
    let (again, said) = {
        let socket = connect(&mut house);
        (socket, give(&mut house, socket, MIGRATING))
    };
    let messages = told(&said, again).messages;
    assert_eq!(messages, [(1, 13), (43, 11), (2, 11), (2, 12), (0, 0)]);
    let said = give(&mut house, third, LOCK);
    assert!(said.contains(&(third, "4000 Only the host can do that".to_owned())));
    let said = give(&mut house, second, SEAL);
    assert!(said.contains(&(again, SEAL.to_owned())), "{said:?}");
}

#[test]
fn a_lobby_ends_with_its_host_where_nobody_has_asked_for_more() {
    for first in [OURS, &MIGRATING.replace(r#""id":0"#, r#""id":1"#)] {
        let mut house = house(Config::default());
        let host = connect(&mut house);
        give(&mut house, host, first);
        let (guest, _) = join(&mut house);
        house.disconnect(host);
        let words = "4000 Room host has disconnected".to_owned();
        assert_eq!(actions(&mut house), [(guest, words)]);
    }
}

#[test]
fn a_host_whose_connection_breaks_is_the_host_until_its_seat_ends() {
    let mut house = house(Config::default());
    let (host, token) = join(&mut house);
    let (guest, _) = join(&mut house);
    house.cut(later(1), host);
    let (back, said) = resume(&mut house, later(2), &token);
    assert_eq!(told(&said, back).messages[0], (1, 1));
    assert_eq!(give(&mut house, back, LOCK).len(), 2);
    house.cut(later(3), back);
    house.handle_timeout(later(62));
    assert!(!actions(&mut house).contains(&(guest, host_is(10))));
    house.handle_timeout(later(63));
    let told = actions(&mut house);
    let heard = told.iter().map(|(_, text)| text.clone());
    let heard = Vec::from_iter(heard.filter(|text| !text.contains(r#""type":34"#)));
    assert_eq!(heard, [notice(3, 1, ""), host_is(10)]);
}

#[test]
fn a_member_that_is_away_is_the_host_if_nobody_else_is_there() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house);
    let (guest, token) = join(&mut house);
    let (other, _) = join(&mut house);
    house.cut(later(1), guest);
    house.disconnect(host);
    assert!(actions(&mut house).contains(&(other, host_is(11))));
    house.disconnect(other);
    actions(&mut house);
    let (back, said) = resume(&mut house, later(2), &token);
    assert!(said.contains(&(back, host_is(10))), "{said:?}");
    house.disconnect(back);
    let nothing = Counts {
        members: 0,
        away: 0,
        lobbies: 0,
    };
    assert_eq!(house.counts(), nothing);
    assert_eq!(house.hall.poll_timeout(), None);
}

#[test]
fn a_sealed_lobby_has_no_next_host() {
    let mut house = house(Config::default());
    let (host, _) = join(&mut house);
    let (guest, _) = join(&mut house);
    give(&mut house, host, SEAL);
    house.disconnect(host);
    assert_eq!(actions(&mut house), [], "handshakes may be under way");
    house.handle_timeout(later(10));
    let words = "1000 Seal complete".to_owned();
    assert_eq!(actions(&mut house), [(guest, words)]);
}

#[test]
fn the_next_server_knows_the_host() {
    let key = ResumeKey::generate().expect("a key");
    let begin = Duration::from_secs(1_800_000_000);
    let mut first = House::restarted(Config::default(), counting(), &key, begin);
    let (host, _) = join(&mut first);
    let (guest, _) = join(&mut first);
    let (other, _) = join(&mut first);
    give(&mut first, host, r#"{"type":36,"id":0}"#);
    // Everybody gets a new token, because the host is in it.
    first.handle_timeout(START);
    let said = actions(&mut first);
    let token = |socket| told(&said, socket).token.expect("a token");
    let (of_guest, of_other) = (token(guest), token(other));

    let restart = begin + Duration::from_secs(1);
    let mut second = House::restarted(Config::default(), counting(), &key.inherited(), restart);
    let (other, said) = resume(&mut second, later(1), &of_other);
    assert!(said.contains(&(other, host_is(10))), "{said:?}");
    let (guest, _) = resume(&mut second, later(2), &of_guest);
    let said = give_at(&mut second, later(3), guest, LOCK);
    assert!(said.contains(&(other, LOCK.to_owned())), "{said:?}");
    // It still goes on without its host, and a host that does not come back has left.
    second.disconnect(guest);
    assert!(actions(&mut second).contains(&(other, host_is(11))));

    let mut third = House::restarted(Config::default(), counting(), &key.inherited(), restart);
    let (other, _) = resume(&mut third, later(1), &of_other);
    third.handle_timeout(later(61));
    assert!(actions(&mut third).contains(&(other, host_is(11))));
}

#[test]
fn a_host_that_comes_back_first_and_leaves_does_not_end_it() {
    let key = ResumeKey::generate().expect("a key");
    let begin = Duration::from_secs(1_800_000_000);
    let mut first = House::restarted(Config::default(), counting(), &key, begin);
    let (_, of_host) = join(&mut first);
    let (_, of_other) = join(&mut first);

    let restart = begin + Duration::from_secs(1);
    let mut second = House::restarted(Config::default(), counting(), &key.inherited(), restart);
    let (host, _) = resume(&mut second, later(1), &of_host);
    second.disconnect(host);
    actions(&mut second);
    let (other, said) = resume(&mut second, later(2), &of_other);
    assert!(told(&said, other).token.is_some(), "{said:?}");
}

/// What may happen to a lobby.
#[derive(Clone, Copy, Debug)]
enum Step {
    Join(bool),
    Leave(usize),
    Cut(usize),
    Resume(usize),
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(Step::Join),
        2 => any::<usize>().prop_map(Step::Leave),
        2 => any::<usize>().prop_map(Step::Cut),
        2 => any::<usize>().prop_map(Step::Resume),
        1 => Just(Step::Wait),
    ]
}

/// What somebody knows.
#[derive(Debug)]
struct View {
    socket: Option<MemberId>,
    token: Option<String>,
    host: u32,
}

proptest! {
    #[test]
    fn everybody_knows_the_host_and_it_has_a_seat(steps in proptest::collection::vec(step(), 1..50)) {
        let mut house = house(Config::default());
        let mut now = START;
        let mut views: Vec<View> = Vec::new();
        for step in steps {
            let nth = |n: usize| n.checked_rem(views.len());
            match step {
                Step::Join(is_ours) => {
                    let socket = connect(&mut house);
                    // A Godot client makes a lobby that ends with it.
                    let is_ours = is_ours || house.counts().lobbies == 0;
                    let text = if is_ours { MIGRATING } else { JOIN };
                    house.handle_text(now, socket, text);
                    views.push(View { socket: Some(socket), token: None, host: 1 });
                }
                Step::Leave(n) => if let Some(n) = nth(n) && let Some(socket) = views[n].socket {
                    house.disconnect(socket);
                    views.remove(n);
                },
                Step::Cut(n) => if let Some(n) = nth(n) && let Some(socket) = views[n].socket.take() {
                    house.cut(now, socket);
                },
                Step::Resume(n) => if let Some(n) = nth(n) && let Some(token) = views[n].token.clone() {
                    let socket = connect(&mut house);
                    views[n].socket = Some(socket);
                    // It is told what is so now.
                    views[n].host = 1;
                    house.handle_text(now, socket, &with_token(&token));
                },
                Step::Wait => {
                    now += Duration::from_secs(25);
                    house.handle_timeout(now);
                }
            }
            while let Some(action) = house.poll_action() {
                let (to, text) = match action {
                    Action::Tell { to, text, .. } => (to, text),
                    Action::Close { member, .. } => {
                        views.retain(|view| view.socket != Some(member));
                        continue;
                    }
                };
                let Some(view) = views.iter_mut().find(|view| view.socket == Some(to)) else { continue };
                let message = signaling::decode(&text, usize::MAX).expect("a message");
                match message.kind.number() {
                    34 => view.token = Some(message.data),
                    43 => view.host = message.id,
                    _ => {}
                }
            }
            let Some(lobby) = house.hall.lobbies.get("demo") else { continue };
            prop_assert!(lobby.is_taken(lobby.host));
            let ours = views.iter().filter(|view| view.socket.is_some() && view.token.is_some());
            for view in ours {
                prop_assert_eq!(view.host, lobby.host.get());
            }
        }
    }
}

#[test]
fn a_ban_of_the_address_of_the_next_host_is_lifted_and_others_are_not() {
    let mut house = house(Config::default());
    let join_from = |house: &mut House, last: u8| {
        let socket = connect(house);
        let network = Network::of([10, 0, 0, last].into());
        house.networks.insert(socket, network);
        let said = give(house, socket, MIGRATING);
        (socket, said.last().expect("an answer").1.clone())
    };
    let (host, _) = join_from(&mut house, 1);
    for last in [2, 2, 3] {
        join_from(&mut house, last);
    }
    for id in [11, 12] {
        give(&mut house, host, &notice(38, id, ""));
    }
    assert!(join_from(&mut house, 2).1.starts_with("4004"));
    house.disconnect(host);
    assert_eq!(house.hall.lobbies["demo"].host.get(), 10);
    let (_, friend) = join_from(&mut house, 2);
    assert!(friend.starts_with(r#"{"type":0,"#), "{friend}");
    let (_, foe) = join_from(&mut house, 3);
    assert!(foe.starts_with("4004"), "{foe}");
}
