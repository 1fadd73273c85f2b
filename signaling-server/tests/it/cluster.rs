//! Several instances with one broker.

use std::time::Duration;

use signaling_server::{BindError, ClusterConfig, Config, ResumeKey, Server};
use tokio::io::AsyncReadExt;

use crate::broker::Redis;
use crate::cluster_broker::enter_at_last;
use crate::peer::*;
use crate::resume::{Entry, OURS, enter_at, entry, url, with_token};

/// No owner dies here, so a busy machine may be as slow as it likes.
pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// How long a client waits before it tries again.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// The settings of an instance. What is forgotten by a broker is told to it again after a third of the lease.
pub(crate) fn instance(redis: &Redis, key: &ResumeKey, lease: Duration) -> Config {
    Config {
        resume_key: Some(key.clone()),
        cluster: Some(ClusterConfig {
            lease,
            ..ClusterConfig::new(redis.url(), ([127, 0, 0, 1], 0).into())
        }),
        ..quick()
    }
}

/// A broker and two instances, unless there is no broker here.
async fn two() -> Option<(Redis, Server, Server)> {
    two_with(LEASE).await
}

pub(crate) async fn two_with(lease: Duration) -> Option<(Redis, Server, Server)> {
    let redis = Redis::start().await?;
    let key = ResumeKey::generate().expect("a key").inherited();
    let first = server(instance(&redis, &key, lease)).await;
    let second = server(instance(&redis, &key, lease)).await;
    Some((redis, first, second))
}

pub(crate) async fn enter(server: &Server, text: &str) -> (Peer, Entry) {
    enter_at(&url(server), text).await
}

pub(crate) async fn come_back(server: &Server, token: &str) -> (Peer, Entry) {
    come_back_to(&url(server), token).await
}

/// Comes back with a token, as often as it takes.
pub(crate) async fn come_back_to(url: &str, token: &str) -> (Peer, Entry) {
    let coming = async {
        loop {
            let mut peer = Peer::connect_to(url).await;
            peer.send_anyway(&with_token(token)).await;
            let answer = peer.answer().await;
            if answer.starts_with('{') {
                let entry = entry(&mut peer, &answer).await;
                return (peer, entry);
            }
            assert!(answer.starts_with("10"), "a final refusal: {answer}");
            tokio::time::sleep(PAUSE).await;
        }
    };
    let back = tokio::time::timeout(DEADLINE * 2, coming).await;
    back.expect("in time")
}

#[tokio::test]
async fn a_lobby_has_members_on_both_instances() {
    let Some((_redis, first, second)) = two().await else {
        return;
    };
    let (mut host, _) = enter(&first, OURS).await;
    let (mut guest, entry) = enter(&second, OURS).await;
    assert_eq!(entry.others, [1]);
    assert_eq!(ids(&host.text().await), (2, entry.id));
    guest.send(&notice(4, 1, "v=0")).await;
    assert_eq!(host.text().await, notice(4, entry.id, "v=0"));
    host.send(&notice(5, entry.id, "v=0")).await;
    assert_eq!(guest.text().await, notice(5, 1, "v=0"));
    // Also one that speaks Godot's protocol alone, and the way by which a client asks whether the server is there.
    let (godot, id, mut others) = Peer::join(&second).await;
    others.sort_unstable();
    assert_eq!(others, [1, entry.id]);
    assert_eq!(ids(&host.text().await), (2, id));
    assert_eq!(ids(&guest.text().await), (2, id));
    guest.send(&notice(32, 0, "")).await;
    assert_eq!(guest.text().await, notice(33, 0, ""));
    // A socket that ends well leaves, on whichever instance it is.
    godot.leave().await;
    assert_eq!(host.text().await, notice(3, id, ""));
    assert_eq!(guest.text().await, notice(3, id, ""));
    // What the owner says when it closes a socket arrives as it is.
    guest.send(SEAL).await;
    assert_eq!(guest.close().await, "4000 Only host can seal the lobby");
    assert_eq!(host.text().await, notice(3, entry.id, ""));
}

#[tokio::test]
async fn a_broken_connection_keeps_its_seat_on_any_instance() {
    let Some((_redis, first, second)) = two().await else {
        return;
    };
    let (mut host, _) = enter(&first, OURS).await;
    let (guest, entry) = enter(&second, OURS).await;
    assert_eq!(ids(&host.text().await), (2, entry.id));
    drop(guest);
    let (guest, back) = come_back(&first, &entry.token).await;
    assert_eq!((back.id, back.others), (entry.id, vec![1]));
    assert_eq!(host.text().await, notice(35, entry.id, ""));
    drop(guest);
    let (_guest, back) = come_back(&second, &back.token).await;
    assert_eq!((back.id, back.others), (entry.id, vec![1]));
    assert_eq!(host.text().await, notice(35, entry.id, ""));
}

#[tokio::test]
async fn groups_of_so_many_are_put_together_over_both_instances() {
    let Some((_redis, first, second)) = two().await else {
        return;
    };
    let join = r#"{"type":0,"id":0,"data":"","v":1,"next":2}"#;
    let (mut one, a) = enter(&first, join).await;
    let (_two, b) = enter(&second, join).await;
    assert_eq!((a.id, b.others), (1, vec![1]));
    assert_eq!(ids(&one.text().await), (2, b.id));
    assert_eq!(one.text().await, notice(7, 0, ""));
    // The next ones come into another lobby, whose name the server gives, too. It has an owner like any other.
    let (three, c) = enter(&second, join).await;
    assert_eq!((c.id, c.others), (1, vec![]));
    drop(three);
    let (_three, c) = come_back(&second, &c.token).await;
    assert_eq!(c.id, 1);
}

#[tokio::test]
async fn a_name_of_the_servers_is_known_to_both() {
    let Some((_redis, first, second)) = two().await else {
        return;
    };
    let (mut host, told) = Peer::ask_to_join(&url(&first), &notice(0, 0, "")).await;
    assert_eq!(told, notice(1, 1, "true"));
    let joined = host.text().await;
    let (mut guest, told) = Peer::ask_to_join(&url(&second), &joined).await;
    let (_, id) = ids(&told);
    assert_eq!(guest.text().await, notice(2, 1, ""));
    assert_eq!(host.text().await, notice(2, id, ""));
}

#[tokio::test]
async fn who_forwards_must_be_an_instance() {
    let Some((redis, first, second)) = two().await else {
        return;
    };
    let (_host, _) = enter(&first, OURS).await;
    let (_guest, _) = enter(&second, OURS).await;
    // The broker says where the owner listens for other instances.
    let owner = redis.command("HGET {signaling}:lobby:demo owner").await;
    let owner = owner.expect("an answer");
    let address = owner.trim_end().rsplit('@').next().expect("an address");
    let url = format!("ws://{address}/");
    assert_eq!(Peer::request(&url, &[]).await.err(), Some(403));
    let forged = [("signaling-introduction", "e30")];
    assert_eq!(Peer::request(&url, &forged).await.err(), Some(403));
}

#[tokio::test]
async fn who_has_read_an_introduction_does_not_come_with_it() {
    let Some((redis, first, second)) = two().await else {
        return;
    };
    let (mut host, _) = enter(&first, OURS).await;
    let owner = redis.command("HGET {signaling}:lobby:demo owner").await;
    let owner = owner.expect("an answer").trim_end().to_owned();
    let (_, owner) = owner.split_once("\r\n").expect("a length before it");
    let (_, address) = owner.split_once('@').expect("an address");
    // Whoever is on the path between two instances sees what a member is introduced with.
    let tap = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
    let tap = tap.expect("a free port");
    let here = tap.local_addr().expect("an address");
    let name = |owner: &str| format!("HSET {{signaling}}:lobby:demo owner {owner}");
    redis.command(&name(&format!("tap@{here}"))).await;
    let mut member = Peer::connect(&second).await;
    member.send(OURS).await;
    let (mut stream, _) = tap.accept().await.expect("it is forwarded");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    redis.command(&name(owner)).await;
    let head = String::from_utf8(head).expect("text");
    let mut lines = head.lines();
    let introduction = lines.find_map(|line| line.strip_prefix("signaling-introduction: "));
    let header = [("signaling-introduction", introduction.expect("a header"))];
    // It is good once.
    let url = format!("ws://{address}/");
    let mut once = Peer::request(&url, &header).await.expect("a place");
    once.send(OURS).await;
    let (kind, id) = ids(&once.text().await);
    assert_eq!(kind, 1);
    assert_eq!(ids(&host.text().await), (2, id));
    assert_eq!(Peer::request(&url, &header).await.err(), Some(403));
}

/// A server of somebody else that can read the broker, and sends its players to the owner.
#[tokio::test]
async fn who_has_another_key_forwards_nobody() {
    let Some((redis, first, second)) = two().await else {
        return;
    };
    let (mut host, _) = enter(&first, OURS).await;
    let other = ResumeKey::generate().expect("a key").inherited();
    let forger = server(instance(&redis, &other, LEASE)).await;
    for text in [OURS, JOIN] {
        let (_peer, told) = Peer::ask_to_join(&url(&forger), text).await;
        // The owner has answered it with 403.
        let words = "1013 The server of the lobby does not answer: try again";
        assert_eq!(told, words);
    }
    // Nobody in the lobby has heard of them, and who is forwarded by an instance with the key is taken in.
    let (_guest, b) = enter(&second, OURS).await;
    assert_eq!(b.others, [1]);
    assert_eq!(ids(&host.text().await), (2, b.id));
}

#[tokio::test]
async fn an_instance_on_all_addresses_must_say_which_one_others_reach() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let key = ResumeKey::generate().expect("a key").inherited();
    let bind = async |bind: &str, advertise: Option<&str>| {
        let address = |text: &str| text.parse().expect("an address");
        let mut config = instance(&redis, &key, LEASE);
        config.cluster = config.cluster.map(|cluster| ClusterConfig {
            bind: address(bind),
            advertise: advertise.map(address),
            ..cluster
        });
        Server::bind(([127, 0, 0, 1], 0).into(), config).await
    };
    for (here, told) in [
        ("0.0.0.0:0", None),
        ("127.0.0.1:0", Some("[::ffff:0.0.0.0]:9090")),
        ("127.0.0.1:0", Some("0.0.0.0:9090")),
        ("127.0.0.1:0", Some("10.0.0.1:0")),
    ] {
        let refused = bind(here, told).await;
        let is_refused = matches!(refused, Err(BindError::NotAdvertised { .. }));
        assert!(is_refused, "{here} {told:?}: {refused:?}");
    }
    assert!(bind("0.0.0.0:0", Some("10.0.0.1:9090")).await.is_ok());
}

#[tokio::test]
async fn the_list_of_one_instance_says_that_there_are_others() {
    let Some((_redis, first, _second)) = two().await else {
        return;
    };
    let join = r#"{"type":0,"id":0,"data":"demo","v":1,"list":1}"#;
    let (_host, told) = Peer::ask_to_join(&url(&first), join).await;
    assert_eq!(ids(&told), (1, 1));
    let answer = get(first.local_addr(), "/lobbies").await;
    assert!(answer.contains(r#""code":"demo""#), "{answer}");
    assert!(answer.contains(r#""partial":true"#), "{answer}");
}

/// Waits until an instance says that it drains.
async fn begins_to_drain(instance: &Server) {
    let health = async {
        let page = async || get(instance.local_addr(), "/health").await;
        while !page().await.contains("draining") {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let drains = tokio::time::timeout(DEADLINE, health).await;
    drains.expect("in time");
}

#[tokio::test]
async fn an_instance_that_drains_has_its_lobbies_until_their_members_have_left() {
    let Some((_redis, first, second)) = two().await else {
        return;
    };
    let (mut host, _) = enter(&first, OURS).await;
    let (guest, b) = enter(&first, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    let draining = first.drain(DEADLINE * 3);
    let playing = async {
        begins_to_drain(&first).await;
        assert_eq!(host.text().await, notice(44, 60, ""));
        // It takes nobody itself, but its lobby is nowhere else.
        let mut late = Peer::connect(&first).await;
        late.send(OURS).await;
        assert_eq!(late.close().await, "1001 The server is shutting down");
        drop(guest);
        let (guest, back) = come_back(&second, &b.token).await;
        assert_eq!((back.id, back.others), (b.id, vec![1]));
        assert_eq!(host.text().await, notice(35, b.id, ""));
        let (new, c) = enter(&second, OURS).await;
        assert_eq!(ids(&host.text().await), (2, c.id));
        // New lobbies are made at the other one.
        let (other, d) = enter(&second, r#"{"type":0,"id":0,"data":"other","v":1}"#).await;
        assert_eq!((d.id, d.others), (1, vec![]));
        for peer in [new, guest, other] {
            peer.leave().await;
        }
        host.leave().await;
    };
    tokio::join!(draining, playing);
}

#[tokio::test]
async fn an_instance_that_drains_fills_a_group_and_begins_no_other() {
    let Some((_redis, first, second)) = two().await else {
        return;
    };
    let join = r#"{"type":0,"id":0,"data":"","v":1,"next":2}"#;
    let (mut one, _) = enter(&first, join).await;
    let draining = first.drain(DEADLINE * 3);
    let playing = async {
        begins_to_drain(&first).await;
        assert_eq!(one.text().await, notice(44, 60, ""));
        let (two, b) = enter(&second, join).await;
        assert_eq!(b.others, [1]);
        assert_eq!(ids(&one.text().await), (2, b.id));
        let (three, c) = enter_at_last(&second, join).await;
        assert_eq!((c.id, c.others), (1, vec![]));
        two.leave().await;
        one.leave().await;
        three
    };
    let ((), mut three) = tokio::join!(draining, playing);
    // It does not depend on the one that has ended.
    three.send(&notice(32, 0, "")).await;
    assert_eq!(three.text().await, notice(33, 0, ""));
}

#[tokio::test]
async fn an_instance_that_stops_leaves_its_lobbies_to_the_other() {
    let Some((_redis, first, second)) = two().await else {
        return;
    };
    let (mut host, a) = enter(&first, OURS).await;
    let (mut guest, b) = enter(&second, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    let told = "1001 The server is shutting down";
    let ((), one, other) = tokio::join!(first.shutdown(), host.close(), guest.close());
    assert_eq!((one.as_str(), other.as_str()), (told, told));
    // A stranger does not get the name before them.
    let mut stranger = Peer::connect(&second).await;
    stranger.send(OURS).await;
    let words = stranger.close().await;
    assert!(words.starts_with("1013 The lobby waits"), "{words}");
    let (mut guest, back) = come_back(&second, &b.token).await;
    assert_eq!((back.id, back.others), (b.id, vec![]));
    let (_host, back) = come_back(&second, &a.token).await;
    assert_eq!((back.id, back.others), (1, vec![b.id]));
    assert_eq!(guest.text().await, notice(35, 1, ""));
}
