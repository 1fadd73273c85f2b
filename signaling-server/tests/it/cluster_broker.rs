//! Several instances whose broker is away, far away, or has forgotten everything.

use futures_util::future::join_all;
use signaling_server::{ClusterConfig, ResumeKey, Server};
use tokio::time::{sleep, timeout};

use crate::broker::Redis;
use crate::cluster::{LEASE, PAUSE, come_back, enter, instance, two_with};
use crate::peer::*;
use crate::resume::{Entry, OURS, entry, url};

/// Asks for a lobby, as often as it takes, as one does who hears 1012 or 1013.
pub(crate) async fn enter_at_last(server: &Server, text: &str) -> (Peer, Entry) {
    let entering = async {
        loop {
            let mut peer = Peer::connect(server).await;
            peer.send(text).await;
            let answer = peer.answer().await;
            if answer.starts_with('{') {
                let entry = entry(&mut peer, &answer).await;
                return (peer, entry);
            }
            let may_try = answer.starts_with("1012") || answer.starts_with("1013");
            assert!(may_try, "a final refusal: {answer}");
            sleep(PAUSE).await;
        }
    };
    timeout(DEADLINE * 2, entering).await.expect("in time")
}

/// How many keys of the broker begin so.
async fn count(redis: &Redis, prefix: &str) -> usize {
    let keys = redis
        .command(&format!("KEYS {{signaling}}:{prefix}*"))
        .await;
    let keys = keys.expect("an answer");
    let (number, _) = keys.split_once("\r\n").expect("a list");
    number.trim_start_matches('*').parse().expect("a number")
}

/// Whoever asks first does not get the lobby of an owner that lives.
async fn a_broker_comes_back_empty(forget: impl AsyncFnOnce(&mut Redis)) {
    let Some((mut redis, first, second)) = two_with(LEASE / 6).await else {
        return;
    };
    let (mut host, _) = enter(&first, OURS).await;
    let (guest, b) = enter(&second, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    forget(&mut redis).await;
    let (_stranger, c) = enter_at_last(&second, OURS).await;
    let mut others = c.others;
    others.sort_unstable();
    assert_eq!(others, [1, b.id]);
    assert_eq!(ids(&host.text().await), (2, c.id));
    // Seats are where they were, too.
    drop(guest);
    let (_guest, back) = come_back(&second, &b.token).await;
    assert_eq!(back.id, b.id);
    assert_eq!(host.text().await, notice(35, b.id, ""));
    // New lobbies are made again after a while, and those of a new name were all the time.
    let (_new, d) = enter_at_last(&second, r#"{"type":0,"id":0,"data":"new","v":1}"#).await;
    assert_eq!((d.id, d.others), (1, vec![]));
}

#[tokio::test]
async fn a_broker_that_was_emptied_gives_no_lobby_away() {
    a_broker_comes_back_empty(async |redis: &mut Redis| {
        redis.command("FLUSHALL").await;
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_was_started_again_gives_no_lobby_away() {
    a_broker_comes_back_empty(async |redis: &mut Redis| redis.restart().await).await;
}

#[tokio::test]
async fn a_broker_that_comes_back_with_old_data_gives_no_lobby_away() {
    a_broker_comes_back_empty(async |redis: &mut Redis| {
        // Its disk has what it knew before the lobby was made: that it knows all leases, and not this one.
        redis.command("DEL {signaling}:lobby:demo").await;
        assert_eq!(
            redis.command("SAVE").await.as_deref(),
            Some(""),
            "it is saved"
        );
        redis.restart().await;
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_comes_back_with_a_lease_that_has_ended_gives_no_lobby_to_its_members() {
    let Some((mut redis, first, second)) = two_with(LEASE / 6).await else {
        return;
    };
    let (mut host, _) = enter(&first, OURS).await;
    let (guest, b) = enter(&second, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    let ended = "HSET {signaling}:lobby:demo owner 1@127.0.0.1:9 fence 1 until 1";
    assert_eq!(redis.command(ended).await.as_deref(), Some(":0\r\n"));
    assert_eq!(
        redis.command("SAVE").await.as_deref(),
        Some(""),
        "it is saved"
    );
    redis.restart().await;
    // They may come back to a lobby that has lost its owner. This one has an owner that lives.
    drop(guest);
    let (_guest, back) = come_back(&second, &b.token).await;
    assert_eq!((back.id, back.others), (b.id, vec![1]));
    assert_eq!(host.text().await, notice(35, b.id, ""));
}

#[tokio::test]
async fn while_an_empty_broker_waits_a_name_that_is_new_is_given() {
    let Some((redis, first, second)) = two_with(LEASE).await else {
        return;
    };
    redis.command("FLUSHALL").await;
    let (_named, words) = Peer::ask_to_join(&url(&second), OURS).await;
    let waits = "1013 The broker has restarted: lobbies can be made in ";
    assert!(words.starts_with(waits), "{words}");
    let (_host, a) = enter(&first, r#"{"type":0,"id":0,"data":"","v":1}"#).await;
    assert_eq!((a.id, a.others), (1, vec![]));
}

#[tokio::test]
async fn a_broker_that_is_far_away_hears_in_time_of_all_that_is_given_up() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let key = ResumeKey::generate().expect("a key").inherited();
    let mut config = instance(&redis, &key, LEASE / 10);
    // All of them come from here, and at once.
    config.max_handshakes_per_address = config.max_handshakes;
    // Those that have joined read nothing while the others do.
    config.ping_deadline = DEADLINE * 10;
    let afar = redis.far_away_url().await;
    config.cluster = config.cluster.map(|cluster| ClusterConfig {
        redis: afar,
        ..cluster
    });
    let server = server(config).await;
    let mut peers = Vec::new();
    for first in (0..300).step_by(50) {
        let some = (first..first + 50).map(|number| {
            let server = &server;
            async move {
                let join = format!(r#"{{"type":0,"id":0,"data":"{number}","v":1}}"#);
                enter_at_last(server, &join).await
            }
        });
        peers.extend(join_all(some).await);
    }
    assert_eq!(count(&redis, "lobby:").await, 300);
    let mut peers = peers.into_iter().map(|(peer, _)| peer);
    let _host = peers.next();
    join_all(peers.map(Peer::leave)).await;
    let heard = async {
        while count(&redis, "lobby:").await > 1 {
            sleep(PAUSE).await;
        }
    };
    // A tenth of a second for each of them, to renew them and then to give them up, would be a minute.
    timeout(DEADLINE * 3 / 2, heard).await.expect("in time");
    let (_guest, b) = enter_at_last(&server, r#"{"type":0,"id":0,"data":"0","v":1}"#).await;
    assert_eq!(b.others, [1]);
}

#[tokio::test]
async fn what_an_instance_has_without_knowing_it_can_be_joined() {
    let Some((redis, first, second)) = two_with(LEASE).await else {
        return;
    };
    let (_host, _) = enter(&first, OURS).await;
    let owner = redis.command("HGET {signaling}:lobby:demo owner").await;
    let owner = owner.expect("an answer");
    let (_, owner) = owner.trim_end().split_once("\r\n").expect("a length");
    // The broker has given it a lobby, and the answer was lost.
    let give = async |name: &str, until: &str| {
        let lease = format!("HSET {{signaling}}:lobby:{name} owner {owner} fence 1 until {until}");
        assert_eq!(redis.command(&lease).await.as_deref(), Some(":3\r\n"));
        let keep = format!("PEXPIRE {{signaling}}:lobby:{name} 600000");
        assert_eq!(redis.command(&keep).await.as_deref(), Some(":1\r\n"));
    };
    let ask = |name: &str| format!(r#"{{"type":0,"id":0,"data":"{name}","v":1}}"#);
    give("lost", "9999999999999").await;
    let (_guest, a) = enter(&second, &ask("lost")).await;
    assert_eq!((a.id, a.others), (1, vec![]));
    let (_guest, b) = enter(&first, &ask("lost")).await;
    assert_eq!(b.others, [1]);
    // Its lease has even ended. Nobody has had it since.
    give("late", "1").await;
    let (_guest, c) = enter(&first, &ask("late")).await;
    assert_eq!((c.id, c.others), (1, vec![]));
}

#[tokio::test]
async fn a_group_that_is_complete_needs_no_owner_any_more() {
    let Some((redis, first, second)) = two_with(LEASE / 10).await else {
        return;
    };
    let join = r#"{"type":0,"id":0,"data":"","v":1,"next":2}"#;
    let (_one, _) = enter(&first, join).await;
    assert_eq!(count(&redis, "group:").await, 1);
    let (_two, _) = enter(&second, join).await;
    let given_up = async {
        while count(&redis, "group:").await > 0 {
            sleep(PAUSE).await;
        }
    };
    timeout(DEADLINE, given_up).await.expect("in time");
}

#[tokio::test]
async fn a_group_whose_owner_dies_is_free_after_its_lease() {
    let Some((redis, first, _second)) = two_with(LEASE).await else {
        return;
    };
    let join = r#"{"type":0,"id":0,"data":"","v":1,"next":2}"#;
    let (_one, _) = enter(&first, join).await;
    // Nobody comes back to a group, but to a lobby.
    let left = redis.command("PTTL {signaling}:group:2:1:").await;
    let left = left.expect("an answer");
    let left: u128 = left.trim_matches([':', '\r', '\n']).parse().expect("ms");
    assert!(left <= LEASE.as_millis(), "{left}");
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
