//! Members that harm others: whoever sends too much pays, and whoever is sent too much does not.

use std::time::Duration;

use signaling_server::Config;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::peer::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gang_does_not_end_the_hosts_membership() {
    let server = server(Config {
        // The host reads nothing for as long as the flood takes on a busy machine.
        ping_deadline: DEADLINE * 10,
        ..quick()
    })
    .await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut honest, honest_id, _) = Peer::join(&server).await;
    // Each within what one may send by default; together far more than sockets and outbox hold.
    let flood = notice(6, 1, &"x".repeat(30_000));
    let mut gang = JoinSet::new();
    for _ in 0..24 {
        let (mut member, _, _) = Peer::join(&server).await;
        let flood = flood.clone();
        gang.spawn(async move {
            for _ in 0..17 {
                member.send_anyway(&flood).await;
            }
            member
        });
    }
    let gang = gang.join_all().await;
    let offer = notice(4, 1, "v=0");
    honest.send(&offer).await;

    // Everything that the host is told is a text, and the offer of the one who behaved is among them.
    let expected = notice(4, honest_id, "v=0");
    while host.text().await != expected {}
    host.send(&notice(5, honest_id, "v=0")).await;
    let answer = notice(5, 1, "v=0");
    while honest.text().await != answer {}
    drop(gang);
}

#[tokio::test]
async fn who_floods_one_that_does_not_read_pays_for_it() {
    let server = server(Config {
        max_outgoing: 128 * 1024,
        messages_per_second: 1,
        message_burst: 100_000,
        ping_deadline: DEADLINE * 10,
        close_deadline: DEADLINE,
        ..quick()
    })
    .await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (_deaf, deaf_id, _) = Peer::join(&server).await;
    let (mut other, other_id, _) = Peer::join(&server).await;
    assert_eq!(host.text().await, notice(2, deaf_id, ""));
    assert_eq!(host.text().await, notice(2, other_id, ""));

    // It fills the sockets' buffers, then the outbox; then it costs more than it may send.
    let signal = notice(6, deaf_id, &"x".repeat(30_000));
    let (mut flooder, flooder_id, _) = Peer::join(&server).await;
    assert_eq!(host.text().await, notice(2, flooder_id, ""));
    assert_eq!(
        flood(&mut flooder, &signal, &mut host).await,
        notice(3, flooder_id, "")
    );
    let close = flooder.close().await;
    assert!(close.starts_with("1008 Too many messages"), "{close}");

    // Nobody else is held up, not even by a word to the one that does not read.
    other.send(&notice(6, deaf_id, "word")).await;
    other.send(&notice(4, 1, "v=0")).await;
    assert_eq!(host.text().await, notice(4, other_id, "v=0"));
}

#[tokio::test]
async fn one_that_takes_nothing_is_sent_away_in_time() {
    let server = server(Config {
        max_outgoing: 128 * 1024,
        message_burst: 1_000_000,
        // Only what it is sent may show that it takes nothing.
        ping_interval: DEADLINE * 10,
        ping_deadline: Duration::from_millis(300),
        ..quick()
    })
    .await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (_deaf, deaf_id, _) = Peer::join(&server).await;
    let (mut other, other_id, _) = Peer::join(&server).await;
    assert_eq!(host.text().await, notice(2, deaf_id, ""));
    assert_eq!(host.text().await, notice(2, other_id, ""));
    let signal = notice(6, deaf_id, &"x".repeat(30_000));
    assert_eq!(
        flood(&mut host, &signal, &mut other).await,
        notice(3, deaf_id, "")
    );
}

#[tokio::test]
async fn who_was_not_heard_by_a_slow_reader_is_told_when_to_send_again() {
    let server = server(Config {
        max_outgoing: 128 * 1024,
        message_burst: 10_000_000,
        ping_deadline: DEADLINE * 10,
        ..quick()
    })
    .await;
    let ours = r#"{"type":0,"id":0,"data":"demo","v":1}"#;
    let mut slow = Peer::connect(&server).await;
    slow.send(ours).await;
    let mut sender = Peer::connect(&server).await;
    sender.send(ours).await;
    let (_, id) = ids(&sender.text().await);
    // More than sockets and outbox hold, so the last ones are dropped.
    let data = "x".repeat(30_000);
    let last = 600;
    for seq in 1..=last {
        let previous = seq - 1;
        let signal =
            format!(r#"{{"type":6,"id":1,"data":"{data}","seq":{seq},"prev":{previous}}}"#);
        sender.send(&signal).await;
    }
    sender.send(&notice(32, 0, "")).await;
    while sender.text().await != notice(33, 0, "") {}
    // Now it reads. What it has heard is the beginning, in order.
    let mut heard = 0;
    let mut told = Box::pin(async { while sender.text().await != notice(35, 1, "") {} });
    loop {
        tokio::select! {
            text = slow.text() => if ids(&text) == (6, id) { heard += 1 },
            () = &mut told => break,
        }
    }
    drop(told);
    assert!(heard < last, "nothing was dropped");
    sender.send(&notice(6, 1, "again")).await;
    while slow.text().await != notice(6, id, "again") {}
}

/// Has one send again and again until another is told something, which it gives.
async fn flood(sender: &mut Peer, text: &str, witness: &mut Peer) -> String {
    loop {
        sender.send_anyway(text).await;
        if let Ok(told) = timeout(Duration::ZERO, witness.text()).await {
            return told;
        }
    }
}
