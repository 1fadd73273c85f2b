//! A session of Godot clients, text by text.

use std::time::Duration;

use crate::peer::*;

#[tokio::test]
async fn a_session_of_godot_clients() {
    let server = server(signaling_server::Config {
        seal_duration: Duration::from_secs(2),
        ..quick()
    })
    .await;

    // Godot writes numbers as floats, and its fields in alphabetical order.
    let mut host = Peer::connect(&server).await;
    host.send(r#"{"data":"demo","id":0.0,"type":0.0}"#).await;
    assert_eq!(host.text().await, notice(1, 1, "true"));
    assert_eq!(host.text().await, notice(0, 0, "demo"));

    let mut guest = Peer::connect(&server).await;
    guest.send(r#"{"data":"demo","id":0.0,"type":0.0}"#).await;
    let id = guest.text().await;
    let (_, guest_id) = ids(&id);
    assert!((2..=2_147_483_647).contains(&guest_id));
    assert_eq!(id, notice(1, guest_id, "true"));
    assert_eq!(guest.text().await, notice(2, 1, ""));
    assert_eq!(guest.text().await, notice(0, 0, "demo"));
    assert_eq!(host.text().await, notice(2, guest_id, ""));

    // The higher id offers.
    let sdp = r"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n";
    let candidate = r"\n0\n0\ncandidate:1 1 UDP 2122317823 10.0.0.1 5000 typ host";
    guest.send(&notice(4, 1, sdp)).await;
    assert_eq!(host.text().await, notice(4, guest_id, sdp));
    host.send(&notice(5, guest_id, sdp)).await;
    host.send(&notice(6, guest_id, candidate)).await;
    assert_eq!(guest.text().await, notice(5, 1, sdp));
    assert_eq!(guest.text().await, notice(6, 1, candidate));
    guest.send(&notice(6, 1, candidate)).await;
    assert_eq!(host.text().await, notice(6, guest_id, candidate));

    let (third, third_id, known) = Peer::join(&server).await;
    assert_eq!(known, [1, guest_id]);
    assert_eq!(host.text().await, notice(2, third_id, ""));
    assert_eq!(guest.text().await, notice(2, third_id, ""));
    third.leave().await;
    assert_eq!(host.text().await, notice(3, third_id, ""));
    assert_eq!(guest.text().await, notice(3, third_id, ""));

    host.send(r#"{"data":"","id":0.0,"type":7.0}"#).await;
    assert_eq!(host.text().await, notice(7, 0, ""));
    assert_eq!(guest.text().await, notice(7, 0, ""));
    let mut late = Peer::connect(&server).await;
    late.send(JOIN).await;
    assert_eq!(late.close().await, "4000 Lobby is sealed");
    assert_eq!(host.close().await, "1000 Seal complete");
    assert_eq!(guest.close().await, "1000 Seal complete");

    // The name is free again.
    let (_host, id, _) = Peer::join(&server).await;
    assert_eq!(id, 1);
    server.shutdown().await;
}

#[tokio::test]
async fn the_host_leaving_sends_everybody_away() {
    let server = server(quick()).await;
    let (host, _, _) = Peer::join(&server).await;
    let (mut guest, _, _) = Peer::join(&server).await;
    host.leave().await;
    assert_eq!(guest.close().await, "4000 Room host has disconnected");
}

#[tokio::test]
async fn a_host_that_seals_and_leaves_at_once() {
    let server = server(signaling_server::Config {
        seal_duration: Duration::from_secs(2),
        ..quick()
    })
    .await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut guest, guest_id, _) = Peer::join(&server).await;
    let (mut other, other_id, _) = Peer::join(&server).await;
    assert_eq!(guest.text().await, notice(2, other_id, ""));
    host.send(SEAL).await;
    host.leave().await;
    assert_eq!(guest.text().await, notice(7, 0, ""));
    assert_eq!(other.text().await, notice(7, 0, ""));
    // The handshake between the others still has its time.
    other.send(&notice(4, guest_id, "v=0")).await;
    assert_eq!(guest.text().await, notice(4, other_id, "v=0"));
    assert_eq!(guest.close().await, "1000 Seal complete");
    assert_eq!(other.close().await, "1000 Seal complete");
}

#[tokio::test]
async fn a_last_word_before_leaving_arrives() {
    let server = server(quick()).await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut guest, id, _) = Peer::join(&server).await;
    guest.send(&notice(6, 1, "last")).await;
    guest.leave().await;
    assert_eq!(host.text().await, notice(2, id, ""));
    assert_eq!(host.text().await, notice(6, id, "last"));
    assert_eq!(host.text().await, notice(3, id, ""));
}

#[tokio::test]
async fn a_dropped_connection_is_a_leave() {
    let server = server(quick()).await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (guest, id, _) = Peer::join(&server).await;
    assert_eq!(host.text().await, notice(2, id, ""));
    drop(guest);
    assert_eq!(host.text().await, notice(3, id, ""));
}

#[tokio::test]
async fn sockets_are_taken_on_any_path() {
    let server = server(quick()).await;
    let mut peer = Peer::connect_to(&format!("ws://{}/any/path?x=1", server.local_addr())).await;
    peer.send(JOIN).await;
    assert_eq!(peer.text().await, notice(1, 1, "true"));
}
