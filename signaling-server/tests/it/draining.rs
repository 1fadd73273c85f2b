//! What a server tells its members when it begins to drain.

use std::time::Duration;

use signaling_server::Config;

use crate::cluster::come_back;
use crate::peer::*;
use crate::resume::{OURS, enter_at, url};

const ELSEWHERE: &str = "wss://b.example/";

#[tokio::test]
async fn those_who_speak_the_extension_are_told_and_nobody_else_sees_anything() {
    let server = server(Config {
        drain_to: Some(ELSEWHERE.to_owned()),
        ..quick()
    })
    .await;
    let (mut ours, _) = enter_at(&url(&server), OURS).await;
    let (mut godot, id, _) = Peer::join(&server).await;
    assert_eq!(ids(&ours.text().await), (2, id));
    let mut godot3 = Peer::connect(&server).await;
    godot3.send("J: three\n").await;
    assert_eq!(godot3.text().await, "I: 1\n");
    assert_eq!(godot3.text().await, "J: three\n");
    let mut idle = Peer::connect(&server).await;
    let at_most = Duration::from_millis(1_500);
    let told = async {
        assert_eq!(ours.text().await, notice(44, 2, ELSEWHERE));
        // A drain that is begun again is the same one.
        server.drain(Duration::ZERO).await;
    };
    tokio::join!(server.drain(at_most), told);
    // What comes next, for each of them.
    let words = "1001 The server is shutting down";
    let closes = async {
        for peer in [&mut ours, &mut godot, &mut godot3, &mut idle] {
            assert_eq!(peer.answer().await, words);
        }
    };
    tokio::join!(server.shutdown(), closes);
}

#[tokio::test]
async fn a_server_without_another_address_says_how_long_it_takes() {
    let server = server(quick()).await;
    let (mut ours, _) = enter_at(&url(&server), OURS).await;
    let told = async {
        assert_eq!(ours.text().await, notice(44, 600, ""));
        ours.leave().await;
    };
    tokio::join!(server.drain(Duration::from_secs(600)), told);
}

/// Its connection breaks during a long drain. It comes back to its seat, and hears of the drain there.
#[tokio::test]
async fn a_member_whose_connection_breaks_comes_back_to_a_server_that_drains() {
    let server = server(Config {
        drain_to: Some(ELSEWHERE.to_owned()),
        ..quick()
    })
    .await;
    let (mut host, a) = enter_at(&url(&server), OURS).await;
    let (guest, b) = enter_at(&url(&server), OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    let told = async {
        assert_eq!(host.text().await, notice(44, 600, ELSEWHERE));
        drop(guest);
        let (mut guest, back) = come_back(&server, &b.token).await;
        assert_eq!((back.id, back.others), (b.id, vec![a.id]));
        assert_eq!(guest.text().await, notice(44, 600, ELSEWHERE));
        assert_eq!(host.text().await, notice(35, b.id, ""));
        let mut new = Peer::connect(&server).await;
        new.send(OURS).await;
        assert_eq!(new.close().await, "1001 The server is shutting down");
        drop(new);
        guest.leave().await;
        host.leave().await;
    };
    tokio::join!(server.drain(Duration::from_secs(600)), told);
}

#[tokio::test]
async fn a_server_that_keeps_no_seats_tells_nobody() {
    for config in [
        Config {
            resume_term: Duration::ZERO,
            ..quick()
        },
        Config {
            join_deadline: DEADLINE,
            address: quick().address,
            ..Config::strict()
        },
    ] {
        let server = server(config.clone()).await;
        let mut peer = Peer::connect(&server).await;
        let new = r#"{"type":0,"id":0,"data":"","v":1}"#;
        peer.send(new).await;
        assert_eq!(peer.text().await, notice(1, 1, "true"));
        assert_eq!(ids(&peer.text().await), (0, 0));
        server.drain(Duration::from_millis(10)).await;
        let ((), told) = tokio::join!(server.shutdown(), peer.answer());
        assert_eq!(told, "1001 The server is shutting down");
    }
}
