//! Coming back to a seat, over real sockets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use signaling_server::{ResumeKey, Server};

use crate::peer::*;

pub(crate) const OURS: &str = r#"{"type":0,"id":0,"data":"demo","v":1}"#;

/// What a member is told when it joins or comes back.
pub(crate) struct Entry {
    pub(crate) id: u32,
    pub(crate) others: Vec<u32>,
    pub(crate) token: String,
}

async fn enter(server: &Server, text: &str) -> (Peer, Entry) {
    enter_at(&url(server), text).await
}

/// Where a server is.
pub(crate) fn url(server: &Server) -> String {
    format!("ws://{}", server.local_addr())
}

pub(crate) async fn enter_at(url: &str, text: &str) -> (Peer, Entry) {
    let (mut peer, first) = Peer::ask_to_join(url, text).await;
    let entry = entry(&mut peer, &first).await;
    (peer, entry)
}

/// What follows the first text, which says the id.
pub(crate) async fn entry(peer: &mut Peer, first: &str) -> Entry {
    let (_, id) = ids(first);
    let welcome = peer.text().await;
    assert_eq!(ids(&welcome), (34, 60), "{welcome}");
    let (_, token) = welcome.split_once(r#""data":""#).expect("a token");
    let token = token.trim_end_matches(r#""}"#).to_owned();
    let mut others = Vec::new();
    loop {
        match ids(&peer.text().await) {
            (0, _) => return Entry { id, others, token },
            (2, other) => others.push(other),
            // Data, of which a server that was started again says that there are none.
            (41, _) => {}
            (kind, _) => panic!("a message of type {kind} before the lobby's name"),
        }
    }
}

pub(crate) fn with_token(token: &str) -> String {
    format!(r#"{{"type":0,"id":0,"data":"demo","v":1,"token":"{token}"}}"#)
}

#[tokio::test]
async fn a_broken_connection_keeps_its_seat_and_a_closed_one_does_not() {
    let server = server(quick()).await;
    let (mut host, _) = enter(&server, OURS).await;
    let (guest, entry) = enter(&server, OURS).await;
    assert_eq!(ids(&host.text().await), (2, entry.id));
    // TCP ends without a close frame.
    drop(guest);
    let (back, again) = enter(&server, &with_token(&entry.token)).await;
    assert_eq!((again.id, again.others), (entry.id, vec![1]));
    assert_eq!(host.text().await, notice(35, entry.id, ""));
    back.leave().await;
    assert_eq!(host.text().await, notice(3, entry.id, ""));
    let mut late = Peer::connect(&server).await;
    late.send(&with_token(&again.token)).await;
    let words = "4001 No seat is kept for you any more";
    assert_eq!(late.close().await, words);
}

#[tokio::test]
async fn a_member_that_says_that_it_leaves_has_left_while_its_socket_is_still_there() {
    let server = server(quick()).await;
    let (mut host, _) = enter(&server, OURS).await;
    let (mut guest, entry) = enter(&server, OURS).await;
    assert_eq!(ids(&host.text().await), (2, entry.id));
    guest.send(&notice(32, 0, "")).await;
    assert_eq!(guest.text().await, notice(33, 0, ""));
    guest.send(&notice(36, 0, "")).await;
    assert_eq!(host.text().await, notice(3, entry.id, ""));
}

#[tokio::test]
async fn the_newer_one_of_two_connections_has_the_seat() {
    let server = server(quick()).await;
    let (mut host, entry) = enter(&server, OURS).await;
    let (mut guest, guest_entry) = enter(&server, OURS).await;
    let (mut back, again) = enter(&server, &with_token(&entry.token)).await;
    assert_eq!(again.id, 1, "as host");
    let words = "4002 You have come back on another connection";
    assert_eq!(host.close().await, words);
    assert_eq!(guest.text().await, notice(35, 1, ""));
    // The end of the old one ends nothing else.
    drop(host);
    guest.send(&notice(4, 1, "v=0")).await;
    assert_eq!(back.text().await, notice(4, guest_entry.id, "v=0"));
    back.send(&notice(5, guest_entry.id, "v=0")).await;
    assert_eq!(guest.text().await, notice(5, 1, "v=0"));
}

#[tokio::test]
async fn a_silent_member_keeps_its_seat() {
    let server = server(signaling_server::Config {
        ping_interval: std::time::Duration::from_millis(500),
        ping_deadline: std::time::Duration::from_secs(2),
        ..quick()
    })
    .await;
    let (mut silent, entry) = enter(&server, OURS).await;
    // It does not read, so it answers no ping.
    let health = async {
        while !get(server.local_addr(), "/health")
            .await
            .contains(r#""peers":0"#)
        {}
    };
    tokio::time::timeout(DEADLINE, health)
        .await
        .expect("in time");
    assert_eq!(silent.close().await, "1013 No answer to a ping within 2s");
    let (_back, again) = enter(&server, &with_token(&entry.token)).await;
    assert_eq!(again.id, 1);
}

#[tokio::test]
async fn a_member_that_was_too_fast_keeps_its_seat() {
    let server = server(signaling_server::Config {
        messages_per_second: 1,
        message_burst: 50,
        ..quick()
    })
    .await;
    let (mut host, _) = enter(&server, OURS).await;
    let (mut fast, entry) = enter(&server, OURS).await;
    assert_eq!(ids(&host.text().await), (2, entry.id));
    for _ in 0..100 {
        fast.send_anyway(&notice(32, 0, "")).await;
    }
    let words = fast.close().await;
    assert!(words.starts_with("1008 Too many messages"), "{words}");
    let (_back, again) = enter(&server, &with_token(&entry.token)).await;
    assert_eq!(again.id, entry.id);
    assert_eq!(host.text().await, notice(35, entry.id, ""));
}

#[tokio::test]
async fn a_member_that_comes_back_in_a_loop_ends_nobodys_membership() {
    let server = server(quick()).await;
    let (mut host, _) = enter(&server, OURS).await;
    let (_rude, entry) = enter(&server, OURS).await;
    assert_eq!(ids(&host.text().await), (2, entry.id));
    let mut refused = 0;
    for _ in 0..50 {
        let mut again = Peer::connect(&server).await;
        again.send(&with_token(&entry.token)).await;
        refused += u32::from(again.answer().await.starts_with("1013"));
    }
    assert!(refused > 0, "each of them had all others send again");
    // The host hears as many returns as were let in, and nothing else.
    for _ in refused..50 {
        assert_eq!(host.text().await, notice(35, entry.id, ""));
    }
    host.send(&notice(32, 0, "")).await;
    assert_eq!(host.text().await, notice(33, 0, ""));
}

/// A server on a port that no system gives to those who do not care, so that it is free again when another is started.
async fn begin(key: &ResumeKey) -> Server {
    // Other tests of this process look for theirs elsewhere, so that none takes it meanwhile.
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    let block = BEGUN.fetch_add(1, Ordering::Relaxed) * 1000;
    let first = (std::process::id() + block) % 10_000;
    for port in (first..first + 1000).filter_map(|port| u16::try_from(10_000 + port).ok()) {
        let config = signaling_server::Config {
            resume_key: Some(key.clone()),
            ..quick()
        };
        if let Ok(server) = Server::bind(([127, 0, 0, 1], port).into(), config).await {
            return server;
        }
    }
    panic!("no port is free");
}

/// A server on that address, which is free.
async fn again(addr: SocketAddr, key: &ResumeKey) -> Server {
    Server::bind(
        addr,
        signaling_server::Config {
            resume_key: Some(key.clone()),
            ..quick()
        },
    )
    .await
    .expect("the address is free")
}

#[tokio::test]
async fn who_has_left_while_its_connection_was_broken_gives_its_seat_up_on_another() {
    let server = server(quick()).await;
    let (mut host, _) = enter(&server, OURS).await;
    let (guest, entry) = enter(&server, OURS).await;
    assert_eq!(ids(&host.text().await), (2, entry.id));
    drop(guest);
    let mut last = Peer::connect(&server).await;
    last.send(&with_token(&entry.token)).await;
    last.send(r#"{"type":36,"id":0,"data":""}"#).await;
    last.leave().await;
    assert_eq!(host.text().await, notice(35, entry.id, ""));
    assert_eq!(host.text().await, notice(3, entry.id, ""));
}

#[tokio::test]
async fn after_a_restart_everybody_comes_back_and_nobody_takes_their_lobby() {
    let folder = std::env::temp_dir().join(format!("signaling-restart-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).expect("a folder");
    let path = folder.join("key");
    let key = ResumeKey::from_file(&path).expect("it is made");
    let first = begin(&key).await;
    let addr = first.local_addr();
    let (mut host, host_entry) = enter(&first, OURS).await;
    let (mut guest, guest_entry) = enter(&first, OURS).await;
    let ((), host_told, guest_told) = tokio::join!(first.shutdown(), host.close(), guest.close());
    for told in [host_told, guest_told] {
        assert_eq!(told, "1001 The server is shutting down");
    }

    let key = ResumeKey::from_file(&path).expect("it is read");
    let _ = std::fs::remove_dir_all(&folder);
    let second = again(addr, &key).await;
    let mut stranger = Peer::connect(&second).await;
    stranger.send(OURS).await;
    let words = stranger.close().await;
    assert!(
        words.starts_with("1013 The server has restarted"),
        "{words}"
    );
    let (mut guest, back) = enter(&second, &with_token(&guest_entry.token)).await;
    assert_eq!((back.id, back.others.len()), (guest_entry.id, 0));
    let (_host, back) = enter(&second, &with_token(&host_entry.token)).await;
    assert_eq!((back.id, back.others), (1, vec![guest_entry.id]));
    assert_eq!(guest.text().await, notice(35, 1, ""));
    assert_eq!(guest.text().await, notice(41, 1, ""));
    let (_fifth, entry) = enter(&second, OURS).await;
    assert_eq!(entry.others, [1, guest_entry.id]);
}
