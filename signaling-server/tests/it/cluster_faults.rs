//! Instances as processes of their own, which die or stand still.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::broker::Redis;
use crate::cluster::come_back_to;
use crate::peer::*;
use crate::program::{program, signal, start};
use crate::resume::{OURS, enter_at};

/// How long the tests wait for an owner that has died. Until then a busy machine may miss two renewals of three.
const LEASE: Duration = Duration::from_secs(8);

/// A broker and the file of a key.
pub(crate) struct Site {
    redis: Redis,
    key: PathBuf,
}

impl Site {
    /// Nothing where there is no broker.
    pub(crate) async fn new(name: &str) -> Option<Self> {
        Some(Self::with(Redis::start().await?, name))
    }

    fn with(redis: Redis, name: &str) -> Self {
        let name = format!("signaling-site-{name}-{}", std::process::id());
        let key = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&key);
        Self { redis, key }
    }

    pub(crate) async fn instance(&self) -> (Child, String) {
        self.instance_with(&[]).await
    }

    async fn instance_with(&self, flags: &[&str]) -> (Child, String) {
        start(self.command(flags)).await
    }

    /// How an instance is started.
    pub(crate) fn command(&self, flags: &[&str]) -> Command {
        let mut command = program();
        command.args(flags);
        let lease = format!("{}s", LEASE.as_secs());
        command
            .args(["--bind", "127.0.0.1:0", "--cluster-bind", "127.0.0.1:0"])
            .args(["--redis", &self.redis.url(), "--lease", &lease])
            // Whoever comes back here asks again and again.
            .args(["--address-join-burst", "4000000000", "--key-file"])
            .arg(&self.key)
            .env("SSL_CERT_FILE", self.redis.certificate());
        command
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.key);
    }
}

/// How much longer than a lease all members of an instance that has died are away at most.
const BACK: Duration = Duration::from_secs(5);

#[tokio::test]
async fn when_an_instance_dies_its_members_are_on_the_other_after_its_lease() {
    let Some(site) = Site::new("dies").await else {
        return;
    };
    let (mut first, one) = site.instance().await;
    let (_second, two) = site.instance().await;
    let (mut host, a) = enter_at(&one, OURS).await;
    let (guest, b) = enter_at(&one, OURS).await;
    let (mut far, c) = enter_at(&two, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    assert_eq!(ids(&host.text().await), (2, c.id));
    first.kill().await.expect("it runs");
    let died = Instant::now();
    // The one who was forwarded hears that it should come back.
    assert!(
        far.close()
            .await
            .starts_with("1013 The server of the lobby")
    );
    drop((host, guest));
    let (mut far, back) = come_back_to(&two, &c.token).await;
    assert_eq!((back.id, back.others), (c.id, vec![]));
    let (_host, back) = come_back_to(&two, &a.token).await;
    assert_eq!((back.id, back.others), (1, vec![c.id]));
    assert_eq!(far.text().await, notice(35, 1, ""));
    let (_guest, back) = come_back_to(&two, &b.token).await;
    let mut others = back.others;
    others.sort_unstable();
    assert_eq!((back.id, others), (b.id, vec![1, c.id]));
    let away = died.elapsed();
    assert!(away <= LEASE + BACK, "all were back after {away:?}");
    // Somebody new joins them.
    let (_new, d) = enter_at(&two, OURS).await;
    assert_eq!(d.others.len(), 3);
}

#[tokio::test]
async fn the_broker_may_speak_tls() {
    let Some(redis) = Redis::start_tls().await else {
        return;
    };
    let site = Site::with(redis, "tls");
    let (_first, one) = site.instance().await;
    let (_second, two) = site.instance().await;
    // It has just been started, so it gives nothing yet but names that are new.
    let (mut host, told) = Peer::ask_to_join(&one, &notice(0, 0, "")).await;
    assert_eq!(told, notice(1, 1, "true"));
    let joined = host.text().await;
    let (mut guest, told) = Peer::ask_to_join(&two, &joined).await;
    let (_, id) = ids(&told);
    assert_eq!(guest.text().await, notice(2, 1, ""));
    assert_eq!(host.text().await, notice(2, id, ""));
}

#[tokio::test]
async fn when_an_instance_dies_that_forwards_its_members_come_back_to_the_owner() {
    let Some(site) = Site::new("edge").await else {
        return;
    };
    let (_first, one) = site.instance().await;
    let (mut second, two) = site.instance().await;
    let (mut host, _) = enter_at(&one, OURS).await;
    let (_far, b) = enter_at(&two, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    second.kill().await.expect("it runs");
    let (_far, back) = come_back_to(&one, &b.token).await;
    assert_eq!((back.id, back.others), (b.id, vec![1]));
    assert_eq!(host.text().await, notice(35, b.id, ""));
}

#[tokio::test]
async fn an_owner_that_stood_still_for_longer_than_its_lease_is_none_any_more() {
    let Some(site) = Site::new("still").await else {
        return;
    };
    // Its members say nothing meanwhile, and are not to be sent away for that.
    let (first, one) = site.instance_with(&["--ping-interval", "5m"]).await;
    let (_second, two) = site.instance_with(&["--ping-interval", "5s"]).await;
    let (mut host, _) = enter_at(&one, OURS).await;
    let (guest, b) = enter_at(&one, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    let (mut far, c) = enter_at(&two, OURS).await;
    assert_eq!(ids(&host.text().await), (2, c.id));
    signal(&first, "STOP").await;
    drop(guest);
    // It is forwarded to one that says nothing any more.
    let told = tokio::time::timeout(DEADLINE * 3, far.close()).await;
    let told = told.expect("the silence is noticed");
    assert!(told.starts_with("1013 The server of the lobby"), "{told}");
    let (mut guest, back) = come_back_to(&two, &b.token).await;
    assert_eq!((back.id, back.others), (b.id, vec![]));
    signal(&first, "CONT").await;
    // It hears from the broker that another one has the lobby, and sends its members there.
    let told = host.close().await;
    assert_eq!(told, "1012 The lobby is on another server now: come back");
    drop(host);
    // Also by way of itself.
    let (_new, d) = enter_at(&one, OURS).await;
    assert_eq!(d.others, [b.id]);
    assert_eq!(ids(&guest.text().await), (2, d.id));
}
