//! Several instances with one broker.

use std::time::Duration;

use signaling_server::{ClusterConfig, Config, ResumeKey, Server};

use crate::broker::Redis;
use crate::peer::*;
use crate::resume::{Entry, OURS, enter_at, entry, url, with_token};

/// No owner dies here, so a busy machine may be as slow as it likes.
const LEASE: Duration = Duration::from_secs(60);

/// How long a client waits before it tries again.
const PAUSE: Duration = Duration::from_millis(50);

/// The settings of an instance. What is forgotten by a broker is told to it again after a third of the lease.
fn instance(redis: &Redis, key: &ResumeKey, lease: Duration) -> Config {
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

async fn two_with(lease: Duration) -> Option<(Redis, Server, Server)> {
    let redis = Redis::start().await?;
    let key = ResumeKey::generate().expect("a key").inherited();
    let first = server(instance(&redis, &key, lease)).await;
    let second = server(instance(&redis, &key, lease)).await;
    Some((redis, first, second))
}

async fn enter(server: &Server, text: &str) -> (Peer, Entry) {
    enter_at(&url(server), text).await
}

async fn come_back(server: &Server, token: &str) -> (Peer, Entry) {
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
    let mut host = Peer::connect(&first).await;
    host.send(&notice(0, 0, "")).await;
    assert_eq!(host.text().await, notice(1, 1, "true"));
    let joined = host.text().await;
    let mut guest = Peer::connect(&second).await;
    guest.send(&joined).await;
    let (_, id) = ids(&guest.text().await);
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

#[tokio::test]
async fn without_its_broker_what_stands_goes_on_and_nothing_new_is_made() {
    let Some((mut redis, first, second)) = two_with(LEASE / 6).await else {
        return;
    };
    let (mut host, _) = enter(&first, OURS).await;
    let (mut guest, b) = enter(&second, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    redis.kill().await;
    // Those who are there go on, over both instances.
    guest.send(&notice(4, 1, "v=0")).await;
    assert_eq!(host.text().await, notice(4, b.id, "v=0"));
    let refused = "1013 No new lobby can be made or found now: try again later";
    let new = r#"{"type":0,"id":0,"data":"new","v":1}"#;
    let ask = async |server: &Server, text: &str| {
        let mut peer = Peer::connect(server).await;
        peer.send(text).await;
        peer.answer().await
    };
    assert_eq!(ask(&first, new).await, refused);
    assert_eq!(ask(&second, new).await, refused);
    // The other instance cannot find the owner; the owner takes members still, and gives seats back.
    assert_eq!(ask(&second, OURS).await, refused);
    let (late, c) = enter(&first, OURS).await;
    assert_eq!(ids(&host.text().await), (2, c.id));
    drop(late);
    let (_late, _) = come_back(&first, &c.token).await;
    assert_eq!(host.text().await, notice(35, c.id, ""));
}
