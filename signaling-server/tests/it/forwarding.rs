//! What becomes of a member whose lobby another instance has.

use signaling_server::{Config, ResumeKey, Server};
use tokio::time::timeout;

use crate::broker::Redis;
use crate::cluster::{LEASE, come_back, enter, instance};
use crate::peer::*;
use crate::resume::OURS;

/// A broker, an owner of lobbies, and an instance that forwards, with these settings changed.
async fn two(change: impl FnOnce(Config) -> Config) -> Option<(Redis, Server, Server)> {
    let redis = Redis::start().await?;
    let key = ResumeKey::generate().expect("a key").inherited();
    let owner = server(instance(&redis, &key, LEASE)).await;
    let forwarder = server(change(instance(&redis, &key, LEASE))).await;
    Some((redis, owner, forwarder))
}

#[tokio::test]
async fn a_member_that_breaks_a_rule_where_it_is_forwarded_has_left() {
    let Some((_redis, owner, forwarder)) = two(|config| config).await else {
        return;
    };
    let (mut host, _) = enter(&owner, OURS).await;
    let (mut guest, entry) = enter(&forwarder, OURS).await;
    assert_eq!(ids(&host.text().await), (2, entry.id));
    // So long that the instance which forwards does not read it to its end.
    guest.send_anyway(&"x".repeat(32768 * 2 + 1)).await;
    let words = "1009 Message too large: at most 32768 bytes";
    assert_eq!(guest.close().await, words);
    assert_eq!(host.text().await, notice(3, entry.id, ""));
}

#[tokio::test]
async fn a_member_that_is_too_fast_where_it_is_forwarded_keeps_its_seat() {
    let slow = |config| Config {
        messages_per_second: 1,
        message_burst: 10,
        ..config
    };
    let Some((_redis, owner, forwarder)) = two(slow).await else {
        return;
    };
    let (mut host, _) = enter(&owner, OURS).await;
    let (mut guest, entry) = enter(&forwarder, OURS).await;
    assert_eq!(ids(&host.text().await), (2, entry.id));
    // Far more than a busy machine lets pass while they arrive.
    for _ in 0..100 {
        guest.send_anyway(&notice(32, 0, "")).await;
    }
    let words = "1008 Too many messages: at most 1 a second";
    assert_eq!(guest.close().await, words);
    let (_guest, back) = come_back(&owner, &entry.token).await;
    assert_eq!(back.id, entry.id);
    assert_eq!(host.text().await, notice(35, entry.id, ""));
}

#[tokio::test]
async fn a_member_hears_texts_that_are_longer_than_it_may_send_where_it_is_forwarded() {
    let brief = |config| Config {
        max_message_size: 500,
        ..config
    };
    let Some((_redis, owner, forwarder)) = two(brief).await else {
        return;
    };
    let (mut host, _) = enter(&owner, OURS).await;
    let (mut guest, entry) = enter(&forwarder, OURS).await;
    let description = "x".repeat(30_000);
    host.send(&notice(4, entry.id, &description)).await;
    assert_eq!(guest.text().await, notice(4, 1, &description));
}

#[tokio::test]
async fn a_forwarded_socket_that_the_owner_closes_is_not_counted_where_it_is_forwarded() {
    let watched = |config| Config {
        admin_addr: Some(([127, 0, 0, 1], 0).into()),
        ..config
    };
    let Some((_redis, owner, forwarder)) = two(watched).await else {
        return;
    };
    let (_host, _) = enter(&owner, OURS).await;
    let (mut guest, _) = enter(&forwarder, OURS).await;
    guest.send(SEAL).await;
    assert_eq!(guest.close().await, "4000 Only host can seal the lobby");
    let addr = forwarder.admin_addr().expect("an address");
    let without_peers = async {
        loop {
            let page = get(addr, "/metrics").await;
            if page.lines().any(|line| line == "signaling_peers 0") {
                return page;
            }
        }
    };
    let page = timeout(DEADLINE, without_peers).await.expect("in time");
    assert!(!page.contains("signaling_closed_total{"), "{page}");
}
