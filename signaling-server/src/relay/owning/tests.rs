//! What a join asks the broker, and what becomes of the answers.

mod broker;

use std::time::Duration;

use mesh_core::{Instant, Topology};

use super::*;
use crate::Config;
use crate::admission::Pass;
use crate::cluster::ClusterConfig;
use crate::outbox::Outgoing;
use crate::relay::place::tests::{connect, told};
use crate::resume::ResumeKey;

use broker::{Broker, found, kept};

static ANYWHERE: Pass = Pass::anywhere();

/// How long a lease lasts, and how long the server has run. A lease that was asked for at its start has ended.
const LEASE: Duration = Duration::from_secs(10);
const RUN: Duration = Duration::from_secs(20);

/// How long members may come back.
const KEEP: Duration = Duration::from_secs(90);

/// An instance and its broker.
struct Stage {
    broker: Broker,
    relay: Relay,
    cluster: Arc<Cluster>,
}

impl Stage {
    async fn new() -> Self {
        Self::with(Config::default()).await
    }

    async fn with(config: Config) -> Self {
        let broker = Broker::start().await;
        let address = ([127, 0, 0, 1], 9).into();
        let settings = ClusterConfig {
            lease: LEASE,
            ..ClusterConfig::new(broker.url(), address)
        };
        let cluster = Cluster::new(&settings, address, &ResumeKey::fixed(), KEEP);
        let mut relay = Relay::new(config, Some(cluster.expect("a broker is asked later")));
        let shared = Arc::get_mut(&mut relay.0).expect("it is ours alone");
        shared.start = shared.start.checked_sub(RUN).expect("a time before");
        let cluster = relay.0.cluster.clone().expect("other instances");
        Self {
            broker,
            relay,
            cluster,
        }
    }

    /// Gives it a lease that was asked for at that time.
    async fn holds(&self, asked: Instant, key: &Key, fence: u64) {
        self.broker.says("made", fence);
        let found = self.cluster.find(asked, key, Purpose::Make, true).await;
        assert!(matches!(found, Ok(Found::Here(_))), "{found:?}");
        self.broker.asked();
    }

    /// Puts a member into a lobby, or a group, whose lease the instance has.
    fn stands(&self, wish: Wish<'_>, fence: u64) -> Place {
        let place = connect(&self.relay);
        let grant = grant(key(wish), fence);
        let wish = Wish {
            grant: Some(&grant),
            ..wish
        };
        let step = |hall: &mut Hall, now| hall.join(now, place.member, wish);
        self.relay.with(step).expect("a seat");
        place
    }

    /// Somebody asks for a seat.
    async fn seat(&self, wish: Wish<'_>) -> Result<Seated, &'static str> {
        self.seat_of(&connect(&self.relay), wish).await
    }

    async fn seat_of(&self, place: &Place, wish: Wish<'_>) -> Result<Seated, &'static str> {
        let seated = place.seat_somewhere(&self.cluster, wish).await;
        seated.map_err(|goodbye| goodbye.name())
    }

    /// What another instance says of a member that it sends here.
    fn introduce(&self, key: &Key, fence: u64) -> Option<Arc<Introduction>> {
        let text = self.cluster.introduce(unix(), key, fence, None, None);
        self.relay.introduction(&text.expect("random numbers"))
    }
}

fn wish(name: &str) -> Wish<'_> {
    let mut wish = Wish::new(name, Topology::Mesh, None, None, Ok(&ANYWHERE));
    wish.is_ours = true;
    wish
}

fn group(name: &str, size: u32) -> Wish<'_> {
    Wish {
        group_of: Some(size),
        ..wish(name)
    }
}

fn key(wish: Wish<'_>) -> Key {
    match wish.group_of {
        Some(size) => Key::Group(wish.group(size)),
        None => Key::lobby(wish.name),
    }
}

fn grant(key: Key, fence: u64) -> Grant {
    Grant {
        key,
        fence,
        inherits: None,
        fresh: None,
    }
}

/// Whether somebody has got a seat here.
fn is_here(seated: &Result<Seated, &'static str>) -> bool {
    matches!(seated, Ok(Seated::Here(_)))
}

/// Long ago, so that a lease has ended that was asked for then.
const LONG_AGO: Instant = Instant::from_micros(0);

#[tokio::test]
async fn what_a_join_asks_for_follows_from_its_wish_and_the_settings() {
    use Purpose::{Find, Fresh, Make};
    let open = Config::default();
    let closed = Config {
        no_create: true,
        ..Config::default()
    };
    let strict = Config::strict();
    let forgetful = Config {
        resume_term: Duration::ZERO,
        ..Config::default()
    };
    let token = Wish {
        token: Some("a token of some other server"),
        ..wish("demo")
    };
    let longest = "ä".repeat(open.max_lobby_name);
    let longer = "ä".repeat(open.max_lobby_name + 1);
    let the_longest = format!("lobby:{longest}");
    for (config, wish, expected) in [
        (&open, wish("demo"), Ok(("lobby:demo", Make, None))),
        (&closed, wish("demo"), Ok(("lobby:demo", Find, None))),
        (&strict, wish("demo"), Ok(("lobby:demo", Find, None))),
        (&open, wish(""), Ok(("lobby:*", Fresh, None))),
        (&closed, wish(""), Ok(("lobby:*", Fresh, None))),
        (&strict, wish(""), Ok(("lobby:*", Fresh, None))),
        (&open, group("a", 2), Ok(("group:2:1:a", Make, Some(2)))),
        (&closed, group("a", 2), Ok(("group:2:1:a", Make, Some(2)))),
        (&open, group("", 1), Ok(("group:1:1:", Make, Some(1)))),
        (&open, group("demo", 0), Ok(("lobby:demo", Make, None))),
        // Godot's demo server knows no groups.
        (&strict, group("a", 2), Ok(("lobby:a", Find, None))),
        (&open, wish(&longest), Ok((&*the_longest, Make, None))),
        (&open, wish(&longer), Err("lobby_name_too_long")),
        (&open, token, Err("no_seat")),
        // Where no seats are kept nobody shows a token for one, and whoever does so joins.
        (&forgetful, token, Ok(("lobby:demo", Make, None))),
    ] {
        let place = connect(&Relay::new(config.clone(), None));
        let errand = place.errand(wish).map_err(|goodbye| goodbye.name());
        let asked = errand.map(|errand| {
            let key = errand.key.to_string();
            let is_fresh = errand.purpose == Fresh && key.len() == "lobby:".len() + 16;
            let key = if is_fresh { "lobby:*".to_owned() } else { key };
            (key, errand.purpose, errand.group_of)
        });
        let expected = expected.map(|(key, purpose, size)| (key.to_owned(), purpose, size));
        assert_eq!(asked, expected, "{wish:?}");
    }
}

#[tokio::test]
async fn who_gets_no_seat_hears_why() {
    use Purpose::{Back, Find, Make};
    for (answer, purpose, expected) in [
        (Some(found("nobody", 0, "")), Back, "no_seat"),
        (Some(found("nobody", 0, "")), Find, "unknown_lobby"),
        (Some(found("orphan", 5000, "")), Make, "orphaned"),
        (Some(found("wait", 5000, "")), Make, "settling"),
        (Some(found("held", 7, "1@nowhere")), Make, "no_broker"),
        (None, Make, "no_broker"),
    ] {
        let stage = Stage::new().await;
        if let Some(answer) = answer.clone() {
            stage.broker.does(move || answer);
        }
        let errand = Errand {
            key: Key::lobby("demo"),
            purpose,
            group_of: None,
        };
        let way = connect(&stage.relay)
            .way(&stage.cluster, &errand, true)
            .await;
        let why = way.err().map(|goodbye| goodbye.name());
        assert_eq!(why, Some(expected), "{answer:?} {purpose:?}");
    }
}

#[tokio::test]
async fn a_server_that_has_stopped_says_so_whatever_its_broker_does() {
    let stage = Stage::new().await;
    stage.cluster.close(stage.relay.now(), |_| false);
    let seated = stage.seat(wish("demo")).await;
    assert_eq!(seated.err(), Some("shutting_down"));
    assert!(stage.broker.asked().is_empty(), "it would get a lease");
}

#[tokio::test]
async fn a_lobby_that_stands_takes_members_when_its_lease_has_ended_and_the_broker_is_away() {
    let stage = Stage::new().await;
    stage.holds(LONG_AGO, &Key::lobby("demo"), 7).await;
    let _host = stage.stands(wish("demo"), 7);
    assert!(is_here(&stage.seat(wish("demo")).await));
    assert!(stage.broker.asked().is_empty());
}

#[tokio::test]
async fn nothing_new_is_made_under_a_lease_that_has_ended() {
    for wish in [wish("demo"), group("demo", 2)] {
        let stage = Stage::new().await;
        stage.holds(LONG_AGO, &key(wish), 7).await;
        assert_eq!(stage.seat(wish).await.err(), Some("no_broker"));
        // The broker is back, and gives it again.
        stage.broker.asked();
        stage.broker.says("again", 9);
        stage.broker.says("made", 10);
        assert!(is_here(&stage.seat(wish).await), "{wish:?}");
        assert_eq!(stage.broker.asked()[0], "make");
    }
}

#[tokio::test]
async fn a_group_that_stands_needs_a_lease_that_is_good() {
    let stage = Stage::new().await;
    let wish = group("demo", 3);
    stage.holds(LONG_AGO, &key(wish), 7).await;
    let _first = stage.stands(wish, 7);
    assert_eq!(stage.seat(wish).await.err(), Some("no_broker"));
    stage.broker.says("again", 9);
    assert!(is_here(&stage.seat(wish).await));
}

#[tokio::test]
async fn an_answer_that_comes_after_the_end_of_its_lease_gives_nobody_a_seat() {
    let stage = Stage::new().await;
    // A lease that was asked for long ago, and whose answers come only now.
    stage.holds(LONG_AGO, &Key::lobby("demo"), 7).await;
    for _ in 0..TRIES {
        stage.broker.says("made", 7);
    }
    assert_eq!(stage.seat(wish("demo")).await.err(), Some("no_broker"));
    assert_eq!(stage.broker.asked().len(), TRIES, "it is tried again");
}

#[tokio::test]
async fn a_group_whose_lease_is_lost_while_its_lobby_gets_a_name_is_asked_for_again() {
    let stage = Stage::new().await;
    stage.broker.says("made", 7);
    let lost = Renewal {
        key: key(group("demo", 2)),
        fence: 7,
        keeps_seats: false,
    };
    let cluster = Arc::clone(&stage.cluster);
    stage.broker.does(move || {
        assert!(cluster.lost(&lost), "it was ours");
        found("made", 8, "")
    });
    stage.broker.says("made", 9);
    stage.broker.says("made", 10);
    assert!(is_here(&stage.seat(group("demo", 2)).await));
    let asked = stage.broker.asked();
    assert_eq!(asked, ["make", "fresh", "make", "fresh"]);
}

#[tokio::test]
async fn a_server_that_stops_while_a_lobby_gets_a_name_says_so() {
    let stage = Stage::new().await;
    stage.broker.says("made", 7);
    let (cluster, now) = (Arc::clone(&stage.cluster), stage.relay.now());
    stage.broker.does(move || {
        cluster.close(now, |_| false);
        found("made", 8, "")
    });
    // It gives the name back.
    stage.broker.does(|| ":1\r\n".to_owned());
    let seated = stage.seat(group("demo", 2)).await;
    assert_eq!(seated.err(), Some("shutting_down"));
}

#[tokio::test]
async fn a_group_with_room_asks_for_no_name() {
    let stage = Stage::new().await;
    stage.broker.says("made", 7);
    stage.broker.says("made", 8);
    let first = connect(&stage.relay);
    assert!(is_here(&stage.seat_of(&first, group("demo", 2)).await));
    assert_eq!(stage.broker.asked(), ["make", "fresh"]);
    assert!(is_here(&stage.seat(group("demo", 2)).await));
    assert!(stage.broker.asked().is_empty());
}

/// The other instance may have old news, or mean another lobby. Its member asks again, and is not sent on to a third one.
#[tokio::test]
async fn who_was_sent_here_by_mistake_is_sent_back() {
    let demo = Key::lobby("demo");
    let stage = Stage::new().await;
    stage.holds(stage.relay.now(), &demo, 7).await;
    let _host = stage.stands(wish("demo"), 7);
    for (key, fence, expected) in [
        (&demo, 7, None),
        (&demo, 6, Some("moved")),
        (&Key::lobby("other"), 7, Some("moved")),
    ] {
        let mut place = connect(&stage.relay);
        place.introduction = stage.introduce(key, fence);
        let seated = stage.seat_of(&place, wish("demo")).await;
        assert_eq!(seated.err(), expected, "{key} {fence}");
    }
    let mut place = connect(&stage.relay);
    let new = Key::lobby("new");
    place.introduction = stage.introduce(&new, 3);
    stage
        .broker
        .does(|| found("held", 4, "0000000000000001@127.0.0.1:9"));
    let seated = stage.seat_of(&place, wish("new")).await;
    assert_eq!(seated.err(), Some("moved"));
    assert_eq!(stage.broker.asked(), ["make"]);
}

#[tokio::test]
async fn a_lease_that_is_not_used_is_renewed_once_and_then_given_up() {
    let stage = Stage::new().await;
    stage.holds(stage.relay.now(), &Key::lobby("demo"), 7).await;
    let keep = async |round| {
        let kept = stage.relay.keep_once(&stage.cluster, round).await;
        kept.expect("the broker answers");
        stage.broker.asked()
    };
    // A join may be on its way. What is said early has nothing to do with it.
    for _ in 0..3 {
        assert!(keep(Round::Early).await.is_empty());
    }
    stage.broker.does(|| kept(&[7]));
    stage.broker.does(|| ":1\r\n".to_owned());
    assert_eq!(keep(Round::All).await, ["keep"]);
    assert_eq!(keep(Round::All).await, ["give"]);
    assert!(keep(Round::All).await.is_empty());
}

#[tokio::test]
async fn a_lobby_that_another_instance_has_sends_its_members_there() {
    let stage = Stage::new().await;
    let (demo, other) = (Key::lobby("demo"), Key::lobby("other"));
    stage.holds(stage.relay.now(), &demo, 7).await;
    stage.holds(stage.relay.now(), &other, 8).await;
    let member = stage.stands(wish("demo"), 7);
    let _other = stage.stands(wish("other"), 8);
    stage.broker.does(|| kept(&[0, 8]));
    let renewed = stage.relay.keep_once(&stage.cluster, Round::All).await;
    renewed.expect("the broker answers");
    assert_eq!(stage.broker.asked(), ["keep"]);
    assert!(told(&member).len() > 1, "it has joined");
    assert_eq!(member.outbox.next().await, Outgoing::Close(Goodbye::Moved));
    let holding = |key| stage.cluster.holding(stage.relay.now(), key);
    assert_eq!(holding(&demo), Holding::No);
    assert!(matches!(holding(&other), Holding::Valid { fence: 8, .. }));
    let is_alive = |key| stage.relay.lock().hall.is_alive(key);
    assert_eq!((is_alive(&demo), is_alive(&other)), (false, true));
}
