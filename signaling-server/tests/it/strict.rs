//! `--strict` over a socket: what Godot's Node demo server answers.

use signaling_server::Config;

use crate::peer::*;

/// Strict but for the second that a busy machine may not keep.
fn patient() -> Config {
    Config {
        join_deadline: DEADLINE,
        ..Config::strict()
    }
}

#[tokio::test]
async fn an_unknown_lobby_is_refused() {
    let server = server(patient()).await;
    let mut peer = Peer::connect(&server).await;
    peer.send(JOIN).await;
    assert_eq!(peer.close().await, "4000 Lobby does not exists");
}

#[tokio::test]
async fn a_lobby_is_made_without_a_name_and_joined_by_the_one_it_got() {
    let server = server(patient()).await;
    let mut host = Peer::connect(&server).await;
    host.send(r#"{"type":0,"id":1,"data":""}"#).await;
    assert_eq!(host.text().await, notice(1, 1, ""));
    let joined = host.text().await;
    let name = joined.split('"').nth(7).expect("a name");
    assert_eq!(name.len(), 16);
    assert_eq!(joined, notice(0, 0, name));

    let mut first = Peer::connect(&server).await;
    first.send(&notice(0, 0, name)).await;
    let (_, first_id) = ids(&first.text().await);
    assert_eq!(first.text().await, notice(2, 1, ""));
    assert_eq!(first.text().await, notice(0, 0, name));

    // Clients learn of each other, though they have no use for it.
    let mut second = Peer::connect(&server).await;
    second.send(&notice(0, 0, name)).await;
    let (_, second_id) = ids(&second.text().await);
    assert_eq!(first.text().await, notice(2, second_id, ""));
    assert_eq!(second.text().await, notice(2, 1, ""));
    assert_eq!(second.text().await, notice(2, first_id, ""));
    assert_eq!(second.text().await, notice(0, 0, name));

    second.send(&notice(4, 5, "v=0")).await;
    assert_eq!(second.close().await, "4000 Invalid destination");
    assert_eq!(first.text().await, notice(3, second_id, ""));

    first.send(SEAL).await;
    assert_eq!(first.close().await, "4000 Only host can seal the lobby");
    host.send("garbage").await;
    assert_eq!(host.close().await, "4000 Invalid message format");
}

#[tokio::test]
async fn silence_for_a_second_is_refused() {
    let server = server(Config::strict()).await;
    let mut peer = Peer::connect(&server).await;
    assert_eq!(peer.close().await, "4000 Have not joined lobby yet");
}
