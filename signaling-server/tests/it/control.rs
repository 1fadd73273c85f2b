//! What a host does with its lobby, over real sockets.

use signaling_server::Config;

use crate::peer::*;

const OURS: &str = r#"{"type":0,"id":0,"data":"demo","v":1}"#;
const LOCK: &str = r#"{"type":39,"id":0,"data":"true"}"#;

/// Joins as that text says, from an address of its own; its id.
async fn enter(server: &signaling_server::Server, address: &'static str) -> (Peer, u32) {
    let url = format!("ws://{}", server.local_addr());
    let headers = [("x-forwarded-for", address)];
    let mut peer = Peer::request(&url, &headers).await.expect("a server");
    peer.send(OURS).await;
    let (kind, id) = ids(&peer.text().await);
    assert_eq!(kind, 1);
    while ids(&peer.text().await).0 != 0 {}
    (peer, id)
}

fn behind_a_proxy() -> Config {
    Config {
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
        ..quick()
    }
}

#[tokio::test]
async fn a_host_kicks_and_bans() {
    let server = server(behind_a_proxy()).await;
    let (mut host, _) = enter(&server, "192.0.2.1").await;
    let (mut guest, id) = enter(&server, "192.0.2.2").await;
    assert_eq!(ids(&host.text().await), (2, id));
    host.send(&notice(37, id, "spam")).await;
    assert_eq!(guest.close().await, "4003 spam");
    let kicked = format!(r#"{{"type":3,"id":{id},"data":"spam","why":1}}"#);
    assert_eq!(host.text().await, kicked);

    let (mut guest, id) = enter(&server, "192.0.2.2").await;
    assert_eq!(ids(&host.text().await), (2, id));
    host.send(&notice(38, id, "")).await;
    assert_eq!(guest.close().await, "4004 ");
    let banned = format!(r#"{{"type":3,"id":{id},"data":"","why":2}}"#);
    assert_eq!(host.text().await, banned);
    let url = format!("ws://{}", server.local_addr());
    let headers = [("x-forwarded-for", "192.0.2.2")];
    let mut again = Peer::request(&url, &headers).await.expect("a server");
    again.send(OURS).await;
    assert_eq!(again.close().await, "4004 ");
    let (_other, id) = enter(&server, "192.0.2.3").await;
    assert_eq!(ids(&host.text().await), (2, id));
}

#[tokio::test]
async fn a_host_locks_its_lobby() {
    let server = server(quick()).await;
    let (mut host, _) = enter(&server, "192.0.2.1").await;
    host.send(LOCK).await;
    assert_eq!(host.text().await, LOCK);
    let mut late = Peer::connect(&server).await;
    late.send(JOIN).await;
    assert_eq!(late.close().await, "4000 Lobby is locked");
    // So soon after the lock the members are told a moment later; the lobby is open at once.
    host.send(&notice(39, 0, "")).await;
    assert_eq!(host.text().await, notice(39, 0, ""));
    let (_late, id) = enter(&server, "192.0.2.1").await;
    assert_eq!(ids(&host.text().await), (2, id));
}

#[tokio::test]
async fn who_makes_a_lobby_sets_how_many_it_takes() {
    let server = server(quick()).await;
    let mut host = Peer::connect(&server).await;
    host.send(r#"{"type":0,"id":0,"data":"demo","v":1,"max":2}"#)
        .await;
    assert_eq!(host.text().await, notice(1, 1, "true"));
    let (_guest, _, others) = Peer::join(&server).await;
    assert_eq!(others, [1]);
    let mut late = Peer::connect(&server).await;
    late.send(JOIN).await;
    assert_eq!(late.close().await, "4000 Lobby is full: at most 2 peers");
}

#[tokio::test]
async fn data_of_the_lobby_and_of_members_are_told() {
    let server = server(quick()).await;
    let (mut host, _) = enter(&server, "192.0.2.1").await;
    let data = r#"{"type":40,"id":0,"data":"{\"map\":\"dust\"}"}"#;
    host.send(data).await;
    assert_eq!(host.text().await, data);
    let mut guest = Peer::connect(&server).await;
    guest.send(OURS).await;
    let (_, id) = ids(&guest.text().await);
    assert_eq!(ids(&guest.text().await).0, 34);
    assert_eq!(guest.text().await, data);
    while ids(&guest.text().await).0 != 0 {}
    assert_eq!(ids(&host.text().await), (2, id));
    guest.send(&notice(41, 0, "{}")).await;
    assert_eq!(host.text().await, notice(41, id, "{}"));
    assert_eq!(guest.text().await, notice(41, id, "{}"));
    guest.send(&notice(41, 0, "[]")).await;
    let words = "4000 Not allowed: data that are no JSON object";
    assert_eq!(guest.close().await, words);
}

#[tokio::test]
async fn a_lobby_goes_on_without_its_host() {
    let server = server(quick()).await;
    let mut host = Peer::connect(&server).await;
    host.send(r#"{"type":0,"id":0,"data":"demo","v":1,"migrate":1}"#)
        .await;
    while ids(&host.text().await).0 != 0 {}
    let (mut second, second_id) = enter(&server, "192.0.2.1").await;
    let (mut third, third_id) = enter(&server, "192.0.2.1").await;
    assert_eq!(ids(&second.text().await), (2, third_id));
    host.leave().await;
    for peer in [&mut second, &mut third] {
        assert_eq!(peer.text().await, notice(3, 1, ""));
        assert_eq!(ids(&peer.text().await), (43, second_id));
        // The host is in their tokens.
        assert_eq!(ids(&peer.text().await).0, 34);
    }
    second.send(LOCK).await;
    assert_eq!(third.text().await, LOCK);
    third.send(LOCK).await;
    let words = "4000 Only the host can do that";
    assert_eq!(third.close().await, words);
}
