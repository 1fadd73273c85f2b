//! Lobbies that are shared with other instances: what a hall says of them, and who comes back to one that another instance had.

use super::resume::{join, later, told};
use super::*;
use crate::cluster::{Group, Key};
use crate::resume::ResumeKey;

static ANYWHERE: Pass = Pass::anywhere();

const LEAVE: &str = r#"{"type":36,"id":0}"#;

/// Instances have started at this time since 1970.
const BEGIN: Duration = Duration::from_secs(1_800_000_000);

fn demo() -> Key {
    Key::lobby("demo")
}

fn demo_name() -> Arc<str> {
    Arc::from("demo")
}

fn instance(key: &ResumeKey) -> House {
    House::restarted(Config::default(), counting(), key, BEGIN)
}

/// A member that has joined, or come back to, the lobby `demo` under a lease, and its token.
fn join_under(
    house: &mut House,
    now: Instant,
    token: Option<&str>,
    inherits: Option<Instant>,
) -> Result<(MemberId, Standing, String), Goodbye> {
    let extension = Extension {
        version: Extension::VERSION,
        token: token.map(str::to_owned),
        ..Extension::default()
    };
    let grant = Grant {
        key: demo(),
        fence: 2,
        inherits,
        fresh: None,
    };
    let entry = Ok(&ANYWHERE);
    let mut wish = Wish::new("demo", Topology::Mesh, None, Some(&extension), entry);
    wish.grant = Some(&grant);
    let member = house.connect();
    let standing = house.hall.join(now, member, wish)?;
    if let Some(visitor) = house.visitors.get_mut(&member) {
        visitor.joined(standing.id, standing.is_ours);
    }
    let token = told(&actions(house), member).token;
    Ok((member, standing, token.expect("a token")))
}

#[test]
fn a_token_says_which_lobby_it_is_for() {
    let mut house = house(Config::default());
    assert!(house.hall.keeps_seats());
    let (_, token) = join(&mut house, START);
    let claim = house.hall.claim(START, &token).expect("a good token");
    assert_eq!((claim.lobby.as_str(), claim.id.get()), ("demo", 1));
    assert_eq!(house.hall.claim(START, "x"), None);
}

#[test]
fn a_hall_without_a_term_keeps_no_seats() {
    let house = house(Config {
        resume_term: Duration::ZERO,
        ..Config::default()
    });
    assert!(!house.hall.keeps_seats());
}

#[test]
fn somebody_can_come_back_where_somebody_speaks_our_extension() {
    let mut house = house(Config::default());
    assert!(!house.hall.has_tokens(&demo()));
    let godot = connect(&mut house);
    give(&mut house, godot, JOIN);
    assert!(!house.hall.has_tokens(&demo()));
    let (guest, _) = join(&mut house, START);
    assert!(house.hall.has_tokens(&demo()));
    house.cut(later(1), guest);
    assert!(house.hall.has_tokens(&demo()), "it is away");
    house.handle_timeout(later(61));
    assert!(!house.hall.has_tokens(&demo()));
}

#[test]
fn a_group_is_here_and_has_room_until_it_is_complete() {
    let mut house = house(Config::default());
    let wish = Wish::new("duel", Topology::Mesh, None, None, Ok(&ANYWHERE));
    let group = Group {
        name: "duel".into(),
        size: 2,
        is_mesh: true,
    };
    assert_eq!(wish.group(2), group);
    let key = Key::Group(group);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push((house.hall.is_alive(&key), house.hall.has_room(wish, 2)));
        let socket = connect(&mut house);
        let of_2 = r#"{"type":0,"id":0,"data":"duel","v":1,"next":2}"#;
        give(&mut house, socket, of_2);
    }
    assert_eq!(seen, [(false, false), (true, true), (false, false)]);
}

#[test]
fn members_of_an_earlier_owner_come_back_after_the_first_one_of_them() {
    let key = ResumeKey::fixed();
    let mut first = instance(&key);
    let tokens = [(); 2].map(|()| join(&mut first, later(1)).1);
    let mut second = instance(&key);
    let until = Some(later(90));
    let mut come = |now, token: &String, inherits| {
        let came = join_under(&mut second, now, Some(token), inherits);
        came.map(|(_, standing, _)| standing.id.get())
    };
    // A lobby that is not here, and of which the broker does not say that it had another owner.
    assert_eq!(come(later(2), &tokens[0], None), Err(Goodbye::NoSeat));
    assert_eq!(come(later(2), &tokens[0], until), Ok(1));
    // The lease does not say so any more once somebody is back.
    assert_eq!(come(later(2), &tokens[1], None), Ok(10));
    // There are no tokens of the earlier owner any more, so nothing is remembered.
    second.handle_timeout(later(92));
    assert!(second.hall.lobbies["demo"].gone.is_none());
}

/// It was there alone, and others have made another one of the same name at the next owner.
#[test]
fn a_token_of_a_later_lobby_does_not_end_one_that_was_made_here() {
    let key = ResumeKey::fixed();
    let (mut here, mut elsewhere) = (instance(&key), instance(&key));
    let (host, _, _) = join_under(&mut here, later(1), None, None).expect("a seat");
    let (_, token) = join(&mut elsewhere, later(2));
    let came = join_under(&mut here, later(3), Some(&token), Some(later(90)));
    assert_eq!(came.map(|_| ()), Err(Goodbye::NoSeat));
    assert_eq!(actions(&mut here), []);
    assert_eq!(here.hall.id(host), Some(PeerId::SERVER));
}

/// An instance cannot tell its own tokens from those of an earlier owner.
#[test]
fn who_came_to_a_lobby_that_another_instance_had_and_has_lost_its_seat_does_not_come_back() {
    let key = ResumeKey::fixed();
    for is_kicked in [false, true] {
        let mut first = instance(&key);
        let (_, of_host) = join(&mut first, later(1));
        let mut second = instance(&key);
        let until = Some(later(90));
        let back = join_under(&mut second, later(2), Some(&of_host), until);
        let (host, ..) = back.expect("its seat");
        let (guest, seated, token) = join_under(&mut second, later(2), None, None).expect("a seat");
        let guest_id = seated.id;
        match is_kicked {
            true => give(&mut second, host, &notice(37, 10, "")),
            false => give(&mut second, guest, LEAVE),
        };
        let came = join_under(&mut second, later(3), Some(&token), None);
        assert_eq!(came.map(|_| ()), Err(Goodbye::NoSeat));
        // Who has no token need not be remembered.
        let godot = connect(&mut second);
        give(&mut second, godot, JOIN);
        second.disconnect(godot);
        let lobby = &second.hall.lobbies["demo"];
        let gone = lobby.gone.as_ref().map(BTreeSet::len);
        assert_eq!(gone, Some(usize::from(is_kicked)));
        assert_eq!(lobby.left, [guest_id]);
    }
}

/// Anybody can come and leave. Who was kicked stays out all the same.
#[test]
fn those_who_leave_a_lobby_that_another_instance_had_are_remembered_up_to_a_number() {
    let key = ResumeKey::fixed();
    let mut first = instance(&key);
    let (_, of_host) = join(&mut first, later(1));
    let mut second = instance(&key);
    let back = join_under(&mut second, later(2), Some(&of_host), Some(later(90)));
    let (host, ..) = back.expect("its seat");
    let (_, kicked, token) = join_under(&mut second, later(2), None, None).expect("a seat");
    give(&mut second, host, &notice(37, kicked.id.get(), ""));
    for _ in 0..5000 {
        let (guest, ..) = join_under(&mut second, later(2), None, None).expect("a seat");
        give(&mut second, guest, LEAVE);
    }
    let lobby = &second.hall.lobbies["demo"];
    assert_eq!(lobby.left.len(), 4096);
    assert_eq!(lobby.gone.as_ref().map(BTreeSet::len), Some(1));
    let came = join_under(&mut second, later(3), Some(&token), None);
    assert_eq!(came.map(|_| ()), Err(Goodbye::NoSeat));
    second.hall.end_heirs(&demo_name());
    assert!(second.hall.lobbies["demo"].left.is_empty());
}
