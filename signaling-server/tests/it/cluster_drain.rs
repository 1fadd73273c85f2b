//! An instance drains, and leads its members to another one.

use std::process::Stdio;
use std::time::Duration;

use signaling_server::{Config, ResumeKey, Server};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::broker::Redis;
use crate::cluster::{LEASE, come_back_to, enter, instance};
use crate::cluster_faults::Site;
use crate::peer::*;
use crate::program::{signal, start};
use crate::resume::{OURS, enter_at, url};

/// A broker and two instances, the first of which leads its members to the second.
async fn two() -> Option<(Redis, Server, Server)> {
    let redis = Redis::start().await?;
    let key = ResumeKey::generate().expect("a key").inherited();
    let second = server(instance(&redis, &key, LEASE)).await;
    let first = server(Config {
        drain_to: Some(url(&second)),
        ..instance(&redis, &key, LEASE)
    })
    .await;
    Some((redis, first, second))
}

#[tokio::test]
async fn the_members_of_an_owner_come_back_where_it_leads_them() {
    let Some((_redis, first, second)) = two().await else {
        return;
    };
    let (mut host, a) = enter(&first, OURS).await;
    // This one is forwarded, and hears what the owner says.
    let (mut far, b) = enter(&second, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    let told = async {
        for peer in [&mut host, &mut far] {
            let text = peer.text().await;
            assert_eq!(text, notice(44, 1, &url(&second)));
        }
    };
    tokio::join!(first.drain(Duration::from_millis(100)), told);
    let words = "1001 The server is shutting down";
    let ((), one, other) = tokio::join!(first.shutdown(), host.close(), far.close());
    assert_eq!((one.as_str(), other.as_str()), (words, words));
    let (mut host, back) = come_back_to(&url(&second), &a.token).await;
    assert_eq!((back.id, back.others), (1, vec![]));
    let (_far, back) = come_back_to(&url(&second), &b.token).await;
    assert_eq!((back.id, back.others), (b.id, vec![1]));
    assert_eq!(host.text().await, notice(35, b.id, ""));
}

#[tokio::test]
async fn members_whom_a_draining_instance_forwards_are_told_and_counted_once() {
    let Some(site) = Site::new("drains").await else {
        return;
    };
    let (_second, two) = site.instance().await;
    let flags = ["--drain", "100ms", "--drain-to", &two, "--log-format"];
    let mut command = site.command(&[&flags[..], &["json"]].concat());
    command
        .env("RUST_LOG", "signaling_server=debug")
        .stderr(Stdio::piped());
    let (mut first, one) = start(command).await;
    let (mut host, _) = enter_at(&two, OURS).await;
    let (mut ours, b) = enter_at(&one, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    let (mut godot, told) = Peer::ask_to_join(&one, JOIN).await;
    let (_, id) = ids(&told);
    while ids(&godot.text().await) != (0, 0) {}
    for peer in [&mut host, &mut ours] {
        assert_eq!(ids(&peer.text().await), (2, id));
    }
    signal(&first, "TERM").await;
    assert_eq!(ours.text().await, notice(44, 1, &two));
    let words = "1001 The server is shutting down";
    let (told, other) = tokio::join!(ours.close(), godot.answer());
    assert_eq!((told.as_str(), other.as_str()), (words, words));
    drop(godot);
    let mut log = String::new();
    let mut stderr = first.stderr.take().expect("it is piped");
    let read = timeout(DEADLINE, stderr.read_to_string(&mut log)).await;
    read.expect("in time").expect("text");
    // Nobody can ask for figures any more. Each socket is counted once, one that was refused too, because of the broker.
    let refused = log.matches("\"a lobby was not looked up\"").count();
    let last = log.lines().last().expect("a line");
    assert!(last.contains(r#""message":"stopped""#), "{log}");
    assert!(
        last.contains(&format!(r#""closed":{}"#, 2 + refused)),
        "{log}"
    );
    // The owner keeps the seat of the one, and the other has left.
    assert_eq!(host.text().await, notice(3, id, ""));
    let (_ours, back) = come_back_to(&two, &b.token).await;
    assert_eq!((back.id, back.others), (b.id, vec![1]));
}
